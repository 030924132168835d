"""The bars of a music21 part -> what they say of their repetition. music21 is imported where it reads."""

from typing import Any

from musicgen.reading.repeats import Jump, Signs

JUMPS = {  # music21's names of what stands at the end of a bar
    "DaCapo": Jump(),
    "DaCapoAlFine": Jump(until="fine"),
    "DaCapoAlCoda": Jump(until="coda"),
    "AlSegno": Jump(to_segno=True),
    "DalSegno": Jump(to_segno=True),
    "DalSegnoAlFine": Jump(to_segno=True, until="fine"),
    "DalSegnoAlCoda": Jump(to_segno=True, until="coda"),
}


def signs_of(measures: list[Any], endings_go_on: bool) -> list[Signs]:
    """What the bars of a part say of their repetition.

    Args:
        endings_go_on: to the next sign at a bar line, as ABC has it, which does not say where an ending ends.
    """
    from music21 import bar, repeat

    endings = _endings(measures)
    signs: list[Signs] = []
    is_double, own = False, frozenset[int]()
    for index, measure in enumerate(measures):
        left, right = (getattr(measure, side, None) for side in ("leftBarline", "rightBarline"))
        marks = list(measure[repeat.RepeatExpression])
        jumps = [JUMPS[type(mark).__name__] for mark in marks if type(mark).__name__ in JUMPS]
        has_segno, has_coda, has_fine = (any(isinstance(mark, sign) for mark in marks) for sign in (repeat.Segno, repeat.Coda, repeat.Fine))
        begins_repeat = isinstance(left, bar.Repeat) and left.direction == "start"
        own = endings.get(index, own if endings_go_on and not begins_repeat else frozenset())
        signs.append(
            Signs(
                begins_repeat,
                (right.times or 2) if isinstance(right, bar.Repeat) and right.direction == "end" else 0,
                own,
                is_double,
                has_segno,
                has_coda,
                has_fine,
                jumps[-1] if jumps else None,
            )
        )
        is_double = right is not None and not isinstance(right, bar.Repeat) and right.type in ("double", "final")
        if right is not None and right.type in ("double", "final"):  # as the line of a repeat sign is
            own = frozenset()
    return signs


def _endings(measures: list[Any]) -> dict[int, frozenset[int]]:
    """The indices of bars in endings, and the times at which these are played. music21 may give the first and the last bar of an ending only."""
    from music21 import spanner

    indices = {id(measure): index for index, measure in enumerate(measures)}
    site = measures[0].activeSite
    endings = {}
    for bracket in site[spanner.RepeatBracket] if site is not None else ():
        inside = [indices[id(measure)] for measure in bracket.getSpannedElements() if id(measure) in indices]
        endings.update(dict.fromkeys(range(min(inside), max(inside) + 1) if inside else (), frozenset(bracket.numberRange)))
    return endings

"""The bars of a music21 part -> what they say of their repetition. music21 is imported where it reads."""

from itertools import pairwise
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


def signs_of(measures: list[Any]) -> list[Signs]:
    """What each bar of a part says."""
    from music21 import bar, repeat

    endings = _endings(measures)
    signs, is_double = [], False
    for index, measure in enumerate(measures):
        left, right = (getattr(measure, side, None) for side in ("leftBarline", "rightBarline"))
        marks = list(measure[repeat.RepeatExpression])
        jumps = [JUMPS[type(mark).__name__] for mark in marks if type(mark).__name__ in JUMPS]
        has_segno, has_coda, has_fine = (any(isinstance(mark, sign) for mark in marks) for sign in (repeat.Segno, repeat.Coda, repeat.Fine))
        signs.append(
            Signs(
                isinstance(left, bar.Repeat) and left.direction == "start",
                _times(measure),
                endings.get(index, frozenset()),
                is_double,
                has_segno,
                has_coda,
                has_fine,
                jumps[-1] if jumps else None,
            )
        )
        is_double = right is not None and not isinstance(right, bar.Repeat) and right.type in ("double", "final")
    return signs


def _times(measure: Any) -> int:
    """That the section is played which ends with a bar, 0 where none does."""
    from music21 import bar

    line = getattr(measure, "rightBarline", None)
    return (line.times or 2) if isinstance(line, bar.Repeat) and line.direction == "end" else 0


def _endings(measures: list[Any]) -> dict[int, frozenset[int]]:
    """The indices of bars in endings, and the times at which these are played.

    music21 may name the first and the last bar of an ending only, and ABC says where an ending begins, not where it ends: one goes on to the next.
    """
    from music21 import spanner

    indices = {id(measure): index for index, measure in enumerate(measures)}
    site = measures[0].activeSite
    endings: dict[int, frozenset[int]] = {}
    for bracket in site[spanner.RepeatBracket] if site is not None else ():
        inside = [indices[id(measure)] for measure in bracket.getSpannedElements() if id(measure) in indices]
        endings.update(dict.fromkeys(range(min(inside), max(inside) + 1) if inside else (), frozenset(bracket.numberRange)))
    for index, following in pairwise(sorted(endings)):
        is_next = 1 not in endings[following] and not endings[following] & endings[index]
        if is_next and not any(_times(measure) for measure in measures[index : following - 1]):
            endings.update(dict.fromkeys(range(index, following), endings[index]))
    return endings

"""Signs of repetition in ABC -> fields, which music21 leaves among its tokens, and these -> marks in the bars of its score.

Conventions: a field says `[R:Fine]` and the like, `[R:1,3]` for the times at which an ending is played, `[R:x3]` for how often a section is, and
`[R:&]` where the bar begins anew for another voice. Words over the notes count as signs do. music21 is imported where it reads.
"""

import re
from typing import Any

from musicgen.reading.repeats import MOST_TIMES

AGAIN = "&"
ENDING_LINE = "[1"  # of any ending, as far as music21 knows
CHANGES = {"M": "getTimeSignatureObject", "K": "getKeySignatureObject", "Q": "getMetronomeMarkObject"}  # music21's names of what fields say
FIELD = "R"  # says what kind of dance a tune is, where a tune says it: so it is free
SIGNS = {  # as they are written, in small letters without blanks, dots and what says where a word is printed -> music21's name
    "fine": "Fine",
    "segno": "Segno",
    "s": "Segno",
    "coda": "Coda",
    "o": "Coda",
    "dacoda": "Coda",
    "tocoda": "Coda",
    "dc": "DaCapo",
    "dacapo": "DaCapo",
    "dcalfine": "DaCapoAlFine",
    "dacapoalfine": "DaCapoAlFine",
    "dcalcoda": "DaCapoAlCoda",
    "dacapoalcoda": "DaCapoAlCoda",
    "ds": "DalSegno",
    "dalsegno": "DalSegno",
    "dsalfine": "DalSegnoAlFine",
    "dalsegnoalfine": "DalSegnoAlFine",
    "dsalcoda": "DalSegnoAlCoda",
    "dalsegnoalcoda": "DalSegnoAlCoda",
}
WRITTEN = re.compile(r'!([^!\n]*)!|\+([a-zA-Z.]+)\+|"([^"\n]*)"|([SO])')
ENDING = re.compile(r"(?<=[|:])(?<!\[[A-Za-z]:)\s*\[?(\d[\d,-]*)(?![\d/])|\[(\d[\d,-]*)")


def with_signs(line: str) -> str:
    """A line of music with its signs as fields."""
    line = re.sub(r"(:{2,})\|(?!:)", lambda found: f"[{FIELD}:x{len(found[1]) + 1}]:|", re.sub(r"\|:{2,}", "|:", line))
    line = re.sub(r"(?<![(&])&(?![)&])", f"[{FIELD}:{AGAIN}]", WRITTEN.sub(_sign, line))  # `&&` goes back two bars, which nobody here does
    return ENDING.sub(lambda found: f" {ENDING_LINE}[{FIELD}:{found[1] or found[2]}] ", line)


def _sign(found: re.Match[str]) -> str:
    """The field of a sign; other words stay as they are."""
    word = next(word for word in found.groups() if word is not None)
    name = SIGNS.get(re.sub(r"[\s.]|^[_^<>@]", "", word).lower())
    return f"[{FIELD}:{name}]" if name else found[0]


def take_fields(tokens: list[Any], tags: str) -> tuple[list[Any], list[tuple[Any, list[Any]]]]:
    """music21's tokens without those fields of some kinds that stand behind the first note, or are ours; and each note with those that belong to it.

    What is left to music21 there divides a bar, or gets lost.
    """
    from music21 import abcFormat

    kept: list[Any] = []
    taken: list[tuple[Any, list[Any]]] = []
    waiting: list[Any] = []  # for the next note
    for token in tokens:
        if isinstance(token, abcFormat.ABCMetadata) and token.tag in tags and (taken or token.tag == FIELD):
            waiting.append(token)
            continue
        kept.append(token)
        if isinstance(token, abcFormat.ABCNote):
            taken.append((token, waiting))
            waiting = []
        elif isinstance(token, abcFormat.ABCBar) and taken and token.src.strip() != ENDING_LINE:
            taken[-1][1].extend(field for field in waiting if _ends_a_bar(field))
            waiting = [field for field in waiting if not _ends_a_bar(field)]
    if taken:
        taken[-1][1].extend(waiting)
    return kept, taken


def _ends_a_bar(field: Any) -> bool:
    """Whether it means the bar before, where a bar line follows: all signs but the number of an ending."""
    return field.tag == FIELD and not field.data[0].isdigit()


def mark(field: Any, place: Any, at: float) -> None:
    """Put what a field says into a bar of music21's, in which its note begins at `at` quarter notes; `&` has the next notes begin with the bar."""
    from music21 import bar, repeat, spanner

    if field.tag in CHANGES:
        change = getattr(field, CHANGES[field.tag])()
        if change is not None:
            place.insert(0 if field.tag == "M" else at, change)
    elif field.data.startswith("x"):
        place.rightBarline = bar.Repeat("end", times=min(MOST_TIMES, int(field.data[1:])))
    elif field.data[0].isdigit():
        place.insert(0, spanner.RepeatBracket(place, number=_times(field.data)))
    elif field.data == AGAIN:
        place.laid_over = 0.0
    else:
        place.insert(0, getattr(repeat, field.data)())


def _times(text: str) -> list[int]:
    """`1,3-5` -> 1, 3, 4, 5."""
    times: set[int] = set()
    for first, last in re.findall(r"(\d+)(?:-(\d+))?", text):
        times.update(range(int(first), min(MOST_TIMES, int(last or first)) + 1))
    return sorted(times) or [MOST_TIMES]

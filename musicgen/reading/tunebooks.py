"""Books of tunes in ABC -> tunes, each as plain ABC that music21 reads right, so that one bad tune costs only itself.

Conventions: a tune begins at `X:` and its fields and music go on to the next one; fields before the first tune are for all of them.
"""

import re
from typing import NamedTuple

from musicgen.reading.tunes import plain_lines

HEADER_FIELDS = "CKLMQTV"
MUSIC_FIELDS = "KLMQV"


class Tune(NamedTuple):
    number: str  # as the book counts
    title: str
    abc: str


def is_tunebook(text: str) -> bool:
    """Whether a text has a tune in it."""
    return re.search(r"^X:", text, re.MULTILINE) is not None and re.search(r"^K:", text, re.MULTILINE) is not None


def tunes_in(text: str) -> list[Tune]:
    """The tunes of a book, in its order."""
    front, *tunes = re.split(r"^(?=X:)", text.replace("\r\n", "\n").replace("\r", "\n"), flags=re.MULTILINE)
    common = "".join(f"{line}\n" for line in front.splitlines() if re.match(r"[LMQ]:|%%MIDI", line))
    found = []
    for tune in tunes:
        number, rest = tune.split("\n", 1) if "\n" in tune else (tune, "")
        title = re.search(r"^T:(.*)", rest, re.MULTILINE)
        found.append(Tune(number[2:].strip(), title[1].strip() if title else "", f"{number}\n{common}{rest}"))
    return found


def program_of(tune: str) -> int | None:
    """The General MIDI program that a tune asks for."""
    said = re.search(r"^%%MIDI\s+program\s+(?:\d+\s+)?(\d+)", tune, re.MULTILINE)
    return min(127, int(said[1])) if said else None


def plain_tune(tune: str) -> str:
    """A tune without what is not notes. Raises SkipError where it has signs that music21 would misread, ValueError where it has no key."""
    tune = re.sub(r"\\?%.*|=\n|=20$", "", tune, flags=re.MULTILINE).replace("=3D", "=").replace(":|:", "::")
    header, key, music = re.split(r"^(K:.*\n?)", tune, maxsplit=1, flags=re.MULTILINE)
    kept = [line for line in header.splitlines() if line[1:2] == ":" and line[0] in HEADER_FIELDS]
    music = re.sub(r"\+[a-z]+\+|(?<![A-Za-z:])y\d*", "", music)  # decorations as they were written once, and space
    music = re.sub(
        r"^(?![A-Za-z]:)(.*)$", lambda line: line[1].replace("x", "z").replace("`", ""), music, flags=re.MULTILINE
    )  # rests that are not shown, and signs for the eye
    return "\n".join(["X:1", *kept, key.strip(), *plain_lines(music, MUSIC_FIELDS)]) + "\n"

"""Books of tunes in ABC -> tunes, each as plain ABC that music21 reads right, so that one bad tune costs only itself.

Conventions: a tune begins at `X:` and its fields and music go on to the next one; fields before the first tune are for all of them.
"""

import re
from typing import NamedTuple

from musicgen.reading.assembly import SkipError
from musicgen.reading.tune_signs import FIELD, with_signs
from musicgen.reading.tune_voices import OWN_ACCIDENTALS, Voice, voices_in
from musicgen.reading.tunes import plain_lines

HEADER_FIELDS = "CIKLMPQTV"
COMMON_FIELDS = "CQT"  # of all voices at once
MUSIC_FIELDS = "IKLMPQV"
NOTES = "CDEFGABcdefgab"


class Tune(NamedTuple):
    number: str  # as the book counts
    title: str
    abc: str


def is_tunebook(text: str) -> bool:
    """Whether a text has a tune in it."""
    return re.search(r"^X:", text, re.MULTILINE) is not None and re.search(r"^K:", text, re.MULTILINE) is not None


def tunes_in(text: str) -> list[Tune]:
    """The tunes of a book, in its order."""
    text = re.sub(r"^%%begin(\w+)\b.*?^%%end\1\b", "", text.replace("\r\n", "\n").replace("\r", "\n"), flags=re.MULTILINE | re.DOTALL)
    front, *tunes = re.split(r"^(?=X:)", text, flags=re.MULTILINE)
    common = "".join(f"{line}\n" for line in front.splitlines() if re.match(r"[LMQ]:|%%MIDI", line))
    found = []
    for tune in tunes:
        number, rest = _without_words(tune).split("\n", 1) if "\n" in tune else (tune, "")
        title = re.search(r"^T:(.*)", rest, re.MULTILINE)
        found.append(Tune(number[2:].strip(), title[1].strip() if title else "", f"{number}\n{common}{rest}"))
    return found


def _without_words(tune: str) -> str:
    """A tune without the words that may follow behind an empty line, where it ends; but music there is its own."""
    first, *others = re.split(r"\n(?:[ \t]*\n)+", tune)
    return "\n".join([first, *(other for other in others if re.search(r"^(?![A-Za-z]:(?![|:])|%).*\|", other, re.MULTILINE))])


def plain_tune(tune: str) -> tuple[str, list[Voice]]:
    """A tune without what is not notes, each of its voices whole; and the voices.

    Raises SkipError where it has no key, or signs that music21 would misread.
    """
    tune = re.sub(r"^%%(MIDI\b)", r"I:\1", tune, flags=re.MULTILINE)
    tune = re.sub(r"\\?%.*|=\n|=20$", "", tune, flags=re.MULTILINE).replace("=3D", "=").replace(":|:", "::")
    tune = re.sub(r"\\[ \t]*\n(?![A-Za-z]:(?![|:]))", "", tune)  # a line that goes on
    header, key, music = re.split(r"^(K:.*\n?)", tune, maxsplit=1, flags=re.MULTILINE) if re.search("^K:", tune, re.MULTILINE) else ("", "", "")
    if not key:
        raise SkipError("a tune without a key, which K: says")
    music = _with_macros(header, music)
    kept = [line for line in header.splitlines() if line[1:2] == ":" and line[0] in HEADER_FIELDS]
    music = re.sub(rf"\[(?![{MUSIC_FIELDS}]:)[A-Za-z]:[^\]\n]*\]", "", music)  # fields that say nothing of how it sounds
    music = re.sub(r"^(?![A-Za-z]:(?![|:]))(.*)$", lambda line: with_signs(_for_the_ear(line[1])), music, flags=re.MULTILINE)
    music = re.sub(r"\+[a-z]+\+|(?<![A-Za-z:])y\d*", "", music)  # decorations as they were written once, and space
    music = re.sub("^V:.*", lambda line: line[0].replace('"', "'"), music, flags=re.MULTILINE)  # or names would be taken for chords
    voices = voices_in([*kept, key.strip()], [line for line in plain_lines(music, MUSIC_FIELDS + FIELD) if line.strip()])
    common = [line for line in kept if line[0] in COMMON_FIELDS]
    written = [line for number, voice in enumerate(voices, start=1) for line in (f"V:{number}", *map(_plain_key, voice.lines))]
    return "\n".join(["X:1", *common, *(written if len(voices) > 1 else written[1:])]) + "\n", voices


def _with_macros(header: str, music: str) -> str:
    """With all macros written out (`m: ~G2 = {A}G{F}G`, or `m: ~n2 = {o}n{m}n` for any note n, from which the letters h to z count steps)."""
    for name, notes in re.findall(r"^m:\s*(\S+)\s*=[ \t]*(\S.*)", header, re.MULTILINE):
        before, any_note, after = map(re.escape, name.partition("n"))
        if any_note:
            for letter, octaves in set(re.findall(rf"{before}([A-Ga-g])([,']*){after}(?![\d/])", music)):
                written = re.sub("[h-z]", lambda other: _moved(letter, octaves, ord(other[0]) - ord("n")), notes)  # noqa: B023
                music = re.sub(rf"{before}{letter}{octaves}{after}(?![\d/])", written, music)
        else:
            music = music.replace(name, notes)
    return music


def _moved(letter: str, octaves: str, steps: int) -> str:
    """A note so many steps of the scale higher."""
    octave, step = divmod(NOTES.index(letter) + 7 * (octaves.count("'") - octaves.count(",")) + steps, 7)
    return NOTES[step + 7] + "'" * (octave - 1) if octave > 0 else NOTES[step] + "," * -octave


def _for_the_ear(line: str) -> str:
    """A line with its rests as such, shown or not, those of N bars as `z_N`, and without signs for the eye."""
    line = re.sub(r":[ \t]+\|", ":|", re.sub(r"\|[ \t]+:", "|:", line.replace("[|]", "|")))
    line = re.sub(r"(?<!:)[|\[]*\|:", "|:", re.sub(r":\|+\]?(?!:)", ":|", re.sub(r"\|+:\|", ":|", line)))
    return re.sub(r"[XZ](\d*)", lambda found: f"z_{found[1] or 1}", line.replace("x", "z").replace("`", ""))


def _plain_key(line: str) -> str:
    """A field for the key without anything that music21 would take for a clef or overlook; other lines as they are."""
    if not line.startswith("K:"):
        return line
    if re.match(r"K:\s*H[Pp]", line):  # of the Highland pipes, the signature of D
        return "K:D"
    if re.search(r"\bexp\b", line) or not line[2:].strip():  # what it has are its own accidentals
        return "K:C"
    return re.sub(r"\s*\S*(?:-8va|[Bb]ass)\S*", "", OWN_ACCIDENTALS.sub("", line))

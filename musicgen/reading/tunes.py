"""The tune books in ABC that music21 carries: O'Neill's Music of Ireland and Ryan's Mammoth Collection.

Conventions: repeats are not played twice, and of a first and a second ending the second is kept. Grace notes and chord symbols are left out.
music21 is imported where it reads, so the list of tunes costs nothing.
"""

import re
import unicodedata
from collections import Counter
from fractions import Fraction
from pathlib import Path

from musicgen.piece import Piece
from musicgen.reading.assembly import Bar, Signature, SkipError, Sound, Source, piece_of

FLUTE = 73  # General MIDI program
# quarter notes a minute of a tune without Q:, by its first meter, as one dances to them
TUNE_TEMPOS = {(6, 8): 168.0, (9, 8): 168.0, (12, 8): 168.0, (2, 2): 180.0, (2, 4): 90.0, (3, 8): 90.0}
DEFAULT_TUNE_TEMPO = 120.0


def list_tunes(folder: Path) -> list[Source]:
    listed = []
    for path in sorted((folder / "oneills1850").glob("*.abc")):
        for tune in re.split(r"^(?=X:)", path.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
            # the number in the printed book is right where that in the file is not
            number = re.search(r"^B:.*?O'Neill's\D*(\d+)", tune, re.MULTILINE) or re.match(r"X:\s*(\d+)", tune)
            title = re.search(r"^T:(.*)", tune, re.MULTILINE)
            work = f"oneill-{int(number[1]) if number else 0:04}"
            listed.append(Source(f"{work}-{_slug(title[1] if title else '')}", work, path, tune))
    for path in sorted((folder / "ryansMammoth").glob("*.abc")):
        stem = "ryan-" + _slug(re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "-", path.stem))
        listed.append(Source(stem, stem, path, path.read_text(encoding="utf-8")))
    counts: Counter[str] = Counter()
    for index, source in enumerate(listed):
        counts[source.title] += 1
        if counts[source.title] > 1:
            listed[index] = source._replace(title=f"{source.title}-{counts[source.title]}")
    return listed


def _slug(title: str) -> str:
    """A title in lower case, without accents, its words joined by hyphens."""
    letters = unicodedata.normalize("NFKD", re.sub(r"\\.|'", "", title)).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", letters).strip("-")


def read_tune(source: Source) -> Piece:
    from music21 import abcFormat, pitch

    handler = abcFormat.ABCHandler(abcVersion=(2, 1, 0))  # from version 2 on it lets an accidental hold to the end of its bar
    handler.process(_plain_abc(source.abc))
    sounds: list[Sound] = []
    bars: list[Bar] = []
    keys: list[Signature] = []
    begin = at = Fraction(0)
    time: tuple[int, int] | None = None
    tempo = None
    for token in [*handler.tokens, abcFormat.ABCBar("|]")]:
        if isinstance(token, abcFormat.ABCMetadata):
            if token.isMeter() and (parameters := token.getTimeSignatureParameters()):
                time = parameters[:2]
            elif token.isKey():
                fifths, mode = token.getKeySignatureParameters()
                if mode is None:
                    raise SkipError(f"a key that cannot be read: {token.data}")
                keys.append((at, fifths, mode))
            elif token.isTempo() and (mark := token.getMetronomeMarkObject()):
                tempo = mark.getQuarterBPM()
        elif isinstance(token, abcFormat.ABCBar):
            if token.src not in ("[1", "[2") and at > begin:
                if time is None:
                    raise SkipError("no meter")
                bars.append(Bar(at - begin, *time))
                begin = at
        elif isinstance(token, abcFormat.ABCTie):
            sounds = [sound._replace(is_tied=True) if sound.onset + sound.quarters == at else sound for sound in sounds]
        elif isinstance(token, abcFormat.ABCNote):  # or a chord of them, or a rest
            quarters = Fraction(token.quarterLength)
            if token.activeTuplet:
                quarters *= Fraction(token.activeTuplet.numberNotesNormal, token.activeTuplet.numberNotesActual)
            names = [note.pitchName for note in getattr(token, "subTokens", [token])]
            sounds += [Sound(at, pitch.Pitch(name).midi, quarters, "-" in token.src) for name in names if name]
            at += quarters
    if not sounds:
        raise SkipError("no notes in it")
    default = TUNE_TEMPOS.get(bars[0][1:], DEFAULT_TUNE_TEMPO)
    return piece_of(source.title, [("Melody", FLUTE, sounds)], bars, keys, tempo or default)


def _plain_abc(tune: str) -> str:
    """A tune without what is not notes, and without what music21 takes for the end of a rhythm: words, graces, slurs and decorations.

    What mail programs did to some files is undone, and first endings go where a second one follows.
    """
    tune = re.sub("%.*|=\n|=20", "", tune).replace("=3D", "=")
    header, key, music = re.split(r"^(K:.*\n)", tune, maxsplit=1, flags=re.MULTILINE)
    kept = [line.replace(" ", "") for line in header.splitlines() if line[:2] in ("M:", "L:", "Q:")] + [key.strip()]
    kept += plain_lines(music, "KLMQ")
    return re.sub(r"\[1((?!\[1).)*?(?=\[2)", "", "\n".join(kept) + "\n", flags=re.DOTALL)


def plain_lines(music: str, fields: str) -> list[str]:
    """The lines of music, and of some fields, without words, graces, slurs and decorations. Raises SkipError at a sign that is none of music."""
    music = re.sub(r'"[^"\n]*"|!(?![|:])[^!\n]*!|\{[^}]*\}', "", music)
    music = re.sub(rf"\[([{fields}]:[^\]]*)\]", r"\n\1\n", music)
    kept = []
    for line in music.splitlines():
        if not re.match("[A-Za-z]:(?![|:])", line):
            line = re.sub(r"[~.H-Yh-y\\)]|\((?!\d)", "", line)
            line = re.sub(r"-?([<>]+)-?", r"\1", line).replace("::", ":||:")  # or the note before reads as a line like `G:`
            line = re.sub(r"(?<=[|:])\s*\[?([12])(?![\d/])", r" [\1 ", line)
            if strange := re.search(r"[^\sA-Ga-gz\d/,'^_=|:\[\]()<>-]|[|:]\s*\d|\[(?![12|]|[^\[\]|\s]+\])", line):
                raise SkipError(f"a sign that cannot be read: {strange[0]}")
        elif line[0] not in fields:
            continue
        kept.append(line)
    return kept

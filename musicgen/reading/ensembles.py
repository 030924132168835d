"""The scores in four parts that music21 carries: Bach's chorales, and the movements of string quartets.

Conventions: indices count the bars of a file from 0. Of a first and a second ending the second is kept. What is not printed, such as the notes that
play an ornament, is left out. A bar lasts as long as its notes and rests, and where they fill it differently in the parts (a dot is lost), the piece
is skipped. A cello's treble clef sounds an octave lower than it is printed: that was the custom then, it joins what comes before and after, and the
second encoding of Beethoven's opus 18 no. 1, which avoids the clef, has those pitches. Tempo is that of the first bar, if a mark stands there.
music21 is imported where it reads, so the lists of scores cost nothing.
"""

import re
import warnings
from collections.abc import Iterator
from fractions import Fraction
from functools import lru_cache
from itertools import islice, pairwise
from pathlib import Path
from typing import Any, NamedTuple

from musicgen.piece import STEPS_PER_QUARTER, Piece
from musicgen.reading.assembly import Bar, Signature, SkipError, Sound, Source, piece_of


class Voice(NamedTuple):
    name: str
    program: int  # General MIDI program
    spelling: str  # pattern of its names in the scores
    has_high_treble_clef: bool = False  # it is printed an octave above what sounds


class Ensemble(NamedTuple):
    title: str
    voices: tuple[Voice, ...]  # in the order of the score
    tempo: float  # quarter notes a minute of a piece that does not begin with a mark


CHOIR = Ensemble("the four voices of a chorale", tuple(Voice(name, 52, name) for name in ("Soprano", "Alto", "Tenor", "Bass")), 80.0)
QUARTET = Ensemble(
    "two violins, a viola and a cello",
    (
        Voice("Violin I", 40, r".*Violin\b.*"),
        Voice("Violin II", 40, r".*Violin\b.*"),
        Voice("Viola", 41, r"Viola\.?"),
        Voice("Violoncello", 42, r"(Violonc|C)ello\.?", has_high_treble_clef=True),
    ),
    120.0,
)
COMPOSERS = ("beethoven", "haydn", "mozart", "schumann_robert")  # folders with quartets in them
# of a file that holds more than one movement, the bars in which they begin
MOVEMENTS = {
    "opus132": (0, 264, 510, 722, 768),
    "opus18no3": (0, 271, 422, 594),
    "opus18no4": (0, 221, 482, 583),
    "opus18no5": (0, 228, 337, 489),
    "opus74": (0, 262, 431, 904),
}
UNEQUAL_BARS = "bar lines that differ between the voices"


def list_chorales(folder: Path) -> list[Source]:
    return list(_encodings(folder / "bach"))


def list_quartets(folder: Path) -> list[Source]:
    listed = []
    for composer in COMPOSERS:
        for source in _encodings(folder / composer):
            begins = MOVEMENTS.get(source.work, (0,))
            for number, bars in enumerate(zip(begins, (*begins[1:], None), strict=True), start=1):
                movement = f"-movement{number}" if len(begins) > 1 else ""
                title, work = (f"{composer}-{name}{movement}".replace("_", "-") for name in (source.title, source.work))
                listed.append(Source(title, work, source.path, bars=bars))
    return listed


def _encodings(folder: Path) -> Iterator[Source]:
    """The scores in a folder, the preferred encoding of a work first."""
    paths = [path for path in folder.rglob("*") if path.suffix in (".mxl", ".xml", ".krn")]
    for path in sorted(paths, key=lambda path: (path.with_suffix("").relative_to(folder).parts, path.suffix != ".mxl", path.suffix)):
        work = "-".join(path.with_suffix("").relative_to(folder).parts)
        # a file name with dots loses its end where it takes a suffix
        yield Source(work.replace(".", "-") + ("-krn" if path.suffix == ".krn" else ""), work, path)


def read_chorale(source: Source) -> Piece:
    return _read_score(source, CHOIR)


def read_quartet(source: Source) -> Piece:
    return _read_score(source, QUARTET)


def _read_score(source: Source, ensemble: Ensemble) -> Piece:
    from music21 import key, meter, stream, tempo

    staves = _staves(source.path, ensemble)
    columns = [list(staff[stream.Measure]) for staff in staves]
    if len({len(column) for column in columns}) > 1:
        raise SkipError(UNEQUAL_BARS)
    first, after = source.bars
    left_out = _first_endings(staves[0], columns[0])
    parts: list[tuple[str, int, list[Sound]]] = [(voice.name, voice.program, []) for voice in ensemble.voices]
    bars: list[Bar] = []
    keys: list[Signature] = []
    num_bars = 0  # to the last one that is not silent
    at, time = Fraction(0), meter.TimeSignature("4/4")
    for index, measures in enumerate(islice(zip(*columns, strict=True), after)):
        is_kept = index >= first and index not in left_out
        time = measures[0].timeSignature or time  # what changes where nothing is kept stays changed
        keys += [(at + Fraction(k.offset) * is_kept, k.sharps, getattr(k, "mode", "major")) for k in measures[0][key.KeySignature]]
        if is_kept:
            bars.append(Bar(_length(measures), time.numerator, time.denominator))
            for (_, _, sounds), measure in zip(parts, measures, strict=True):
                sounds += _sounds(measure, at)
                num_bars = len(bars) if sounds and sounds[-1].onset >= at else num_bars
            at += bars[-1].quarters
    mark = columns[0][first][tempo.MetronomeMark].first()
    return piece_of(source.title, parts, bars[:num_bars], keys, (mark and mark.getQuarterBPM()) or ensemble.tempo)


@lru_cache(maxsize=1)
def _staves(path: Path, ensemble: Ensemble) -> list[Any]:
    """The parts of a score, one for each voice of the ensemble; kept for the next movement in the file. Raises SkipError where they are others."""
    from music21 import converter
    from music21.musicxml.xmlObjects import MusicXMLWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MusicXMLWarning)  # `_length` sees to bars that are too full
        staves = list(converter.parse(path, forceSource=True, storePickle=False).parts)
    names = [staff.partName or "" for staff in staves]
    if len(names) != len(ensemble.voices) or not all(re.fullmatch(voice.spelling, name) for voice, name in zip(ensemble.voices, names, strict=True)):
        raise SkipError(f"{len(names)} parts that are not {ensemble.title}")
    for voice, staff in zip(ensemble.voices, staves, strict=True):
        if voice.has_high_treble_clef:
            _lower_treble_clef(staff)
    return staves


def _lower_treble_clef(staff: Any) -> None:
    """Moves what stands in a treble clef an octave down."""
    from music21 import clef, note

    is_high = False
    for element in staff.flatten():
        if isinstance(element, clef.Clef):
            is_high = element.sign == "G" and not element.octaveChange
        elif isinstance(element, note.NotRest) and is_high:
            for pitch in element.pitches:
                pitch.octave -= 1


def _first_endings(part: Any, measures: list[Any]) -> set[int]:
    """The bars from the beginning of a first ending to the second ending that follows it."""
    from music21 import spanner

    indices = {id(measure): index for index, measure in enumerate(measures)}
    brackets = sorted((indices[id(bracket.getFirst())], 2 in bracket.numberRange) for bracket in part[spanner.RepeatBracket])
    return {bar for (begin, _), (end, is_second) in pairwise(brackets) if is_second for bar in range(begin, end)}


def _printed(measure: Any) -> list[Any]:
    """The notes, chords and rests of a bar that a player sees."""
    return [element for element in measure.flatten().notesAndRests if not (element.hasStyleInformation and element.style.hideObjectOnPrint)]


def _filled(measure: Any) -> Fraction:
    """Quarter notes to the end of the last note or rest of a bar."""
    return max((Fraction(element.offset) + Fraction(element.quarterLength) for element in _printed(measure)), default=Fraction(0))


def _length(measures: tuple[Any, ...]) -> Fraction:
    """How many quarter notes a bar holds. Raises SkipError where its parts disagree by more than half a step."""
    filled = [_filled(measure) for measure in measures]
    if max(filled) - min(filled) > Fraction(1, 2 * STEPS_PER_QUARTER):
        raise SkipError(UNEQUAL_BARS)
    return min(filled, key=lambda quarters: quarters.denominator)  # 4, where another part has 1531/384


def _sounds(measure: Any, at: Fraction) -> Iterator[Sound]:
    """What a bar that begins at `at` sounds."""
    for element in _printed(measure):
        if not element.isRest and element.quarterLength:  # grace notes last no time
            for note in getattr(element, "notes", (element,)):
                is_tied = note.tie is not None and note.tie.type != "stop"
                yield Sound(at + Fraction(element.offset), note.pitch.midi, Fraction(element.quarterLength), is_tied)

"""The corpora that the music21 package carries, as pieces: Bach's four-part chorales and two books of Irish and American tunes.

Conventions: times are exact fractions of quarter notes until they move to the grid. Everything is written once: repeats are not
played twice, and of a first and a second ending the second is kept. A bar that is cut in two (at a repeat sign, say) is one bar
again; one that is truly too short or too long has a meter of its own. Grace notes, fermatas and chord symbols are left out.
music21 is imported where it reads, so the table of corpora and the list of their sources cost nothing.
"""

import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from fractions import Fraction
from importlib.util import find_spec
from multiprocessing import get_context
from pathlib import Path

from musicgen.piece import Piece
from musicgen.reading.assembly import Bar, SkipError, Skipped, Sound, Source, piece_of
from musicgen.reading.tunes import list_tunes, read_tune

VOICES = ("Soprano", "Alto", "Tenor", "Bass")
CHOIR_AAHS = 52  # General MIDI program
CHORALE_TEMPO = 80.0  # quarter notes a minute of a chorale that does not say


@dataclass(frozen=True, slots=True)
class BuiltinCorpus:
    """What `corpus list` says of a corpus. The numbers are those of music21 10.5."""

    name: str
    title: str
    licence: str
    num_sources: int
    num_pieces: int  # sources without those skipped


# what corpus/license.txt in music21 says
_LICENCE = "music in the public domain; encodings out of copyright in the United States or licensed for use, perhaps not for commercial use"
BUILTIN_CORPORA = {
    "bach-chorales": BuiltinCorpus("bach-chorales", "Four-part chorales of J. S. Bach", _LICENCE, 413, 364),
    "folk": BuiltinCorpus("folk", "O'Neill's Music of Ireland (1850 tunes) and Ryan's Mammoth Collection", _LICENCE, 3068, 2845),
}


def sources(name: str) -> list[Source]:
    """What a corpus is made of, in the order of `pieces`; quick, without music21. Raises KeyError where there is no such corpus."""
    package = find_spec("music21")
    if package is None or package.origin is None:
        raise ModuleNotFoundError("music21, which carries these corpora, is not installed")
    return _LISTINGS[name](Path(package.origin).parent / "corpus")


def pieces(name: str, num_workers: int | None = None) -> Iterator[Piece | Skipped]:
    """The pieces of a corpus, one result for each of `sources(name)`, in that order, as they become ready.

    Args:
        num_workers: processes that read; 1 reads in this one, None takes one for each core. The results are the same.
    """
    todo = sources(name)
    num_workers = num_workers or os.cpu_count() or 1
    if num_workers == 1:
        yield from _without_duplicates(todo, map(_read, todo))
        return
    with ProcessPoolExecutor(num_workers, get_context("spawn")) as executor:
        yield from _without_duplicates(todo, executor.map(_read, todo, chunksize=16))


def _without_duplicates(todo: Iterable[Source], results: Iterable[Piece | Skipped]) -> Iterator[Piece | Skipped]:
    """Skips further encodings of a work, and pieces whose notes are those of an earlier one, in whatever key."""
    works: dict[str, str] = {}
    sounds: dict[tuple, str] = {}
    for source, result in zip(todo, results, strict=True):
        if isinstance(result, Piece):
            first = result.parts[0].notes[0]
            melody = tuple(tuple((n.onset - first.onset, n.pitch - first.pitch, n.duration) for n in part.notes) for part in result.parts)
            if earlier := works.get(source.work):
                result = Skipped(source.title, f"another encoding of {earlier}")
            elif earlier := sounds.get(melody):
                result = Skipped(source.title, f"the same notes as {earlier}")
            else:
                works[source.work] = sounds[melody] = source.title
        yield result


def _read(source: Source) -> Piece | Skipped:
    from music21.exceptions21 import Music21Exception

    try:
        return read_tune(source) if source.abc else _read_chorale(source)
    except (SkipError, Music21Exception) as error:
        return Skipped(source.title, str(error))


def _list_chorales(folder: Path) -> list[Source]:
    paths = [path for path in (folder / "bach").iterdir() if path.suffix in (".mxl", ".xml", ".krn")]
    paths.sort(key=lambda path: (path.stem, path.suffix != ".mxl", path.suffix))
    # a file name with dots loses its end where it takes a suffix
    return [Source(path.stem.replace(".", "-") + ("-krn" if path.suffix == ".krn" else ""), path.stem, path) for path in paths]


def _read_chorale(source: Source) -> Piece:
    from music21 import converter, key, meter, stream, tempo

    score = converter.parse(source.path, forceSource=True, storePickle=False)
    if tuple(part.partName or "" for part in score.parts) != VOICES:
        raise SkipError(f"{len(score.parts)} parts that are not the four voices of a chorale")
    parts, columns = [], []
    for part in score.parts:
        sounds = [
            Sound(Fraction(note.offset), pitch.midi, Fraction(note.quarterLength), note.tie is not None and note.tie.type != "stop")
            for note in part.flatten().notes
            if note.quarterLength  # grace notes last no time
            for pitch in note.pitches
        ]
        parts.append((part.partName, CHOIR_AAHS, sounds))
        columns.append([measure.offset for measure in part[stream.Measure]])
    if any(column != columns[0] for column in columns):
        raise SkipError("bar lines that differ between the voices")
    soprano, bars, time = score.parts[0], [], None
    ends = [*columns[0][1:], soprano.duration.quarterLength]
    for measure, end in zip(soprano[stream.Measure], ends, strict=True):
        time = measure.timeSignature or time or meter.TimeSignature("4/4")
        bars.append(Bar(Fraction(end) - Fraction(measure.offset), time.numerator, time.denominator))
    keys = [(Fraction(k.getOffsetInHierarchy(soprano)), k.sharps, getattr(k, "mode", "major")) for k in soprano[key.KeySignature]]
    mark = soprano[tempo.MetronomeMark].first()
    return piece_of(source.title, parts, bars, keys, (mark and mark.getQuarterBPM()) or CHORALE_TEMPO)


_LISTINGS = {"bach-chorales": _list_chorales, "folk": list_tunes}

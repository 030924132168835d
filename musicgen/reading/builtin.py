"""The corpora that the music21 package carries, as pieces: Bach's chorales, string quartets, and two books of tunes.

Conventions: times are exact fractions of quarter notes until they move to the grid. Everything is written once: repeats are not
played twice, and of a first and a second ending the second is kept. A bar that is cut in two (at a repeat sign, say) is one bar
again; one that is truly too short or too long has a meter of its own. Grace notes, ornaments, fermatas and chord symbols are left out.
music21 is imported where it reads, so the table of corpora and the list of their sources cost nothing.
"""

import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from multiprocessing import get_context
from pathlib import Path

from musicgen.piece import Piece
from musicgen.reading.assembly import SkipError, Skipped, Source
from musicgen.reading.ensembles import list_chorales, list_quartets, read_chorale, read_quartet
from musicgen.reading.tunes import list_tunes, read_tune


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
    "quartets": BuiltinCorpus("quartets", "String quartets by Haydn, Mozart, Beethoven and Schumann, a movement each", _LICENCE, 74, 54),
}
# what lists the sources in music21's folder, and what reads one of them
_ROADS = {"bach-chorales": (list_chorales, read_chorale), "folk": (list_tunes, read_tune), "quartets": (list_quartets, read_quartet)}


def sources(name: str) -> list[Source]:
    """What a corpus is made of, in the order of `pieces`; quick, without music21. Raises KeyError where there is no such corpus."""
    package = find_spec("music21")
    if package is None or package.origin is None:
        raise ModuleNotFoundError("music21, which carries these corpora, is not installed")
    list_sources, _ = _ROADS[name]
    return list_sources(Path(package.origin).parent / "corpus")


def pieces(name: str, num_workers: int | None = None) -> Iterator[Piece | Skipped]:
    """The pieces of a corpus, one result for each of `sources(name)`, in that order, as they become ready.

    Args:
        num_workers: processes that read; 1 reads in this one, None takes one for each core. The results are the same.
    """
    todo, read = sources(name), partial(_read, name)
    num_workers = num_workers or os.cpu_count() or 1
    if num_workers == 1:
        yield from _without_duplicates(todo, map(read, todo))
        return
    with ProcessPoolExecutor(num_workers, get_context("spawn")) as executor:
        yield from _without_duplicates(todo, executor.map(read, todo, chunksize=16))


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


def _read(name: str, source: Source) -> Piece | Skipped:
    from music21.exceptions21 import Music21Exception

    _, read_source = _ROADS[name]
    try:
        return read_source(source)
    except (SkipError, Music21Exception) as error:
        return Skipped(source.title, str(error))

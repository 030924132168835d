"""Any music file -> pieces. The format is told by the content, never by the name.

Conventions: a file may hold several pieces (a tune book, a zip file); what is wrong with one of them costs only that one.
"""

from collections.abc import Iterator
from pathlib import Path

from musicgen.piece import STEPS_PER_QUARTER
from musicgen.reading.guard import Limits, UnreadableFileError, read_bytes
from musicgen.reading.midi import read_songs
from musicgen.reading.readings import Reading, Refusal


def read_music_file(path: Path, steps_per_quarter: int = STEPS_PER_QUARTER, limits: Limits = Limits()) -> list[Reading]:
    """The pieces in a file, at least one. Raises UnreadableFileError."""
    return read_music(read_bytes(path, limits), path.name, steps_per_quarter, limits)


def read_music(content: bytes, name: str = "", steps_per_quarter: int = STEPS_PER_QUARTER, limits: Limits = Limits()) -> list[Reading]:
    """The pieces in the bytes of a file, at least one. Raises UnreadableFileError: of several pieces that are all unreadable, for the first."""
    results = list(read_each(content, name, steps_per_quarter, limits))
    readings = [result for result in results if isinstance(result, Reading)]
    if not readings:
        raise next(result.error for result in results if isinstance(result, Refusal))
    return readings


def read_each(content: bytes, name: str = "", steps_per_quarter: int = STEPS_PER_QUARTER, limits: Limits = Limits()) -> Iterator[Reading | Refusal]:
    """All that the bytes of a file hold, one after the other, at least one result; never raises UnreadableFileError.

    Args:
        name: of the file, which gives a piece without a title of its own one.
    """
    try:
        yield from read_songs(content, steps_per_quarter, limits, Path(name).stem)
    except UnreadableFileError as error:
        yield Refusal("", error)

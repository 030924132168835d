"""Any music file -> pieces. The format is told by the content, never by the name.

Conventions: a file may hold several pieces (a tune book, a zip file); what is wrong with one of them costs only that one.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from musicgen.piece import STEPS_PER_QUARTER
from musicgen.reading.archives import is_mxl, members
from musicgen.reading.grid import Grid, check_heard, on_grid, shown_name
from musicgen.reading.guard import Limits, read_bytes
from musicgen.reading.midi import read_songs
from musicgen.reading.readings import Reading, Refusal
from musicgen.reading.reasons import Reason, UnreadableFileError
from musicgen.reading.recognition import ABC, KERN, MIDI, MUSICXML, ZIP, ZIP_STARTS, Recognized, recognize
from musicgen.reading.score_reader import score_reader
from musicgen.reading.strands import TICKS_PER_QUARTER
from musicgen.reading.tunebooks import tunes_in


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
        recognized = recognize(content)
        if recognized.kind == ZIP:
            yield from _read_members(content, name, steps_per_quarter, limits)
        else:
            yield from READERS[recognized.kind](recognized, Path(name).stem, steps_per_quarter, limits)
    except UnreadableFileError as error:
        yield Refusal("", error)


def _read_members(content: bytes, name: str, steps_per_quarter: int, limits: Limits) -> Iterator[Reading | Refusal]:
    """All that the members of a zip file hold. Raises UnreadableFileError where there are none."""
    nothing = True
    for member, unzipped in members(content, limits):
        nothing = False
        if isinstance(unzipped, UnreadableFileError):
            yield Refusal(member, unzipped)
        elif unzipped.startswith(ZIP_STARTS) and (is_mxl(content) or not is_mxl(unzipped)):  # only a score may be zipped once more
            yield Refusal(member, UnreadableFileError("a zip file within a zip file", Reason.NESTED))
        else:
            # the score in an .mxl is the file, whatever it is called there
            shell, title = ("", name) if is_mxl(content) else (member, member)
            for result in read_each(unzipped, title, steps_per_quarter, limits):
                yield replace(result, where=f"{shell} {result.where}".strip())
    if nothing:
        raise UnreadableFileError("a zip file with nothing in it that could be music", Reason.EMPTY)


def _read_midi(recognized: Recognized, title: str, steps_per_quarter: int, limits: Limits) -> Iterator[Reading | Refusal]:
    yield from read_songs(recognized.content, steps_per_quarter, limits, title)


def _read_score(recognized: Recognized, title: str, steps_per_quarter: int, limits: Limits) -> Iterator[Reading | Refusal]:
    own_title, heard, remarks = score_reader.read(recognized.kind, recognized.content, limits)
    check_heard(heard, TICKS_PER_QUARTER, limits)
    reading = on_grid(heard, Grid(TICKS_PER_QUARTER, steps_per_quarter), shown_name(own_title) or title, remarks)
    yield replace(reading, format=recognized.kind)


def _read_tunes(recognized: Recognized, title: str, steps_per_quarter: int, limits: Limits) -> Iterator[Reading | Refusal]:
    tunes = tunes_in(recognized.content.decode())
    limits.check("members", len(tunes))
    for index, tune in enumerate(tunes, start=1):
        where = f"tune {tune.number or index}" if len(tunes) > 1 else ""
        try:
            one = Recognized(recognized.kind, tune.abc.encode())
            for result in _read_score(one, shown_name(tune.title) or title, steps_per_quarter, limits):
                yield replace(result, where=where)
        except UnreadableFileError as error:
            yield Refusal(where, error)


READERS = {MIDI: _read_midi, MUSICXML: _read_score, KERN: _read_score, ABC: _read_tunes}

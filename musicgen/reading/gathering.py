"""Folders -> corpus: finds the files, reads them, and gathers what was read in segments."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np

from musicgen.reading.corpus import Corpus
from musicgen.reading.finding import Found, find_all
from musicgen.reading.records import FileRecord, read_record
from musicgen.reading.segments import Segment
from musicgen.reading.selection import Selection

SEGMENT_FILES, SEGMENT_NOTES = 4096, 2_000_000  # at most, so that what is being read takes little memory
Watch = Callable[[Iterable[FileRecord], int], Iterable[FileRecord]]  # passes records on, of which there are so many


def read_corpus(roots: Iterable[Path], selection: Selection = Selection(), watch: Watch = lambda records, _: records) -> Corpus:
    """Everything below folders, and files named outright, read."""
    files = wanted_files(roots, selection)
    to_read = [number for number, found in enumerate(files) if found.refused is None]
    records = watch((read_record(files[number].path, selection) for number in to_read), len(to_read))
    segments = list(segments_of(records))
    places = np.full((len(files), 2), -1, np.int64)
    if to_read:
        places[to_read] = [(index, number) for index, segment in enumerate(segments) for number in range(segment.num_files)]
    return Corpus(files, segments, places, selection)


def wanted_files(roots: Iterable[Path], selection: Selection) -> list[Found]:
    """What lies below folders, with a refusal for what is not wanted."""
    return [one if one.refused else Found(one.path, selection.refuse_path(one.path)) for one in find_all(roots)]


def segments_of(records: Iterable[FileRecord]) -> Iterator[Segment]:
    """The records in their order, in segments of bearable size."""
    waiting: list[FileRecord] = []
    num_notes = 0
    for record in records:
        waiting.append(record)
        num_notes += len(record.notes)
        if len(waiting) >= SEGMENT_FILES or num_notes >= SEGMENT_NOTES:
            yield Segment.of(waiting)
            waiting, num_notes = [], 0
    if waiting:
        yield Segment.of(waiting)

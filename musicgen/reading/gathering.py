"""Folders -> corpus: finds the files, takes what was read before from the cache, reads the others, and gathers all in segments."""

import contextlib
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np

from musicgen.reading.cache import Cache, stamps_of
from musicgen.reading.corpus import Corpus
from musicgen.reading.finding import Found, find_all
from musicgen.reading.guard import read_bytes
from musicgen.reading.reasons import UnreadableFileError
from musicgen.reading.records import FileRecord, content_key
from musicgen.reading.segments import Segment
from musicgen.reading.selection import Selection
from musicgen.reading.workers import read_all

SEGMENT_FILES, SEGMENT_NOTES = 4096, 2_000_000  # at most, so that what is being read takes little memory
Watch = Callable[[Iterable[FileRecord], int], Iterable[FileRecord]]  # passes records on, of which there are so many


def read_corpus(
    roots: Iterable[Path], selection: Selection = Selection(), cache: Cache | None = None, watch: Watch = lambda records, _: records
) -> Corpus:
    """Everything below folders, and files named outright, read.

    Args:
        cache: for this selection; without one everything is read.
    """
    roots = list(roots)
    begun = time.time_ns()
    files = wanted_files(roots, selection)
    gathering = Gathering(files, cache.keep if cache else None)
    paths = [found.path for found in files]
    stamps = stamps_of(paths) if cache else np.zeros((0, 4), np.int64)
    is_new = cache is not None and not gathering.recall(cache, roots, paths, stamps)
    if cache and is_new:
        gathering.recognize(cache, selection)
    try:
        gathering.read(selection, watch)
    finally:  # what was read is kept, whatever ends the reading
        if cache and is_new:
            cache.remember(roots, paths, stamps, gathering.places_of_kept(), gathering.names, begun)
    return Corpus(files, gathering.segments, gathering.places, selection, cache)


def wanted_files(roots: Iterable[Path], selection: Selection) -> list[Found]:
    """What lies below folders, with a refusal for what is not wanted."""
    return [one if one.refused else Found(one.path, selection.refuse_path(one.path)) for one in find_all(roots)]


class Gathering:
    """Segments that are filled and found, and where each file stands in them."""

    def __init__(self, files: Sequence[Found], keep: Callable[[Segment], tuple[str, Segment]] | None = None) -> None:
        """What keeps a segment gives its name there, and the segment as it lies on the disk."""
        self._keep = keep
        self.segments: list[Segment] = []
        self.names: list[str] = []  # in the cache; "" where it could not be kept
        self.places = np.full((len(files), 2), -1, np.int64)
        self._files = files
        self._waiting: list[tuple[int, FileRecord]] = []
        self._num_notes = 0

    def missing(self) -> list[int]:
        """The files that stand nowhere yet."""
        return [number for number, place in enumerate(self.places[:, 0].tolist()) if place < 0 and self._files[number].refused is None]

    def read(self, selection: Selection, watch: Watch, num_workers: int | None = None) -> None:
        """Read what stands nowhere yet. Raises WorkersError."""
        numbers = self.missing()
        try:
            with contextlib.closing(read_all([self._files[number].path for number in numbers], selection, num_workers)) as records:
                for number, record in zip(numbers, watch(records, len(numbers)), strict=True):
                    self.add(number, record)
        finally:
            self.flush()

    def recall(self, cache: Cache, roots: Sequence[Path], paths: Sequence[Path], stamps: np.ndarray) -> bool:
        """Take the files that are as they were; whether all are, and there is nothing to remember anew."""
        known, then, places, names = cache.remembered(roots)
        if not known:
            return False
        encoded = [str(path).encode("utf-8", "surrogateescape") for path in paths]
        is_same = known == encoded
        rows = np.arange(len(known)) if is_same else np.array([dict(zip(known, range(len(known)), strict=True)).get(path, -1) for path in encoded])
        rows = rows.astype(np.int64)
        unchanged = (rows >= 0) & (then[rows] == stamps).all(axis=1) & (stamps[:, 0] >= 0) & (places[rows, 0] >= 0)
        wanted = np.array([found.refused is None for found in self._files], bool)
        for old in np.unique(places[rows[unchanged & wanted], 0]).tolist():
            segment = cache.segment(names[old])
            if segment is not None:
                own = np.flatnonzero(unchanged & wanted & (places[rows, 0] == old))
                self.places[own] = np.stack([np.full(len(own), len(self.segments)), places[rows[own], 1]], axis=1)
                self.segments.append(segment)
                self.names.append(names[old])
        return is_same and not self.missing()

    def recognize(self, cache: Cache, selection: Selection) -> None:
        """Find what stands nowhere yet by its content, in all segments that there are."""
        known: dict[bytes, tuple[str, int]] = {}
        opened = dict(zip(self.names, range(len(self.names)), strict=True))
        found = dict(zip(self.names, self.segments, strict=True))
        for name in cache.names():
            segment = found.get(name) or cache.segment(name)
            if segment is not None:
                found[name] = segment
                known.update((key.tobytes(), (name, number)) for number, key in enumerate(segment.arrays["contents"]))
        if not known:
            return
        for number in self.missing():
            path = self._files[number].path
            try:
                name, place = known.get(content_key(read_bytes(path, selection.limits), path.name), ("", -1))
            except UnreadableFileError:
                continue
            if name:
                if name not in opened:
                    opened[name] = len(self.segments)
                    self.segments.append(found[name])
                    self.names.append(name)
                self.places[number] = opened[name], place

    def add(self, number: int, record: FileRecord) -> None:
        """A file has been read."""
        self._waiting.append((number, record))
        self._num_notes += len(record.notes)
        if len(self._waiting) >= SEGMENT_FILES or self._num_notes >= SEGMENT_NOTES:
            self.flush()

    def flush(self) -> None:
        """Make a segment of the records that wait."""
        if not self._waiting:
            return
        segment = Segment.of([record for _, record in self._waiting])
        name, segment = self._keep(segment) if self._keep else ("", segment)
        for place, (number, _) in enumerate(self._waiting):
            self.places[number] = len(self.segments), place
        self.segments.append(segment)
        self.names.append(name)
        self._waiting, self._num_notes = [], 0

    def places_of_kept(self) -> np.ndarray:
        """(F, 2) as `places`, without what is kept nowhere, and without files that could not be opened, which may be otherwise the next time."""
        places = self.places.copy()
        for number, (name, segment) in enumerate(zip(self.names, self.segments, strict=True)):
            own = np.flatnonzero(places[:, 0] == number)
            places[own] = np.where(segment.arrays["contents"][places[own, 1]].any(axis=1, keepdims=True) & bool(name), places[own], -1)
        return places

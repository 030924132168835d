"""All that was read of some folders: pieces that are made when they are asked for, copies, the split for learning, and a receipt for every file."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import overload

import numpy as np

from musicgen.piece import Piece
from musicgen.reading.cache import Cache
from musicgen.reading.copies import Copies, find_copies
from musicgen.reading.finding import Found
from musicgen.reading.likeness import SKETCH, Sound
from musicgen.reading.reasons import UnreadableFileError
from musicgen.reading.receipts import DUPLICATE, SKIPPED, STATUSES, USED, Receipt, receipt_of
from musicgen.reading.segments import Segment
from musicgen.reading.selection import Selection

HELD_OUT_SHARE = 0.1  # of the pieces


class Pieces(Sequence[Piece]):
    """Some pieces of a corpus, each made anew when it is asked for, so that any number of them takes no memory."""

    def __init__(self, corpus: "Corpus", numbers: Iterable[int]) -> None:
        self.corpus = corpus
        self.numbers = list(numbers)  # in the corpus

    def __len__(self) -> int:
        return len(self.numbers)

    @overload
    def __getitem__(self, index: int) -> Piece: ...
    @overload
    def __getitem__(self, index: slice) -> "Pieces": ...
    def __getitem__(self, index: int | slice) -> "Piece | Pieces":
        if isinstance(index, slice):
            return Pieces(self.corpus, self.numbers[index])
        return self.corpus.piece(self.numbers[index])

    def __add__(self, other: "Pieces") -> "Pieces":
        return Pieces(self.corpus, self.numbers + other.numbers)

    def without(self, others: "Pieces") -> "Pieces":
        """Those that are not among the others."""
        unwanted = set(others.numbers)
        return Pieces(self.corpus, [number for number in self.numbers if number not in unwanted])

    @property
    def fingerprints(self) -> list[str]:
        """Of each, hexadecimal."""
        return [self.corpus.fingerprint_of(number) for number in self.numbers]

    @property
    def keys(self) -> list[str]:
        """What tells each from all others: its file's content and its place in it."""
        return [self.corpus.key_of(number) for number in self.numbers]

    @property
    def paths(self) -> list[Path]:
        """Of the files in which they stand."""
        return [self.corpus.path_of(number) for number in self.numbers]


@dataclass(frozen=True, eq=False)
class Corpus:
    """Files, in the order in which they were found, and where each stands in which segment."""

    files: Sequence[Found]
    segments: Sequence[Segment]
    places: np.ndarray  # (F, 2) the segment of each file and its number there; -1 where it was refused unopened
    selection: Selection
    cache: Cache | None = None  # that keeps what is found out about the pieces

    @cached_property
    def _pieces(self) -> np.ndarray:
        """(P, 3) file, segment, and number in the segment of each piece that is wanted, in the order of the files."""
        rows = []
        for file, (segment, place) in enumerate(self.places.tolist()):
            if segment >= 0 and (numbers := self.segments[segment].pieces_of(place)):
                refused = self._unwanted(segment, place)
                rows += [(file, segment, number) for number in numbers if number not in refused]
        return np.array(rows, np.int64).reshape(-1, 3)

    def _unwanted(self, segment: int, place: int) -> dict[int, UnreadableFileError]:
        """Of the pieces of a file those that are not used, and why."""
        if not self.selection.min_notes and self.selection.meter is None:
            return {}
        facts, numbers = self.segments[segment].document(place)["pieces"], self.segments[segment].pieces_of(place)
        found = (
            (number, self.selection.refuse_piece(one["notes"], [tuple(meter[1:]) for meter in one["meters"]]))
            for number, one in zip(numbers, facts, strict=True)
        )
        return {number: error for number, error in found if error is not None}

    @cached_property
    def copies(self) -> Copies:
        """Which pieces are copies of which."""
        fingerprints, sketches = np.zeros((len(self), 16), np.uint8), np.zeros((len(self), SKETCH), np.uint64)
        for segment, arrays in enumerate(one.arrays for one in self.segments):
            own = np.flatnonzero(self._pieces[:, 1] == segment)
            fingerprints[own], sketches[own] = arrays["fingerprints"][self._pieces[own, 2]], arrays["sketches"][self._pieces[own, 2]]
        name = hashlib.blake2b(fingerprints.tobytes(), key=b"copies", digest_size=16).hexdigest()
        kept = self.cache.result(name) if self.cache else None
        if kept is not None:
            return Copies(kept["first"], kept["family"])
        copies = find_copies(fingerprints, sketches, self.sound_of)
        if self.cache:
            self.cache.keep_result(name, {"first": copies.first, "family": copies.family})
        return copies

    def __len__(self) -> int:
        """The pieces that are wanted, copies included."""
        return len(self._pieces)

    def _at(self, number: int) -> tuple[Segment, int]:
        """Where a piece lies."""
        _, segment, place = self._pieces[number].tolist()
        return self.segments[segment], place

    def piece(self, number: int) -> Piece:
        """A piece, counted from 0 in the order of the files."""
        segment, place = self._at(number)
        return segment.piece(place)

    def sound_of(self, number: int) -> Sound:
        """How a piece sounds."""
        segment, place = self._at(number)
        return segment.sound(place)

    def path_of(self, number: int) -> Path:
        """Of the file in which a piece stands."""
        return self.files[self._pieces[number, 0]].path

    def key_of(self, number: int) -> str:
        """What tells a piece from all others."""
        segment, place = self._at(number)
        return segment.key(place)

    def fingerprint_of(self, number: int) -> str:
        """Of a piece, hexadecimal."""
        segment, place = self._at(number)
        return segment.fingerprint(place)

    @property
    def pieces(self) -> Pieces:
        """All pieces that are no copies."""
        return Pieces(self, self.copies.kept.tolist())

    @cached_property
    def fingerprint(self) -> str:
        """Of all pieces, whatever their order and however often each is there. Hexadecimal."""
        return hashlib.sha256("".join(sorted({self.fingerprint_of(number) for number in range(len(self))})).encode()).hexdigest()[:16]

    def split(self, held_out_share: float = HELD_OUT_SHARE, keep_copies: bool = False) -> tuple[Pieces, Pieces]:
        """Pieces to learn from and pieces to hold out, at least one of the latter.

        Families of pieces stay together, and the order of their fingerprints decides, so the split depends on nothing but the pieces: another file
        more or less moves the border by a family or two. One that is larger than what is still to be held out is learned from.
        """
        family = self.copies.family
        names: dict[int, str] = {}
        for number, own in enumerate(family.tolist()):
            names[own] = min(names.get(own, "g"), self.fingerprint_of(number))  # "g" comes after all of them
        numbers = list(range(len(self))) if keep_copies else self.copies.kept.tolist()
        sizes = Counter(family[numbers].tolist())
        left, held_out = max(1, round(held_out_share * len(numbers))), set()
        for own in sorted(names, key=names.__getitem__):
            if sizes[own] <= left:
                held_out.add(own)
                left -= sizes[own]
        held_out = held_out or {min(sizes, key=lambda own: (sizes[own], names[own]))}
        sides: tuple[list[int], list[int]] = ([], [])
        for number in numbers:
            sides[int(family[number]) in held_out].append(number)
        return Pieces(self, sides[0]), Pieces(self, sides[1])

    def unheard(self, fingerprints: Iterable[str]) -> Pieces:
        """Of pieces that were held out from learning those that are no copies of others, which then were learned from."""
        held_out = set(fingerprints)
        learned = {int(first) for number, first in enumerate(self.copies.first) if self.fingerprint_of(number) not in held_out}
        return Pieces(self, [number for number in self.copies.kept.tolist() if number not in learned])

    @cached_property
    def _statuses(self) -> np.ndarray:
        """(F,) places in STATUSES."""
        used, read = np.zeros(len(self.files), bool), np.zeros(len(self.files), bool)
        read[self._pieces[:, 0]] = used[self._pieces[self.copies.kept, 0]] = True
        return np.where(used, STATUSES.index(USED), np.where(read, STATUSES.index(DUPLICATE), STATUSES.index(SKIPPED)))

    @property
    def skipped(self) -> list[int]:
        """The files that are."""
        return np.flatnonzero(self._statuses == STATUSES.index(SKIPPED)).tolist()

    def summary(self) -> dict:
        """Counts over all files; those of the statuses add up to the files, those of the reasons to the skipped ones."""
        counts = np.bincount(self._statuses, minlength=len(STATUSES)).tolist()
        reasons = Counter(receipt.reason for receipt in self.receipts(self.skipped))
        used = self._pieces[self.copies.kept]
        sums = {"pieces": len(used), "duplicate_pieces": len(self) - len(used), "notes": 0, "bars": 0}
        for number, segment in enumerate(self.segments):
            own = used[used[:, 1] == number, 2]
            sums["notes"] += int(segment.num_notes[own].sum())
            sums["bars"] += int(segment.arrays["bars"][own].sum())
        return {"files": len(self.files), **dict(zip(STATUSES, counts, strict=True)), "reasons": dict(reasons.most_common()), **sums}

    def receipts(self, files: Iterable[int] | None = None) -> Iterator[Receipt]:
        """What became of files, or of all of them in their order."""
        numbers = np.searchsorted(self._pieces[:, 0], np.arange(len(self.files) + 1)).tolist()
        for file in range(len(self.files)) if files is None else files:
            found = self.files[file]
            segment, place = self.places[file].tolist()
            if segment < 0:
                assert found.refused is not None
                yield Receipt(found.path, refused=(("", found.refused.reason.value, str(found.refused)),))
                continue
            own = range(numbers[file], numbers[file + 1])
            copies = {int(self._pieces[number, 2]): self._origin(number) for number in own if self.copies.first[number] != number}
            unwanted = {number: (error.reason.value, str(error)) for number, error in self._unwanted(segment, place).items()}
            yield receipt_of(found.path, self.segments[segment].document(place), self.segments[segment].pieces_of(place).start, copies, unwanted)

    def _origin(self, number: int) -> tuple[str, str]:
        """The path of the file, and the place in it, of the piece that a piece is a copy of."""
        file, segment, place = self._pieces[self.copies.first[number]].tolist()
        document, begin = self.segments[segment].document(self.places[file, 1]), self.segments[segment].pieces_of(self.places[file, 1]).start
        return str(self.files[file].path), document["pieces"][place - begin]["where"]

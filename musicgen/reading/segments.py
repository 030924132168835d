"""Files that were read, in arrays: in memory, or in a file of arrays.

Conventions: files and pieces are counted from 0 within their segment, pieces in the order of their files. A segment never changes.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from musicgen.arrays import DamagedArraysError, open_arrays, write_arrays
from musicgen.piece import Note, Piece
from musicgen.reading.likeness import SKETCH, Sound, rows_of, sound_of
from musicgen.reading.records import FileRecord, drums_of, piece_of

KINDS: dict[str, tuple[str, tuple[int, ...]]] = {  # of each array: the type, and the shape of a row
    "contents": ("|u1", (16,)),  # of each file, as `content_key` gives it
    "document_ends": ("<i8", ()),  # of each file, in bytes
    "documents": ("|u1", ()),
    "piece_ends": ("<i8", ()),  # of each file, in pieces
    "note_ends": ("<i8", ()),  # of each piece, in notes
    "bars": ("<i4", ()),  # of each piece
    "fingerprints": ("|u1", (16,)),  # of each piece
    "sketches": ("<u8", (SKETCH,)),
    "onsets": ("<i4", ()),  # of each note, as are the next
    "pitches": ("|u1", ()),
    "durations": ("<i4", ()),
    "velocities": ("|u1", ()),
}


NOTES = ("onsets", "pitches", "durations", "velocities")


@dataclass(frozen=True, eq=False)
class Segment:
    """Some files. `arrays` are as in KINDS."""

    arrays: dict[str, np.ndarray]

    @classmethod
    def of(cls, records: Sequence[FileRecord]) -> "Segment":
        """A segment in memory."""
        notes = np.concatenate([np.zeros((0, len(Note._fields)), np.int32), *(record.notes for record in records)])
        counts = np.concatenate([np.zeros((0, 2), np.int32), *(record.counts for record in records)])
        given = {
            "contents": np.frombuffer(b"".join(record.content for record in records), np.uint8).reshape(-1, 16),
            "document_ends": np.cumsum([len(record.document) for record in records]),
            "documents": np.frombuffer(b"".join(record.document for record in records), np.uint8),
            "piece_ends": np.cumsum([len(record.fingerprints) for record in records]),
            "note_ends": np.cumsum(counts[:, 0]),
            "bars": counts[:, 1],
            "fingerprints": np.frombuffer(bytes.fromhex("".join(one for record in records for one in record.fingerprints)), np.uint8).reshape(-1, 16),
            "sketches": np.concatenate([np.zeros((0, SKETCH), np.uint64), *(record.sketches for record in records)]),
            **dict(zip(NOTES, notes.T, strict=True)),
        }
        return cls({name: np.ascontiguousarray(given[name], kind) for name, (kind, _) in KINDS.items()})

    @classmethod
    def open(cls, path: Path, check: bool = True) -> "Segment":
        """A segment in a file. Raises DamagedArraysError or OSError."""
        arrays, _ = open_arrays(path, check)
        fits = {name: (array.dtype.str, array.shape[1:]) for name, array in arrays.items()} == KINDS
        if not fits or not len(arrays["contents"]) == len(arrays["document_ends"]) == len(arrays["piece_ends"]):
            raise DamagedArraysError("arrays of another kind")
        return cls(arrays)

    def write(self, path: Path) -> None:
        """Write the file whole or not at all. Raises OSError."""
        write_arrays(path, self.arrays, {})

    @property
    def num_pieces(self) -> int:
        return len(self.arrays["fingerprints"])

    @property
    def num_notes(self) -> np.ndarray:
        """(P,) of each piece."""
        return np.diff(self.arrays["note_ends"], prepend=0)

    def document(self, file: int) -> dict:
        """What is known of a file."""
        begin, end = self._range("document_ends", file)
        return json.loads(self.arrays["documents"][begin:end].tobytes())

    def pieces_of(self, file: int) -> range:
        """The pieces of a file."""
        return range(*self._range("piece_ends", file))

    def file_of(self, piece: int) -> int:
        """The file of a piece."""
        return int(np.searchsorted(self.arrays["piece_ends"], piece, side="right"))

    def key(self, piece: int) -> str:
        """What tells a piece from all others: its file's content and its place in it."""
        file = self.file_of(piece)
        return f"{self.arrays['contents'][file].tobytes().hex()}.{piece - self.pieces_of(file).start}"

    def fingerprint(self, piece: int) -> str:
        """Hexadecimal."""
        return self.arrays["fingerprints"][piece].tobytes().hex()

    def piece(self, number: int) -> Piece:
        """A piece with all its notes."""
        return piece_of(self.facts(number), self._notes(number, NOTES))

    def facts(self, number: int) -> dict:
        """All of a piece but its notes."""
        file = self.file_of(number)
        return self.document(file)["pieces"][number - self.pieces_of(file).start]

    def sound(self, number: int) -> Sound:
        """How a piece sounds."""
        parts = [(is_drum, count) for _, _, is_drum, count in self.facts(number)["parts"]]
        return sound_of(rows_of(self._notes(number, NOTES[:3]), drums_of(parts)))

    def _notes(self, number: int, names: Sequence[str]) -> np.ndarray:
        """(N, columns) int32 of a piece."""
        own = slice(*self._range("note_ends", number))
        return np.stack([self.arrays[name][own].astype(np.int32) for name in names], axis=1)

    def _range(self, name: str, index: int) -> tuple[int, int]:
        ends = self.arrays[name]
        return int(ends[index - 1]) if index else 0, int(ends[index])

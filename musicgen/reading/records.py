"""What is kept of a file that was read: facts as JSON and notes as arrays, from which its pieces are made again.

Conventions: a document says of each piece of the file what `facts_of` gives, and of what could not be read where, why and in which words.
The notes of all pieces and parts follow each other in one array (N, 4): onset, pitch, duration, velocity.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import starmap
from pathlib import Path

import numpy as np

from musicgen.piece import Key, Meter, Note, Part, Piece, Tempo
from musicgen.reading.beats import remarks_on_beats
from musicgen.reading.formats import read_each
from musicgen.reading.guard import read_bytes
from musicgen.reading.likeness import SKETCH, fingerprint, rows_of, sketch_of
from musicgen.reading.readings import Reading, Refusal
from musicgen.reading.reasons import UnreadableFileError
from musicgen.reading.selection import Selection

NUM_FIELDS = len(Note._fields)


@dataclass(frozen=True, slots=True)
class FileRecord:
    """One file."""

    content: bytes  # 16 bytes that tell its content and name from all others
    document: bytes  # JSON: "pieces" and "refused"
    notes: np.ndarray  # (N, 4) int32
    counts: np.ndarray  # (P, 2) int32: the notes and the bars of each piece
    fingerprints: tuple[str, ...]  # of the pieces
    sketches: np.ndarray  # (P, SKETCH) uint64

    @classmethod
    def of_refusal(cls, error: UnreadableFileError, content: bytes = bytes(16)) -> "FileRecord":
        """A file that gave nothing."""
        return cls.of([], [Refusal("", error)], content)

    @classmethod
    def of(cls, read: Sequence[tuple[Reading, Piece]], refused: Sequence[Refusal], content: bytes) -> "FileRecord":
        """Of pieces, and how they were read."""
        pieces = [piece for _, piece in read]
        document = {
            "pieces": [facts_of(reading, piece) for reading, piece in read],
            "refused": [[one.where, one.error.reason.value, str(one.error)] for one in refused],
        }
        return cls(
            content,
            json.dumps(document, separators=(",", ":")).encode(),
            np.array([note for piece in pieces for part in piece.parts for note in part.notes], np.int32).reshape(-1, NUM_FIELDS),
            np.array([(piece.num_notes, len(piece.bar_lines)) for piece in pieces], np.int32).reshape(-1, 2),
            tuple(map(fingerprint, pieces)),
            np.array([sketch_of(rows_of(piece), piece.steps_per_quarter) for piece in pieces], np.uint64).reshape(-1, SKETCH),
        )


def content_key(content: bytes, name: str) -> bytes:
    """16 bytes that tell content under a name, which may be a title, from all others."""
    return hashlib.blake2b(content, digest_size=16, key=hashlib.blake2b(name.encode("utf-8", "surrogatepass")).digest()).digest()


def read_record(path: Path, selection: Selection, tell: Callable[[], None] = lambda: None) -> FileRecord:
    """What a file holds; never raises UnreadableFileError.

    Args:
        tell: called after each piece.
    """
    try:
        content = read_bytes(path, selection.limits)
    except UnreadableFileError as error:
        return FileRecord.of_refusal(error)
    return record_of(content, path.name, selection, tell)


def record_of(content: bytes, name: str, selection: Selection, tell: Callable[[], None] = lambda: None) -> FileRecord:
    """What the bytes of a file hold."""
    read: list[tuple[Reading, Piece]] = []
    refused: list[Refusal] = []
    for result in read_each(content, name, selection.steps_per_quarter, selection.limits):
        tell()
        if isinstance(result, Refusal):
            refused.append(result)
            continue
        try:
            read.append((result, selection.parts_of(result.piece).without_silent_bars()))
        except UnreadableFileError as error:
            refused.append(Refusal(result.where, error))
    return FileRecord.of(read, refused, content_key(content, name))


def facts_of(reading: Reading, piece: Piece) -> dict:
    """All of a piece but its notes, and how it was read."""
    return {
        "title": piece.title,
        "where": reading.where,
        "format": reading.format,
        "steps_per_quarter": piece.steps_per_quarter,
        "parts": [[part.name, part.program, part.is_drum, len(part.notes)] for part in piece.parts],
        "meters": [list(meter) for meter in piece.meters],
        "tempos": [list(tempo) for tempo in piece.tempos],
        "keys": [list(key) for key in piece.keys],
        "notes": piece.num_notes,
        "bars": len(piece.bar_lines),
        "moved_median_ms": round(reading.moved_median_ms, 1),
        "moved_most_ms": round(reading.moved_most_ms, 1),
        "remarks": [*reading.remarks, *remarks_on_beats(piece)],
    }


def piece_of(facts: dict, notes: np.ndarray) -> Piece:
    """The piece again, from its facts and its notes (N, 4)."""
    rows = list(map(Note._make, notes.tolist()))
    parts, first = [], 0
    for name, program, is_drum, count in facts["parts"]:
        parts.append(Part(name, program, is_drum, tuple(rows[first : first + count])))
        first += count
    meters, tempos, keys = starmap(Meter, facts["meters"]), starmap(Tempo, facts["tempos"]), starmap(Key, facts["keys"])
    return Piece(tuple(parts), tuple(meters), tuple(tempos), tuple(keys), facts["steps_per_quarter"], facts["title"])

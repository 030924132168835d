"""What is kept of a file that was read: facts as JSON and notes as arrays, from which its pieces are made again.

Conventions: a document says of each piece of the file what `facts_of` gives, and of what could not be read where, why and in which words.
The notes of all pieces and parts follow each other in one array (N, 4): onset, pitch, duration, velocity.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain, starmap
from pathlib import Path

import numpy as np

from musicgen.piece import Key, Meter, Note, Part, Piece, Tempo
from musicgen.reading.beats import remarks_on_beats
from musicgen.reading.formats import read_each
from musicgen.reading.guard import read_bytes
from musicgen.reading.likeness import SKETCH, fingerprint_of, rows_of, sketch_of
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
        facts, notes, fingerprints, sketches = [], [np.zeros((0, NUM_FIELDS), np.int32)], [], [np.zeros((0, SKETCH), np.uint64)]
        for reading, piece in read:
            own = notes_of(piece)
            is_drum = drums_of([(part.is_drum, len(part.notes)) for part in piece.parts])
            rows = rows_of(own, is_drum)
            facts.append(facts_of(reading, piece, own))
            notes.append(own)
            fingerprints.append(fingerprint_of(rows, not is_drum.all(), piece.steps_per_quarter))
            sketches.append(sketch_of(rows, piece.steps_per_quarter)[None])
        document = {"pieces": facts, "refused": [[one.where, one.error.reason.value, str(one.error)] for one in refused]}
        return cls(
            content,
            json.dumps(document, separators=(",", ":")).encode(),
            np.concatenate(notes),
            np.array([(one["notes"], one["bars"]) for one in facts], np.int32).reshape(-1, 2),
            tuple(fingerprints),
            np.concatenate(sketches),
        )


def notes_of(piece: Piece) -> np.ndarray:
    """(N, 4) int32 of all parts, one after the other."""
    every = chain.from_iterable(chain.from_iterable(part.notes for part in piece.parts))
    return np.fromiter(every, np.int32).reshape(-1, NUM_FIELDS)


def drums_of(parts: Sequence[tuple[bool, int]]) -> np.ndarray:
    """(N,) whether each note is a drum's, of parts that are drums or not and have so many notes."""
    return np.repeat([is_drum for is_drum, _ in parts], [count for _, count in parts]).astype(bool)


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


def facts_of(reading: Reading, piece: Piece, notes: np.ndarray) -> dict:
    """All of a piece but its notes (N, 4), and how it was read."""
    return {
        "title": piece.title,
        "where": reading.where,
        "format": reading.format,
        "steps_per_quarter": piece.steps_per_quarter,
        "parts": [[part.name, part.program, part.is_drum, len(part.notes)] for part in piece.parts],
        "meters": [list(meter) for meter in piece.meters],
        "tempos": [list(tempo) for tempo in piece.tempos],
        "keys": [list(key) for key in piece.keys],
        "notes": len(notes),
        "bars": len(piece.bar_lines),
        "moved_median_ms": round(reading.moved_median_ms, 1),
        "moved_most_ms": round(reading.moved_most_ms, 1),
        "remarks": [*reading.remarks, *remarks_on_beats(np.unique(notes[:, 0]), piece.meters, piece.steps_per_quarter)],
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

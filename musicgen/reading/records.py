"""What is kept of a file that was read: facts as JSON and notes as arrays, from which its pieces are made again.

Conventions: a document says of each piece of the file what `facts_of` gives, and of what could not be read where, why and in which words.
The notes of all pieces and parts follow each other in one array (N, 4): onset, pitch, duration, velocity.
"""

import hashlib
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
    document: dict  # "pieces" and "refused"
    notes: np.ndarray  # (N, 4) int32
    fingerprints: tuple[str, ...]  # of the pieces
    sketches: np.ndarray  # (P, SKETCH) uint64

    @classmethod
    def of_refusal(cls, error: UnreadableFileError, content: bytes = bytes(16)) -> "FileRecord":
        """A file that gave nothing."""
        document = {"pieces": [], "refused": [["", error.reason.value, str(error)]]}
        return cls(content, document, np.zeros((0, NUM_FIELDS), np.int32), (), np.zeros((0, SKETCH), np.uint64))


def content_key(content: bytes, name: str) -> bytes:
    """16 bytes that tell content under a name, which may be a title, from all others."""
    return hashlib.blake2b(content, digest_size=16, key=hashlib.blake2b(name.encode("utf-8", "surrogatepass")).digest()).digest()


def read_record(path: Path, selection: Selection) -> FileRecord:
    """What a file holds; never raises UnreadableFileError."""
    try:
        content = read_bytes(path, selection.limits)
    except UnreadableFileError as error:
        return FileRecord.of_refusal(error)
    return record_of(content, path.name, selection)


def record_of(content: bytes, name: str, selection: Selection) -> FileRecord:
    """What the bytes of a file hold."""
    notes, sketches = [np.zeros((0, NUM_FIELDS), np.int32)], [np.zeros((0, SKETCH), np.uint64)]
    facts, fingerprints, refused = [], [], []
    for result in read_each(content, name, selection.steps_per_quarter, selection.limits):
        if isinstance(result, Refusal):
            refused.append([result.where, result.error.reason.value, str(result.error)])
            continue
        try:
            piece = selection.parts_of(result.piece).without_silent_bars()
        except UnreadableFileError as error:
            refused.append([result.where, error.reason.value, str(error)])
            continue
        rows = rows_of(piece)
        facts.append(facts_of(result, piece))
        notes.append(np.array([note for part in piece.parts for note in part.notes], np.int32).reshape(-1, NUM_FIELDS))
        fingerprints.append(fingerprint(piece))
        sketches.append(sketch_of(rows, piece.steps_per_quarter)[None])
    document = {"pieces": facts, "refused": refused}
    return FileRecord(content_key(content, name), document, np.concatenate(notes), tuple(fingerprints), np.concatenate(sketches))


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

"""Folders -> pieces: find the files, read each, say what became of it, and split the pieces for learning."""

import hashlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from musicgen.piece import STEPS_PER_QUARTER, Piece
from musicgen.reading.guard import Limits, UnreadableFileError
from musicgen.reading.midi import read_midi_file

MIDI_SUFFIXES = (".mid", ".midi")


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of one file: its piece, or the reason why there is none."""

    path: Path
    piece: Piece | None
    reason: str = ""


def find_files(roots: Iterable[Path]) -> list[Path]:
    """The MIDI files below folders, and files named outright, each once, in the order of their names; links are not followed."""
    found: dict[Path, None] = {}
    for root in roots:
        if root.is_dir():
            below = (Path(folder, name) for folder, _, names in os.walk(root) for name in names if name.lower().endswith(MIDI_SUFFIXES))
            found.update(dict.fromkeys(sorted(path for path in below if not path.is_symlink())))
        elif root.exists():
            found[root] = None
    return list(found)


def read_files(paths: Iterable[Path], steps_per_quarter: int = STEPS_PER_QUARTER, limits: Limits = Limits()) -> Iterator[Receipt]:
    """A receipt for each file. A piece begins with the bar of its first note."""
    for path in paths:
        try:
            yield Receipt(path, read_midi_file(path, steps_per_quarter, limits).without_silent_bars())
        except UnreadableFileError as error:
            yield Receipt(path, None, str(error))


def fingerprint(piece: Piece) -> str:
    """Equal for pieces that are equal but for key, instruments, names and tempo. Hexadecimal."""
    notes = [(note.onset, note.pitch, note.duration) for part in piece.parts for note in part.notes]
    first, lowest = min(note[0] for note in notes), min(note[1] for note in notes)
    moved = sorted((onset - first, pitch - lowest, duration) for onset, pitch, duration in notes)
    return hashlib.sha256(repr(moved).encode()).hexdigest()


def split(pieces: list[Piece], held_out_share: float = 0.1) -> tuple[list[Piece], list[Piece]]:
    """Pieces to learn from and pieces to hold out, at least one of each where there are two different ones.

    The fingerprints decide, so equal pieces stay together (one of them is kept) and the split depends on nothing but the pieces.
    """
    different = {fingerprint(piece): piece for piece in reversed(pieces)}
    held_out = set(sorted(different)[: max(1, round(held_out_share * len(different)))])
    return [different[key] for key in different if key not in held_out][::-1], [different[key] for key in different if key in held_out][::-1]


def fingerprint_of_all(pieces: list[Piece]) -> str:
    """Of a corpus, whatever the order of its pieces. Hexadecimal."""
    return hashlib.sha256("".join(sorted(fingerprint(piece) for piece in pieces)).encode()).hexdigest()[:16]

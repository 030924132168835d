"""Piece <-> one row of whole numbers a note, a bijection.

Conventions: rows stand in the order (onset, part, pitch). `part` counts the piece's parts in the order of their tokens:
melodic before drums, by program, and within an instrument the highest first, so that the file's own order does not matter.
A note is held when it ends where its part next begins a note.
"""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from musicgen.piece import Note, Part, Piece

COLUMNS = ("time_shift", "part", "pitch", "duration", "velocity")


class PartToken(NamedTuple):
    """Who plays: an instrument, and which of the piece's parts for it, the highest first."""

    is_drum: bool
    program: int
    rank: int


@dataclass(frozen=True, slots=True)
class TokenSequence:
    """A piece as rows of whole numbers."""

    notes: np.ndarray  # (N, 5) int32, as in COLUMNS; time_shift is steps since the note before, or since step 0
    parts: tuple[PartToken, ...]  # sorted; what the column `part` counts
    indices: tuple[int, ...]  # of the parts in `header`
    header: Piece  # the piece without its notes

    @property
    def onsets(self) -> np.ndarray:
        """(N,) steps."""
        return np.cumsum(self.notes[:, 0])


def part_tokens(parts: tuple[Part, ...]) -> list[PartToken]:
    """The token of each part. Parts of one instrument rank by mean pitch, the highest first, then by their notes."""

    def height(part: Part) -> tuple[float, tuple[Note, ...]]:
        return -sum(note.pitch for note in part.notes) / max(1, len(part.notes)), part.notes

    tokens: dict[int, PartToken] = {}
    counts: dict[tuple[bool, int], int] = {}
    for index in sorted(range(len(parts)), key=lambda index: height(parts[index])):
        instrument = (parts[index].is_drum, parts[index].program)
        rank = counts.get(instrument, 0)
        counts[instrument] = rank + 1
        tokens[index] = PartToken(*instrument, rank)
    return [tokens[index] for index in range(len(parts))]


def encode(piece: Piece) -> TokenSequence:
    """The piece's notes in rows; `decode` gives the equal piece back."""
    tokens = part_tokens(piece.parts)
    indices = sorted(range(len(tokens)), key=tokens.__getitem__)
    header = replace(piece, parts=tuple(replace(part, notes=()) for part in piece.parts))
    blocks = [
        np.column_stack((np.array(notes, np.int32), np.full(len(notes), number, np.int32)))  # onset, pitch, duration, velocity, part
        for number, index in enumerate(indices)
        if (notes := piece.parts[index].notes)
    ]
    rows = np.concatenate(blocks) if blocks else np.zeros((0, 5), np.int32)
    rows = rows[np.lexsort((rows[:, 1], rows[:, 4], rows[:, 0]))]
    columns = np.column_stack((np.diff(rows[:, 0], prepend=0), rows[:, 4], rows[:, 1], rows[:, 2], rows[:, 3]))
    return TokenSequence(columns, tuple(tokens[index] for index in indices), tuple(indices), header)


def decode(sequence: TokenSequence) -> Piece:
    """The piece that `encode` wrote."""
    notes: list[list[Note]] = [[] for _ in sequence.parts]
    for onset, (_, part, pitch, duration, velocity) in zip(sequence.onsets.tolist(), sequence.notes.tolist(), strict=True):
        notes[part].append(Note(onset, pitch, duration, velocity))
    parts = list(sequence.header.parts)
    for number, index in enumerate(sequence.indices):
        parts[index] = replace(parts[index], notes=tuple(notes[number]))
    return replace(sequence.header, parts=tuple(parts))


def held(onset: np.ndarray, part: np.ndarray, duration: np.ndarray) -> np.ndarray:
    """(N,) bool, which notes are held. The onsets, parts and durations (N,) of a piece's notes, onsets rising."""
    is_held = np.zeros(len(onset), bool)
    for number in np.unique(part):
        own = np.flatnonzero(part == number)
        following = np.searchsorted(onset[own], onset[own], side="right")  # the first own note that begins later
        begins = np.append(onset[own], -1)[following]
        is_held[own] = onset[own] + duration[own] == begins
    return is_held

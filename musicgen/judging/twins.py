"""Takes that are as good as identical: the share of their notes that are the same, also transposed (Dice 1945).

Conventions: notes are the same if onset, duration and pitch above the piece's median pitch are (of drums, the drum), whoever plays them and
however loud. Pieces on different grids have nothing in common. Of two different chorales by Bach, or two Irish or American tunes, a share
above 0.16 is the same in one pair of 200; encodings of one work share up to 0.99.
"""

from collections import Counter
from collections.abc import Sequence
from itertools import combinations
from typing import NamedTuple

from musicgen.piece import Piece

TWINS = 0.9  # share of notes


class Twins(NamedTuple):
    """Two takes, counted from 0."""

    first: int
    second: int
    share: float  # of their notes that are the same, 0..1


def find_twins(takes: Sequence[Piece], least: float = TWINS) -> list[Twins]:
    """The pairs of takes that share at least so many notes, 0..1; silent ones are all the same."""
    found = []
    for (first, ours), (second, theirs) in combinations(enumerate(map(_relative_notes, takes)), 2):
        total = len(ours) + len(theirs)
        if 2 * min(len(ours), len(theirs)) >= least * total:  # else they cannot share enough
            share = 2 * len(ours & theirs) / total if total else 1.0
            if share >= least:
                found.append(Twins(first, second, share))
    return found


def _relative_notes(piece: Piece) -> set[tuple]:
    """The notes as they are compared, each with a number that tells it from its equals."""
    pitches = sorted(note.pitch for part in piece.parts if not part.is_drum for note in part.notes)
    middle = pitches[len(pitches) // 2] if pitches else 0
    counts = Counter(
        (piece.steps_per_quarter, note.onset, note.duration, part.is_drum, note.pitch - (0 if part.is_drum else middle))
        for part in piece.parts
        for note in part.notes
    )
    return {(*note, number) for note, count in counts.items() for number in range(count)}

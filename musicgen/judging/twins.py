"""Takes that are as good as identical: the share of their notes that are the same, also transposed (Dice 1945).

Conventions: notes are the same if onset, duration and pitch above the piece's median pitch are (of drums, the drum), whoever plays them and
however loud. Pieces on different grids have nothing in common. Of two different chorales by Bach, or two Irish or American tunes, a share
above 0.16 is the same in one pair of 200; encodings of one work share up to 0.99.
"""

from collections import Counter, deque
from collections.abc import Sequence
from itertools import combinations
from typing import NamedTuple

from musicgen.piece import Piece

TWINS = 0.9  # share of notes
MOST_SEEN = 1000  # takes that are remembered


class Twins(NamedTuple):
    """Two takes, counted from 0."""

    first: int
    second: int
    share: float  # of their notes that are the same, 0..1


def find_twins(takes: Sequence[Piece], least: float = TWINS) -> list[Twins]:
    """The pairs of takes that share at least so many notes, 0..1; silent ones are all the same."""
    found = []
    for (first, ours), (second, theirs) in combinations(enumerate(map(_relative_notes, takes)), 2):
        if (share := _share(ours, theirs, least)) >= least:
            found.append(Twins(first, second, share))
    return found


class Seen:
    """The latest takes, with which the next one is compared."""

    def __init__(self, most: int = MOST_SEEN) -> None:
        self._takes: deque[set[tuple]] = deque(maxlen=most)

    def share(self, piece: Piece, least: float = TWINS) -> float | None:
        """The share of notes that a take has in common with the one most like it, None below `least`."""
        ours = _relative_notes(piece)
        most = max((_share(ours, theirs, least) for theirs in self._takes), default=0.0)
        return most if most >= least else None

    def add(self, piece: Piece) -> None:
        """One more take."""
        self._takes.append(_relative_notes(piece))


def _share(ours: set[tuple], theirs: set[tuple], least: float) -> float:
    """Of the notes of two takes, 0..1; 0 where they cannot share `least`."""
    total = len(ours) + len(theirs)
    if 2 * min(len(ours), len(theirs)) < least * total:
        return 0.0
    return 2 * len(ours & theirs) / total if total else 1.0


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

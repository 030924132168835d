"""Which pieces of a corpus are copies of which, and which belong on one side of a split.

Conventions: pieces are counted from 0, in the order in which they were found. A piece is a copy of the first one that is equal or nearly so; pieces
that have less in common, harmonizations of one tune say, are no copies, but akin: they stay on one side. Which pairs are compared depends on
the pieces and not on their order.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from musicgen.reading.likeness import Sound, likeness, pairs_to_compare

COPY = 0.875  # likeness from which on a piece is a copy
AKIN = 0.7  # likeness from which on pieces stay on one side
SOUNDS = 512  # that are kept while pieces are compared
MOST_LEADERS = 16  # different pieces of one family of near copies that a further one is compared with


@dataclass(frozen=True, eq=False)
class Copies:
    """What was found of P pieces."""

    first: np.ndarray  # (P,) the piece that each is a copy of, itself where it is none
    family: np.ndarray  # (P,) the smallest number of a piece that it must not be separated from, often its own

    @property
    def kept(self) -> np.ndarray:
        """The pieces that are no copies, rising."""
        return np.flatnonzero(self.first == np.arange(len(self.first)))


def find_copies(fingerprints: np.ndarray, sketches: np.ndarray, sound: Callable[[int], Sound]) -> Copies:
    """Compare all pieces that may be alike.

    Args:
        fingerprints: (P, 16) bytes.
        sketches: (P, SKETCH).
        sound: gives a piece's sound.
    """
    keys = np.ascontiguousarray(fingerprints).view("V16").reshape(-1)
    _, equal_first, equal = np.unique(keys, return_index=True, return_inverse=True)  # in the order of the fingerprints, whatever that of the pieces
    heard = lru_cache(SOUNDS)(sound)
    pairs = equal_first[pairs_to_compare(sketches[equal_first])]
    alike = np.array([likeness(heard(ours), heard(theirs)) for ours, theirs in pairs.tolist()])
    family = _families(len(equal_first), equal[pairs[alike >= AKIN]])
    first = equal_first[equal]
    _find_firsts(first, pairs[alike >= COPY], heard)
    members = family[equal]
    smallest = np.full(len(equal_first), len(keys), np.int64)
    np.minimum.at(smallest, members, np.arange(len(keys)))
    return Copies(first, smallest[members])


def _families(number: int, pairs: np.ndarray) -> np.ndarray:
    """(number,) a name for the family of each, where the pairs (M, 2) are of one family each (Tarjan 1975, union by paths cut in half)."""
    parent = list(range(number))

    def root(one: int) -> int:
        while parent[one] != one:
            parent[one] = parent[parent[one]]
            one = parent[one]
        return one

    for ours, theirs in pairs.tolist():
        ours, theirs = root(ours), root(theirs)
        parent[max(ours, theirs)] = min(ours, theirs)
    return np.array([root(one) for one in range(number)], np.int64)


def _find_firsts(first: np.ndarray, pairs: np.ndarray, heard: Callable[[int], Sound]) -> None:
    """Lead every piece to the first that is nearly equal to it: among families of near copies each to the first that it is like."""
    if not len(pairs):
        return
    numbers, places = np.unique(pairs, return_inverse=True)
    family = _families(len(numbers), places.reshape(-1, 2))
    compared = {tuple(sorted(pair)) for pair in pairs.tolist()}
    leaders: dict[int, list[int]] = {}
    for number, own in zip(numbers.tolist(), family.tolist(), strict=True):
        others = leaders.setdefault(own, [])
        for leader in others[:MOST_LEADERS]:
            if (leader, number) in compared or likeness(heard(leader), heard(number)) >= COPY:
                first[first == number] = leader
                break
        else:
            others.append(number)

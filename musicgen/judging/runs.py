"""All runs of notes in a set of lines: an index that is exact, small and quick.

Conventions: a line is notes one after the other; a run is two or more of them in a row. Two runs are equal if their durations, the times between
their onsets and their intervals are; so the first note is free in pitch, and tempo and place in the bar do not matter. A rest is part of the
time to the next onset. Times are steps, intervals semitones; bars count from 1, owners and notes from 0.

Every note but a line's last has a token, which stands for a row: its duration, the time to the next onset, the interval to the next note,
and the duration of the next note. So n notes are equal to others exactly if n - 1 tokens are. The tokens of all lines are one text, with 0
for the last note of a line; its suffixes are sorted (Larsson and Sadakane 2007, "Faster suffix sorting"), and bisection finds the longest match
from each note of a line (Manber and Myers 1993, "Suffix arrays"). Nothing is hashed: what is found is there, and what is there is found. What is
stored takes two small integers a note, 3 or 4 bytes, and the rows; the suffixes are sorted anew when first asked.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from musicgen.piece import Note

ARRAYS = {  # name -> shape, None for any length; all are whole numbers
    "rows": (None, 4),  # what the tokens 1, 2, ... stand for, in rising order
    "tokens": (None,),  # of each note
    "bars": (None,),  # of each note
    "owners": (None, 2),  # piece and part of each line
}
TOKEN = np.dtype(">u4")  # big-endian, so that bytes are in the order of the tokens
LAST = np.full((1, 4), -1)  # stands for a line's last note, as token 0
PACKED_BITS = 62  # of the first tokens of a suffix, which are sorted as one number


class Line(NamedTuple):
    """Notes one after the other, and where they stand."""

    piece: int
    part: int
    notes: Sequence[Note]
    bars: np.ndarray  # (N,) of each note


class Place(NamedTuple):
    """A note of the index."""

    piece: int
    part: int
    bar: int


@dataclass(frozen=True, eq=False)
class RunIndex:
    """All runs of some lines. Made by `of` or `from_arrays`, which check what the fields promise."""

    rows: np.ndarray  # (V, 4)
    tokens: np.ndarray  # (N,) 0..V
    bars: np.ndarray  # (N,)
    owners: np.ndarray  # (L, 2)

    @classmethod
    def of(cls, lines: Iterable[Line]) -> "RunIndex":
        """The index of lines; those of one note have no runs."""
        every, bars, owners = [LAST], [np.zeros(0, np.int64)], []
        for line in lines:
            if len(line.notes) > 1:
                every += [_rows(line.notes), LAST]
                bars.append(line.bars)
                owners.append((line.piece, line.part))
        rows, tokens = _numbered(np.concatenate(every))
        return cls(rows[1:], tokens[1:], np.concatenate(bars), np.array(owners, np.int64).reshape(-1, 2))

    def to_arrays(self) -> dict[str, np.ndarray]:
        """What is to be stored: the arrays that ARRAYS names, each of the smallest integers that hold it."""
        return {name: smallest(getattr(self, name)) for name in ARRAYS}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray], num_pieces: int) -> "RunIndex":
        """The index that was stored. Raises ValueError where it is damaged, or its lines are of other pieces than there are."""
        rows, tokens, bars, owners = (whole_numbers(arrays, name, shape) for name, shape in ARRAYS.items())
        right = {
            "rows": is_rising(rows),
            "tokens": ((tokens >= 0) & (tokens <= len(rows))).all() and not tokens[-1:].any(),
            "bars": len(bars) == len(tokens) and (bars > 0).all(),
            "owners": len(owners) == (tokens == 0).sum() and (owners >= 0).all() and (owners[:, 0] < num_pieces).all(),
        }
        if wrong := [name for name, is_right in right.items() if not is_right]:
            raise ValueError(f"index of a corpus: these arrays do not belong together: {', '.join(wrong)}")
        return cls(rows, tokens, bars, owners)

    @cached_property
    def _text(self) -> bytes:
        return self.tokens.astype(TOKEN).tobytes()

    @cached_property
    def _token_of(self) -> dict[tuple[int, ...], int]:
        return {tuple(row): token for token, row in enumerate(self.rows.tolist(), start=1)}

    @cached_property
    def _line_ends(self) -> np.ndarray:
        """(L,) the last note of each line."""
        return np.flatnonzero(self.tokens == 0)

    @cached_property
    def _suffixes(self) -> list[int]:
        """(N,) where the suffixes of the text begin, in their order."""
        return sorted_suffixes(self.tokens).tolist()

    def tokens_of(self, notes: Sequence[Note]) -> np.ndarray:
        """(N - 1,) the tokens of a line; one more than all there are for what the index lacks."""
        return np.array([self._token_of.get(tuple(row), len(self.rows) + 1) for row in _rows(notes).tolist()], TOKEN)

    def run_lengths(self, notes: Sequence[Note]) -> np.ndarray:
        """(N,) how many notes of a line, from each on, are a run of the index; 0 where none are."""
        if len(notes) < 2:
            return np.zeros(len(notes), np.int64)
        tokens = self.tokens_of(notes)
        longest_line = int(np.diff(self._line_ends, prepend=-1).max(initial=0))
        lengths = np.zeros(len(notes), np.int64)
        for start in np.flatnonzero(tokens <= len(self.rows)).tolist():
            pattern = tokens[start : start + longest_line]
            place = bisect_left(self._suffixes, pattern.tobytes(), key=lambda suffix: self._prefix(suffix, len(pattern)))
            lengths[start] = 1 + max(self._common(pattern, suffix) for suffix in self._suffixes[max(0, place - 1) : place + 1])
        return lengths

    def first_place(self, notes: Sequence[Note]) -> Place:
        """Where a run, which the index has, stands first."""
        tokens = self.tokens_of(notes)
        pattern = tokens.tobytes()
        begin, end = (search(self._suffixes, pattern, key=lambda suffix: self._prefix(suffix, len(tokens))) for search in (bisect_left, bisect_right))
        first = min(self._suffixes[begin:end])
        piece, part = self.owners[np.searchsorted(self._line_ends, first)].tolist()
        return Place(piece, part, int(self.bars[first]))

    def of_one_pitch(self) -> np.ndarray:
        """(P, 2) of each piece, the most notes of one pitch in a row of a line, and the most bars in which such notes begin."""
        stays = np.append(False, self.rows[:, 2] == 0)[self.tokens]  # (N,) whether the line's next note has the same pitch
        firsts, lasts = np.flatnonzero(np.diff(stays.astype(np.int8), prepend=0, append=0)).reshape(-1, 2).T
        pieces, numbers = np.unique(self.owners[:, 0], return_inverse=True)
        found = np.ones((len(pieces), 2), np.int64)
        lengths = np.stack([lasts - firsts, self.bars[lasts] - self.bars[firsts]], axis=1) + 1
        np.maximum.at(found, numbers[np.searchsorted(self._line_ends, firsts)], lengths)
        return found

    def _prefix(self, suffix: int, num_tokens: int) -> bytes:
        return self._text[suffix * TOKEN.itemsize : (suffix + num_tokens) * TOKEN.itemsize]

    def _common(self, pattern: np.ndarray, suffix: int) -> int:
        """How many first tokens of the suffix are those of the pattern."""
        stands = self.tokens[suffix : suffix + len(pattern)]
        differs = stands != pattern[: len(stands)]
        return int(differs.argmax()) if differs.any() else len(stands)


def sorted_suffixes(tokens: np.ndarray) -> np.ndarray:
    """(N,) where the suffixes of (N,) tokens, at least 0, begin, in their order.

    The first tokens of each, as many as one number holds, are sorted; then those of which several begin alike, by what follows, of which the order
    is known by then: by twice as many tokens in each round.
    """
    num_tokens, bits = len(tokens), int(tokens.max(initial=0) + 1).bit_length()
    width = max(1, PACKED_BITS // bits)
    padded = np.concatenate((tokens.astype(np.int64) + 1, np.zeros(width, np.int64)))  # what is past the end comes before all
    packed = np.zeros(num_tokens, np.int64)
    for place in range(width):
        packed = packed << bits | padded[place : place + num_tokens]
    order = np.zeros(num_tokens, np.int64)
    rank = np.full(num_tokens + 1, -1)  # of each suffix the first place in the order among those that so far are alike
    alike, suffixes = np.arange(num_tokens), np.arange(num_tokens)  # places in the order that are not final yet, and what stands there
    while len(suffixes):
        by = np.argsort(packed)
        packed, suffixes = packed[by], suffixes[by]
        order[alike] = suffixes
        firsts = np.flatnonzero(np.append(True, packed[1:] != packed[:-1]))
        counts = np.diff(np.append(firsts, len(packed)))
        rank[suffixes] = np.repeat(alike[firsts], counts)
        alike = alike[np.repeat(counts, counts) > 1]
        suffixes = order[alike]
        packed = rank[suffixes] * (num_tokens + 1) + rank[np.minimum(suffixes + width, num_tokens)] + 1
        width *= 2
    return order


def _rows(notes: Sequence[Note]) -> np.ndarray:
    """(N - 1, 4) durations, times to the next onset, intervals to the next note, durations of the next note; steps and semitones."""
    onsets, pitches, durations, _ = np.array(notes, np.int64).reshape(-1, 4).T
    return np.stack([durations[:-1], np.diff(onsets), np.diff(pitches), durations[1:]], axis=1)


def _numbered(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(V, 4) the different rows of (N, 4) in rising order, and (N,) the number of each among them."""
    order = np.lexsort(rows.T[::-1])
    begins = np.append(True, (rows[order[1:]] != rows[order[:-1]]).any(axis=1))
    numbers = np.zeros(len(rows), np.int64)
    numbers[order] = np.cumsum(begins) - 1
    return rows[order[begins]], numbers


def is_rising(rows: np.ndarray) -> bool:
    """Whether each of the rows (N, K) comes after the one before."""
    differs = rows[1:] != rows[:-1]
    steps = np.take_along_axis(rows[1:] - rows[:-1], differs.argmax(axis=1)[:, None], axis=1)
    return bool(differs.any(axis=1).all() and (steps > 0).all())


def smallest(array: np.ndarray) -> np.ndarray:
    """The same numbers as the smallest integers that hold them all."""
    return array.astype(np.result_type(np.min_scalar_type(array.min(initial=0)), np.min_scalar_type(array.max(initial=0))))


def whole_numbers(arrays: Mapping[str, np.ndarray], name: str, shape: tuple[int | None, ...]) -> np.ndarray:
    """An array as int64. Raises ValueError where it is not there, is no array of whole numbers or has another shape."""
    array = arrays.get(name)
    if array is None:
        raise ValueError(f"index of a corpus: there is no array {name}")
    fits = array.ndim == len(shape) and all(expected in (None, found) for expected, found in zip(shape, array.shape, strict=True))
    if not fits or array.dtype.kind not in "iu":
        raise ValueError(f"index of a corpus: {name} must be whole numbers of shape {shape}, not {array.dtype} {array.shape}")
    return array.astype(np.int64)

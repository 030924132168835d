"""Stretches of notes: what a line sounds when, where values stay the same, and where they come again and again.

Conventions: N notes or values; times are steps, pitches MIDI note numbers.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from musicgen.piece import Note


def pitches_at(line: Sequence[Note], steps: np.ndarray) -> np.ndarray:
    """(S,) what a line sounds from each step on, -1 for nothing."""
    onsets, pitches, durations = columns(line)
    latest = np.searchsorted(onsets, steps, side="right") - 1
    return np.where((latest >= 0) & (steps < (onsets + durations)[latest]), pitches[latest], -1)


def columns(notes: Sequence[Note]) -> np.ndarray:
    """(3, N) onsets, pitches and durations."""
    return np.array(notes, np.int64).reshape(-1, 4)[:, :3].T


def runs(values: np.ndarray) -> Iterator[tuple[int, int]]:
    """Start and length of each run of equal values in (N,)."""
    starts = np.flatnonzero(np.append(True, values[1:] != values[:-1])[: len(values)])
    return zip(starts.tolist(), np.diff(np.append(starts, len(values))).tolist(), strict=True)


def repeats(items: np.ndarray, onsets: np.ndarray, longest: int, times: int) -> Iterator[tuple[int, int]]:
    """Start and end of stretches, none within another, where 1..`longest` items (N, K) with onsets (N,) come `times` in a row or more."""
    found: list[tuple[int, int]] = []
    for period in range(1, min(longest, len(items) // times) + 1):
        apart = np.where((items[period:] == items[:-period]).all(axis=1), onsets[period:] - onsets[:-period], 0)
        for start, length in runs(apart):
            end = start + length + period
            if apart[start] and end - start >= times * period and not any(begin <= start and end <= stop for begin, stop in found):
                found.append((start, end))
                yield start, end

"""What follows from the notes so far and need not be remembered: the place in the bar, what still sounds, what a part played last.

Conventions: row n is what is known when note n is chosen; `sounding` is seen from the onset of the note before, `next_place` from the
onset of note n itself. The slots of `sounding` hold the latest notes first. A note leaves `sounding` after `MEMORY` further notes.
"""

from typing import NamedTuple

import numpy as np

from musicgen.encoding.vocabulary import DURATION, PART, PITCH, TIME_SHIFT, Vocabulary
from musicgen.piece import Meter, bars_at

MEMORY = 256  # notes
MOST_SLOTS = 8
NOTHING = -1  # in `sounding` and `last_pitch`


class Context(NamedTuple):
    """Context of N steps, int32."""

    place: np.ndarray  # (N,) steps from the bar line to the onset of the note before
    bar: np.ndarray  # (N,) steps in that bar
    sounding: np.ndarray  # (N, slots, 3): part, pitch, and the steps that it still sounds, or NOTHING thrice
    next_place: np.ndarray  # (N,) as `place`, for the onset of this note
    next_bar: np.ndarray  # (N,)
    last_pitch: np.ndarray  # (N,) what this note's part played last, or NOTHING


def context_of(ids: np.ndarray, meters: tuple[Meter, ...], vocabulary: Vocabulary, slots: int) -> Context:
    """The context of each row of a whole piece at once.

    Args:
        ids: (N, 5), the end included or not.
    """
    onset = np.cumsum(vocabulary.steps(TIME_SHIFT, ids[:, TIME_SHIFT]))  # (N,); the end's is that of the last note
    before = np.concatenate(([0], onset))[: len(ids)]  # (N,) onset of the note before each
    notes = ids[:, TIME_SHIFT] != vocabulary.end
    start, bar = bars_at(before, meters, vocabulary.steps_per_quarter)
    next_start, next_bar = bars_at(onset, meters, vocabulary.steps_per_quarter)
    return Context(
        (before - start).astype(np.int32),
        bar.astype(np.int32),
        _sounding(ids[notes], onset[notes], before, vocabulary, slots),
        (onset - next_start).astype(np.int32),
        next_bar.astype(np.int32),
        _last_pitches(ids[:, PART], vocabulary.steps(PITCH, ids[:, PITCH])),
    )


def _sounding(notes: np.ndarray, onset: np.ndarray, before: np.ndarray, vocabulary: Vocabulary, slots: int) -> np.ndarray:
    """Pairs (note, later row at which it still sounds) at once, then the latest `slots` notes of each row."""
    sounding = np.full((len(before), slots, 3), NOTHING, np.int32)
    note = np.arange(len(notes))
    ends = onset + vocabulary.steps(DURATION, notes[:, DURATION])
    # note i sounds at the onset of note n - 1, so in row n, for i < n <= last[i]
    last = np.minimum(np.minimum(np.searchsorted(onset, ends, side="left"), note + MEMORY), len(before) - 1)
    counts = np.maximum(last - note, 0)
    of = np.repeat(note, counts)
    row = of + 1 + np.arange(len(of)) - np.repeat(np.cumsum(counts) - counts, counts)
    order = np.lexsort((-of, row))
    of, row = of[order], row[order]
    slot = np.arange(len(of)) - np.searchsorted(row, row, side="left")
    of, row, slot = of[slot < slots], row[slot < slots], slot[slot < slots]
    pitches = vocabulary.steps(PITCH, notes[:, PITCH])
    sounding[row, slot] = np.column_stack((notes[of, PART], pitches[of], ends[of] - before[row]))
    return sounding


def _last_pitches(parts: np.ndarray, pitches: np.ndarray) -> np.ndarray:
    last = np.full(len(parts), NOTHING, np.int32)
    for part in np.unique(parts):
        where = np.flatnonzero(parts == part)
        last[where[1:]] = pitches[where[:-1]]
    return last


class RunningContext:
    """The same, kept up to date note by note for one take."""

    def __init__(self, meters: tuple[Meter, ...], steps_per_quarter: int, slots: int) -> None:
        self.slots = slots
        self.onset = 0
        self._bars = [(meter.onset, meter.bar_steps(steps_per_quarter)) for meter in meters]
        self.sounds_until = 0
        self.notes: list[tuple[int, int, int, int]] = []  # that sound: part, pitch, end, number of the note; the latest first
        self._last_pitch: dict[int, int] = {}
        self._count = 0

    def place_at(self, onset: int) -> tuple[int, int]:
        """Steps from the bar line to `onset`, and in that bar."""
        start, bar = next(meter for meter in reversed(self._bars) if meter[0] <= onset)
        return (onset - start) % bar, bar

    def sounding(self) -> np.ndarray:
        """(slots, 3) as in Context."""
        sounding = np.full((self.slots, 3), NOTHING, np.int32)
        for slot, (part, pitch, end, number) in enumerate(self.notes[: self.slots]):
            if number > self._count - MEMORY:
                sounding[slot] = part, pitch, end - self.onset
        return sounding

    def last_pitch(self, part: int) -> int:
        return self._last_pitch.get(part, NOTHING)

    def add(self, shift: int, part: int, pitch: int, duration: int) -> None:
        """A note has been chosen, `shift` steps after the one before."""
        self.onset += shift
        self._count += 1
        self._last_pitch[part] = pitch
        latest = (part, pitch, self.onset + duration, self._count)
        self.sounds_until = max(self.sounds_until, latest[2])
        self.notes = [latest, *(note for note in self.notes if note[2] > self.onset)]

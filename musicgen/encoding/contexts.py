"""The context of many pieces at once, all of which grow by a note at a time: `context.RunningContext`, row for row.

Conventions: B pieces, P parts, C sounding notes (as many as the piece with most has; what is missing is NOTHING), W remembered notes, the latest
last. Rows are independent: nothing that is found of one depends on the others, so rows can be left out, repeated and put together.
"""

from collections.abc import Sequence
from copy import copy

import numpy as np

from musicgen.encoding.context import (
    FAMILIARITY,
    FEWEST_UNFOLLOWED,
    MEMORY,
    MOST_SOUNDING,
    MOST_UNFOLLOWED,
    NO_LEAP,
    NOTHING,
    OWN_RECENT,
    RECENT,
    SLOT,
    WIDEST_LEAP,
)
from musicgen.encoding.memory import NO_CLASS, REMEMBERED, ClassesOfMany
from musicgen.encoding.vocabulary import Vocabulary
from musicgen.piece import NUM_PITCHES, Meter

NUM_PART, NUM_PITCH, NUM_ONSET, NUM_END, NUM_LEAP, NUM_LAG, NUM_NUMBER, NUM_UNTIL = range(8)
"""Columns of a sounding note: the step at which it ends, or HELD; and the step until which nothing else can have its pitch."""
HELD = -2
NO_NOTE = np.where(np.arange(8) == NUM_NUMBER, -(1 << 40), NOTHING)
NO_INTERVAL = 1 << 10
ROOM = 256  # columns that the memory grows by
OF_ALL, OF_ITS_PART = np.array((0, *RECENT)), np.array((0, *OWN_RECENT))  # the latest notes, between 0 and so many notes ago


class Contexts:
    """What follows from the notes so far, for each of B pieces with the same meters."""

    def __init__(self, meters: tuple[Meter, ...], vocabulary: Vocabulary, slots: int, pieces: int) -> None:
        parts = len(vocabulary.parts)
        self.slots, self.rows = slots, np.arange(pieces)
        self._starts = np.array([meter.onset for meter in meters])
        self._bars = np.array([meter.bar_steps(vocabulary.steps_per_quarter) for meter in meters])
        self._is_drum = np.array([token.is_drum for token in vocabulary.parts])
        self.onset = np.zeros(pieces, np.int64)  # of the latest note
        self.sounds_until = np.zeros(pieces, np.int64)  # what is held counts for one step
        self.count = np.zeros(pieces, np.int64)  # of the notes so far
        self.notes = np.tile(NO_NOTE, (pieces, slots + 1, 1))  # that sound, the latest first, and at least one that is none
        self._num_sounding = np.zeros(pieces, np.int64)
        self._last = np.tile([NOTHING, NOTHING, 0], (pieces, parts, 1))  # each part's latest pitch and onset, and its lag
        self._latest = np.full(pieces, NOTHING, np.int64)  # part
        self._ended = np.full((pieces, 1), NUM_PITCHES, np.int64)  # pitches that it has ended at its latest onset, rising, and one that is none
        self._begun = np.zeros(pieces, np.int64)  # its notes there
        self._leap = np.full(pieces, NO_LEAP, np.int64)
        self._classes = ClassesOfMany(pieces, parts, max(RECENT))
        self._tokens = np.full((pieces, ROOM, 4), NOTHING, np.int32)  # time shift, part, interval to the part's last pitch, duration
        self._equal = np.zeros((pieces, ROOM), np.int32)  # how many notes up to each are equal to the latest
        self._width = 0  # columns of both that are used

    def __len__(self) -> int:
        return len(self.rows)

    def select(self, rows: np.ndarray) -> "Contexts":
        """Some of the pieces, or the same several times, as they are now."""
        other = copy(self)
        for name, value in vars(self).items():
            if isinstance(value, np.ndarray) and name not in ("_starts", "_bars", "_is_drum"):
                setattr(other, name, value[rows])
        other._classes = self._classes.select(rows)
        other.rows = np.arange(len(other.onset))
        return other

    @staticmethod
    def joined(several: Sequence["Contexts"]) -> "Contexts":
        """All pieces of several."""
        first, *_ = several
        whole = copy(first)
        width = max(one._width for one in several)
        for name in ("_tokens", "_equal"):
            setattr(whole, name, np.concatenate([_at_the_end(getattr(one, name)[:, : one._width], width) for one in several]))
        for name in ("notes", "_ended"):
            setattr(whole, name, _side_by_side([getattr(one, name) for one in several]))
        for name in ("onset", "sounds_until", "count", "_num_sounding", "_last", "_latest", "_begun", "_leap"):
            setattr(whole, name, np.concatenate([getattr(one, name) for one in several]))
        whole._classes = ClassesOfMany.joined([one._classes for one in several])
        whole._width, whole.rows = width, np.arange(len(whole.onset))
        return whole

    def place_at(self, onset: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Steps from the bar line to onsets (B,), and in those bars."""
        if len(self._starts) == 1:
            return onset % self._bars, self._bars.repeat(len(onset))
        meter = self._starts.searchsorted(onset, side="right") - 1
        bar = self._bars[meter]
        return (onset - self._starts[meter]) % bar, bar

    def before(self) -> tuple[np.ndarray, ...]:
        """The columns of BEFORE."""
        onset, notes = self.onset[:, None], self.notes[:, : self.slots]
        sounding = notes[..., : len(SLOT)].copy()
        sounding[..., 2] = onset - notes[..., NUM_ONSET]
        sounding[..., 3] = np.maximum(notes[..., NUM_END] - onset, 0)
        sounding[notes[..., NUM_NUMBER] <= self.count[:, None] - MEMORY] = NOTHING
        unfollowed = np.add.reduce(self._ended < NUM_PITCHES, axis=1) - self._begun
        unfollowed = np.minimum(np.maximum(unfollowed, FEWEST_UNFOLLOWED), MOST_UNFOLLOWED)
        num_sounding, recent = np.minimum(self._num_sounding, MOST_SOUNDING), self._classes.recent(OF_ALL)
        return *self.place_at(self.onset), sounding, unfollowed, num_sounding, self._leap, recent, *self._recalled()

    def _recalled(self) -> tuple[np.ndarray, np.ndarray]:
        """How familiar the latest notes are, and what came next when last they were heard, (B, 4)."""
        last = self._width - 1
        if last < 1:
            return np.zeros(len(self), np.int64), np.full((len(self), 4), NOTHING, np.int64)
        backwards = self._equal[:, max(0, last - REMEMBERED) : last][:, ::-1]
        latest = backwards.argmax(axis=1)
        equal, note = backwards[self.rows, latest], self._tokens[self.rows, last - latest].astype(np.int64)
        pitch = self._last[self.rows, note[:, 1], 0] + note[:, 2]
        note[:, 2] = np.where((pitch >= 0) & (pitch < NUM_PITCHES), pitch, NOTHING)
        return FAMILIARITY.take(equal, mode="clip"), np.where(equal[:, None] > 0, note, NOTHING)

    def at(self, shift: np.ndarray, part: np.ndarray) -> tuple[np.ndarray, ...]:
        """The other columns, for notes of parts (B,) that begin so many steps (B,) from the latest onset."""
        onset = self.onset + shift
        followed = np.where(self._goes_on(shift, part), self._next, np.minimum.reduce(self._ends(onset, part), axis=1))
        follows = np.where(followed == NUM_PITCHES, NOTHING, followed)
        return *self.place_at(onset), self._last[self.rows, part, 0], follows, self._classes.recent(OF_ITS_PART, part)

    def _goes_on(self, shift: np.ndarray, part: np.ndarray) -> np.ndarray:
        """(B,) whether a note joins those that the latest part has begun at its onset."""
        return (shift == 0) & (part == self._latest)

    def _ends(self, onset: np.ndarray, part: np.ndarray) -> np.ndarray:
        """The pitches (B, C) that a part ends by beginning a note at `onset`, NUM_PITCHES for none."""
        onset, end = onset[:, None], self.notes[..., NUM_END]
        ends = (end == onset) | ((end == HELD) & (self.notes[..., NUM_ONSET] < onset))
        return np.where(ends & (self.notes[..., NUM_PART] == part[:, None]), self.notes[..., NUM_PITCH], NUM_PITCHES)

    @property
    def _next(self) -> np.ndarray:
        """(B,) which of the pitches that the latest part has ended one more of its notes would follow, or NUM_PITCHES."""
        return self._ended[self.rows, np.minimum(self._begun, self._ended.shape[1] - 1)]

    def add(self, shift: np.ndarray, part: np.ndarray, pitch: np.ndarray, duration: np.ndarray) -> None:
        """A note (B,) of each piece has been chosen, so many steps after the one before; with a duration of 0 it is held."""
        onset = self.onset + shift
        self._follow(self._goes_on(shift, part), onset, part)
        followed, own = self._next, self._last[self.rows, part]  # (B, 3)
        last, before, lag = own[:, 0], own[:, 1], own[:, 2]
        interval, is_first = pitch - last, last < 0
        leap = np.where(followed < NUM_PITCHES, _bounded(pitch - followed), NO_LEAP)
        lag = np.where((before < 0) | (onset == before), lag, onset - before)  # that of a chord's first note is that of all
        own[:, 0], own[:, 1], own[:, 2] = pitch, onset, lag
        self._last[self.rows, part] = own
        self._leap = np.where(is_first, NO_LEAP, _bounded(interval))
        self._remember(np.array((shift, part, np.where(is_first, -NO_INTERVAL, interval), duration), np.int32).T)
        self._classes.add(np.where(self._is_drum[part], NO_CLASS, pitch % 12), part)
        self.onset, self._latest, self._begun, self.count = onset, part, self._begun + 1, self.count + 1
        is_held, end = duration == 0, onset + duration
        until = end + is_held
        self.sounds_until = np.maximum(self.sounds_until, until)
        self._sound(np.array((part, pitch, onset, np.where(is_held, HELD, end), leap, lag, self.count, until)).T)

    def _follow(self, goes_on: np.ndarray, onset: np.ndarray, part: np.ndarray) -> None:
        """A part (B,) begins a note: what it ends there, unless it joins those that it has begun at this onset."""
        joining = np.count_nonzero(goes_on)
        if not joining:
            self._ended, self._begun = np.sort(self._ends(onset, part), axis=1), 0 * part
        elif joining < len(self):
            own, ended = _side_by_side([self._ended, np.sort(self._ends(onset, part), axis=1)]).reshape(2, len(self), -1)
            self._ended, self._begun = np.where(goes_on[:, None], own, ended), self._begun * goes_on

    def _sound(self, note: np.ndarray) -> None:
        """Notes (B, 8) begin, and others are over now."""
        notes = self.notes
        is_kept = (notes[..., NUM_UNTIL] > self.onset[:, None]) | ((notes[..., NUM_END] == HELD) & (notes[..., NUM_PART] != note[:, :1]))
        self._num_sounding = np.add.reduce(is_kept, axis=1) + 1
        width = max(self.slots, int(self._num_sounding.max()))
        order = (~is_kept).argsort(axis=1, kind="stable")[:, :width]
        kept = np.where(is_kept[..., None], notes, NO_NOTE)[self.rows[:, None], order]
        self.notes = np.concatenate((note[:, None], kept), axis=1)

    def _remember(self, token: np.ndarray) -> None:
        """Notes (B, 4) are the latest of the memory."""
        if self._width == self._equal.shape[1]:
            kept = slice(max(0, self._width - REMEMBERED - 1), self._width)
            room = np.zeros((len(self), ROOM), np.int32)
            self._equal = np.concatenate((self._equal[:, kept], room), axis=1)
            self._tokens = np.concatenate((self._tokens[:, kept], np.full((len(self), ROOM, 4), NOTHING, np.int32)), axis=1)
            self._width = kept.stop - kept.start
        width = self._width
        first = max(0, width - REMEMBERED)
        if width:
            is_equal = np.logical_and.reduce(self._tokens[:, first:width] == token[:, None], axis=2)
            longer = self._equal[:, first : width - 1] + 1
            np.multiply(longer, is_equal[:, 1:], out=self._equal[:, first + 1 : width])
            self._equal[:, first] = is_equal[:, 0]
        self._tokens[:, width] = token
        self._equal[:, width] = 0
        self._width = width + 1


def _bounded(interval: np.ndarray) -> np.ndarray:
    return np.minimum(np.maximum(interval, -WIDEST_LEAP), WIDEST_LEAP)


def _at_the_end(array: np.ndarray, width: int) -> np.ndarray:
    """(B, W, ...) in the last of `width` columns."""
    return np.concatenate(
        (np.full((len(array), width - array.shape[1], *array.shape[2:]), NOTHING if array.ndim == 3 else 0, array.dtype), array), axis=1
    )


def _side_by_side(arrays: Sequence[np.ndarray]) -> np.ndarray:
    """Arrays (B, C, ...) of different C in one, the shorter ones with more of their last column, which is nothing."""
    width = max(array.shape[1] for array in arrays)
    return np.concatenate([np.concatenate((array, array[:, -1:].repeat(width - array.shape[1], axis=1)), axis=1) for array in arrays])

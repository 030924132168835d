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
from musicgen.encoding.memory import REMEMBERED
from musicgen.encoding.vocabulary import Vocabulary
from musicgen.piece import NUM_PITCHES, Meter

NUM_PART, NUM_PITCH, NUM_ONSET, NUM_END, NUM_LEAP, NUM_LAG, NUM_NUMBER, NUM_UNTIL = range(8)
"""Columns of a sounding note: the step at which it ends, or HELD; and the step until which nothing else can have its pitch."""
HELD = -2
NO_INTERVAL = 1 << 10
ROOM = 256  # columns that the memory grows by
ONE_OF_CLASSES = np.eye(13, 12, dtype=np.int64)  # and nothing for 12, which is none


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
        self.notes = np.full((pieces, 0, 8), NOTHING, np.int64)  # that sound, the latest first
        self._last = np.tile([NOTHING, NOTHING, 0], (pieces, parts, 1))  # each part's latest pitch and onset, and its lag
        self._latest = np.full(pieces, NOTHING, np.int64)  # part
        self._ended = np.full((pieces, 1), NUM_PITCHES, np.int64)  # pitches that it has ended at its latest onset, rising
        self._begun = np.zeros(pieces, np.int64)  # its notes there
        self._next = np.full(pieces, NUM_PITCHES, np.int64)  # which of the pitches one more of them would follow
        self._leap = np.full(pieces, NO_LEAP, np.int64)
        self._recent = Classes(RECENT, (pieces,))
        self._own_recent = Classes(OWN_RECENT, (pieces, parts))
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
        other._recent, other._own_recent = self._recent.select(rows), self._own_recent.select(rows)
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
            setattr(whole, name, _side_by_side([getattr(one, name) for one in several], NOTHING if name == "notes" else NUM_PITCHES))
        for name in ("onset", "sounds_until", "count", "_last", "_latest", "_begun", "_next", "_leap"):
            setattr(whole, name, np.concatenate([getattr(one, name) for one in several]))
        whole._recent = Classes.joined([one._recent for one in several])
        whole._own_recent = Classes.joined([one._own_recent for one in several])
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
        notes, onset = self.notes[:, : self.slots], self.onset[:, None]
        sounding = np.full((len(self), self.slots, len(SLOT)), NOTHING, np.int64)
        seen = sounding[:, : notes.shape[1]]
        seen[...] = notes[..., : len(SLOT)]
        seen[..., 2] = onset - notes[..., NUM_ONSET]
        seen[..., 3] = np.maximum(notes[..., NUM_END] - onset, 0)
        seen[(notes[..., NUM_PART] < 0) | (notes[..., NUM_NUMBER] <= self.count[:, None] - MEMORY)] = NOTHING
        unfollowed = np.add.reduce(self._ended < NUM_PITCHES, axis=1) - self._begun
        unfollowed = np.minimum(np.maximum(unfollowed, FEWEST_UNFOLLOWED), MOST_UNFOLLOWED)
        num_sounding = np.minimum(np.add.reduce(self.notes[..., NUM_PART] >= 0, axis=1), MOST_SOUNDING)
        return *self.place_at(self.onset), sounding, unfollowed, num_sounding, self._leap, self._recent.counts, *self._recalled()

    def _recalled(self) -> tuple[np.ndarray, np.ndarray]:
        """How familiar the latest notes are, and what came next when last they were heard, (B, 4)."""
        last = self._width - 1
        if last < 1:
            return np.zeros(len(self), np.int64), np.full((len(self), 4), NOTHING, np.int64)
        backwards = self._equal[:, max(0, last - REMEMBERED) : last][:, ::-1]
        latest = backwards.argmax(axis=1)
        equal = backwards[self.rows, latest]
        note = self._tokens[self.rows, last - latest]
        recalled = np.where(equal[:, None] > 0, note, NOTHING)
        before = self._last[self.rows, note[:, 1], 0]
        pitch = before + note[:, 2]
        recalled[:, 2] = np.where((equal > 0) & (before >= 0) & (pitch >= 0) & (pitch < NUM_PITCHES), pitch, NOTHING)
        return FAMILIARITY.take(equal, mode="clip"), recalled

    def at(self, shift: np.ndarray, part: np.ndarray) -> tuple[np.ndarray, ...]:
        """The other columns, for notes of parts (B,) that begin so many steps (B,) from the latest onset."""
        onset = self.onset + shift
        followed = np.where((shift == 0) & (part == self._latest), self._next, self._ends(onset, part).min(axis=1, initial=NUM_PITCHES))
        follows = np.where(followed == NUM_PITCHES, NOTHING, followed)
        return *self.place_at(onset), self._last[self.rows, part, 0], follows, self._own_recent.counts[self.rows, part]

    def _ends(self, onset: np.ndarray, part: np.ndarray) -> np.ndarray:
        """The pitches (B, C) that a part ends by beginning a note at `onset`, NUM_PITCHES for none."""
        onset, end = onset[:, None], self.notes[..., NUM_END]
        ends = (end == onset) | ((end == HELD) & (self.notes[..., NUM_ONSET] < onset))
        return np.where(ends & (self.notes[..., NUM_PART] == part[:, None]), self.notes[..., NUM_PITCH], NUM_PITCHES)

    def add(self, shift: np.ndarray, part: np.ndarray, pitch: np.ndarray, duration: np.ndarray) -> None:
        """A note (B,) of each piece has been chosen, so many steps after the one before; with a duration of 0 it is held."""
        onset = self.onset + shift
        self._follow((shift == 0) & (part == self._latest), onset, part)
        leap = np.where(self._next < NUM_PITCHES, _bounded(pitch - self._next), NO_LEAP)
        self._begun = self._begun + 1
        width = self._ended.shape[1] - 1
        self._next = np.where(self._begun > width, NUM_PITCHES, self._ended[self.rows, np.minimum(self._begun, width)])
        last, before, lag = self._last[self.rows, part].T
        lag = np.where((before < 0) | (onset == before), lag, onset - before)  # that of a chord's first note is that of all
        self._last[self.rows, part] = np.array((pitch, onset, lag)).T
        is_first = last < 0
        interval = pitch - last
        self._leap = np.where(is_first, NO_LEAP, _bounded(interval))
        self._remember(np.array((shift, part, np.where(is_first, -NO_INTERVAL, interval), duration), np.int32).T)
        has_class = ~self._is_drum[part]
        self._recent.add(pitch % 12, has_class, (self.rows,))
        self._own_recent.add(pitch % 12, has_class, (self.rows, part))
        self.onset, self._latest, self.count = onset, part, self.count + 1
        end = np.where(duration == 0, HELD, onset + duration)
        until = np.where(duration == 0, onset + 1, end)
        self.sounds_until = np.maximum(self.sounds_until, until)
        self._sound(np.array((part, pitch, onset, end, leap, lag, self.count, until)).T)

    def _follow(self, goes_on: np.ndarray, onset: np.ndarray, part: np.ndarray) -> None:
        """A part (B,) begins a note: what it ends there, unless it joins those that it has begun at this onset."""
        if goes_on.all():
            return
        ended = np.sort(self._ends(onset, part), axis=1)
        if goes_on.any():
            own, ended = _side_by_side([self._ended, ended], NUM_PITCHES).reshape(2, len(self), -1)
            ended = np.where(goes_on[:, None], own, ended)
        elif not ended.shape[1]:
            ended = np.full((len(self), 1), NUM_PITCHES)
        self._begun, self._next, self._ended = np.where(goes_on, self._begun, 0), np.where(goes_on, self._next, ended[:, 0]), ended

    def _sound(self, note: np.ndarray) -> None:
        """Notes (B, 8) begin, and others are over now."""
        rows, notes = self.rows[:, None], self.notes
        is_over = (notes[..., NUM_UNTIL] <= self.onset[:, None]) & ((notes[..., NUM_END] != HELD) | (notes[..., NUM_PART] == note[:, :1]))
        order = is_over.argsort(axis=1, kind="stable")[:, : np.add.reduce(~is_over, axis=1).max(initial=0)]
        kept = notes[rows, order]
        kept[is_over[rows, order]] = NOTHING
        self.notes = np.concatenate((note[:, None], kept), axis=1)

    def _remember(self, token: np.ndarray) -> None:
        """Notes (B, 4) are the latest of the memory."""
        first, width = max(0, self._width - REMEMBERED), self._width
        if width == self._equal.shape[1]:
            kept = slice(max(0, width - REMEMBERED - 1), width)
            room = np.zeros((len(self), ROOM), np.int32)
            self._equal = np.concatenate((self._equal[:, kept], room), axis=1)
            self._tokens = np.concatenate((self._tokens[:, kept], np.full((len(self), ROOM, 4), NOTHING, np.int32)), axis=1)
            self._width = width = kept.stop - kept.start
            first = max(0, width - REMEMBERED)
        is_equal = (self._tokens[:, first:width] == token[:, None]).all(axis=2)
        self._equal[:, first + 1 : width] = np.where(is_equal[:, 1:], self._equal[:, first : max(first, width - 1)] + 1, 0)
        self._equal[:, first : min(first + 1, width)] = is_equal[:, :1]
        self._tokens[:, width] = token
        self._equal[:, width] = 0
        self._width = width + 1


class Classes:
    """How many of the latest notes have each pitch class, for several numbers of notes; any number of independent places."""

    def __init__(self, windows: tuple[int, ...], shape: tuple[int, ...]) -> None:
        self.counts = np.zeros((*shape, len(windows), 12), np.int64)
        self._latest = np.full((*shape, max(windows) + 1), 12, np.int64)  # the one after the other, over and over, and room for one that is none
        self._heard = np.zeros(shape, np.int64)
        self._windows = np.array(windows)

    def add(self, pitch_class: np.ndarray, is_one: np.ndarray, at: tuple[np.ndarray, ...]) -> None:
        """Pitch classes (B,) are heard at B different places, where there is one."""
        heard, around, wide = self._heard[at], self._latest.shape[-1], tuple(index[:, None] for index in at)
        leaving = self._latest[(*wide, (heard[:, None] - self._windows) % around)]
        changes = ONE_OF_CLASSES.take(pitch_class, axis=0)[:, None] - ONE_OF_CLASSES.take(leaving, axis=0)  # (B, W, 12)
        self.counts[at] += changes * is_one[:, None, None]
        self._latest[(*at, heard % around)] = pitch_class
        self._heard[at] = heard + is_one

    def select(self, rows: np.ndarray) -> "Classes":
        other = copy(self)
        other.counts, other._latest, other._heard = self.counts[rows], self._latest[rows], self._heard[rows]
        return other

    @staticmethod
    def joined(several: Sequence["Classes"]) -> "Classes":
        whole = copy(several[0])
        for name in ("counts", "_latest", "_heard"):
            setattr(whole, name, np.concatenate([getattr(one, name) for one in several]))
        return whole


def _bounded(interval: np.ndarray) -> np.ndarray:
    return np.minimum(np.maximum(interval, -WIDEST_LEAP), WIDEST_LEAP)


def _at_the_end(array: np.ndarray, width: int) -> np.ndarray:
    """(B, W, ...) in the last of `width` columns."""
    return np.concatenate(
        (np.full((len(array), width - array.shape[1], *array.shape[2:]), NOTHING if array.ndim == 3 else 0, array.dtype), array), axis=1
    )


def _side_by_side(arrays: Sequence[np.ndarray], nothing: int) -> np.ndarray:
    """Arrays (B, C, ...) of different C in one, the shorter ones with nothing after what they have."""
    width = max(array.shape[1] for array in arrays)
    return np.concatenate([np.concatenate((a, np.full((len(a), width - a.shape[1], *a.shape[2:]), nothing)), axis=1) for a in arrays])

"""The relative logits in NumPy: which entry of its table each value takes, by what sounds and where in the bar it stands.

Conventions: as in `engine`. An index (B, S, V) picks from the logits by difference of one table, the weight is 0 where there is nothing to be
relative to. `learning/relative.py` says the same in Keras' operations; a test holds the two equal.
"""

import numpy as np

from musicgen.encoding.context import OWN_RECENT, RECENT, Context
from musicgen.encoding.vocabulary import DURATION, PART, PITCH, TIME_SHIFT
from musicgen.model.configuration import WIDEST_INTERVAL, Configuration


class Relative:
    """The relative logits of one configuration."""

    def __init__(self, configuration: Configuration) -> None:
        self.configuration = configuration
        vocabulary = configuration.vocabulary
        self.alone = np.array(vocabulary.most_at_once) == 1
        self.parts = np.arange(len(vocabulary.parts))
        self.drums = np.array([token.is_drum for token in vocabulary.parts])
        self.shifts, self.pitches, self.durations = (
            vocabulary.steps(field, np.arange(vocabulary.sizes[field])) for field in (TIME_SHIFT, PITCH, DURATION)
        )
        self.values = {TIME_SHIFT: self.shifts, PART: self.parts, PITCH: self.pitches, DURATION: self.durations}
        self.goes_on = np.arange(len(self.shifts)) < vocabulary.end
        self.has_end = np.arange(len(self.durations)) < vocabulary.held

    def logits(self, field: int, table: str, by_difference: np.ndarray, note: np.ndarray, around: Context) -> np.ndarray:
        """The logits (B, V) of a field by one of its tables, given the logits by difference (B, R)."""
        if table == "by_recent":
            return self._pitch_by_recent(by_difference, note, around)
        if table == "by_recall":
            return self._by_recall(field, by_difference, note, around)
        index, weight = TABLES[field, table](self, note, around)  # (B, S, V), (B, S or 1, V or 1)
        gathered = by_difference[np.arange(len(index))[:, None, None], index]
        return (gathered * weight).sum(axis=1)

    def out_of_order(self, field: int, note: np.ndarray, around: Context) -> np.ndarray:
        """What can't stand after the note before, (B, V) bool."""
        part, pitch = around.sounding[:, 0, 0:1], around.sounding[:, 0, 1:2]
        at_once = (part >= 0) & (self.shifts[note[:, TIME_SHIFT]] == 0)[:, None]
        if field == TIME_SHIFT:
            full = (part == len(self.parts) - 1) & self.alone[-1]
            held = ((around.sounding[..., 0] >= 0) & (around.sounding[..., 3] == 0)).any(axis=1, keepdims=True)
            return (full & (self.shifts == 0) & self.goes_on) | (held & ~self.goes_on)
        if field == PART:
            return at_once & ((self.parts < part) | ((self.parts == part) & self.alone))
        return at_once & (note[:, PART, None] == part) & (self.pitches <= pitch)

    def _shift(self, note: np.ndarray) -> np.ndarray:
        return self.shifts[note[:, TIME_SHIFT]][:, None, None]  # (B, 1, 1)

    def _time_shift_by_place(self, note: np.ndarray, around: Context):
        index = (around.place[:, None, None] + self.shifts) % around.bar[:, None, None]
        return np.minimum(index, self.configuration.span - 1), self.goes_on

    def _time_shift_by_sounding(self, note: np.ndarray, around: Context):
        ages = self.configuration.span + 1
        part, age, left = (around.sounding[..., column, None] for column in (0, 2, 3))
        later = ages + _difference(self.shifts, left, self.configuration.span)
        may_begin = (part >= around.sounding[:, :1, :1]) | (self.shifts > 0)
        return np.where(left > 0, later, np.minimum(age + self.shifts, ages - 1)), (part >= 0) & may_begin & self.goes_on

    def _part_by_age(self, note: np.ndarray, around: Context):
        own = around.sounding[..., 0:1] == self.parts
        age = around.sounding[..., 2:3] + self._shift(note)
        return np.where(own, np.minimum(np.maximum(age, 0), self.configuration.span), 0), own

    def _pitch_by_interval(self, note: np.ndarray, around: Context):
        last = around.last_pitch[:, None, None]
        return _difference(self.pitches, last, WIDEST_INTERVAL), last >= 0

    def _pitch_by_followed(self, note: np.ndarray, around: Context):
        follows = around.follows[:, None, None]
        return _difference(self.pitches, follows, WIDEST_INTERVAL), follows >= 0

    def _pitch_by_sounding(self, note: np.ndarray, around: Context):
        part, pitch, age, left = (around.sounding[..., column, None] for column in range(4))
        own, shift = note[:, PART, None, None], self._shift(note)
        ended = np.where(left == 0, part == own, left <= shift)
        state = np.where(age + shift == 0, 0, np.where(ended, 2, 1))  # as in STATES
        alike = (part >= 0) & (self.drums[part] == self.drums[own])
        return state * (2 * WIDEST_INTERVAL + 1) + _difference(self.pitches, pitch, WIDEST_INTERVAL), alike

    def _pitch_by_recent(self, relative: np.ndarray, note: np.ndarray, around: Context) -> np.ndarray:
        shares = shares_of_classes(np.concatenate((around.recent, around.own_recent), axis=1))
        by_class = (relative[:, ABOVE] * shares[:, None]).sum(axis=(-2, -1))  # (B, 12)
        return by_class[:, self.pitches % 12] * ~self.drums[note[:, PART], None]

    def _by_recall(self, field: int, by_difference: np.ndarray, note: np.ndarray, around: Context) -> np.ndarray:
        agrees = around.familiar > 0
        is_recalled = (around.recalled[:, field, None] == self.values[field]) & agrees[:, None]
        for column in range(field):
            agrees = agrees & (self.values[column][note[:, column]] == around.recalled[:, column])
        if field == TIME_SHIFT:
            is_recalled &= self.goes_on
        return by_difference[np.arange(len(note)), 2 * around.familiar + agrees, None] * is_recalled

    def _duration_by_place(self, note: np.ndarray, around: Context):
        index = (around.next_place[:, None, None] + self.durations) % around.next_bar[:, None, None]
        return np.minimum(index, self.configuration.span - 1), self.has_end

    def _duration_by_left(self, note: np.ndarray, around: Context):
        before = around.sounding[..., 3:4]
        left = before - self._shift(note)
        return _difference(self.durations, left, self.configuration.span), (before > 0) & (left > 0) & self.has_end


def _difference(values: np.ndarray, others: np.ndarray, widest: int) -> np.ndarray:
    """values - others as indices, the wide ones together."""
    return np.minimum(np.maximum(values - others, -widest), widest) + widest


def shares_of_classes(counts: np.ndarray) -> np.ndarray:
    """How frequent each pitch class is among the latest notes, (B, W, 12), 1 where all are equally so."""
    counts = counts.astype(np.float32)
    return 12 * counts / np.maximum(counts.sum(axis=-1, keepdims=True), 1)


ABOVE = 12 * np.arange(len(RECENT) + len(OWN_RECENT))[:, None] + (np.arange(12)[:, None, None] - np.arange(12)) % 12  # (12, W, 12)


TABLES = {
    (TIME_SHIFT, "by_place"): Relative._time_shift_by_place,
    (TIME_SHIFT, "by_sounding"): Relative._time_shift_by_sounding,
    (PART, "by_age"): Relative._part_by_age,
    (PITCH, "by_interval"): Relative._pitch_by_interval,
    (PITCH, "by_followed"): Relative._pitch_by_followed,
    (PITCH, "by_sounding"): Relative._pitch_by_sounding,
    (DURATION, "by_place"): Relative._duration_by_place,
    (DURATION, "by_left"): Relative._duration_by_left,
}

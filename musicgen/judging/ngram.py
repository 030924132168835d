"""An interpolated n-gram model of notes, the floor that a network must beat: nats of the same events, without any network.

Conventions: N rows of pieces, ends included, as the vocabulary gives ids (N, 5). Order 0 is how often each value occurs. Order 1 knows the fields
of the note that are said before, and each further order one more of the notes before it: their time shift, part, duration and interval to the note
before them; of the velocity their velocities alone. A pitch is foretold as an interval to the latest pitch, so what is known in one key is known in
all; drums are foretold as themselves. In each order the probabilities of a field sum to one over its values.

Where a longer context has been seen too seldom, the shorter one speaks, by Witten and Bell's estimate: after a context that was seen n times,
followed by t different values,

    p(v | context) = (count(v) + t * p(v | shorter context)) / (n + t),  and 1 / V after none

Source: Witten and Bell 1991, method C, interpolated as in Chen and Goodman 1998, section 2.4; for music Pearce and Wiggins 2004.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from musicgen.encoding.vocabulary import DURATION, FIELDS, PART, PITCH, TIME_SHIFT, VELOCITY, Vocabulary
from musicgen.piece import NUM_PITCHES

ORDERS = 9  # that are tried, 0 among them
MIDDLE = 60  # the latest pitch before there is one
DRUMS = 2 * NUM_PITCHES  # intervals are said as numbers below it, drums from it on


class Rows(NamedTuple):
    """Notes and ends of pieces, one after the other."""

    ids: np.ndarray  # (N, 5)
    start: np.ndarray  # (N,) the row in which its piece begins
    latest: np.ndarray  # (N,) the latest pitch before, drums not counted
    steps: np.ndarray  # (N,) what the pitch is foretold as: an interval to it from 0, or a drum from DRUMS
    is_drum: np.ndarray  # (N,)

    @classmethod
    def of(cls, pieces: Sequence[np.ndarray], vocabulary: Vocabulary) -> "Rows":
        """Of each piece its ids, (N + 1, 5)."""
        ids = np.concatenate(pieces).astype(np.int64)
        lengths = [len(rows) for rows in pieces]
        start = np.repeat(np.cumsum([0, *lengths[:-1]]), lengths)
        is_note = ids[:, TIME_SHIFT] != vocabulary.end
        is_drum = np.array([token.is_drum for token in vocabulary.parts])[ids[:, PART]]
        pitch = ids[:, PITCH] + vocabulary.values[PITCH][0]
        melodic = np.maximum.accumulate(np.where(is_note & ~is_drum, np.arange(len(ids)), -1))
        before = np.concatenate(([-1], melodic[:-1]))  # the row of the latest pitch
        latest = np.where(before >= start, pitch[before], MIDDLE)
        steps = np.where(is_drum, DRUMS + ids[:, PITCH], pitch - latest + NUM_PITCHES)
        return cls(ids, start, latest, steps, is_drum)

    def says(self, field: int, vocabulary: Vocabulary) -> np.ndarray:
        """(N,) bool, whether a field says something: of the end of a piece time_shift alone does."""
        return (self.ids[:, TIME_SHIFT] != vocabulary.end) | (field <= TIME_SHIFT)


class Pairs:
    """Pairs of whole numbers as one number: known ones from 1, all others 0."""

    def __init__(self, first: np.ndarray, second: np.ndarray) -> None:
        self._base = int(second.max(initial=0)) + 1
        self._known = np.unique((first * self._base + second)[first > 0])

    def __call__(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        """(N,) of (N,) and (N,). A pair of which one is unknown is unknown."""
        keys = first * self._base + second
        at = np.searchsorted(self._known, keys)
        found = (first > 0) & (second < self._base) & (self._known[np.minimum(at, len(self._known) - 1)] == keys)
        return np.where(found, at + 1, 0)


class Counts:
    """How often each value followed each context."""

    def __init__(self, contexts: np.ndarray, values: np.ndarray) -> None:
        self._base = int(values.max(initial=0)) + 2
        self._pairs, counts = np.unique(contexts * self._base + values, return_counts=True)
        self._before = np.concatenate(([0], np.cumsum(counts)))

    def within(self, contexts: np.ndarray, lowest: np.ndarray, highest: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(N,) how many values followed that lie in lowest..highest, and how many different ones."""
        begin = np.searchsorted(self._pairs, contexts * self._base + np.minimum(lowest, self._base - 1))
        end = np.searchsorted(self._pairs, contexts * self._base + np.minimum(highest + 1, self._base - 1))
        return self._before[end] - self._before[begin], end - begin


class NGram:
    """What n-grams have counted in pieces."""

    def __init__(self, pieces: Sequence[np.ndarray], vocabulary: Vocabulary, orders: int = ORDERS) -> None:
        """Count; of each piece its ids, (N + 1, 5)."""
        self.vocabulary, self.orders = vocabulary, orders
        self._pairs: dict[tuple, Pairs] = {}
        self._counts: dict[tuple[int, int], Counts] = {}
        rows = Rows.of(pieces, vocabulary)
        for field in vocabulary.active:
            says = rows.says(field, vocabulary)
            for order, contexts in enumerate(self._contexts(rows, field)):
                self._counts[field, order] = Counts(contexts[says], self._values(rows, field, order)[0][says])

    def nats(self, pieces: Sequence[np.ndarray]) -> np.ndarray:
        """(orders, N, 5) how surprising each field of each row of all pieces is; 0 where a field says nothing."""
        rows = Rows.of(pieces, self.vocabulary)
        nats = np.zeros((self.orders, len(rows.ids), len(FIELDS)))
        for field in self.vocabulary.active:
            chance = np.full(len(rows.ids), 1 / self.vocabulary.sizes[field])
            for order, contexts in enumerate(self._contexts(rows, field)):
                values, lowest, highest = self._values(rows, field, order)
                count, _ = self._counts[field, order].within(contexts, values, values)
                total, different = self._counts[field, order].within(contexts, lowest, highest)
                chance = np.where(total > 0, (count + different * chance) / np.maximum(total + different, 1), chance)
                nats[order, :, field] = -np.log(chance) * rows.says(field, self.vocabulary)
        return nats

    def _contexts(self, rows: Rows, field: int) -> list[np.ndarray]:
        """For each order (N,) what is known before a field is said, as numbers from 1, and 0 for what was never seen."""
        one = np.ones(len(rows.ids), np.int64)
        own, columns = one, {TIME_SHIFT: rows.ids[:, TIME_SHIFT], PART: rows.ids[:, PART], PITCH: rows.steps, DURATION: rows.ids[:, DURATION]}
        for earlier in [earlier for earlier in self.vocabulary.active if earlier < field]:
            own = self._pair(("own", field, earlier), own, columns[earlier])
        note = one
        for column in (VELOCITY,) if field == VELOCITY else tuple(columns):
            note = self._pair(("note", field == VELOCITY, column), note, rows.ids[:, VELOCITY] if column == VELOCITY else columns[column])
        contexts, history = [one], one
        for back in range(self.orders - 1):
            if back:
                at = np.arange(len(one)) - back
                heard = np.where(at >= rows.start, note[np.maximum(at, 0)] + 1, 0)  # 0: the piece had not begun
                history = self._pair(("history", field == VELOCITY, back), history, heard)
            contexts.append(self._pair(("context", field, back), own, history))
        return contexts

    def _pair(self, name: tuple, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        if name not in self._pairs:
            self._pairs[name] = Pairs(first, second)
        return self._pairs[name](first, second)

    def _values(self, rows: Rows, field: int, order: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(N,) what is said, and the lowest and the highest that could be."""
        values, size = rows.ids[:, field], self.vocabulary.sizes[field]
        if field != PITCH or order == 0:
            return values, np.zeros_like(values), np.full_like(values, size - 1)
        lowest = np.where(rows.is_drum, DRUMS, self.vocabulary.values[PITCH][0] - rows.latest + NUM_PITCHES)
        return rows.steps, lowest, lowest + size - 1

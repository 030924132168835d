"""What has been heard so far: how often each pitch class, and where the latest notes were heard before."""

from collections.abc import Sequence
from copy import copy

import numpy as np

REMEMBERED = 4096  # notes among which the latest are looked for
NO_CLASS = 12
ONE_OF_CLASSES = np.eye(NO_CLASS + 1, NO_CLASS, dtype=np.uint8)


class Classes:
    """How many of the latest notes have each pitch class, for several numbers of notes."""

    def __init__(self, windows: tuple[int, ...]) -> None:
        self.counts = np.zeros((len(windows), 12), np.int32)
        self._windows = windows
        self._classes: list[int] = []

    def add(self, pitch_class: int) -> None:
        self._classes.append(pitch_class)
        self.counts[:, pitch_class] += 1
        for row, notes in enumerate(self._windows):
            if len(self._classes) > notes:
                self.counts[row, self._classes[-1 - notes]] -= 1

    def copy(self) -> "Classes":
        other = copy(self)
        other.counts, other._classes = self.counts.copy(), self._classes.copy()
        return other


class ClassesOfMany:
    """How many of the latest notes of each part, and of all parts, have each pitch class, in each of B pieces.

    Kept are how many had it up to each of the latest notes, counted modulo 256, one after the other, over and over: what lies between two is their
    difference.
    """

    def __init__(self, pieces: int, parts: int, most: int) -> None:
        """`most`: notes that are looked back on."""
        self._most, self._parts = most, parts
        self._all = np.arange(pieces) * (parts + 1) + parts  # the place of all parts together comes after those of each
        self._heard = np.zeros(pieces * (parts + 1), np.int64)  # notes at each place
        self._sums = np.zeros((len(self._heard) * (most + 1), NO_CLASS), np.uint8)

    def add(self, pitch_class: np.ndarray, part: np.ndarray) -> None:
        """Notes (B,) are heard, with NO_CLASS nothing."""
        places = np.array((self._all, self._all - self._parts + part))  # (2, B)
        heard = self._heard[places]
        sums = self._sums.take(self._at(places, heard), axis=0) + ONE_OF_CLASSES.take(pitch_class, axis=0)
        heard += pitch_class != NO_CLASS
        self._heard[places] = heard
        self._sums[self._at(places, heard)] = sums

    def recent(self, ago: np.ndarray, part: np.ndarray | None = None) -> np.ndarray:
        """(B, W, 12) of the notes of parts (B,), or of all parts, between the first of some numbers (1 + W,) of notes ago and each of the others."""
        place = self._all if part is None else self._all - self._parts + part
        sums = self._sums.take(self._at(place[:, None], self._heard[place][:, None] - ago), axis=0)
        return sums[:, :1] - sums[:, 1:]

    def _at(self, place: np.ndarray, heard: np.ndarray) -> np.ndarray:
        """The rows of the sums of places when they had heard so many notes."""
        return place * (self._most + 1) + heard % (self._most + 1)

    def select(self, rows: np.ndarray) -> "ClassesOfMany":
        """Those of some pieces."""
        other = ClassesOfMany(len(rows), self._parts, self._most)
        for name in ("_heard", "_sums"):
            whole = getattr(self, name)
            setattr(other, name, whole.reshape(len(self._all), -1)[rows].reshape(-1, *whole.shape[1:]))
        return other

    @staticmethod
    def joined(several: Sequence["ClassesOfMany"]) -> "ClassesOfMany":
        """Those of all pieces of several."""
        whole = ClassesOfMany(sum(len(one._all) for one in several), several[0]._parts, several[0]._most)
        whole._heard, whole._sums = (np.concatenate([getattr(one, name) for one in several]) for name in ("_heard", "_sums"))
        return whole


class Memory:
    """The notes so far, and where the latest have been heard before."""

    def __init__(self) -> None:
        self._notes: list[tuple[int, int, int | None, int]] = []  # time shift, part, interval to the part's last pitch, duration
        self._numbers: dict[tuple, int] = {}
        self._tokens = np.zeros(64, np.int32)  # the number of each note, equal for equal notes
        self._equal = np.zeros(64, np.int32)  # how many notes up to each are equal to the latest

    def add(self, note: tuple[int, int, int | None, int]) -> None:
        count = len(self._notes)
        if count == len(self._tokens):
            self._tokens, self._equal = (np.concatenate((array, np.zeros_like(array))) for array in (self._tokens, self._equal))
        number = self._numbers.setdefault(note, len(self._numbers))
        first = max(0, count - REMEMBERED)
        before = np.append(0, self._equal[first : max(first, count - 1)])[: count - first]
        self._equal[first:count] = (before + 1) * (self._tokens[first:count] == number)
        self._tokens[count], self._equal[count] = number, 0
        self._notes.append(note)

    def copy(self) -> "Memory":
        other = copy(self)
        other._notes, other._numbers = self._notes.copy(), self._numbers.copy()
        other._tokens, other._equal = self._tokens.copy(), self._equal.copy()
        return other

    def recall(self) -> tuple[int, tuple[int, int, int | None, int] | None]:
        """How many notes before the recalled one are equal to the latest, and the recalled one."""
        first, last = max(0, len(self._notes) - 1 - REMEMBERED), len(self._notes) - 1
        if last <= first:
            return 0, None
        backwards = self._equal[first:last][::-1]
        latest = int(backwards.argmax())
        equal = int(backwards[latest])
        return equal, self._notes[last - latest] if equal else None

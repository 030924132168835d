"""What has been heard so far: how often each pitch class, and where the latest notes were heard before."""

from copy import copy

import numpy as np

REMEMBERED = 4096  # notes among which the latest are looked for


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

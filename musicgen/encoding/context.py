"""What follows from the notes so far and need not be remembered: the place in the bar, what sounds, what a part played last.

Conventions: row n is what is known when note n is chosen. `place` to `recalled` are seen from the onset of the note before; the other columns
from the onset of note n itself, which is known by then, as its part is. The slots of `sounding` hold the latest notes first. A note leaves
them after `MEMORY` further notes. Drums have no pitch classes.

A note follows one that its part ends where it begins, the lowest the lowest: voice leading, for lines and for chords alike.

What is recalled is how the music went on when last the latest notes were heard, transposed or not: of all earlier places the one with the most
notes before it that are equal, of several the latest. Notes are equal in time shift, part, interval to what the part played last, and duration.
"""

from bisect import bisect_right
from collections.abc import Iterable
from copy import copy
from typing import NamedTuple

import numpy as np

from musicgen.encoding.memory import Classes, Memory
from musicgen.encoding.vocabulary import DURATION, PART, PITCH, TIME_SHIFT, Vocabulary
from musicgen.piece import NUM_PITCHES, Meter

MEMORY = 256  # notes
MOST_SLOTS = 8
MOST_SOUNDING = 15  # notes at once that are told apart in number
FEWEST_UNFOLLOWED, MOST_UNFOLLOWED = -4, 8
WIDEST_LEAP = 24  # semitones; wider ones are taken for it
NO_LEAP = WIDEST_LEAP + 1
RECENT = (4, 16, 64)  # notes that are looked back on
OWN_RECENT = (4, 16)  # of a part
FAMILIAR = (1, 2, 3, 4, 5, 7, 10, 16)  # equal notes in a row; how many are told apart from these numbers on
FAMILIARITY = np.searchsorted(FAMILIAR, np.arange(FAMILIAR[-1] + 1), side="right")  # how many of these so many equal notes reach; more are as many
NOTHING = -1  # in `sounding`, `last_pitch` and `follows`
UNKNOWN = 1 << 60  # the end of a note that is held
SLOT = (
    "part",
    "pitch",
    "age",  # steps since its onset
    "left",  # steps that it still sounds, 0 where it is held
    "leap",  # semitones from the note that it follows, or NO_LEAP
    "lag",  # steps from its part's onset before to its own, 0 where there is none
)  # what is known of a note that sounds


class Context(NamedTuple):
    """Context of N steps, int32."""

    place: np.ndarray  # (N,) steps from the bar line to the onset of the note before
    bar: np.ndarray  # (N,) steps in that bar
    sounding: np.ndarray  # (N, slots, 6), as in SLOT, or NOTHING
    unfollowed: np.ndarray  # (N,) notes that the latest part has ended at its latest onset, less those it has begun there
    num_sounding: np.ndarray  # (N,)
    leap: np.ndarray  # (N,) semitones to the note before from what its part had played last, or NO_LEAP
    recent: np.ndarray  # (N, 3, 12) how many of the latest RECENT notes have each pitch class
    familiar: np.ndarray  # (N,) how many of the numbers FAMILIAR the equal notes before the recalled one reach, 0: nothing is recalled
    recalled: np.ndarray  # (N, 4) time shift, part, pitch and duration (0: held) of the recalled note, or NOTHING; its pitch may be NOTHING alone
    next_place: np.ndarray  # (N,) as `place`, for the onset of this note
    next_bar: np.ndarray  # (N,)
    last_pitch: np.ndarray  # (N,) what this note's part played last, or NOTHING
    follows: np.ndarray  # (N,) the pitch that this note follows, or NOTHING
    own_recent: np.ndarray  # (N, 2, 12) how many of the latest OWN_RECENT notes of this note's part have each pitch class


BEFORE = Context._fields[:9]  # known before anything is said of a note

BLANK = {"bar": 1, "next_bar": 1, "sounding": NOTHING, "leap": NO_LEAP, "recalled": NOTHING, "last_pitch": NOTHING, "follows": NOTHING}  # else 0


class Sounding(NamedTuple):
    """A note that sounds."""

    part: int
    pitch: int
    onset: int
    end: int
    number: int  # of the note, from 1
    leap: int  # semitones from the note that it follows, or NO_LEAP
    lag: int  # steps from its part's onset before, or 0


class RunningContext:
    """The context of one piece, kept up to date note by note."""

    def __init__(self, meters: tuple[Meter, ...], vocabulary: Vocabulary, slots: int) -> None:
        self.slots = slots
        self.onset = 0  # of the latest note
        self.sounds_until = 0  # what is held counts for one step
        self.notes: list[Sounding] = []  # the latest first
        self._bars = [(meter.onset, meter.bar_steps(vocabulary.steps_per_quarter)) for meter in meters]
        self._is_drum = [token.is_drum for token in vocabulary.parts]
        self._last_pitch: dict[int, int] = {}
        self._last_onset: dict[int, tuple[int, int]] = {}  # of each part, and its lag
        self._latest = NOTHING  # part
        self._ended: list[int] = []  # pitches that the latest part has ended at its latest onset, rising
        self._begun = 0  # notes of the latest part there
        self._leap = NO_LEAP
        self._recent = Classes(RECENT)
        self._own_recent = [Classes(OWN_RECENT) for _ in vocabulary.parts]
        self._memory = Memory()
        self.count = 0  # of the notes so far

    def copy(self) -> "RunningContext":
        """The same so far; what is added to one is not added to the other."""
        other = copy(self)
        other._last_pitch, other._last_onset = self._last_pitch.copy(), self._last_onset.copy()
        other._recent, other._memory = self._recent.copy(), self._memory.copy()
        other._own_recent = [classes.copy() for classes in self._own_recent]
        return other

    def place_at(self, onset: int) -> tuple[int, int]:
        """Steps from the bar line to `onset`, and in that bar."""
        start, bar = next(meter for meter in reversed(self._bars) if meter[0] <= onset)
        return (onset - start) % bar, bar

    def before(self) -> tuple:
        """The columns of BEFORE."""
        sounding = np.full((self.slots, len(SLOT)), NOTHING, np.int32)
        for slot, (part, pitch, onset, end, number, leap, lag) in enumerate(self.notes[: self.slots]):
            if number > self.count - MEMORY:
                sounding[slot] = part, pitch, self.onset - onset, 0 if end == UNKNOWN else end - self.onset, leap, lag
        unfollowed = min(max(len(self._ended) - self._begun, FEWEST_UNFOLLOWED), MOST_UNFOLLOWED)
        heard = self._leap, self._recent.counts.copy(), *self._recalled()
        return *self.place_at(self.onset), sounding, unfollowed, min(len(self.notes), MOST_SOUNDING), *heard

    def _recalled(self) -> tuple[int, tuple[int, int, int, int]]:
        equal, note = self._memory.recall()
        if note is None:
            return 0, (NOTHING,) * 4
        shift, part, interval, duration = note
        pitch = self._last_pitch[part] + interval if interval is not None and part in self._last_pitch else NOTHING
        return bisect_right(FAMILIAR, equal), (shift, part, pitch if 0 <= pitch < NUM_PITCHES else NOTHING, duration)

    def at(self, shift: int, part: int) -> tuple:
        """The other columns, for a note of `part` that begins `shift` steps from the latest onset."""
        ended, begun = (self._ended, self._begun) if self._goes_on(shift, part) else (self._ends(shift, part), 0)
        follows = ended[begun] if begun < len(ended) else NOTHING
        return *self.place_at(self.onset + shift), self._last_pitch.get(part, NOTHING), follows, self._own_recent[part].counts.copy()

    def add(self, shift: int, part: int, pitch: int, duration: int | None) -> None:
        """A note has been chosen, `shift` steps after the one before; without a duration it is held."""
        if not self._goes_on(shift, part):
            self._ended, self._begun, self._latest = self._ends(shift, part), 0, part
        self.onset += shift
        leap = _bounded(pitch - self._ended[self._begun]) if self._begun < len(self._ended) else NO_LEAP
        before, lag = self._last_onset.get(part, (self.onset, 0))
        lag = self.onset - before or lag  # that of a chord's first note is that of all
        self._last_onset[part] = self.onset, lag
        self._begun += 1
        self.count += 1
        interval = pitch - self._last_pitch[part] if part in self._last_pitch else None
        self._leap = NO_LEAP if interval is None else _bounded(interval)
        self._memory.add((shift, part, interval, duration or 0))
        self._last_pitch[part] = pitch
        if not self._is_drum[part]:
            self._recent.add(pitch % 12)
            self._own_recent[part].add(pitch % 12)
        end = UNKNOWN if duration is None else self.onset + duration
        self.sounds_until = max(self.sounds_until, self.onset + 1 if duration is None else end)
        self.notes = [Sounding(part, pitch, self.onset, end, self.count, leap, lag), *(note for note in self.notes if not self._is_over(note, part))]

    def _goes_on(self, shift: int, part: int) -> bool:
        """Whether a note joins those that the latest part has begun at its onset."""
        return shift == 0 and part == self._latest

    def _ends(self, shift: int, part: int) -> list[int]:
        """The pitches that a part ends by beginning a note."""
        onset = self.onset + shift
        return sorted(note.pitch for note in self.notes if note.part == part and (note.end == onset or (note.end == UNKNOWN and note.onset < onset)))

    def _is_over(self, note: Sounding, part: int) -> bool:
        """Whether a note has ended, now that `part` has begun one."""
        return note.end <= self.onset or (note.end == UNKNOWN and note.part == part and note.onset < self.onset)


def _bounded(interval: int) -> int:
    return min(max(interval, -WIDEST_LEAP), WIDEST_LEAP)


def context_of(ids: np.ndarray, meters: tuple[Meter, ...], vocabulary: Vocabulary, slots: int, onset: int = 0) -> Context:
    """The context of each row of a piece, or of one whose beginning nobody has heard.

    Args:
        ids: (N, 5), the end included or not.
        onset: steps, of the note before the first.
    """
    running = RunningContext(meters, vocabulary, slots)
    running.onset = onset
    values = np.column_stack([vocabulary.steps(field, ids[:, field]) for field in (TIME_SHIFT, PART, PITCH, DURATION)]).tolist()
    rows = []
    for row, (shift, part, pitch, duration) in zip(ids.tolist(), values, strict=True):
        rows.append((*running.before(), *running.at(shift, part)))
        if row[TIME_SHIFT] != vocabulary.end:
            running.add(shift, part, pitch, None if row[DURATION] == vocabulary.held else duration)
    return stacked(rows, slots)


def without(context: Context, columns: Iterable[str]) -> Context:
    """The context with some of its columns saying nothing."""
    return context._replace(**{name: np.full_like(getattr(context, name), BLANK.get(name, 0)) for name in columns})


def stacked(rows: Iterable[tuple], slots: int) -> Context:
    """Rows of columns as columns of rows."""
    columns = list(zip(*rows, strict=True)) or [()] * len(Context._fields)
    shapes = {"sounding": (-1, slots, len(SLOT)), "recent": (-1, len(RECENT), 12), "recalled": (-1, 4), "own_recent": (-1, len(OWN_RECENT), 12)}
    return Context(*(np.array(column, np.int32).reshape(shapes.get(name, -1)) for name, column in zip(Context._fields, columns, strict=True)))

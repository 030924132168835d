"""What music is here: notes in parts in a piece, in whole steps of a grid, immutable.

Conventions: times and lengths are whole steps (`steps_per_quarter` of them to the quarter note), step 0 is a bar line,
pitches are MIDI note numbers, loudness is one of 32 bins. An upbeat is a first bar whose beginning is silent.
"""

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import NamedTuple

import numpy as np

STEPS_PER_QUARTER = 12  # triplets and sixteenths are whole
VELOCITY_BINS = 32
DEFAULT_VELOCITY = 20  # bin; MIDI velocity 83
NUM_PITCHES = 128
DEFAULT_TEMPO = 120.0


class Note(NamedTuple):
    """One note. In a part no two notes of the same pitch overlap."""

    onset: int  # steps, at least 0
    pitch: int  # MIDI note number 0..127; in a drum part, the drum
    duration: int  # steps, at least 1
    velocity: int = DEFAULT_VELOCITY  # bin 0..31

    @property
    def end(self) -> int:
        return self.onset + self.duration


class Meter(NamedTuple):
    """A meter that begins, with a new bar, at `onset`."""

    onset: int  # steps
    numerator: int
    denominator: int  # a power of two

    def bar_steps(self, steps_per_quarter: int) -> int:
        """Length of a bar in steps, 0 where it is not a whole number of them."""
        steps, rest = divmod(4 * steps_per_quarter * self.numerator, self.denominator)
        return 0 if rest else steps


class Tempo(NamedTuple):
    """A tempo from `onset` on, as `canonical_tempo` says it."""

    onset: int  # steps
    quarters_per_minute: float


class Key(NamedTuple):
    """A key signature from `onset` on."""

    onset: int  # steps
    fifths: int  # sharps, or flats below zero: -5 (D flat) .. 6 (F sharp); other spellings share these sounds
    is_minor: bool = False

    @property
    def tonic(self) -> int:
        """Pitch class 0..11."""
        return (7 * self.fifths + (9 if self.is_minor else 0)) % 12


Change = Meter | Tempo | Key


@dataclass(frozen=True, slots=True)
class Part:
    """Who plays, and the notes in the order (onset, pitch)."""

    name: str
    program: int  # General MIDI program 0..127; for drums the number of the kit
    is_drum: bool = False
    notes: tuple[Note, ...] = ()

    def __post_init__(self) -> None:
        if not 0 <= self.program < 128:
            raise ValueError(f"program must lie in 0..127, not {self.program}")
        sounding_until: dict[int, int] = {}
        before = (-1, -1)
        for onset, pitch, duration, velocity in self.notes:
            if onset < 0 or duration < 1 or not 0 <= pitch < NUM_PITCHES or not 0 <= velocity < VELOCITY_BINS:
                raise ValueError(f"no such note: {Note(onset, pitch, duration, velocity)}")
            if (onset, pitch) <= before:
                raise ValueError(f"notes of a part must be in the order (onset, pitch): {before}, then {(onset, pitch)}")
            if sounding_until.get(pitch, 0) > onset:
                raise ValueError(f"pitch {pitch} begins at step {onset} while it still sounds in the same part")
            sounding_until[pitch] = onset + duration
            before = (onset, pitch)


@dataclass(frozen=True, slots=True)
class Piece:
    """Parts that play together. The first meter and the first tempo begin at step 0."""

    parts: tuple[Part, ...]
    meters: tuple[Meter, ...] = (Meter(0, 4, 4),)
    tempos: tuple[Tempo, ...] = (Tempo(0, DEFAULT_TEMPO),)
    keys: tuple[Key, ...] = ()
    steps_per_quarter: int = STEPS_PER_QUARTER
    title: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        if self.steps_per_quarter < 1:
            raise ValueError(f"steps_per_quarter must be at least 1, not {self.steps_per_quarter}")
        changes: tuple[tuple[Change, ...], ...] = (self.meters, self.tempos, self.keys)
        for series in changes:
            if any(later.onset <= earlier.onset for earlier, later in pairwise(series)):
                raise ValueError(f"changes must come at rising steps: {series}")
        if not self.meters or not self.tempos or self.meters[0].onset or self.tempos[0].onset:
            raise ValueError("the first meter and the first tempo must begin at step 0")
        for meter in self.meters:
            if meter.bar_steps(self.steps_per_quarter) < 1:
                raise ValueError(f"a bar of {meter.numerator}/{meter.denominator} is no whole number of steps")
        for key in self.keys:
            if enharmonic_fifths(key.fifths) != key.fifths:
                raise ValueError(f"a key must have between five flats and six sharps, not {key.fifths}")
        for tempo in self.tempos:
            if canonical_tempo(tempo.quarters_per_minute) != tempo.quarters_per_minute:
                raise ValueError(f"not a tempo that MIDI can say: {tempo.quarters_per_minute}")

    @property
    def num_notes(self) -> int:
        return sum(len(part.notes) for part in self.parts)

    @property
    def end(self) -> int:
        """The step at which the last note has ended."""
        return max((note.end for part in self.parts for note in part.notes), default=0)

    @property
    def bar_lines(self) -> tuple[int, ...]:
        """The steps at which the bars begin that the piece needs, from step 0 to its end."""
        return bar_lines_to(self.end, self.meters, self.steps_per_quarter)[:-1]

    @property
    def seconds(self) -> float:
        """How long the piece sounds."""
        total = 0.0
        for tempo, following in zip(self.tempos, (*self.tempos[1:], None), strict=True):
            until = self.end if following is None else min(following.onset, self.end)
            total += max(0, until - tempo.onset) * 60 / (tempo.quarters_per_minute * self.steps_per_quarter)
        return total

    def transposed(self, semitones: int) -> "Piece":
        """The piece with all but its drums moved. Raises ValueError where a pitch would leave 0..127."""
        if not semitones:
            return self
        parts = tuple(
            part if part.is_drum else replace(part, notes=tuple(note._replace(pitch=note.pitch + semitones) for note in part.notes))
            for part in self.parts
        )
        keys = tuple(key._replace(fifths=enharmonic_fifths(key.fifths + 7 * semitones)) for key in self.keys)
        return replace(self, parts=parts, keys=keys)

    def between(self, start: int, end: int | None = None) -> "Piece":
        """The notes that begin in start <= step < end, moved so that `start` becomes step 0; parts stay, even if silent."""
        end = self.end if end is None else end
        return replace(
            self,
            parts=tuple(
                replace(part, notes=tuple(note._replace(onset=note.onset - start) for note in part.notes if start <= note.onset < end))
                for part in self.parts
            ),
            meters=_moved(self.meters, start),
            tempos=_moved(self.tempos, start),
            keys=_moved(self.keys, start),
        )

    def without_silent_bars(self) -> "Piece":
        """The piece from the bar on in which its first note begins."""
        first = min((part.notes[0].onset for part in self.parts if part.notes), default=0)
        starts, _ = bars_at(np.array([first]), self.meters, self.steps_per_quarter)
        return self.between(int(starts[0])) if starts[0] else self


def _moved(series: tuple, start: int) -> tuple:
    """A series of changes seen from `start`: the one in force there begins at 0, earlier ones are gone."""
    before = [change._replace(onset=0) for change in series if change.onset <= start]
    return (*before[-1:], *(change._replace(onset=change.onset - start) for change in series if change.onset > start))


def enharmonic_fifths(fifths: int) -> int:
    """The same key between five flats and six sharps."""
    return (fifths + 5) % 12 - 5


def canonical_tempo(quarters_per_minute: float) -> float:
    """The shortest decimal number that MIDI, which counts whole microseconds a quarter note, cannot tell from the given one.

    Raises ValueError outside of what MIDI can say (3.58 to 60,000,000 quarters a minute).
    """
    microseconds = round(60e6 / quarters_per_minute) if 1 < quarters_per_minute < 1e9 else 0
    if not 1 <= microseconds < 1 << 24:
        raise ValueError(f"a tempo must lie between 3.58 and 60,000,000 quarters a minute, not {quarters_per_minute}")
    exact = 60e6 / microseconds
    return next((short for digits in range(12) if (short := round(exact, digits)) > 0 and round(60e6 / short) == microseconds), exact)


def bars_at(steps: np.ndarray, meters: tuple[Meter, ...], steps_per_quarter: int) -> tuple[np.ndarray, np.ndarray]:
    """Where the bar that holds each step begins, and how long it is by its meter.

    Args:
        steps: (N,) steps at least 0.

    Returns:
        Starts and lengths of bars, each (N,) steps.
    """
    onsets = np.array([meter.onset for meter in meters])
    lengths = np.array([meter.bar_steps(steps_per_quarter) for meter in meters])
    meter_index = np.searchsorted(onsets, steps, side="right") - 1
    start, length = onsets[meter_index], lengths[meter_index]
    return start + (steps - start) // length * length, length


def bar_lines_to(end: int, meters: tuple[Meter, ...], steps_per_quarter: int) -> tuple[int, ...]:
    """The steps at which bars begin, from step 0 to the first at `end` or later."""
    lines: list[int] = []
    for meter, following in zip(meters, (*meters[1:], None), strict=True):
        length = meter.bar_steps(steps_per_quarter)
        lines += range(meter.onset, min(end + length, following.onset if following else end + length), length)
    return tuple(lines[: bisect_left(lines, end) + 1])


def without_overlaps(notes: Iterable[Note]) -> tuple[Note, ...]:
    """Notes of one part made legal: sorted, and of two that share a pitch and touch the earlier one gives way.

    A note that begins while the same pitch sounds ends the earlier note; of two that begin together the longer stays.
    """
    last: dict[int, Note] = {}
    kept: list[Note] = []
    for note in sorted(notes, key=lambda note: (note.onset, note.pitch, -note.duration, -note.velocity)):
        earlier = last.get(note.pitch)
        if earlier is not None and earlier.onset == note.onset:
            continue
        last[note.pitch] = note
        kept.append(note)
    following: dict[int, int] = {}
    for index in range(len(kept) - 1, -1, -1):
        note = kept[index]
        limit = following.get(note.pitch, note.end)
        if note.end > limit:
            kept[index] = note._replace(duration=limit - note.onset)
        following[note.pitch] = note.onset
    return tuple(kept)

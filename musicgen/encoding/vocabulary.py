"""The alphabet of a corpus: the fields of a note, and the values that each takes.

Conventions: an id is the place of a value among the field's rising values; the id beyond the last value of `time_shift` ends the piece, that
of `duration` says that the note is held until its part begins another. So the end of a note in a legato line is said when it comes, where the
other parts' notes are known, and need not be foreseen at its onset. A field that has one value in the whole corpus is left out of the network.
What a corpus lacks is heard as the nearest that it has: a pitch as its nearest octave, a part as `match` says.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from musicgen.encoding.tokens import PartToken, TokenSequence, held
from musicgen.piece import NUM_PITCHES, VELOCITY_BINS

MOST_VALUES = 512  # of a field; of more than that the commonest


class Field(NamedTuple):
    """One thing that is said of a note. The network predicts the fields of a note in the order of FIELDS."""

    name: str
    meaning: str


FIELDS = (
    Field("time_shift", "steps since the onset of the note before; the id beyond the values says that the piece ends"),
    Field("part", "who plays: an index into the vocabulary's parts"),
    Field("pitch", "MIDI note number, or the drum"),
    Field("duration", "steps; the id beyond the values says that the note is held until its part begins another"),
    Field("velocity", "loudness bin"),
)
NAMES = tuple(field.name for field in FIELDS)
TIME_SHIFT, PART, PITCH, DURATION, VELOCITY = range(len(FIELDS))
LARGEST = (1 << 24, 1 << 16, NUM_PITCHES - 1, 1 << 24, VELOCITY_BINS - 1)  # value of each field that a file may claim


@dataclass(frozen=True)
class Vocabulary:
    """What can be said in a corpus."""

    steps_per_quarter: int
    parts: tuple[PartToken, ...]  # sorted
    part_names: tuple[str, ...]  # the commonest name of each
    pitches: tuple[tuple[int, ...], ...]  # of each part, rising: all from its lowest to its highest, or the drums that it has
    most_at_once: tuple[int, ...]  # notes of each part that sound together, at most
    values: tuple[tuple[int, ...], ...]  # for each of FIELDS, rising

    @cached_property
    def sizes(self) -> tuple[int, ...]:
        """For each of FIELDS the number of ids, those beyond the values included."""
        return tuple(len(values) + (field in (TIME_SHIFT, DURATION)) for field, values in enumerate(self.values))

    @property
    def ranges(self) -> tuple[tuple[int, int], ...]:
        """Lowest and highest pitch of each part."""
        return tuple((pitches[0], pitches[-1]) for pitches in self.pitches)

    @property
    def end(self) -> int:
        """The id of `time_shift` that ends a piece."""
        return len(self.values[TIME_SHIFT])

    @property
    def held(self) -> int:
        """The id of `duration` that leaves a note to sound until its part begins another."""
        return len(self.values[DURATION])

    @cached_property
    def active(self) -> tuple[int, ...]:
        """The fields that the network predicts, as indices of FIELDS."""
        return tuple(field for field, size in enumerate(self.sizes) if size > 1)

    @classmethod
    def of(cls, sequences: Iterable[TokenSequence]) -> "Vocabulary":
        """The vocabulary of a corpus on one grid. Raises ValueError for a corpus without notes."""
        names: dict[PartToken, Counter[str]] = {}
        played: dict[PartToken, set[int]] = {}
        at_once: dict[PartToken, int] = {}
        counts: list[Counter[int]] = [Counter() for _ in FIELDS]
        grids = set()
        for sequence in sequences:
            grids.add(sequence.header.steps_per_quarter)
            columns = sequence.notes.T
            for field in (TIME_SHIFT, VELOCITY):
                counts[field].update(columns[field].tolist())
            counts[DURATION].update(columns[DURATION][~held(sequence.onsets, columns[PART], columns[DURATION])].tolist())
            for number, (token, index) in enumerate(zip(sequence.parts, sequence.indices, strict=True)):
                own = columns[PART] == number
                if own.any():
                    names.setdefault(token, Counter())[sequence.header.parts[index].name] += 1
                    played.setdefault(token, set()).update(columns[PITCH][own].tolist())
                    at_once[token] = max(at_once.get(token, 0), _most_at_once(sequence.onsets[own], columns[DURATION][own]))
        if not names or len(grids) != 1:
            raise ValueError("a vocabulary needs notes, all on one grid")
        parts = tuple(sorted(names))
        values = [tuple(sorted(value for value, _ in counter.most_common(MOST_VALUES))) for counter in counts]
        values[PART] = tuple(range(len(parts)))
        values[PITCH] = tuple(range(min(map(min, played.values())), max(map(max, played.values())) + 1))
        return cls(
            grids.pop(),
            parts,
            tuple(min(names[token], key=lambda name: (-names[token][name], name)) for token in parts),
            tuple(tuple(sorted(played[token] if token.is_drum else range(min(played[token]), max(played[token]) + 1))) for token in parts),
            tuple(at_once[token] for token in parts),
            tuple(values),
        )

    def match(self, sequence: TokenSequence, known: Mapping[int, int] | None = None) -> list[int | None]:
        """For each part of the sequence the vocabulary's part that is known to be it, or the same, or nearest; None for drums where it has none.

        Nearest is, among those of the same kind (drums or not), one that is not taken yet, then one of the same
        instrument, then of the same family of instruments, then the one whose range has its middle nearest.
        """
        known = known or {}
        matches: list[int | None] = [self.parts.index(token) if token in self.parts else None for token in sequence.parts]
        matches = [known.get(number, None if match in known.values() else match) for number, match in enumerate(matches)]
        for number, token in enumerate(sequence.parts):
            candidates = [index for index, own in enumerate(self.parts) if own.is_drum == token.is_drum]
            if matches[number] is None and candidates:
                pitches = sequence.notes[sequence.notes[:, PART] == number, PITCH]
                middle = float(pitches.mean()) if len(pitches) else 60.0

                def distance(index: int, token: PartToken = token, middle: float = middle) -> tuple:
                    own = self.parts[index].program
                    far = abs(sum(self.ranges[index]) / 2 - middle)
                    return index in matches, own != token.program, own // 8 != token.program // 8, far, index

                matches[number] = min(candidates, key=distance)
        return matches

    def ids(self, sequence: TokenSequence, matches: Sequence[int | None] | None = None, goes_on: int | None = None) -> np.ndarray:
        """The ids of all fields, note by note. Notes of parts that match nothing are left out, their time is not.

        Args:
            matches: what the sequence's parts are taken for, else as `match` says.
            goes_on: the step at which more music follows; the notes that sound until then are held.

        Returns:
            (N + 1, 5) int32 as in FIELDS, the last row the end; (N, 5), without it, of music that goes on.
        """
        ends = goes_on is None
        parts = np.array([-1 if match is None else match for match in matches or self.match(sequence)], np.int32)
        kept = parts[sequence.notes[:, PART]] >= 0 if len(parts) else np.zeros(0, bool)
        rows = np.zeros((int(kept.sum()) + ends, len(FIELDS)), np.int32)
        notes, own = rows[: len(rows) - ends], sequence.notes[kept]
        notes[:, TIME_SHIFT] = self.nearest(TIME_SHIFT, np.diff(sequence.onsets[kept], prepend=0))
        notes[:, PART] = parts[own[:, PART]]
        notes[:, PITCH] = self.nearest(PITCH, self._nearest_octave(own[:, PITCH]))
        onset = sequence.onsets[kept]
        is_held = held(onset, parts[own[:, PART]], own[:, DURATION])
        if not ends:
            is_held |= onset + own[:, DURATION] == goes_on
        notes[:, DURATION] = np.where(is_held, self.held, self.nearest(DURATION, own[:, DURATION]))
        notes[:, VELOCITY] = self.nearest(VELOCITY, own[:, VELOCITY])
        if ends:
            rows[-1, TIME_SHIFT] = self.end
        return rows

    def nearest(self, field: int, values: np.ndarray) -> np.ndarray:
        """The ids of the nearest values, of two equally near ones the smaller."""
        known = np.array(self.values[field])
        above = np.clip(np.searchsorted(known, values), 1, max(1, len(known) - 1))
        if len(known) == 1:
            return np.zeros(np.shape(values), np.int32)
        return np.where(values - known[above - 1] <= known[above] - values, above - 1, above).astype(np.int32)

    def _nearest_octave(self, pitches: np.ndarray) -> np.ndarray:
        low, high = self.values[PITCH][0], self.values[PITCH][-1]
        up = -(-np.maximum(low - pitches, 0) // 12) * 12
        down = -(-np.maximum(pitches - high, 0) // 12) * 12
        return pitches + up - down

    def steps(self, field: int, ids: np.ndarray) -> np.ndarray:
        """The values of ids; for those beyond the values 0."""
        return self._steps[field][ids]

    @cached_property
    def _steps(self) -> tuple[np.ndarray, ...]:
        return tuple(np.array((*values, 0)) for values in self.values)

    def to_json(self) -> dict:
        return asdict(self)

    @classmethod
    def from_json(cls, document: dict) -> "Vocabulary":
        """Raises KeyError, TypeError or ValueError where the document is no vocabulary."""
        vocabulary = cls(
            _whole(document["steps_per_quarter"]),
            tuple(PartToken(bool(is_drum), _whole(program), _whole(rank)) for is_drum, program, rank in document["parts"]),
            tuple(document["part_names"]),
            tuple(tuple(_whole(pitch) for pitch in pitches) for pitches in document["pitches"]),
            tuple(_whole(count) for count in document["most_at_once"]),
            tuple(tuple(_whole(value) for value in values) for values in document["values"]),
        )
        same = len(vocabulary.parts) == len(vocabulary.part_names) == len(vocabulary.pitches) == len(vocabulary.most_at_once) >= 1
        if not same or not 1 <= vocabulary.steps_per_quarter <= 96 or len(vocabulary.values) != len(FIELDS):
            raise ValueError("contradictory vocabulary")
        if vocabulary.values[PART] != tuple(range(len(vocabulary.parts))) or list(vocabulary.parts) != sorted(set(vocabulary.parts)):
            raise ValueError("parts that are not counted from 0")
        if any(not 0 <= part.program < 128 or part.rank < 0 for part in vocabulary.parts) or min(vocabulary.most_at_once) < 1:
            raise ValueError("parts that can't play")
        if not all(isinstance(name, str) and name.isprintable() for name in vocabulary.part_names):
            raise ValueError("names that can't be shown")
        for values, largest in zip(vocabulary.values, LARGEST, strict=True):
            if not values or list(values) != sorted(set(values)) or values[0] < 0 or values[-1] > largest:
                raise ValueError("values outside of their field")
        every = vocabulary.values[PITCH]
        if every != tuple(range(every[0], every[-1] + 1)):
            raise ValueError("pitches with gaps")
        if any(not pitches or list(pitches) != sorted(set(pitches)) or not set(pitches) <= set(every) for pitches in vocabulary.pitches):
            raise ValueError("parts outside of the pitches")
        if vocabulary.values[DURATION][0] < 1:
            raise ValueError("values outside of their field")
        return vocabulary


def _whole(value: object) -> int:
    """A number that JSON wrote as a whole one. Raises TypeError."""
    if type(value) is not int:
        raise TypeError(f"expected a whole number, not {type(value).__name__}")
    return value


def _most_at_once(onset: np.ndarray, duration: np.ndarray) -> int:
    """The largest number of notes that sound together; a note that ends where another begins does not count."""
    begun = np.arange(1, len(onset) + 1)
    ended = np.searchsorted(np.sort(onset + duration), onset, side="right")
    return int(np.max(begun - ended))

"""What each value of a field would be relative to what sounds, sounded or is recalled: entries of small tables of learned vectors.

Conventions: B rows (notes), S things to be relative to, V values of a field, R entries of a table; the entry R of a table is nothing. Where the
entries of all values follow from a few facts, `compare` gives keys (B, S) to the rows (N, V) of `index`, which are fixed. In a table of POINTS one
value alone takes an entry, and a key (B, S) is entry * (V + 1) + value, that of nothing R * (V + 1) + V. In the others, `by_place`, it gives the
entries themselves, (B, 1, V). The network is given these numbers as inputs, and the engine looks the same ones up.
"""

import numpy as np

from musicgen.encoding.context import NO_LEAP, NOTHING, Context
from musicgen.encoding.vocabulary import DURATION, NAMES, PART, PITCH, TIME_SHIFT
from musicgen.model.configuration import INTERVALS, ORDERED, RECENT_WINDOWS, STATES, WIDEST_INTERVAL, Configuration, relative_tables
from musicgen.piece import NUM_PITCHES

POINTS = ("by_recall", "by_motion")
MOST_MOVING = 3  # notes begun at the same onset that a pitch is compared with in motion
TURNED = np.concatenate([12 * window + (np.arange(12)[:, None] + np.arange(12)) % 12 for window in range(RECENT_WINDOWS)], axis=1)
"""(12, W * 12) for each pitch class the counts of those 0 to 11 semitones above it, in each of the windows."""


class Relative:
    """The comparisons of one configuration."""

    def __init__(self, configuration: Configuration) -> None:
        self.vocabulary, self.span = configuration.vocabulary, configuration.span
        self.sizes = relative_tables(configuration)
        sizes = self.vocabulary.sizes
        self.values = {field: self.vocabulary.steps(field, np.arange(sizes[field])) for field in (TIME_SHIFT, PART, PITCH, DURATION)}
        self.alone = np.array(self.vocabulary.most_at_once) == 1
        self.drums = np.array([token.is_drum for token in self.vocabulary.parts])
        self.goes_on = np.arange(sizes[TIME_SHIFT]) < self.vocabulary.end
        self.has_end = np.arange(sizes[DURATION]) < self.vocabulary.held
        self.index = {  # the entry beyond the last is nothing, and so is the key 0
            (field, table): np.concatenate((np.full((1, rows.shape[1]), NOTHING), rows)) % (self.sizes[field][table] + 1)
            for (field, table), rows in self._rows().items()
            if field in self.sizes
        }
        slots = configuration.slots
        seen = {"by_place": 1, "by_recall": 1, "by_followed": 1, "by_motion": min(MOST_MOVING, slots), (PITCH, "by_interval"): 1}
        self.shapes: dict[str, tuple[int, ...]] = {}
        for field, tables in self.sizes.items():
            for table in tables:
                values = () if (field, table) in self.index or table in POINTS else (sizes[field],)
                shape = (seen.get(table, seen.get((field, table), slots)), *values)
                self.shapes[f"{NAMES[field]}_{table}_keys"] = (RECENT_WINDOWS, 12) if table == "by_recent" else shape
        self.shapes |= {f"{NAMES[field]}_out_of_order": (sizes[field],) for field in self.vocabulary.active if field in ORDERED}

    def _rows(self) -> dict[tuple[int, str], np.ndarray]:
        """The rows that keys above 0 point at, (N, V)."""
        span, parts = self.span, len(self.vocabulary.parts)
        lengths = np.arange(span + 1)[:, None]
        shifts, durations = self.values[TIME_SHIFT], self.values[DURATION]
        times = np.concatenate((np.minimum(lengths + shifts, span), span + 1 + _difference(shifts, lengths, span)))
        times = np.where(self.goes_on, times, NOTHING)
        intervals = _difference(self.values[PITCH], np.arange(NUM_PITCHES)[:, None], WIDEST_INTERVAL)
        rows = {
            (TIME_SHIFT, "by_sounding"): np.concatenate((times, np.where(shifts > 0, times, NOTHING))),
            (PITCH, "by_interval"): intervals,
            (PITCH, "by_followed"): intervals,
            (PITCH, "by_sounding"): np.concatenate([state * INTERVALS + intervals for state in range(len(STATES))]),
            (DURATION, "by_left"): np.where(self.has_end, _difference(durations, lengths, span), NOTHING),
        }
        own = np.eye(parts, dtype=bool)[:, None]  # (parts, 1, V)
        for table, size in self.sizes.get(PART, {}).items():
            if table != "by_recall":
                rows[PART, table] = np.where(own, np.arange(size)[:, None], NOTHING).reshape(-1, parts)
        return rows

    def inputs(self, note: np.ndarray, around: Context) -> dict[str, np.ndarray]:
        """All that the network is told of B rows, by the names of `shapes`, int32. Arguments as of `compare`."""
        found = {f"{NAMES[field]}_{table}_keys": keys for field in self.sizes for table, keys in self.compare(field, note, around).items()}
        found |= {f"{NAMES[field]}_out_of_order": self.out_of_order(field, note, around) for field in self.vocabulary.active if field in ORDERED}
        return {name: keys.astype(np.int32) for name, keys in found.items()}

    def compare(self, field: int, note: np.ndarray, around: Context) -> dict[str, np.ndarray]:
        """For each table of a field the keys or entries; of `by_recent` how many of the latest notes have each pitch class, (B, W, 12).

        Args:
            note: (B, 5) ids, of which the fields before this one are used.
        """
        tables = COMPARISONS[field](self, note, around)
        tables["by_recall"] = self._by_recall(field, note, around)
        return tables

    def out_of_order(self, field: int, note: np.ndarray, around: Context) -> np.ndarray:
        """What can't stand after the note before, (B, V) bool: the order is (onset, part, pitch), and what is held must end before the piece does."""
        part, pitch = around.sounding[:, 0, 0:1], around.sounding[:, 0, 1:2]
        at_once = (part >= 0) & (self._shift(note) == 0)
        shifts, parts = self.values[TIME_SHIFT], self.values[PART]
        if field == TIME_SHIFT:
            full = (part == len(parts) - 1) & self.alone[-1]
            held = ((around.sounding[..., 0] >= 0) & (around.sounding[..., 3] == 0)).any(axis=1, keepdims=True)
            return (full & (shifts == 0) & self.goes_on) | (held & ~self.goes_on)
        if field == PART:
            return at_once & ((parts < part) | ((parts == part) & self.alone))
        return at_once & (note[:, PART, None] == part) & (self.values[PITCH] <= pitch)

    def _shift(self, note: np.ndarray) -> np.ndarray:
        return self.values[TIME_SHIFT][note[:, TIME_SHIFT]][:, None]  # (B, 1)

    def _of_time_shift(self, note: np.ndarray, around: Context) -> dict[str, np.ndarray]:
        """The place in the bar that it leads to; how old each held note then is, or how much later than the end of each other.

        At once, only the parts from the latest on may begin a note.
        """
        place = (around.place[:, None, None] + self.values[TIME_SHIFT]) % around.bar[:, None, None]
        part, _, age, left, _, _ = np.moveaxis(around.sounding, -1, 0)
        later = part < part[:, :1]
        key = 1 + 2 * (self.span + 1) * later + np.where(left > 0, self.span + 1, 0) + np.minimum(np.where(left > 0, left, age), self.span)
        return {
            "by_place": np.where(self.goes_on, np.minimum(place, self.span - 1), self.sizes[TIME_SHIFT]["by_place"]),
            "by_sounding": np.where(part >= 0, key, 0),
        }

    def _of_part(self, note: np.ndarray, around: Context) -> dict[str, np.ndarray]:
        """How old the part's sounding notes are, how long the notes before them lasted, and their intervals to the latest note."""
        part, pitch, age, _, _, lag = np.moveaxis(around.sounding, -1, 0)
        alike = (part >= 0) & (self.drums[part] == self.drums[part[:, :1]])
        interval = _difference(pitch, pitch[:, :1], WIDEST_INTERVAL) + INTERVALS * (self._shift(note) == 0)
        first = 1 + (self.span + 1) * part
        return {
            "by_age": np.where(part >= 0, first + np.clip(age + self._shift(note), 0, self.span), 0),
            "by_lag": np.where(part >= 0, first + np.clip(lag, 0, self.span), 0),
            "by_interval": np.where(alike, 1 + 2 * INTERVALS * part + interval, 0),
        }

    def _of_pitch(self, note: np.ndarray, around: Context) -> dict[str, np.ndarray]:
        """The intervals to what the part played last, to the note that it follows and to each sounding note by its state; parallel motion.

        Drums and pitches do not compare. A parallel is the pitch that moves as far as a note begun at the same onset does, and takes the
        interval in which the two then are.
        """
        part, pitch, age, left, leap, _ = np.moveaxis(around.sounding, -1, 0)
        own, shift, follows = note[:, PART, None], self._shift(note), around.follows[:, None]
        ended = np.where(left == 0, part == own, left <= shift)
        begun = age + shift == 0
        alike = (part >= 0) & (self.drums[part] == self.drums[own])
        moves = alike & begun & (leap != 0) & (leap != NO_LEAP) & (follows >= 0) & ~self.drums[own]
        parallel, lowest = follows + leap, self.values[PITCH][0]
        classes = np.concatenate((around.recent, around.own_recent), axis=1)
        return {
            "by_interval": around.last_pitch[:, None] + 1,
            "by_followed": follows + 1,
            "by_sounding": np.where(alike, 1 + NUM_PITCHES * np.where(begun, 0, np.where(ended, 2, 1)) + pitch, 0),  # as in STATES
            "by_motion": self._points(PITCH, "by_motion", (parallel - pitch) % 12, parallel - lowest, moves)[:, :MOST_MOVING],
            "by_recent": classes * ~self.drums[own, None],
        }

    def _of_duration(self, note: np.ndarray, around: Context) -> dict[str, np.ndarray]:
        """The place in the bar where the note would end; how much longer than each note that sounds and has an end."""
        place = (around.next_place[:, None, None] + self.values[DURATION]) % around.next_bar[:, None, None]
        before = around.sounding[..., 3]
        left = before - self._shift(note)
        return {
            "by_place": np.where(self.has_end, np.minimum(place, self.span - 1), self.sizes[DURATION]["by_place"]),
            "by_left": np.where((before > 0) & (left > 0), 1 + np.minimum(left, self.span), 0),
        }

    def _by_recall(self, field: int, note: np.ndarray, around: Context) -> np.ndarray:
        """Whether a value is the recalled one, by how familiar what came before is, and whether the note has been the recalled one so far."""
        agrees, recalled, known = around.familiar > 0, around.recalled[:, field], np.array(self.vocabulary.values[field])
        value = np.minimum(np.searchsorted(known, recalled), len(known) - 1)
        is_recalled = agrees & (known[value] == recalled)
        if field == DURATION:
            value, is_recalled = np.where(recalled == 0, self.vocabulary.held, value), is_recalled | (agrees & (recalled == 0))
        for column in range(field):
            agrees = agrees & (self.values[column][note[:, column]] == around.recalled[:, column])
        return self._points(field, "by_recall", 2 * around.familiar + agrees, value, is_recalled)[:, None]

    def _points(self, field: int, table: str, entries: np.ndarray, values: np.ndarray, are_there: np.ndarray) -> np.ndarray:
        size, count = self.sizes[field][table], self.vocabulary.sizes[field]
        are_there = are_there & (values >= 0) & (values < count)
        return np.where(are_there, entries * (count + 1) + values, size * (count + 1) + count)


def _difference(values: np.ndarray, others: np.ndarray, widest: int) -> np.ndarray:
    """values - others as entries, the wide ones together."""
    return np.clip(values - others, -widest, widest) + widest


COMPARISONS = {
    TIME_SHIFT: Relative._of_time_shift,
    PART: Relative._of_part,
    PITCH: Relative._of_pitch,
    DURATION: Relative._of_duration,
}


def shares_of_classes(counts: np.ndarray) -> np.ndarray:
    """How frequent each pitch class is among the latest notes, (B, W, 12), 1 where all are equally so."""
    counts = counts.astype(np.float32)
    return 12 * counts / np.maximum(counts.sum(axis=-1, keepdims=True), 1)

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
        ids = [_ids_of(self.vocabulary.values[field]) for field in (TIME_SHIFT, PART, PITCH, DURATION)]
        ids[DURATION][1] = self.vocabulary.held
        counts = np.array([len(one) for one in ids])
        self._ids, self._first_ids, self._last_ids = (
            np.concatenate(ids),
            counts.cumsum() - counts + 1,
            counts - 2,
        )  # the one before the first is of NOTHING
        self.ruled_out = self._ruled_out()
        self._places: dict[tuple[int, int], np.ndarray] = {}
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

    def _ruled_out(self) -> dict[int, np.ndarray]:
        """What can't stand after the note before, (N, V) bool, by numbers that `out_of_order` finds; row 0 rules nothing out."""
        shifts, parts, pitches = self.values[TIME_SHIFT], self.values[PART], self.values[PITCH]
        at_once, ends = (shifts == 0) & self.goes_on, ~self.goes_on
        before = (parts < parts[:, None]) | ((parts == parts[:, None]) & self.alone[:, None])
        return {
            TIME_SHIFT: np.stack((ends & False, at_once, ends, at_once | ends)),  # the last part is full, something is held
            PART: np.concatenate((before[:1] & False, before)),  # by the part of the note before
            PITCH: np.concatenate((pitches[None] < 0, pitches <= np.arange(NUM_PITCHES)[:, None])),  # by its pitch
        }

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
        return self.ruled_out[field][self.order(field, note, around)]

    def order(self, field: int, note: np.ndarray, around: Context) -> np.ndarray:
        """(B,) which rows of `ruled_out` that is."""
        part = around.sounding[:, 0, 0]
        if field == TIME_SHIFT:
            full = (part == len(self.alone) - 1) & self.alone[-1]
            held = np.logical_or.reduce((around.sounding[..., 0] >= 0) & (around.sounding[..., 3] == 0), axis=1)
            return full + 2 * held
        at_once = (part >= 0) & (self._shift(note)[:, 0] == 0)
        if field == PART:
            return (part + 1) * at_once
        return (around.sounding[:, 0, 1] + 1) * (at_once & (note[:, PART] == part))

    def _shift(self, note: np.ndarray) -> np.ndarray:
        return self.values[TIME_SHIFT].take(note[:, TIME_SHIFT])[:, None]  # (B, 1)

    def _place(self, field: int, place: np.ndarray, bar: np.ndarray) -> np.ndarray:
        """Entries (B, 1, V) of `by_place`: where the values of a field lead to from places (B,) in bars (B,)."""
        if len(bar) and (bar == bar[0]).all():
            return self.places_in(field, int(bar[0]))[place][:, None]
        known = {length: self.places_in(field, length) for length in np.unique(bar).tolist()}
        return np.array([known[length][start] for start, length in zip(place.tolist(), bar.tolist(), strict=True)]).reshape(
            len(bar), 1, self.vocabulary.sizes[field]
        )

    def places_in(self, field: int, bar: int) -> np.ndarray:
        """Entries (L, V) of `by_place` for all places of a bar of L steps."""
        if (field, bar) not in self._places:
            leads = self.goes_on if field == TIME_SHIFT else self.has_end
            place = (np.arange(bar)[:, None] + self.values[field]) % bar
            self._places[field, bar] = np.where(leads, np.minimum(place, self.span - 1), self.sizes[field]["by_place"])
        return self._places[field, bar]

    def _of_time_shift(self, note: np.ndarray, around: Context) -> dict[str, np.ndarray]:
        """The place in the bar that it leads to; how old each held note then is, or how much later than the end of each other.

        At once, only the parts from the latest on may begin a note.
        """
        part, age, left = around.sounding[..., 0], around.sounding[..., 2], around.sounding[..., 3]
        has_end = left > 0
        key = 1 + 2 * (self.span + 1) * (part < part[:, :1]) + (self.span + 1) * has_end + np.minimum(np.where(has_end, left, age), self.span)
        return {"by_place": self._place(TIME_SHIFT, around.place, around.bar), "by_sounding": np.where(part >= 0, key, 0)}

    def _of_part(self, note: np.ndarray, around: Context) -> dict[str, np.ndarray]:
        """How old the part's sounding notes are, how long the notes before them lasted, and their intervals to the latest note."""
        part, pitch, age, lag = (around.sounding[..., column] for column in (0, 1, 2, 5))
        shift, is_there = self._shift(note), part >= 0
        drums, interval = self.drums[part], _difference(pitch, pitch[:, :1], WIDEST_INTERVAL) + INTERVALS * (shift == 0)
        first = 1 + (self.span + 1) * part
        return {
            "by_age": np.where(is_there, first + np.minimum(age + shift, self.span), 0),
            "by_lag": np.where(is_there, first + np.minimum(lag, self.span), 0),
            "by_interval": np.where(is_there & (drums == drums[:, :1]), 1 + 2 * INTERVALS * part + interval, 0),
        }

    def _of_pitch(self, note: np.ndarray, around: Context) -> dict[str, np.ndarray]:
        """The intervals to what the part played last, to the note that it follows and to each sounding note by its state; parallel motion.

        Drums and pitches do not compare. A parallel is the pitch that moves as far as a note begun at the same onset does, and takes the
        interval in which the two then are.
        """
        part, pitch, age, left, leap = (around.sounding[..., column] for column in range(5))
        own, shift, follows = note[:, PART, None], self._shift(note), around.follows[:, None]
        ended = np.where(left == 0, part == own, left <= shift)
        begun = age + shift == 0
        is_drum = self.drums[own]
        alike = (part >= 0) & (self.drums[part] == is_drum)
        key = 1 + NUM_PITCHES * np.where(begun, 0, 1 + ended) + pitch  # as in STATES
        moving = slice(0, MOST_MOVING)
        moves = (alike & begun & (leap != 0) & (leap != NO_LEAP) & (follows >= 0) & ~is_drum)[:, moving]
        parallel = follows + leap[:, moving]
        classes = np.concatenate((around.recent, around.own_recent), axis=1)
        return {
            "by_interval": around.last_pitch[:, None] + 1,
            "by_followed": follows + 1,
            "by_sounding": np.where(alike, key, 0),
            "by_motion": self._points(PITCH, "by_motion", (parallel - pitch[:, moving]) % 12, parallel - self.vocabulary.values[PITCH][0], moves),
            "by_recent": classes * ~is_drum[..., None],
        }

    def _of_duration(self, note: np.ndarray, around: Context) -> dict[str, np.ndarray]:
        """The place in the bar where the note would end; how much longer than each note that sounds and has an end."""
        before = around.sounding[..., 3]
        left = before - self._shift(note)
        return {
            "by_place": self._place(DURATION, around.next_place, around.next_bar),
            "by_left": np.where((before > 0) & (left > 0), 1 + np.minimum(left, self.span), 0),
        }

    def _by_recall(self, field: int, note: np.ndarray, around: Context) -> np.ndarray:
        """Whether a value is the recalled one, by how familiar what came before is, and whether the note has been the recalled one so far."""
        recalled = self._ids.take(np.minimum(around.recalled, self._last_ids) + self._first_ids)  # (B, 4), NOTHING where the vocabulary lacks it
        value, agrees = recalled[:, field], np.logical_and.reduce(recalled[:, :field] == note[:, :field], axis=1)
        return self._points(field, "by_recall", 2 * around.familiar + agrees, value, around.familiar > 0)[:, None]

    def _points(self, field: int, table: str, entries: np.ndarray, values: np.ndarray, are_there: np.ndarray) -> np.ndarray:
        count = self.vocabulary.sizes[field]
        are_there = are_there & (values >= 0) & (values < count)
        return np.where(are_there, entries * (count + 1) + values, self.nothing(field, table))

    def nothing(self, field: int, table: str) -> int:
        """The key of nothing in a table of POINTS."""
        return (self.sizes[field][table] + 1) * (self.vocabulary.sizes[field] + 1) - 1


def _ids_of(values: tuple[int, ...]) -> np.ndarray:
    """The ids of whole numbers from NOTHING on, NOTHING for what is no value; the last, which is none, stands for all beyond it."""
    ids = np.full(values[-1] + 3, NOTHING)
    ids[np.array(values) + 1] = np.arange(len(values))
    return ids


def _difference(values: np.ndarray, others: np.ndarray, widest: int) -> np.ndarray:
    """values - others as entries, the wide ones together."""
    return np.minimum(np.maximum(values - others, -widest), widest) + widest


COMPARISONS = {
    TIME_SHIFT: Relative._of_time_shift,
    PART: Relative._of_part,
    PITCH: Relative._of_pitch,
    DURATION: Relative._of_duration,
}


def shares_of_classes(counts: np.ndarray) -> np.ndarray:
    """How frequent each pitch class is among the latest notes, (B, W, 12), 1 where all are equally so."""
    counts = counts.astype(np.float32)
    return 12 * counts / np.maximum(np.add.reduce(counts, axis=-1, keepdims=True), 1)

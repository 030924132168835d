"""What was heard in ticks -> Piece on the grid, how far its notes were moved, and what had to be left out.

Conventions: every onset and every end moves to the nearest step of the grid (whole-number arithmetic on ticks; the middle goes up), a note
lasts at least one step, and what cannot be played is left out: parts without notes, tempi of zero, meters that no whole number of steps fills.
"""

from itertools import groupby
from typing import NamedTuple

import numpy as np

from musicgen.piece import DEFAULT_TEMPO, Key, Meter, Note, Part, Piece, Tempo, canonical_tempo, enharmonic_fifths, without_overlaps
from musicgen.reading.guard import Limits
from musicgen.reading.readings import Reading
from musicgen.reading.reasons import Reason, UnreadableFileError
from musicgen.reading.strands import Heard, Strand

MOST_ACCIDENTALS = 7
LEAST_BEAT = 64  # the greatest denominator of a meter


class Grid(NamedTuple):
    ticks_per_quarter: int
    steps_per_quarter: int

    def steps(self, ticks: np.ndarray) -> np.ndarray:
        """The nearest steps."""
        return (2 * ticks * self.steps_per_quarter + self.ticks_per_quarter) // (2 * self.ticks_per_quarter)

    def moved(self, tick: int, shift: int) -> int:
        """The step of a change, when all music moves by `shift`; what stood at the beginning stays there."""
        step = int(self.steps(np.array(max(0, tick), np.int64)))
        return step + shift if step else 0


def check_heard(heard: Heard, ticks_per_quarter: int, limits: Limits) -> None:
    """Refuse what is too much, too long, or nothing at all. Raises UnreadableFileError."""
    limits.check("tracks", len(heard.strands))
    limits.check("notes", sum(len(strand.begin) for strand in heard.strands))
    limits.check("changes", len(heard.tempos) + len(heard.meters) + len(heard.keys))
    sounding = [strand for strand in heard.strands if len(strand.begin)]
    if not sounding:
        never = f": {heard.num_endless:,} begin and never end" if heard.num_endless else ""
        raise UnreadableFileError(f"no notes in it{never}", Reason.NO_NOTES)
    if min(int(min(strand.begin.min(), strand.length.min())) for strand in sounding) < 0:
        raise UnreadableFileError("times that run backwards, so that notes begin before the music or end before they begin")
    longest = max(int(strand.length.max()) for strand in sounding)
    end = max(int((strand.begin + strand.length).max()) for strand in sounding)
    limits.check("quarters", -(-end // ticks_per_quarter))
    limits.check("note_quarters", -(-longest // ticks_per_quarter))


def on_grid(heard: Heard, grid: Grid, title: str, remarks: tuple[str, ...]) -> Reading:
    """The piece. What was heard must have passed `check_heard`."""
    parts = [Part(shown_name(strand.name), strand.program, strand.is_drum, _notes(strand, grid)) for strand in heard.strands if len(strand.begin)]
    last = max(note.onset for part in parts for note in part.notes)
    meters = [meter for meter in heard.meters if _can_be_counted(meter, grid.steps_per_quarter)]
    tempos = [tempo for tempo in heard.tempos if tempo[1] > 0]
    keys = [key for key in heard.keys if abs(key[1]) <= MOST_ACCIDENTALS]
    shift, canonical_meters = _with_upbeat([Meter(grid.moved(tick, 0), *meter) for tick, *meter in meters], grid, last)
    if shift:
        parts = [Part(p.name, p.program, p.is_drum, tuple(n._replace(onset=n.onset + shift) for n in p.notes)) for p in parts]
    last += shift
    piece = Piece(
        tuple(parts),
        canonical_meters,
        rising([Tempo(0, DEFAULT_TEMPO), *(Tempo(grid.moved(tick, shift), canonical_tempo(60e6 / each)) for tick, each in tempos)], last),
        rising([Key(grid.moved(tick, shift), enharmonic_fifths(fifths), is_minor) for tick, fifths, is_minor in keys], last),
        grid.steps_per_quarter,
        title,
    )
    oddities = {
        "notes that never end, left out": heard.num_endless,
        "notes without a length, made one step long": sum(int(np.count_nonzero(strand.length == 0)) for strand in heard.strands),
        "notes struck again while they sounded, cut short or left out": sum(_num_overlapping(*strand[3:6]) for strand in heard.strands),
        "tempi of zero, left out": len(heard.tempos) - len(tempos),
        "meters that no whole number of steps fills, left out": len(heard.meters) - len(meters),
        f"key signatures of more than {MOST_ACCIDENTALS} accidentals, left out": len(heard.keys) - len(keys),
    }
    said = tuple(f"{oddity}: {number:,}" for oddity, number in oddities.items() if number)
    return Reading(piece, "MIDI", "", *_moved_ms(heard.strands, tempos, grid), (*remarks, *said))


def shown_name(written: str) -> str:
    """A name that can be shown: control characters, which could steer a terminal, are blanks, and several blanks are one."""
    return " ".join("".join(character if character.isprintable() else " " for character in written).split())


def rising(changes: list, last: int) -> tuple:
    """Changes in order: of several at one step the last one, none that repeats the one before it, none after the last onset."""
    latest = [list(group)[-1] for _, group in groupby(sorted(changes, key=lambda change: change.onset), key=lambda change: change.onset)]
    return tuple(change for index, change in enumerate(latest) if change.onset <= last and (index == 0 or change[1:] != latest[index - 1][1:]))


def _notes(strand: Strand, grid: Grid) -> tuple[Note, ...]:
    onset = grid.steps(strand.begin)
    duration = np.maximum(grid.steps(strand.begin + strand.length) - onset, 1)
    order = np.lexsort((strand.pitch, onset))
    columns = (onset, np.clip(strand.pitch, 0, 127), duration, np.clip(strand.velocity, 0, 127) // 4)
    notes = map(Note._make, zip(*(column[order].tolist() for column in columns), strict=True))
    return without_overlaps(notes) if _num_overlapping(onset, duration, strand.pitch) else tuple(notes)


def _num_overlapping(begin: np.ndarray, length: np.ndarray, pitch: np.ndarray) -> int:
    """How many notes go on, or begin as well, when their pitch is struck again."""
    order = np.lexsort((begin, pitch))
    begin, pitch, end = begin[order], pitch[order], (begin + length)[order]
    return int(np.count_nonzero(((end[:-1] > begin[1:]) | (begin[:-1] == begin[1:])) & (pitch[:-1] == pitch[1:])))


def _can_be_counted(meter: tuple[int, int, int], steps_per_quarter: int) -> bool:
    _, numerator, denominator = meter
    is_a_power_of_two = 0 < denominator <= LEAST_BEAT and not denominator & (denominator - 1)
    return numerator > 0 and is_a_power_of_two and Meter(0, numerator, denominator).bar_steps(steps_per_quarter) > 0


def _with_upbeat(meters: list[Meter], grid: Grid, last: int) -> tuple[int, tuple[Meter, ...]]:
    """How far all music moves to make an upbeat, written as a short bar of its own, the end of a full one; and the meters."""
    canonical = rising([Meter(0, 4, 4), *meters], last)
    if len(canonical) > 1:
        bar, following = (meter.bar_steps(grid.steps_per_quarter) for meter in canonical[:2])
        if canonical[1].onset == bar < following:
            shift = following - bar
            moved = (meter._replace(onset=meter.onset + shift) for meter in canonical[2:])
            return shift, (canonical[1]._replace(onset=0), *moved)
    return 0, canonical


def _moved_ms(strands: list[Strand], tempos: list[tuple[int, int]], grid: Grid) -> tuple[float, float]:
    """How far onsets moved to the grid, at the median and at the most, in milliseconds at the tempo that holds there."""
    onsets = np.concatenate([strand.begin for strand in strands])
    away = np.abs(grid.steps(onsets) * (grid.ticks_per_quarter / grid.steps_per_quarter) - onsets) / grid.ticks_per_quarter  # quarter notes
    changes = np.array([(-1, 60e6 / DEFAULT_TEMPO), *sorted(tempos)])
    quarters_ms = changes[np.searchsorted(changes[:, 0], onsets, side="right") - 1, 1] / 1000
    moved = away * quarters_ms
    return round(float(np.median(moved)), 3), round(float(moved.max()), 3)

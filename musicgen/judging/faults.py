"""What is wrong with a take: faults that have a name, where they are, and how much of them there is.

Conventions: a fault is a table row; what it measures is in its unit, and an amount of at least `least` is a finding, if the stretch that has it
is also at least `share` of the piece: what is monotonous in a phrase is none in a movement. A length in bars is in the piece's usual bar, the
median one. Bars count from 1, parts from 0; times are steps. Of a part that plays chords the top line is looked at, the highest of the notes that
begin together. Drums may repeat themselves.

The limits stand above what real music does: 364 chorales by Bach, 2845 Irish and American tunes and 54 movements of string quartets, as music21
carries them. One of the chorales has a fault, 37 of the tunes (19 mid-bar, 18 short end), and 3 of the movements. Nine in ten movements had one
before shares counted; so had half of 294 piano pieces of piano-midi.de, by which the shares were chosen too.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from musicgen.judging.originality import top_line
from musicgen.judging.stretches import columns, pitches_at, repeats, runs
from musicgen.piece import Note, Piece, bars_at

FIGURE_TIMES = 6  # in a row, before a figure may be a loop: an accompaniment keeps one for a few bars, while the chord stays
FIGURE_NOTES = 64  # longer figures fill bars
BARS_TIMES = 4  # in a row, before bars may be a loop
FEWEST_NOTES = 16  # before a share or a median of notes says anything


class Amount(NamedTuple):
    """How much there is of a fault at one place."""

    amount: float  # in the unit of the fault
    onset: int | None = None  # from which step on, None for the whole piece
    part: int | None = None  # None for all parts
    steps: float = np.inf  # for how long, where a share of the piece counts


Amounts = Iterable[Amount]


@dataclass(frozen=True, slots=True)
class Facts:
    """What was asked for, as far as it is known."""

    num_bars: int | None = None
    num_parts: int | None = None
    ranges: tuple[tuple[int, int] | None, ...] = ()  # of each of the piece's parts, the lowest and highest MIDI note number; () for unknown
    closes: bool = True  # False: it was to be cut off, so nothing is wrong with how it ends
    usual: Mapping[str, float] = field(default_factory=dict)  # fault -> how much of it, in its unit, is the style of the piece's corpus, and none


class Finding(NamedTuple):
    """A fault in a piece."""

    fault: str
    amount: float  # in the unit of the fault
    bar: int | None  # in which it begins, None for the whole piece
    part: int | None  # None for all parts


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that can be wrong."""

    name: str
    meaning: str
    unit: str
    least: float
    measure: Callable[[Piece, Facts], Amounts]
    share: float = 0.0  # of the piece's length


def find_faults(piece: Piece, facts: Facts = Facts()) -> list[Finding]:
    """All faults of a piece, in the order of the table. Raises ValueError where the facts are about other parts."""
    if facts.ranges and len(facts.ranges) != len(piece.parts):
        raise ValueError(f"expected a range for each of the {len(piece.parts)} parts, received {len(facts.ranges)}")
    lines = piece.bar_lines
    return [
        Finding(fault.name, amount, None if onset is None else int(np.searchsorted(lines, onset, side="right")), part)
        for fault in FAULTS
        for amount, onset, part, steps in fault.measure(piece, facts)
        if amount >= fault.least and amount > facts.usual.get(fault.name, 0) and steps >= fault.share * piece.end
    ]


def _silence(piece: Piece, _: Facts) -> Amounts:
    until, bar = 0, _usual_bar(piece)
    for note in sorted(note for part in piece.parts for note in part.notes):
        if note.onset > until:
            yield Amount((note.onset - until) / bar, until, None, note.onset - until)
        until = max(until, note.end)


def _overhang(piece: Piece, facts: Facts) -> Amounts:
    for line in piece.bar_lines[facts.num_bars :][:1] if facts.num_bars is not None else ():
        yield Amount(sum(note.end > line for part in piece.parts for note in part.notes), line)


def _one_note(piece: Piece, _: Facts) -> Amounts:
    return (Amount(len(notes), notes[0].onset, part, notes[-1].end - notes[0].onset) for notes, part in _of_one_pitch(piece))


def _stuck(piece: Piece, facts: Facts) -> Amounts:
    bar = _usual_bar(piece)
    return (Amount(steps / bar, onset, part, steps) for _notes, onset, part, steps in _one_note(piece, facts))


def _held(piece: Piece, _: Facts) -> Amounts:
    bar = _usual_bar(piece)
    parts = ((number, part) for number, part in enumerate(piece.parts) if not part.is_drum)
    return (Amount(note.duration / bar, note.onset, number, note.duration) for number, part in parts for note in part.notes)


def _loop(piece: Piece, _: Facts) -> Amounts:
    bar = _usual_bar(piece)
    for number, line in enumerate(map(top_line, piece.parts)):
        onsets, pitches, durations = columns(line)
        for start, end in repeats(np.stack([pitches, durations], axis=1), onsets, FIGURE_NOTES, FIGURE_TIMES):
            if len(set(pitches[start:end].tolist())) > 1:
                steps = line[end - 1].end - line[start].onset
                yield Amount(steps / bar, line[start].onset, number, steps)


def _same_bars(piece: Piece, _: Facts) -> Amounts:
    lines = np.array(piece.bar_lines)
    contents: list[list[tuple]] = [[] for _ in lines]
    for number, part in enumerate(piece.parts):
        places = np.searchsorted(lines, columns(part.notes)[0], side="right") - 1
        for note, place in () if part.is_drum else zip(part.notes, places.tolist(), strict=True):
            contents[place].append((number, note.onset - int(lines[place]), note.pitch, note.duration))
    firsts: dict[tuple, int] = {}  # content -> the first bar that has it; no two silent bars are the same
    bars = np.array([firsts.setdefault(tuple(content), place) if content else place for place, content in enumerate(contents)], np.int64)
    for start, end in repeats(bars[:, None], np.arange(len(bars)), len(bars), BARS_TIMES):
        yield Amount(end - start, int(lines[start]), None, (end - start) * _usual_bar(piece))


def _out_of_range(piece: Piece, facts: Facts) -> Amounts:
    for number, limits in enumerate(facts.ranges):
        if outside := [note for note in piece.parts[number].notes if limits and not limits[0] <= note.pitch <= limits[1]]:
            yield Amount(len(outside), outside[0].onset, number)


def _crossing(piece: Piece, _: Facts) -> Amounts:
    """How long a part stays below the next lower one of its instrument; which is lower, the mean pitch of its notes says."""
    bar, lines = _usual_bar(piece), enumerate(map(top_line, piece.parts))
    voices = sorted((piece.parts[number].program, -columns(line)[1].mean(), line, number) for number, line in lines if line)
    for (program, _mean, upper, number), (other, _mean, lower, _number) in pairwise(voices):
        steps = np.unique([step for note in (*upper, *lower) for step in (note.onset, note.end)])
        above, below = pitches_at(upper, steps), pitches_at(lower, steps)
        is_crossed = (above >= 0) & (above < below) & (program == other)  # from a step to the next; nothing sounds from the last on
        stretches = [(int(steps[start]), int(steps[start + length])) for start, length in runs(is_crossed) if is_crossed[start]]
        yield from (Amount((end - start) / bar, start, number, end - start) for start, end in stretches)


def _idle(piece: Piece, facts: Facts) -> Amounts:
    lines = np.array(piece.bar_lines)
    for number, part in enumerate(piece.parts):
        onsets, _pitches, durations = columns(part.notes)
        begins, ends = np.searchsorted(lines, onsets, side="right") - 1, np.searchsorted(lines, onsets + durations)
        sounding = np.cumsum(np.bincount(begins, minlength=len(lines)) - np.bincount(ends, minlength=len(lines) + 1)[: len(lines)])
        yield Amount(float((sounding == 0).sum() / max(1, len(lines))), None, number)
    yield from [Amount(1.0)] * ((facts.num_parts or 0) - len(piece.parts))


def _short_end(piece: Piece, facts: Facts) -> Amounts:
    last, usual = _durations(piece)
    if facts.closes and not _ends_strongly(piece):
        yield Amount(usual / last, piece.end - 1)


def _mid_bar(piece: Piece, facts: Facts) -> Amounts:
    """What is whole is none: a last bar that an upbeat fills, and, to the ear, one that ends on long notes."""
    last, usual = _durations(piece)
    if facts.closes and 0 < last <= usual and not _ends_strongly(piece):
        (start,), (length,) = bars_at(np.array([piece.end - 1]), piece.meters, piece.steps_per_quarter)
        upbeat = min(part.notes[0].onset for part in piece.parts if part.notes)
        yield Amount(0 if piece.end - start == upbeat else int(start + length - piece.end), piece.end - 1)


def _off_eighths(piece: Piece, _: Facts) -> Amounts:
    return _share_off(piece, [(1, 8) for _meter in piece.meters])


def _off_beats(piece: Piece, _: Facts) -> Amounts:
    """A beat is the meter's unit, and three of it in 6/8, 9/8 and their like."""
    return _share_off(piece, [(3 if meter.numerator > 3 and meter.numerator % 3 == 0 else 1, meter.denominator) for meter in piece.meters])


FAULTS = (
    Fault("nothing", "no part plays a note", "pieces", 1, lambda piece, _: [Amount(int(not piece.num_notes))]),
    Fault("silence", "all parts rest before a note", "bars", 2, _silence, share=0.02),
    Fault("early end", "whole bars lack", "bars", 1, lambda piece, facts: [Amount((facts.num_bars or 0) - len(piece.bar_lines))]),
    Fault("overhang", "notes sound after the last bar asked for", "notes", 1, _overhang),
    Fault("one note", "a part begins one pitch again and again", "notes", 12, _one_note, share=0.2),
    Fault("stuck", "a part stays on one pitch, held or repeated", "bars", 6, _stuck, share=0.25),
    Fault("held", "one note sounds on and on", "bars", 5, _held, share=0.07),
    Fault("loop", f"a part plays one figure {FIGURE_TIMES} times or more in a row", "bars", 4, _loop, share=0.15),
    Fault("same bars", f"all parts play the same bars {BARS_TIMES} times or more in a row", "bars", 4, _same_bars, share=0.05),
    Fault("out of range", "a part plays higher or lower than it can", "notes", 1, _out_of_range),
    Fault("crossing", "a part stays below the next lower one", "bars", 2, _crossing, share=0.09),
    Fault("idle", "a part hardly plays, or is not there", "share of bars", 7 / 8, _idle),
    Fault("short end", "the last notes are shorter than usual, and begin between the strong beats", "times", 1.5, _short_end),
    Fault("mid-bar", "ends within a bar, on notes no longer than usual that begin between the strong beats", "steps that lack", 1, _mid_bar),
    Fault("off the eighths", "most notes begin between the eighths", "share of notes", 0.75, _off_eighths),
    Fault("off the beat", "nearly all notes begin between the beats", "share of notes", 0.88, _off_beats),
)


def _usual_bar(piece: Piece) -> float:
    """Steps: the median of the bars before the last, else what the first meter says."""
    lines = piece.bar_lines
    return float(np.median(np.diff(lines))) if len(lines) > 1 else piece.meters[0].bar_steps(piece.steps_per_quarter)


def _ends_strongly(piece: Piece) -> bool:
    """Whether the last notes begin with a bar or in the middle of one, as final chords do, however short they are."""
    last = max((part.notes[-1].onset for part in piece.parts if part.notes), default=0)
    (start,), (length,) = bars_at(np.array([last]), piece.meters, piece.steps_per_quarter)
    return 2 * (last - start) % length == 0


def _durations(piece: Piece) -> tuple[int, float]:
    """Steps: of the notes that end the piece, the longest; and the median of all. (1, 0) for a few notes, which say nothing."""
    if piece.num_notes < FEWEST_NOTES:
        return 1, 0.0
    onsets, _pitches, durations = columns([note for part in piece.parts for note in part.notes])
    return int(durations[onsets + durations == piece.end].max()), float(np.median(durations))


def _share_off(piece: Piece, units: Sequence[tuple[int, int]]) -> Amounts:
    """The share of notes that begin between multiples, from the bar line on, of each meter's unit: a fraction of a whole note."""
    if piece.num_notes >= FEWEST_NOTES:
        onsets = np.concatenate([columns(part.notes)[0] for part in piece.parts])
        starts, _lengths = bars_at(onsets, piece.meters, piece.steps_per_quarter)
        meters = np.searchsorted([meter.onset for meter in piece.meters], onsets, side="right") - 1
        numerators, denominators = np.array(units)[meters].T
        yield Amount(float(((onsets - starts) * denominators % (4 * piece.steps_per_quarter * numerators) != 0).mean()))


def _of_one_pitch(piece: Piece) -> Iterator[tuple[Sequence[Note], int]]:
    """All notes in a row of a line that have one pitch, and the part."""
    for number, line in enumerate(map(top_line, piece.parts)):
        for start, length in runs(columns(line)[1]):
            yield line[start : start + length], number

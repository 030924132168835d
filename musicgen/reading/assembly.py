"""Sounds and bars in exact fractions of quarter notes -> Piece, the bars made whole and the upbeat found.

Conventions: a bar that is cut in two (at a repeat sign, say) is one bar again; one that is truly too short or too long has a meter of its own.
"""

from collections import defaultdict
from collections.abc import Iterable
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from musicgen.piece import STEPS_PER_QUARTER, Key, Meter, Note, Part, Piece, Tempo, canonical_tempo, enharmonic_fifths, without_overlaps

MINOR_MODES = {"minor", "aeolian", "dorian", "phrygian"}  # a minor third above the tonic


class Source(NamedTuple):
    """One encoding of a work."""

    title: str  # unique, fit for a file name
    work: str  # the same for every encoding of a work
    path: Path
    abc: str = ""  # the tune, where the file is a book of tunes
    bars: tuple[int, int | None] = (0, None)  # indices of the movement's first bar and of the next one's, where the file holds several


class Skipped(NamedTuple):
    """A source that yields no piece."""

    title: str
    reason: str


class SkipError(ValueError):
    """Why a source yields no piece."""


class Sound(NamedTuple):
    onset: Fraction  # quarter notes
    pitch: int
    quarters: Fraction
    is_tied: bool  # to the next sound of this pitch, if that begins where this one ends


Signature = tuple[Fraction, int, str]  # onset in quarter notes, fifths, mode


class Bar(NamedTuple):
    quarters: Fraction  # what it holds
    numerator: int  # of the meter in force
    denominator: int

    @property
    def whole(self) -> Fraction:
        return Fraction(4 * self.numerator, self.denominator)


def piece_of(title: str, parts: list[tuple[str, int, list[Sound]]], bars: list[Bar], keys: list[Signature], quarters_per_minute: float) -> Piece:
    """What was read, on the grid, as `reading.midi` would give it back: no change after the last onset, none that changes nothing."""
    upbeat, meters = meters_of(bars)
    played = tuple(Part(name, program, notes=_notes(sounds, upbeat)) for name, program, sounds in parts)
    last = max(note.onset for part in played for note in part.notes)
    latest = {_steps(at + upbeat) if at else 0: (enharmonic_fifths(fifths), mode in MINOR_MODES) for at, fifths, mode in keys}
    signatures = [Key(step, *key) for step, key in latest.items() if step <= last]
    signatures = signatures[:1] + [key for before, key in pairwise(signatures) if key[1:] != before[1:]]
    tempo = Tempo(0, canonical_tempo(quarters_per_minute))
    return Piece(played, tuple(meter for meter in meters if meter.onset <= last), (tempo,), tuple(signatures), title=title)


def _steps(quarters: Fraction) -> int:
    """The nearest step."""
    return int(quarters * STEPS_PER_QUARTER + Fraction(1, 2))


def _notes(sounds: list[Sound], upbeat: Fraction) -> tuple[Note, ...]:
    """Sounds on the grid."""
    spans = [(_steps(sound.onset + upbeat), _steps(sound.onset + upbeat + sound.quarters), sound.pitch) for sound in joined(sounds)]
    return without_overlaps(Note(onset, pitch, max(1, end - onset)) for onset, end, pitch in spans)


def joined(sounds: Iterable[Sound]) -> list[Sound]:
    """Those tied together as one."""
    whole: list[Sound] = []
    tied: defaultdict[tuple[Fraction, int], list[int]] = defaultdict(list)  # where tied sounds end, and their pitch -> their indices
    for sound in sounds:
        before = tied[sound.onset, sound.pitch]
        index = before.pop() if before else len(whole)
        if index == len(whole):
            whole.append(sound)
        else:
            whole[index] = whole[index]._replace(quarters=whole[index].quarters + sound.quarters)
        if sound.is_tied:
            tied[sound.onset + sound.quarters, sound.pitch].append(index)
    return whole


def meters_of(bars: list[Bar], steps_per_quarter: int = STEPS_PER_QUARTER) -> tuple[Fraction, list[Meter]]:
    """How long the silence before an upbeat is, in quarter notes, and the meters, with one more where a bar is longer or shorter than it says.

    Raises SkipError where a bar is no whole number of steps.
    """
    meters: list[Meter] = []
    upbeat = at = Fraction(0)
    index = 0
    while index < len(bars):
        bar, length, following = bars[index], Fraction(0), index
        while following < len(bars) and bars[following][1:] == bar[1:] and length + bars[following].quarters <= bar.whole:
            length += bars[following].quarters  # the pieces of a bar that is cut
            following += 1
        if length != bar.whole:
            length, following = bar.quarters, index + 1
        if length < bar.whole and following == len(bars):  # the last bar may be short
            length = bar.whole
        elif length < bar.whole and not index:
            upbeat, length = bar.whole - length, bar.whole
        time = bar[1:] if not length % bar.whole else _ratio(length, bar.denominator, steps_per_quarter)
        if not meters or meters[-1][1:] != time:
            meters.append(Meter(int(at * steps_per_quarter), *time))
        at += length
        index = following
    while len(meters) > 1 and meters[1].onset == (short := meters[0].bar_steps(steps_per_quarter)) < (full := meters[1].bar_steps(steps_per_quarter)):
        upbeat += Fraction(full - short, steps_per_quarter)  # a first bar that is shorter than the second is an upbeat too
        meters = [meters[1]._replace(onset=0), *(meter._replace(onset=meter.onset + full - short) for meter in meters[2:])]
    return upbeat, meters


def _ratio(quarters: Fraction, denominator: int, steps_per_quarter: int) -> tuple[int, int]:
    """The meter of a bar that long, if it can be with the given denominator."""
    for finer in (denominator, 8, 16, 32, 64):
        if (quarters * finer / 4).denominator == 1 == (quarters * steps_per_quarter).denominator:
            return int(quarters * finer / 4), finer
    raise SkipError("a bar that no meter measures")

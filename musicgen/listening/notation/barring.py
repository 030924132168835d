"""Piece -> the bars of its score, with what changes in each: meter, key and tempo.

Conventions: times are steps. A first bar that is silent for half of its length or more is an upbeat: it begins with its first note, and has the
number 0. Where a meter begins within a bar, that bar is cut off. Changes of key stand at the nearest bar line.
"""

from typing import NamedTuple

import numpy as np

from musicgen.piece import Key, Meter, Piece, Tempo

UPBEAT_DIVISIONS = (1, 2, 4)  # an upbeat begins at a whole number of the meter's units, of their halves or of their quarters


class Bar(NamedTuple):
    """One bar of all staves, and what changes in it."""

    number: int
    line: int  # step at which the bar begins by its meter: an upbeat is the end of a bar
    start: int  # step at which it begins on the page
    end: int
    meter: Meter
    key: Key
    shows_meter: bool
    shows_key: bool
    tempos: tuple[Tempo, ...]

    @property
    def is_upbeat(self) -> bool:
        return self.start > self.line

    def is_whole(self, steps_per_quarter: int) -> bool:
        """Whether it is as long as its meter says."""
        return self.end - self.start == self.meter.bar_steps(steps_per_quarter)


def bars_of(piece: Piece) -> list[Bar]:
    """The bars, at least one."""
    lines = list(piece.bar_lines) or [0]
    places = np.searchsorted([meter.onset for meter in piece.meters], lines, side="right") - 1
    meters = [piece.meters[place] for place in places.tolist()]
    ends = [*lines[1:], lines[-1] + meters[-1].bar_steps(piece.steps_per_quarter)]
    keys = {int(np.abs(np.array(lines) - key.onset).argmin()): key for key in piece.keys}
    tempos: list[list[Tempo]] = [[] for _ in lines]
    for tempo in piece.tempos:
        if tempo.onset < ends[-1]:
            tempos[int(np.searchsorted(lines, tempo.onset, side="right")) - 1].append(tempo)
    start = upbeat_start(piece, ends[0])
    key, bars = keys.get(0, Key(0, 0)), []
    for index, (line, end) in enumerate(zip(lines, ends, strict=True)):
        before, key = key, keys.get(index, key)
        shows_meter = index == 0 or meters[index] is not meters[index - 1]
        shows_key = index == 0 or key.fifths != before.fifths
        number = index + (start == 0)
        bars.append(Bar(number, line, line if index else start, end, meters[index], key, shows_meter, shows_key, tuple(tempos[index])))
    return bars


def upbeat_start(piece: Piece, first_bar: int) -> int:
    """The step at which the page begins: 0, or where the upbeat does in a first bar of so many steps."""
    first = min((part.notes[0].onset for part in piece.parts if part.notes), default=0)
    if not first_bar / 2 <= first < first_bar:
        return 0
    numerator, denominator = piece.meters[0].numerator, piece.meters[0].denominator
    unit = 4 * piece.steps_per_quarter / denominator
    if not unit.is_integer() or numerator * unit != first_bar:
        return 0
    is_plain = any(first * division % unit == 0 for division in UPBEAT_DIVISIONS)
    return first if is_plain else int(first // unit * unit)


def beat_end(bar: Bar, step: int, steps_per_quarter: int) -> int:
    """The step at which the beat ends that holds a step of a bar."""
    is_compound = bar.meter.denominator >= 8 and bar.meter.numerator % 3 == 0
    beat = max(1, 4 * steps_per_quarter * (3 if is_compound else 1) // bar.meter.denominator)
    return min(bar.end, bar.line + ((step - bar.line) // beat + 1) * beat)

"""Piece -> score: players, staves, voices, and in them every sign that stands on the page, ready to be written in any format.

Conventions: a score counts ticks, a whole number of them a step, and within a bar they count from its line. Every voice fills its bar, with rests
or with silence that is not printed.
"""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import NamedTuple

from musicgen.listening.notation.barring import Bar, bars_of, beat_end
from musicgen.listening.notation.beams import beams
from musicgen.listening.notation.drums import drum_voices
from musicgen.listening.notation.spelling import Accidentals, Spelled, spelled
from musicgen.listening.notation.staves import BASS, PERCUSSION, TREBLE, Clef, Event, clef_of, hands, needs_two_staves, voices
from musicgen.listening.notation.values import Stretch, bar_tree, stretches
from musicgen.piece import Note, Part, Piece

FINEST = 16  # ticks of a quarter note, at least, so that beats can be halved


class Head(NamedTuple):
    """One note of a chord; of a drum only the pitch counts, which is its number."""

    pitch: int
    spelled: Spelled
    is_tied_from: bool  # to what stands before it
    is_tied_on: bool
    accidental: str | None = None


class Sign(NamedTuple):
    """A note, a chord, a rest, or silence that is not printed; a rest without a stretch fills its bar."""

    begin: int  # ticks
    end: int
    onset: int  # step in the piece
    heads: tuple[Head, ...] = ()
    stretch: Stretch | None = None
    is_printed: bool = True
    beams: tuple[str, ...] = ()


Voice = tuple[Sign, ...]


class Staff(NamedTuple):
    """Five lines: a clef, and for each bar the voices in it, by their number from 0."""

    clef: Clef
    bars: tuple[dict[int, Voice], ...]


@dataclass(frozen=True, slots=True)
class Player:
    """One or two parts that are written together, with their staves, the highest first."""

    parts: tuple[Part, ...]
    staves: tuple[Staff, ...]


@dataclass(frozen=True, slots=True)
class Score:
    """A piece as it is written."""

    title: str
    steps_per_quarter: int
    ticks_per_quarter: int
    bars: tuple[Bar, ...]
    players: tuple[Player, ...]


def score_of(piece: Piece, on_two_staves: bool = False) -> Score:
    """The score of a piece.

    Args:
        piece: its keys give signatures and spelling; without one it is C major.
        on_two_staves: parts share staves, the first and the second, the third and the fourth, and so on, as in a hymn book.
    """
    finest = max(FINEST, *(meter.denominator // 4 for meter in piece.meters))
    writer = _Writer(bars_of(piece), piece.steps_per_quarter, math.lcm(piece.steps_per_quarter, finest))
    parts = [part for part in piece.parts if part.notes] or list(piece.parts[:1])
    size = 2 if on_two_staves else 1
    groups = [group for drums, own in groupby(parts, lambda part: part.is_drum) for group in _in_groups(list(own), 1 if drums else size)]
    return Score(piece.title, piece.steps_per_quarter, writer.ticks_per_quarter, tuple(writer.bars), tuple(map(writer.player, groups)))


def _in_groups(parts: list[Part], size: int) -> list[tuple[Part, ...]]:
    return [tuple(parts[first : first + size]) for first in range(0, len(parts), size)]


@dataclass
class _Writer:
    """What all staves of a score share."""

    bars: list[Bar]
    steps_per_quarter: int
    ticks_per_quarter: int
    lines: list[int] = field(init=False)

    def __post_init__(self) -> None:
        self.lines = [bar.line for bar in self.bars]

    def player(self, parts: tuple[Part, ...]) -> Player:
        """Parts on the staves that they need."""
        first = parts[0]
        if first.is_drum:
            return Player(parts, (self.staff(PERCUSSION, drum_voices(first.notes, self._beat_end)),))
        if len(parts) > 1:
            rows = [voice for part in parts for voice in voices(part.notes, self.lines)]
            clef = clef_of([note for part in parts for note in part.notes], first.program, in_octaves=False)
            return Player(parts, (self.staff(clef, rows, shows_rests=True),))
        if needs_two_staves(first):
            return Player(parts, tuple(self._hand(hand, default) for hand, default in zip(hands(first.notes), (TREBLE, BASS), strict=True)))
        return Player(parts, (self.staff(clef_of(first.notes, first.program), voices(first.notes, self.lines)),))

    def _hand(self, notes: Sequence[Note], default: Clef) -> Staff:
        return self.staff(clef_of(notes, 0) if notes else default, voices(notes, self.lines))

    def _beat_end(self, step: int) -> int:
        return beat_end(self.bars[bisect_right(self.lines, step) - 1], step, self.steps_per_quarter)

    def staff(self, clef: Clef, rows: Sequence[Sequence[Event]], shows_rests: bool = False) -> Staff:
        """The voices of a staff, bar by bar.

        Args:
            rows: the events of each voice.
            shows_rests: also of a voice that rests while another one sounds.
        """
        sounding: list[dict[int, list[Event]]] = [{} for _ in self.bars]  # for each bar, the events of each voice in it
        for number, row in enumerate(rows):
            for event in row:
                for index in range(bisect_right(self.lines, event.start) - 1, bisect_left(self.lines, event.end)):
                    sounding[index].setdefault(number, []).append(event)
        accidentals = Accidentals()
        bars = []
        for bar, own in zip(self.bars, sounding, strict=True):
            accidentals.begin_bar(bar.key)
            written = {number: self._voice(bar, number, own, shows_rests) for number in sorted(own)}
            bars.append(with_accidentals(written, accidentals) if own else {0: self._silence(bar)})
        return Staff(clef, tuple(bars))

    def _ticks(self, bar: Bar, step: int) -> int:
        """From the line of a bar to a step, or to the end of the bar that is nearer."""
        return (min(max(step, bar.start), bar.end) - bar.line) * self.ticks_per_quarter // self.steps_per_quarter

    def _silence(self, bar: Bar) -> Voice:
        """A rest that fills the bar; a bar that is cut off has no such rest."""
        if not bar.is_whole(self.steps_per_quarter):
            return self._voice(bar, 0, {0: []}, shows_rests=True)
        return (Sign(0, self._ticks(bar, bar.end), bar.start),)

    def _voice(self, bar: Bar, number: int, sounding: dict[int, list[Event]], shows_rests: bool) -> Voice:
        tree = bar_tree(bar.meter.numerator, bar.meter.denominator, self.ticks_per_quarter)
        segments = _filled(sounding[number], bar)
        ticks = [(self._ticks(bar, begin), self._ticks(bar, end), event is None) for begin, end, event in segments]
        signs: list[Sign] = []
        for (begin, end, event), own in zip(segments, stretches(tree, ticks, self.ticks_per_quarter), strict=True):
            others = () if shows_rests else [event for other, row in sounding.items() if other != number for event in row]
            is_printed = event is not None or not others or (number == min(sounding) and not _covers(others, begin, end))
            signs += self._signs(bar, begin, event, own, is_printed)
        rows = beams(tree, bar.meter, [sign.stretch if sign.heads else None for sign in signs])
        return tuple(sign._replace(beams=row) for sign, row in zip(signs, rows, strict=True))

    def _signs(self, bar: Bar, begin: int, event: Event | None, own: list[Stretch], is_printed: bool) -> Iterator[Sign]:
        """The signs of one note, chord or rest."""
        for stretch in own:
            onset = bar.line + stretch.start * self.steps_per_quarter // self.ticks_per_quarter
            if event is None:
                is_seen = is_printed or stretch.tuplet is not None
                yield Sign(stretch.start, stretch.end, onset, (), stretch if is_seen else None, is_seen)
                continue
            is_first = stretch is own[0] and event.start == begin
            is_last = stretch is own[-1] and event.end <= bar.end
            heads = tuple(Head(pitch, spelled(pitch, bar.key), not is_first, not is_last) for pitch in event.pitches)
            yield Sign(stretch.start, stretch.end, onset, heads, stretch)


def _filled(events: Sequence[Event], bar: Bar) -> list[tuple[int, int, Event | None]]:
    """Begin and end in steps of what a voice does in a bar, with the silence between its events."""
    segments: list[tuple[int, int, Event | None]] = []
    place = bar.start
    for event in events:
        begin, end = max(event.start, bar.start), min(event.end, bar.end)
        if begin > place:
            segments.append((place, begin, None))
        segments.append((begin, end, event))
        place = end
    return [*segments, (place, bar.end, None)] if place < bar.end else segments


def _covers(events: Iterable[Event], begin: int, end: int) -> bool:
    """Whether there is no moment of silence in a stretch of time."""
    for event in sorted(events):
        if event.start <= begin:
            begin = max(begin, event.end)
    return begin >= end


def with_accidentals(written: dict[int, Voice], accidentals: Accidentals) -> dict[int, Voice]:
    """The voices of a bar with the accidentals that have to be printed."""
    places = sorted((sign.begin, number, index) for number, voice in written.items() for index, sign in enumerate(voice) if sign.heads)
    found = {number: list(voice) for number, voice in written.items()}
    for _, together in groupby(places, key=lambda place: place[0]):
        signs = [(number, index) for _, number, index in together]
        heads = [head for number, index in signs for head in written[number][index].heads]
        needed = iter(accidentals.needed((head.spelled, head.is_tied_from) for head in heads))
        for number, index in signs:
            sign = found[number][index]
            found[number][index] = sign._replace(heads=tuple(head._replace(accidental=next(needed)) for head in sign.heads))
    return {number: tuple(voice) for number, voice in found.items()}

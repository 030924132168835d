"""Notes of a part -> staves and voices: which clef, which hand, and which notes follow each other in one voice.

Conventions: times are steps, pitches MIDI note numbers. Voices of a staff are in order, the highest first; a voice keeps its place while notes are
held over bar lines.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple

import numpy as np

from musicgen.piece import Note, Part


class Clef(NamedTuple):
    """A clef and the MIDI note numbers of its lowest and highest line."""

    sign: str
    line: int
    octaves: int  # that it sounds higher than it is written
    low: int
    high: int


TREBLE, BASS, ALTO = Clef("G", 2, 0, 64, 77), Clef("F", 4, 0, 43, 57), Clef("C", 3, 0, 53, 67)
TREBLE_BELOW, BASS_BELOW, TREBLE_ABOVE = Clef("G", 2, -1, 52, 65), Clef("F", 4, -1, 31, 45), Clef("G", 2, 1, 76, 89)
PERCUSSION = Clef("percussion", 0, 0, 0, 127)
EXTREME = 8  # semitones beyond a plain clef, on average, from which on one of an octave higher or lower is better
CLEFS = {  # of the programs that read others than treble and bass
    **dict.fromkeys(range(24, 32), (TREBLE_BELOW,)),  # guitars
    **dict.fromkeys(range(32, 40), (BASS_BELOW,)),
    41: (ALTO, TREBLE),
    43: (BASS_BELOW,),
    **dict.fromkeys(range(52, 55), (TREBLE, BASS, TREBLE_BELOW)),  # choirs, with their tenors
}
KEYBOARDS = {*range(8), *range(16, 24), 46}  # and the harp: two staves
LEDGERS = 4  # semitones beyond the lines of a staff that read well
SPAN = 14  # semitones that a hand reaches
LOWEST_SPLIT, HIGHEST_SPLIT, MIDDLE_C = 48, 72, 60


class Event(NamedTuple):
    """Notes of one voice that begin and end together."""

    start: int
    end: int
    pitches: tuple[int, ...]  # rising


def clef_of(notes: Sequence[Note], program: int, in_octaves: bool = True) -> Clef:
    """The clef with which notes need the fewest ledger lines, of those that players of an instrument read; without `in_octaves` a plain one."""
    clefs = [clef for clef in CLEFS.get(program, (TREBLE, BASS)) if in_octaves or not clef.octaves] or [TREBLE, BASS]
    best = min(clefs, key=lambda clef: _beyond(notes, clef))
    extreme = min((TREBLE_ABOVE, BASS_BELOW), key=lambda clef: _beyond(notes, clef))
    return extreme if _beyond(notes, best) > max(EXTREME, _beyond(notes, extreme)) else best


def _beyond(notes: Sequence[Note], clef: Clef) -> float:
    """Semitones that notes lie beyond the lines of a staff, on average over time."""
    time = sum(note.duration for note in notes)
    return sum(note.duration * max(0, clef.low - note.pitch, note.pitch - clef.high) for note in notes) / max(1, time)


def needs_two_staves(part: Part) -> bool:
    """Whether a part is a keyboard's (or a harp's) and lies on both sides of middle C."""
    if part.is_drum or part.program not in KEYBOARDS or not part.notes:
        return False
    pitches = [note.pitch for note in part.notes]
    return min(pitches) < MIDDLE_C <= max(pitches) and min(_beyond(part.notes, TREBLE), _beyond(part.notes, BASS)) > 1


def hands(notes: Sequence[Note]) -> tuple[tuple[Note, ...], tuple[Note, ...]]:
    """The notes of the right and of the left hand: of all ways to divide what begins together, the one with the fewest ledger lines, the
    narrowest hands and the fewest jumps between them (Viterbi 1967)."""
    splits = np.arange(LOWEST_SPLIT, HIGHEST_SPLIT + 1)
    jumps = np.abs(splits[:, None] - splits) / 2
    groups = [list(group) for _, group in groupby(notes, key=lambda note: note.onset)]
    costs, sources = np.abs(splits - MIDDLE_C) / 4, []
    for group in groups:
        ways = costs + jumps  # (split here, split before)
        sources.append(ways.argmin(axis=1))
        costs = ways.min(axis=1) + [_awkward([note.pitch for note in group], split) for split in splits.tolist()]
    place, chosen = int(costs.argmin()), []
    for source in reversed(sources):
        chosen.append(int(splits[place]))
        place = source[place]
    divided = list(zip(groups, reversed(chosen), strict=True))
    right = tuple(note for group, split in divided for note in group if note.pitch >= split)
    return right, tuple(note for group, split in divided for note in group if note.pitch < split)


def _awkward(pitches: list[int], split: int) -> float:
    left, right = [pitch for pitch in pitches if pitch < split], [pitch for pitch in pitches if pitch >= split]
    ledgers = sum(max(0, pitch - BASS.high - LEDGERS) for pitch in left) + sum(max(0, TREBLE.low - LEDGERS - pitch) for pitch in right)
    return ledgers + sum(4 * max(0, max(hand) - min(hand) - SPAN) for hand in (left, right) if hand)


def chords(notes: Sequence[Note]) -> list[Event]:
    """Notes that begin and end together are one event; in the order (start, end)."""
    ordered = sorted(notes, key=lambda note: (note.onset, note.end, note.pitch))
    return [
        Event(onset, end, tuple(note.pitch for note in group)) for (onset, end), group in groupby(ordered, key=lambda note: (note.onset, note.end))
    ]


def voices(notes: Sequence[Note], bar_lines: Sequence[int]) -> list[list[Event]]:
    """As few voices as the notes of one staff need, in each of which one event follows the other."""
    found: list[list[Event]] = []
    region: list[list[Event]] = []
    until = 0
    for event in sorted(chords(notes), key=lambda event: (event.start, -event.pitches[-1], event.end)):
        if bisect_right(bar_lines, event.start) > bisect_left(bar_lines, until):  # a bar line that nothing is held over
            _append(found, region)
            region = []
        free = [voice for voice in region if voice[-1].end <= event.start]
        if free:
            min(free, key=lambda voice: abs(voice[-1].pitches[-1] - event.pitches[-1])).append(event)
        else:
            region.append([event])
        until = max(until, event.end)
    _append(found, region)
    return found


def _append(found: list[list[Event]], region: list[list[Event]]) -> None:
    """Let voices go on, the highest in the first place."""
    region.sort(key=lambda voice: -sum(sum(event.pitches) / len(event.pitches) for event in voice) / len(voice))
    while len(found) < len(region):
        found.append([])
    for voice, events in zip(found, region, strict=False):
        voice += events

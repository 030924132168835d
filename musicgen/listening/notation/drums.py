"""How drums are written: the place on the staff and the note head of each drum of General MIDI, and how long a stroke is drawn.

Conventions: a place is a letter and an octave as in the treble clef. A stroke has no length of its own: it is drawn until the next one of the same
voice, or to the end of its beat. Hands are one voice, feet the other.
Source: Weinberg, Guidelines for Drumset Notation, Percussive Notes 32 (1994); names by General MIDI System Level 1.
"""

from collections.abc import Callable, Sequence
from itertools import groupby, pairwise
from typing import NamedTuple

from musicgen.listening.notation.staves import Event
from musicgen.piece import Note


class Drum(NamedTuple):
    """A drum on the page."""

    name: str
    letter: str
    octave: int
    head: str = "normal"  # a note head of MusicXML


FEET = {35, 36, 44}
DRUMS = {
    35: Drum("Acoustic Bass Drum", "E", 4),
    36: Drum("Bass Drum 1", "F", 4),
    37: Drum("Side Stick", "C", 5, "x"),
    38: Drum("Acoustic Snare", "C", 5),
    39: Drum("Hand Clap", "E", 5, "x"),
    40: Drum("Electric Snare", "C", 5, "diamond"),
    41: Drum("Low Floor Tom", "G", 4),
    42: Drum("Closed Hi-hat", "G", 5, "x"),
    43: Drum("High Floor Tom", "A", 4),
    44: Drum("Pedal Hi-hat", "D", 4, "x"),
    45: Drum("Low Tom", "B", 4),
    46: Drum("Open Hi-hat", "G", 5, "circle-x"),
    47: Drum("Low-Mid Tom", "D", 5),
    48: Drum("Hi-Mid Tom", "E", 5),
    49: Drum("Crash Cymbal 1", "A", 5, "x"),
    50: Drum("High Tom", "F", 5),
    51: Drum("Ride Cymbal 1", "F", 5, "x"),
    52: Drum("Chinese Cymbal", "C", 6, "x"),
    53: Drum("Ride Bell", "F", 5, "diamond"),
    54: Drum("Tambourine", "B", 4, "triangle"),
    55: Drum("Splash Cymbal", "B", 5, "x"),
    56: Drum("Cowbell", "E", 5, "triangle"),
    57: Drum("Crash Cymbal 2", "B", 5, "diamond"),
    59: Drum("Ride Cymbal 2", "D", 5, "x"),
}


def drum_of(number: int) -> Drum:
    """A drum by its MIDI note number; those without a place of their own go by their number, with a head of their own."""
    return DRUMS.get(number) or Drum(f"Percussion {number}", "CDEFGAB"[number % 7], 4 + number % 14 // 7, "inverted triangle")


def drum_voices(notes: Sequence[Note], beat_end: Callable[[int], int]) -> list[list[Event]]:
    """The voices of hands and of feet; one voice where only the ones or the others play.

    Args:
        beat_end: says at which step the beat ends that holds a step.
    """
    played = [[note for note in notes if (note.pitch in FEET) == is_foot] for is_foot in (False, True)]
    return [_drawn(limb, beat_end) for limb in played if limb]


def _drawn(notes: list[Note], beat_end: Callable[[int], int]) -> list[Event]:
    strokes = [(onset, tuple(note.pitch for note in group)) for onset, group in groupby(notes, key=lambda note: note.onset)]
    following = [later for _, (later, _) in pairwise(strokes)] + [None]
    return [
        Event(onset, min(beat_end(onset), later) if later is not None else beat_end(onset), pitches)
        for (onset, pitches), later in zip(strokes, following, strict=True)
    ]

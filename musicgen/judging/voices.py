"""A piece as its voices sound together, for rules of voice leading.

Conventions: a voice is a part that plays and is no drum. A piece is made of voices if it has at least two, and none of them ever sounds two
notes at once. Voices stand in the order of their mean pitches, the highest first, whatever the order of the parts (of equal means the one
whose notes come first). A moment is a step where any voice begins or ends a note, a chord a moment where any begins one and at least two
sound. C moments, V voices; pitches are MIDI note numbers.
"""

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from musicgen.judging.key import estimate_key
from musicgen.piece import Part, Piece


class NotVoicesError(ValueError):
    """A piece that is not made of voices; the message says why."""


class Chords(NamedTuple):
    """All that the rules ask. Rows are moments, columns voices."""

    pitches: np.ndarray  # (C, V) MIDI note numbers, -1 where a voice rests
    begins: np.ndarray  # (C, V) bool, whether the voice begins a note
    is_strong: np.ndarray  # (C,) bool, the first beat, and the middle of a bar of four or eight or twelve beats
    tonic: int  # pitch class of the estimated key

    @property
    def sounds(self) -> np.ndarray:
        """Whether the voice sounds, (C, V)."""
        return self.pitches >= 0

    @property
    def are_chords(self) -> np.ndarray:
        """Which moments are chords, (C,)."""
        return self.begins.any(axis=1) & (self.sounds.sum(axis=1) >= 2)


def applies(piece: Piece) -> bool:
    """Whether the piece can be judged."""
    return not _why_not(_voices(piece))


def chords_of(piece: Piece) -> Chords:
    """The moments of a piece, in order. Raises NotVoicesError."""
    voices = _voices(piece)
    if reason := _why_not(voices):
        raise NotVoicesError(reason)
    moments = np.unique([step for voice in voices for note in voice.notes for step in (note.onset, note.end)])[:-1]
    pitches, begins = np.full((len(moments), len(voices)), -1), np.zeros((len(moments), len(voices)), bool)
    for column, voice in enumerate(voices):
        notes = np.array(voice.notes)
        last = np.searchsorted(notes[:, 0], moments, side="right") - 1  # note begun
        is_sounding = (last >= 0) & (moments < notes[last, 0] + notes[last, 2])
        pitches[is_sounding, column] = notes[last[is_sounding], 1]
        begins[:, column] = notes[last, 0] == moments
    return Chords(pitches, begins, _is_strong(moments, piece), estimate_key(piece).tonic)


def _voices(piece: Piece) -> list[Part]:
    played = [part for part in piece.parts if part.notes and not part.is_drum]
    return sorted(played, key=lambda part: (-sum(note.pitch for note in part.notes) / len(part.notes), part.notes))


def _why_not(voices: list[Part]) -> str:
    if len(voices) < 2:
        return f"expected at least two voices, found {len(voices)}"
    for voice in voices:
        if any(note.end > following.onset for note, following in pairwise(voice.notes)):
            return f"the part {voice.name!r} sounds two notes at once"
    return ""


def _is_strong(moments: np.ndarray, piece: Piece) -> np.ndarray:
    """Where bars begin, and half bars where the meter's numerator is a multiple of four, (C,)."""
    meter = np.searchsorted([meter.onset for meter in piece.meters], moments, side="right") - 1
    onsets, lengths, numerators = np.array([(m.onset, m.bar_steps(piece.steps_per_quarter), m.numerator) for m in piece.meters])[meter].T
    place = (moments - onsets) % lengths
    return (place == 0) | ((numerators % 4 == 0) & (2 * place == lengths))

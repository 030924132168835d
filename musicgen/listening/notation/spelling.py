"""Pitches -> letters: how a pitch is spelled in a key, and where an accidental has to be printed.

Conventions: a place on the line of fifths counts from C, sharps upwards: F is -1, G 1, B 5, F sharp 6, B flat -2. Of the twelve places that a key
spans, seven are its scale; the others are the raised and lowered tones that music in it uses most.
Source: the line of fifths as Temperley has it, The Cognition of Basic Musical Structures (2001), chapter 5.
"""

from collections.abc import Iterable
from typing import NamedTuple

from musicgen.piece import Key

LETTERS = "FCGDAEB"  # in fifths
SEMITONES = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
ACCIDENTALS = {-2: "flat-flat", -1: "flat", 0: "natural", 1: "sharp", 2: "double-sharp"}
BELOW_MAJOR, BELOW_MINOR = 3, 2  # fifths that the twelve reach below the tonic of the major scale with the same signature


class Spelled(NamedTuple):
    """A pitch as it is written."""

    letter: str
    alter: int  # semitones, sharps upwards
    octave: int  # 4 begins at middle C

    @property
    def pitch(self) -> int:
        """MIDI note number."""
        return 12 * (self.octave + 1) + SEMITONES[self.letter] + self.alter

    @property
    def height(self) -> int:
        """Steps of the staff above C of octave 0."""
        return 7 * self.octave + "CDEFGAB".index(self.letter)


def spelled(pitch: int, key: Key) -> Spelled:
    """A pitch in a key: its accidentals where it has some, and never more than two of them."""
    lowest = key.fifths - (BELOW_MINOR if key.is_minor else BELOW_MAJOR)
    fifths = lowest + (7 * pitch - lowest) % 12
    letter, alter = LETTERS[(fifths + 1) % 7], (fifths + 1) // 7
    return Spelled(letter, alter, (pitch - alter - SEMITONES[letter]) // 12 - 1)


class Accidentals:
    """What is in force on one staff: the key's signature, and from a printed accidental on what it says, to the end of the bar."""

    def __init__(self) -> None:
        self._signature: dict[str, int] = {}
        self._printed: dict[tuple[str, int], int] = {}

    def begin_bar(self, key: Key) -> None:
        """Forget the bar before."""
        sharps = LETTERS[: max(0, key.fifths)] if key.fifths > 0 else LETTERS[len(LETTERS) + key.fifths :]
        self._signature = dict.fromkeys(sharps, 1 if key.fifths > 0 else -1)
        self._printed = {}

    def needed(self, notes: Iterable[tuple[Spelled, bool]]) -> list[str | None]:
        """The accidental that each of the notes needs that begin together; those that are tied from before need none.

        A letter that stands twice at once, as F and F sharp, has its accidental at both.
        """
        notes = list(notes)
        heads: dict[tuple[str, int], set[int]] = {}
        for note, _ in notes:
            heads.setdefault((note.letter, note.octave), set()).add(note.alter)
        return [None if is_tied else self._needed(note, len(heads[note.letter, note.octave]) > 1) for note, is_tied in notes]

    def _needed(self, note: Spelled, is_twice: bool) -> str | None:
        place = (note.letter, note.octave)
        in_force = self._printed.get(place, self._signature.get(note.letter, 0))
        if in_force == note.alter and not is_twice:
            return None
        self._printed[place] = note.alter
        return ACCIDENTALS[note.alter]

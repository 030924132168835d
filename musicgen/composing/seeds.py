"""What a person gives to begin with -> Piece: notes written out, or a file's piece made ready to be continued.

Conventions: notes are separated by blanks, `C4:1` is the pitch C4 (middle C, MIDI note 60) for one quarter note, `F#4:1/2` for half of one,
`R:2` a rest, `[C4 E4 G4]:2` a chord, `|` a bar line for the eye. A note without a duration lasts as long as the one before.
"""

import re
from fractions import Fraction

from musicgen.composing.wording import WordingError, read_pitch
from musicgen.piece import DEFAULT_VELOCITY, Meter, Note, Part, Piece, Tempo, canonical_tempo, without_overlaps

LENGTH = re.compile(r"-?(\d{1,9}(/\d{1,9})?|\d{0,9}\.\d{1,9})")  # what Fraction also reads may fill the memory
WORD = re.compile(r"(\[[^\]]*\]|[^\s:\[\]]+)(?::(\S+))?")


class SeedError(ValueError):
    """A seed that can't be read; the message names the word and says what was expected."""


def parse_notes(text: str, steps_per_quarter: int, meter: tuple[int, int] = (4, 4), tempo: float = 120.0) -> Piece:
    """The melody that is written out. Raises SeedError."""
    notes: list[Note] = []
    onset, duration = 0, steps_per_quarter
    for word in re.findall(r"\[[^\]]*\]?\S*|[^\s\[]+", text):
        if word == "|":
            continue
        match = WORD.fullmatch(word)
        if match is None:
            raise SeedError(f"can't read {word!r}: expected a note like C4:1, F#4:1/2, R:1 or [C4 E4 G4]:2")
        names, length = match.groups()
        if length is not None:
            duration = _steps(length, word, steps_per_quarter)
        if names not in ("R", "r"):
            pitches = [_pitch(name, word) for name in (names[1:-1].split() if names.startswith("[") else [names])]
            if not pitches:
                raise SeedError(f"can't read {word!r}: a chord needs notes in its brackets")
            notes += [Note(onset, pitch, duration, DEFAULT_VELOCITY) for pitch in pitches]
        onset += duration
    if not notes:
        raise SeedError("a seed needs at least one note, like C4:1")
    melody = Part("Melody", 0, False, without_overlaps(notes))
    return Piece((melody,), (Meter(0, *meter),), (Tempo(0, canonical_tempo(tempo)),), (), steps_per_quarter, title="seed")


def _pitch(name: str, word: str) -> int:
    try:
        return read_pitch(name)
    except WordingError as error:
        raise SeedError(f"can't read {word!r}: {error}") from None


def _steps(length: str, word: str, steps_per_quarter: int) -> int:
    try:
        steps = Fraction(length if LENGTH.fullmatch(length) else "") * steps_per_quarter
    except (ValueError, ZeroDivisionError):
        raise SeedError(f"can't read the duration {length!r} in {word!r}: expected quarter notes, like 1, 1/2 or 1.5") from None
    if steps <= 0 or steps > 1000 * steps_per_quarter:
        raise SeedError(f"the duration {length!r} in {word!r} must be above 0 and at most 1000 quarter notes")
    if steps.denominator != 1:
        raise SeedError(f"the duration {length!r} in {word!r} is not on the grid of {steps_per_quarter} steps to the quarter note")
    return int(steps)

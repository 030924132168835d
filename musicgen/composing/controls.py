"""How a piece is to be, whatever the model -> masks and biases over the values of each field.

Conventions: P parts, V values of a field, B takes; masks are bool, biases and temperatures float. A value v of a field is chosen by

    p(v) ~ allowed(v) * exp((logit(v) + bias(v)) / temperature(field, place))

and then of the likeliest, as `sampling` says. The controls, and what each comes to:

    parts, ranges  (P, V) of pitch: what a part does not play is not allowed; a part that plays nothing is not allowed either
    scale          (P, V) of pitch: pitch classes out of the scale are not allowed; drums have none
    key            (P, V) of pitch: a bias of -OUT_OF_KEY for pitch classes out of the key
    density        time_shift: a bias of -slope * shift, as `density` says
    temperature    begin + (end - begin) * place, with the place in the piece from 0 to 1; `rhythm_temperature` is that of time_shift and duration

Each only takes away from what the corpus' parts play, so what is left is never empty while one part has one pitch; `Guide` sees to that.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from musicgen.encoding.vocabulary import DURATION, PITCH, TIME_SHIFT, Vocabulary
from musicgen.piece import Key

SCALES = {  # semitones above the tonic
    "major": (0, 2, 4, 5, 7, 9, 11),
    "minor": (0, 2, 3, 5, 7, 8, 10),
    "harmonic-minor": (0, 2, 3, 5, 7, 8, 11),
    "melodic-minor": (0, 2, 3, 5, 7, 9, 11),
    "dorian": (0, 2, 3, 5, 7, 9, 10),
    "phrygian": (0, 1, 3, 5, 7, 8, 10),
    "lydian": (0, 2, 4, 6, 7, 9, 11),
    "mixolydian": (0, 2, 4, 5, 7, 9, 10),
    "locrian": (0, 1, 3, 5, 6, 8, 10),
    "major-pentatonic": (0, 2, 4, 7, 9),
    "minor-pentatonic": (0, 3, 5, 7, 10),
    "blues": (0, 3, 5, 6, 7, 10),
    "whole-tone": (0, 2, 4, 6, 8, 10),
    "octatonic": (0, 2, 3, 5, 6, 8, 9, 11),
}
OF_KEY = {False: SCALES["major"], True: (*SCALES["harmonic-minor"], 10)}  # by is_minor: what a key has, both sevenths of minor included
OUT_OF_KEY = 2.0  # nats
RHYTHM = (TIME_SHIFT, DURATION)


class RequestError(ValueError):
    """The model and the request do not fit; the message says what would."""


class Course(NamedTuple):
    """A number that moves over the piece."""

    begin: float
    end: float

    def at(self, place: np.ndarray) -> np.ndarray:
        """(B,) at places (B,) from 0 to 1."""
        return self.begin + (self.end - self.begin) * place

    @property
    def moves(self) -> bool:
        """Whether it is not the same all the time."""
        return self.begin != self.end


class Density(NamedTuple):
    """How many notes."""

    amount: float  # above 0
    is_relative: bool  # times as many as the network would play, else notes a bar of all parts together


class Range(NamedTuple):
    """What one part may play."""

    part: str  # a name, or the number of a part from 1
    low: int  # MIDI note numbers
    high: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Controls:
    """What a person turns without training again."""

    temperature: Course | float = 0.95  # divides the logits; 0 leaves the likeliest choice alone
    rhythm_temperature: Course | float | None = None  # of when and how long, else as `temperature`
    top_k: int = 0
    top_p: float = 0.98
    min_p: float = 0.0
    key: Key | None = None
    scale: str | None = None  # one of SCALES, on the key's tonic
    ranges: tuple[Range, ...] = ()
    parts: tuple[str, ...] | int | None = None  # which of the model's parts play, by name or number; or that many, the first
    density: Density | None = None

    def temperature_of(self, field: int) -> Course:
        """The temperature of one field over the piece."""
        chosen = self.rhythm_temperature if self.rhythm_temperature is not None and field in RHYTHM else self.temperature
        return chosen if isinstance(chosen, Course) else Course(chosen, chosen)

    @property
    def has_chance(self) -> bool:
        """Whether any temperature is ever above 0."""
        return any(temperature > 0 for field in (PITCH, TIME_SHIFT) for temperature in self.temperature_of(field))


class Guide:
    """What controls come to for one vocabulary. Raises RequestError where they leave nothing to choose.

    Attributes:
        playable: (P, V) bool, the pitches that each part may play.
        pitch_bias: (P, V) float32 nats, or None.
        warms: whether a temperature moves over the piece.
    """

    def __init__(self, controls: Controls, vocabulary: Vocabulary, tonic: int | None = None) -> None:
        """`tonic`: the pitch class of a scale where no key is asked for."""
        self.controls, self.vocabulary = controls, vocabulary
        self.pitches = np.array(vocabulary.values[PITCH])
        self._is_drum = np.array([token.is_drum for token in vocabulary.parts])[:, None]
        tonic = controls.key.tonic if controls.key is not None else tonic
        self.playable = np.array([np.isin(self.pitches, own) for own in vocabulary.pitches])
        self.playable &= self._in_scale(tonic) & self._plays()
        self._keep_ranges()
        self.pitch_bias = None if controls.key is None else self._key_bias(controls.key)
        self._courses = [controls.temperature_of(field) for field in range(len(vocabulary.sizes))]
        self.warms = any(course.moves for course in self._courses)

    def _classes(self, tonic: int, semitones: tuple[int, ...]) -> np.ndarray:
        """(P, V) pitches whose class is one of these above the tonic; drums have all."""
        return self._is_drum | np.isin((self.pitches - tonic) % 12, semitones)

    def _in_scale(self, tonic: int | None) -> np.ndarray:
        scale = self.controls.scale
        if scale is None:
            return np.ones_like(self.playable)
        if tonic is None:
            raise RequestError(f"the scale {scale} needs a tonic: say it with a key, for example C {'minor' if 'minor' in scale else 'major'}")
        allowed = self._classes(tonic, SCALES[scale])
        if not (self.playable & allowed).any():
            raise RequestError(f"no part of the model has a pitch in the scale {scale}: leave the scale out, or take another key")
        return allowed

    def _plays(self) -> np.ndarray:
        """(P, 1) the parts that are asked for."""
        wanted, parts = self.controls.parts, len(self.vocabulary.parts)
        if wanted is None:
            return np.ones((parts, 1), bool)
        if isinstance(wanted, int):
            if not 1 <= wanted <= parts:
                raise RequestError(f"the model has {parts} parts, {', '.join(self.vocabulary.part_names)}: ask for 1 to {parts}, not {wanted}")
            return np.arange(parts)[:, None] < wanted
        return np.any([self._part(name) for name in wanted], axis=0)[:, None]

    def _part(self, name: str) -> np.ndarray:
        """(P,) the parts of that name, or the one of that number."""
        own = self.vocabulary.part_names
        named = np.array([part.casefold() == name.casefold() for part in own])
        if not named.any() and name.isdecimal() and 1 <= int(name[:6]) <= len(own):
            named[int(name) - 1] = True
        if not named.any():
            raise RequestError(f"the model has no part {name!r}: its parts are {', '.join(own)} (or their numbers, 1 to {len(own)})")
        return named

    def _keep_ranges(self) -> None:
        for name, low, high in self.controls.ranges:
            inside = (self.pitches >= low) & (self.pitches <= high)
            for part in np.flatnonzero(self._part(name)):
                left = self.playable[part]
                if not left.any():
                    raise RequestError(
                        f"{name} has a range, but parts and scale leave it nothing to play: name it among the parts, or leave its range out"
                    )
                if not (left & inside).any():
                    known = self.pitches[left]
                    nearest = known[np.abs(known - (low + high) / 2).argmin()]
                    raise RequestError(
                        f"the range of {name} leaves it nothing to play: it plays {spelled(known[0])} to {spelled(known[-1])}"
                        f"{' in this scale' if self.controls.scale else ''}, the nearest is {spelled(nearest)}"
                    )
                self.playable[part] &= inside
        if not self.playable.any():
            raise RequestError("parts, ranges and scale together leave nothing to play: leave one of them out")

    def _key_bias(self, key: Key) -> np.ndarray:
        return np.where(self._classes(key.tonic, OF_KEY[key.is_minor]), 0, -OUT_OF_KEY).astype(np.float32)

    def bias(self, field: int, part: np.ndarray) -> np.ndarray | None:
        """(B, V) of a field that does not depend on the logits, or None; the parts (B,) are those of the notes."""
        return self.pitch_bias[part] if field == PITCH and self.pitch_bias is not None else None

    def temperatures(self, field: int, place: np.ndarray | None) -> np.ndarray | float:
        """(B,) the temperature of a field at places (B,) in the piece, or the one that it always is; None will do where none moves."""
        course = self._courses[field]
        return course.at(place) if course.moves and place is not None else course.begin


def spelled(pitch: int) -> str:
    """A MIDI note number as C4 or F#4."""
    return f"{('C', 'C#', 'D', 'Eb', 'E', 'F', 'F#', 'G', 'Ab', 'A', 'Bb', 'B')[pitch % 12]}{pitch // 12 - 1}"

"""What a person writes -> pitches, keys, ranges, meters and the other controls. Each reader raises WordingError, which says what was expected.

Conventions: a pitch is a letter, an accidental and an octave, C4 is middle C (MIDI note 60).
"""

import math
import re

from musicgen.composing.controls import SCALES, Course, Density, Range
from musicgen.piece import Key, Meter, enharmonic_fifths

PITCH_CLASSES = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
ACCIDENTALS = {"#": 1, "♯": 1, "x": 2, "##": 2, "b": -1, "♭": -1, "bb": -2, "n": 0, "": 0}
PITCH_CLASS = r"([A-Ga-g])(##|bb|[#♯x♭bn]?)"
PITCH = re.compile(PITCH_CLASS + r"(-?\d{1,3})")
KEY = re.compile(PITCH_CLASS + r"(?:\s*|[\s-]+)(major|minor|maj|min|m|)", re.IGNORECASE)
RANGE = re.compile(rf"(?P<part>.+?)\s*=\s*(?P<low>{PITCH.pattern})\s*(?:-|\.\.|to)\s*(?P<high>.+)")
HOTTEST = 10


class WordingError(ValueError):
    """Words that can't be read; the message says what was expected."""


def read_pitch(name: str) -> int:
    """The MIDI note number of C4, F#4 or Bb3."""
    match = PITCH.fullmatch(name)
    if match is None:
        raise WordingError(f"{name!r} is no pitch: expected one with its octave, like C4, F#4 or Bb3")
    letter, accidental, octave = match.groups()
    pitch = PITCH_CLASSES[letter.upper()] + ACCIDENTALS[accidental] + 12 * (int(octave) + 1)
    if not 0 <= pitch < 128:
        raise WordingError(f"{name!r} lies outside of MIDI's notes, C-1 to G9")
    return pitch


def read_key(text: str) -> Key:
    """G major, Bb minor, F#m, or C for C major."""
    match = KEY.fullmatch(text.strip())
    if match is None:
        raise WordingError(f"{text!r} is no key: expected one like G major, Bb minor or F# minor")
    letter, accidental, mode = match.groups()
    tonic = PITCH_CLASSES[letter.upper()] + ACCIDENTALS[accidental]
    is_minor = mode == "m" or mode.lower() in ("minor", "min")
    return Key(0, enharmonic_fifths(7 * (tonic - 9 * is_minor)), is_minor)


def read_scale(text: str) -> str | None:
    """The name of a scale; off is none."""
    name = text.strip().lower().replace(" ", "-")
    if name not in (*SCALES, "off"):
        raise WordingError(f"{text!r} is no scale: expected off or one of {', '.join(SCALES)}")
    return None if name == "off" else name


def read_range(text: str) -> Range:
    """Part=C4-G5."""
    match = RANGE.fullmatch(text.strip())
    if match is None:
        raise WordingError(f"{text!r} is no range: expected a part and its lowest and highest pitch, like Soprano=C4-G5")
    low, high = read_pitch(match["low"]), read_pitch(match["high"])
    if low > high:
        raise WordingError(f"the range {text!r} has its highest pitch first: write {match['part']}={match['high']}-{match['low']}")
    return Range(match["part"], low, high)


def read_bars(text: str) -> tuple[int, int | None]:
    """The first and the last bar of A-B, counted from 1; of A alone that one, of A- all from it on, which is None."""
    match = re.fullmatch(r"\s*(\d{1,9})\s*(-)?\s*(\d{1,9})?\s*", text)
    if match is None or (not match[2] and match[3]):
        raise WordingError(f"{text!r} are no bars: expected a first and a last one, like 5-8")
    first = int(match[1])
    last = int(match[3]) if match[3] else None if match[2] else first
    if not 1 <= first <= (last or first):
        raise WordingError(f"{text!r} are no bars: they count from 1, the first one first, like 5-8")
    return first, last


def read_parts(text: str) -> tuple[str, ...] | int:
    """Names of parts between commas, or how many."""
    if text.strip().isdecimal():
        return int(text.strip()[:6])
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    if not names:
        raise WordingError(f"{text!r} names no part: expected names between commas, like Soprano,Bass, or a number of parts")
    return names


def read_meter(text: str) -> Meter:
    """3/4."""
    match = re.fullmatch(r"\s*(\d{1,3})\s*/\s*(\d{1,3})\s*", text)
    if match is None or not 1 <= int(match[1]) <= 255 or int(match[2]) not in (1, 2, 4, 8, 16, 32, 64):
        raise WordingError(f"{text!r} is no meter: expected one like 4/4, 3/4 or 6/8, over 1, 2, 4, 8, 16, 32 or 64")
    return Meter(0, int(match[1]), int(match[2]))


def read_temperature(text: str) -> Course:
    """0.9, or 0.7..1.1 for one that moves over the piece."""
    begin, moves, end = text.partition("..")
    try:
        course = Course(float(begin), float(end if moves else begin))
    except ValueError:
        course = Course(math.nan, math.nan)
    if not all(0 <= temperature <= HOTTEST for temperature in course):
        raise WordingError(f"{text!r} is no temperature: expected 0 to {HOTTEST}, or one that moves over the piece, like 0.7..1.1")
    return course


def read_density(text: str) -> Density:
    """24 notes a bar, or 1.5x as many as the network would play."""
    number = text.strip().lower()
    is_relative = number.endswith("x")
    try:
        amount = float(number.removesuffix("x"))
    except ValueError:
        amount = math.nan
    if not 0.01 <= amount <= 1000:
        raise WordingError(f"{text!r} is no density: expected notes a bar, like 24, or times as many as the model would play, like 0.5x")
    return Density(amount, is_relative)

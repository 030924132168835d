"""Piece -> sound with NumPy alone, for want of a soundfont: a few sine waves a note, with an envelope by the instrument's family; drums are noise.

Conventions: samples at RATE Hz, one channel, float32; loudness goes with the square of velocity, as in General MIDI. The same piece gives the same
samples: the noise of a drum is drawn from a seed of its own. Not meant to be taken for an instrument; pitches, times and loudness are right.
"""

import math
from typing import NamedTuple

import numpy as np

from musicgen.listening.clips import seconds_at
from musicgen.listening.instruments import FAMILY_SIZE
from musicgen.piece import Piece

RATE = 44_100  # Hz
LEVEL = 0.12  # root mean square of the loudest note while it is held
HIGHEST = 18_000  # Hz; partials above are left out
DULLING = 0.25  # how much faster the n-th partial of a struck note dies away: 1 + DULLING * (n - 1) times
INAUDIBLE = 1e-4  # of a note's amplitude
BLOCK = 1 << 16  # samples made at once


class Timbre(NamedTuple):
    """How a family of instruments sounds."""

    partials: tuple[tuple[float, float], ...]  # (multiple of the pitch's frequency, amplitude)
    attack: float  # seconds until it is loud
    decay: float  # seconds in which it falls to 1/e of the way to `sustain`
    sustain: float  # amplitude of a held note, 0 (struck or plucked) to 1 (blown or bowed)
    release: float  # seconds that a note sounds on


def _harmonics(*amplitudes: float) -> tuple[tuple[float, float], ...]:
    return tuple((number, amplitude) for number, amplitude in enumerate(amplitudes, start=1) if amplitude)


BARS = ((1.0, 1.0), (3.9, 0.3), (9.2, 0.08))  # a struck bar that is tuned
TIMBRES = (  # in the order of instruments.FAMILIES
    Timbre(_harmonics(1, 0.6, 0.3, 0.2, 0.12, 0.08, 0.05), 0.004, 0.9, 0.0, 0.15),
    Timbre(BARS, 0.002, 0.6, 0.0, 0.4),
    Timbre(_harmonics(1, 0.7, 0.4, 0.5, 0, 0.3, 0, 0.25), 0.02, 0.1, 1.0, 0.08),
    Timbre(_harmonics(1, 0.7, 0.5, 0.25, 0.2, 0.1, 0.1), 0.003, 0.7, 0.0, 0.12),
    Timbre(_harmonics(1, 0.6, 0.25, 0.1), 0.006, 1.0, 0.0, 0.1),
    Timbre(_harmonics(1, 0.5, 0.4, 0.3, 0.2, 0.15, 0.1, 0.08), 0.07, 0.2, 0.85, 0.18),
    Timbre(_harmonics(1, 0.45, 0.3, 0.12, 0.1, 0.04), 0.09, 0.2, 0.9, 0.3),
    Timbre(_harmonics(1, 0.9, 0.7, 0.5, 0.35, 0.25, 0.15), 0.04, 0.15, 0.8, 0.1),
    Timbre(_harmonics(1, 0.2, 0.7, 0.15, 0.45, 0.1, 0.25), 0.03, 0.1, 0.9, 0.08),
    Timbre(_harmonics(1, 0.25, 0.1, 0.03), 0.05, 0.1, 0.95, 0.1),
    Timbre(_harmonics(1, 0, 0.33, 0, 0.2, 0, 0.14), 0.01, 0.1, 0.9, 0.08),
    Timbre(_harmonics(1, 0.5, 0.33, 0.25, 0.2), 0.25, 0.5, 0.9, 0.6),
    Timbre(((1.0, 1.0), (2.0, 0.5), (3.01, 0.3), (5.02, 0.2)), 0.1, 0.8, 0.6, 0.6),
    Timbre(_harmonics(1, 0.8, 0.6, 0.5, 0.3, 0.2), 0.003, 0.5, 0.0, 0.12),
    Timbre(((1.0, 1.0), (2.76, 0.5), (5.4, 0.3)), 0.002, 0.3, 0.0, 0.3),
    Timbre(((1.0, 1.0), (1.41, 0.7), (2.3, 0.6), (3.7, 0.5)), 0.05, 0.6, 0.5, 0.4),
)


class Drum(NamedTuple):
    """A tone that falls, and a band of noise."""

    begin: float  # Hz
    end: float  # Hz
    low: float  # Hz of the noise
    high: float  # Hz of the noise
    noise: float  # share of the noise, 0..1
    decay: float  # seconds in which it falls to 1/e


KICK, SNARE = Drum(130, 45, 100, 2000, 0.2, 0.14), Drum(220, 170, 700, 9000, 0.85, 0.11)
CLOSED_HAT, OPEN_HAT = Drum(400, 400, 6000, 16000, 1.0, 0.04), Drum(400, 400, 6000, 16000, 1.0, 0.25)
CYMBAL, OTHER = Drum(400, 400, 3500, 16000, 1.0, 0.8), Drum(500, 420, 1500, 7000, 0.6, 0.07)
DRUMS = {  # by the key of General MIDI; all others are OTHER
    **dict.fromkeys((35, 36), KICK),
    **dict.fromkeys((37, 38, 39, 40), SNARE),
    **{key: Drum(70.0 + 12 * (key - 41), 50.0 + 10 * (key - 41), 200, 3000, 0.2, 0.22) for key in (41, 43, 45, 47, 48, 50)},
    **dict.fromkeys((42, 44, 54, 69, 70), CLOSED_HAT),
    46: OPEN_HAT,
    **dict.fromkeys((49, 51, 52, 53, 55, 57, 59), CYMBAL),
}


def synthesize(piece: Piece, tail: float) -> np.ndarray:
    """The sound of a piece, and of some seconds after its end: (N,) float32, not yet scaled so that it cannot clip."""
    out = np.zeros(math.ceil((piece.seconds + tail) * RATE), np.float32)
    struck: dict[int, np.ndarray] = {}  # drum -> its sound
    for part in piece.parts:
        timbre = TIMBRES[part.program // FAMILY_SIZE]
        times = seconds_at(piece, np.array([[note.onset, note.end] for note in part.notes]).reshape(-1, 2))  # (notes, 2)
        for note, (begin, end) in zip(part.notes, times.tolist(), strict=True):
            gain = LEVEL * (min(127, 4 * note.velocity + 3) / 127) ** 2
            if part.is_drum:
                if note.pitch not in struck:
                    struck[note.pitch] = drum(note.pitch)
                onset = round(begin * RATE)
                sound = struck[note.pitch][: len(out) - onset]
                out[onset : onset + len(sound)] += gain * sound
            else:
                _add_tone(out, round(begin * RATE), end - begin, 440 * 2 ** ((note.pitch - 69) / 12), gain, timbre)
    return out


def _add_tone(out: np.ndarray, onset: int, held: float, frequency: float, gain: float, timbre: Timbre) -> None:
    """Add a note that is held for some seconds; `onset` is a place in (N,) samples."""
    partials = [(multiple, amplitude) for multiple, amplitude in timbre.partials if multiple * frequency < HIGHEST]
    power = math.sqrt(sum(amplitude**2 for _, amplitude in timbre.partials) / 2)
    lasting = math.inf if timbre.sustain else timbre.decay * -math.log(INAUDIBLE)
    length = min(round(min(held + timbre.release, lasting) * RATE), len(out) - onset)
    for first in range(0, length, BLOCK):
        time = np.arange(first, min(first + BLOCK, length)) / RATE  # seconds, float64: a phase after minutes must still be right
        phase = (2 * np.pi * (frequency * time % 1)).astype(np.float32)
        fading = np.exp(-time / timbre.decay).astype(np.float32)
        tone = np.zeros(len(time), np.float32)
        for multiple, amplitude in partials:
            angle = multiple * phase if multiple % 1 == 0 else (2 * np.pi * (multiple * frequency * time % 1)).astype(np.float32)
            dulled = 1 if timbre.sustain else fading ** np.float32(DULLING * (multiple - 1))
            tone += np.float32(amplitude) * dulled * np.sin(angle)
        level = timbre.sustain + (1 - timbre.sustain) * fading
        level *= np.clip(time / timbre.attack, 0, 1) * np.clip(1 - (time - held) / timbre.release, 0, 1) ** 2
        out[onset + first : onset + first + len(time)] += (gain / power * level * tone).astype(np.float32)


def drum(key: int) -> np.ndarray:
    """The sound of one stroke, as loud as a note: (N,) float32."""
    kind = DRUMS.get(key, OTHER)
    time = np.arange(round(-kind.decay * math.log(INAUDIBLE) * RATE)) / RATE
    spectrum = np.fft.rfft(np.random.default_rng(key).standard_normal(len(time)))
    pitches = np.fft.rfftfreq(len(time), 1 / RATE)
    noise = np.fft.irfft(spectrum * ((kind.low <= pitches) & (pitches <= kind.high)), len(time))
    fading = np.exp(-time / kind.decay)
    tone = np.sin(2 * np.pi * np.cumsum(kind.end + (kind.begin - kind.end) * fading**4) / RATE)
    mixed = kind.noise * noise / (noise.std() or 1) + (1 - kind.noise) * math.sqrt(2) * tone
    return (2 * mixed * fading * np.clip(time / 0.001, 0, 1)).astype(np.float32)  # twice: it is over so soon

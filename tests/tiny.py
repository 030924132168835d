"""Tiny corpora, and models whose weights are random: all that a model is but learned, in milliseconds, without TensorFlow.

Conventions: the grid is 12 steps to the quarter note; the same call gives the same music and the same weights.
"""

from functools import cache

import numpy as np

from musicgen.encoding.tokens import encode
from musicgen.encoding.vocabulary import Vocabulary
from musicgen.model.configuration import Configuration, weight_shapes
from musicgen.model.file import CorpusFacts, Model
from musicgen.piece import Key, Meter, Note, Part, Piece, Tempo, without_overlaps

BAR = 48  # steps of 4/4


def line(
    random: np.random.Generator, low: int, high: int, steps: int, lengths: tuple[int, ...] = (6, 12, 24), rests: float = 0.1
) -> tuple[Note, ...]:
    """One voice that walks between two pitches for a number of steps, never two notes at once."""
    notes, onset, pitch = [], 0, (low + high) // 2
    while onset < steps:
        length = min(int(random.choice(lengths)), steps - onset)
        pitch = int(np.clip(pitch + random.integers(-4, 5), low, high))
        if random.random() >= rests:
            notes.append(Note(onset, pitch, length))
        onset += length
    return tuple(notes) or (Note(0, pitch, steps),)


@cache
def tunes(number: int = 4) -> tuple[Piece, ...]:
    """Melodies: one part, one loudness, in 3/4."""
    random = np.random.default_rng(1)
    return tuple(
        Piece((Part("Flute", 73, False, line(random, 62, 81, 6 * 36)),), (Meter(0, 3, 4),), (Tempo(0, 120.0),), (Key(0, 1),)) for _ in range(number)
    )


@cache
def chorales(number: int = 4) -> tuple[Piece, ...]:
    """Four voices of one instrument, each one note at a time, one loudness."""
    random = np.random.default_rng(2)
    voices = (("Soprano", 60, 81), ("Alto", 55, 74), ("Tenor", 48, 69), ("Bass", 40, 62))
    return tuple(
        Piece(tuple(Part(name, 52, False, line(random, low, high, 4 * BAR, rests=0)) for name, low, high in voices), tempos=(Tempo(0, 80.0),))
        for _ in range(number)
    )


@cache
def bands(number: int = 4) -> tuple[Piece, ...]:
    """A piano with chords, a bass and drums, of many loudnesses, with a change of meter."""
    random = np.random.default_rng(3)

    def loudly(notes: tuple[Note, ...]) -> tuple[Note, ...]:
        return tuple(note._replace(velocity=int(random.integers(8, 28))) for note in notes)

    def band() -> Piece:
        chords = [
            Note(onset, pitch, int(random.choice((12, 18, 24, 48))))
            for onset in range(0, 4 * BAR, 12)
            if random.random() < 0.6
            for pitch in random.choice(np.arange(55, 80), int(random.integers(1, 4)), replace=False).tolist()
        ]
        drums = [Note(onset, drum, 3) for onset in range(0, 4 * BAR, 6) for drum in (36, 38, 42) if random.random() < 0.4]
        parts = (
            Part("Drums", 0, True, loudly(without_overlaps(drums))),
            Part("Piano", 0, False, loudly(without_overlaps(chords))),
            Part("Bass", 33, False, loudly(line(random, 28, 48, 4 * BAR))),
        )
        return Piece(parts, (Meter(0, 4, 4), Meter(2 * BAR, 6, 8)), (Tempo(0, 100.0),))

    return tuple(band() for _ in range(number))


def configuration_of(pieces: tuple[Piece, ...], **settings) -> Configuration:
    """A small network for the vocabulary of these pieces."""
    vocabulary = Vocabulary.of(encode(piece) for piece in pieces)
    return Configuration(vocabulary, **{"layers": 1, "units": 16, "head_units": 16, "slots": min(8, sum(vocabulary.most_at_once)), **settings})


def random_weights(configuration: Configuration, random_seed: int = 0) -> dict[str, np.ndarray]:
    """Weights that are neither small nor unstable, by the number of inputs that each sum has."""
    random = np.random.default_rng(random_seed)
    weights = {}
    for name, shape in weight_shapes(configuration).items():
        scale = shape[0] ** -0.5 if name.endswith("kernel") else 0.5
        weights[name] = random.normal(0, scale, shape).astype(np.float16).astype(np.float32)  # what a model file can hold
    return weights


def random_model(pieces: tuple[Piece, ...], random_seed: int = 0, **settings) -> Model:
    """A model that has seen the vocabulary of these pieces and learned nothing."""
    configuration = configuration_of(pieces, **settings)
    facts = CorpusFacts.of("tiny", "0123456789abcdef", pieces)
    return Model(configuration, random_weights(configuration, random_seed), facts, {"time_shift": 0.5, "pitch": 1.25}, {"epochs": 3})

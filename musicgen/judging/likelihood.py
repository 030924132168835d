"""How likely pieces are to a model: nats of every field of every note, exact, by one network or the mean of several.

Conventions: a nat is the unit of -ln p. The probability of a piece is the product over the fields of its notes and its end, each renormalized
over what could have stood there (`encoding.grammar.possible`), with a state that begins anew at each piece. What the vocabulary lacks is
spelled out: each field keeps ESCAPE of its probability for all whole numbers, 1 / ((n + 1)(n + 2)) each, so the sum over all pieces is one.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from musicgen.encoding.context import Context, RunningContext, context_of, without
from musicgen.encoding.grammar import Grammar, possible
from musicgen.encoding.tokens import encode
from musicgen.encoding.vocabulary import DURATION, FIELDS, PITCH, TIME_SHIFT, Vocabulary
from musicgen.model.engine import Engine, Possible
from musicgen.piece import NUM_PITCHES, Piece

ESCAPE = 1e-4
BATCH = 512  # pieces that are judged at once


@dataclass(frozen=True, slots=True)
class Rows:
    """A piece as an engine judges it."""

    ids: np.ndarray  # (N + 1, 5)
    context: Context
    possible: Possible
    spelled: np.ndarray  # (N + 1, 5) nats to spell out what the vocabulary lacks, 0 where it lacks nothing


def rows_of(piece: Piece, engine: Engine, most_at_once: int = NUM_PITCHES, repeats: bool = True, forgotten: Sequence[str] = ()) -> Rows:
    """A piece whose parts the engine's vocabulary has. Arguments as of `nats`."""
    vocabulary, slots = engine.vocabulary, engine.configuration.slots
    sequence = encode(piece)
    ids = vocabulary.ids(sequence)
    masks = possible(sequence, Grammar.of_all(vocabulary, most_at_once), RunningContext(piece.meters, vocabulary, slots), repeats)
    return Rows(ids, without(context_of(ids, piece.meters, vocabulary, slots), forgotten), masks, _spelled(sequence.notes, ids, vocabulary))


def _spelled(notes: np.ndarray, ids: np.ndarray, vocabulary: Vocabulary) -> np.ndarray:
    spelled = np.zeros(ids.shape)
    for field in (TIME_SHIFT, PITCH, DURATION):
        said, rows = notes[:, field], ids[:-1, field]
        lacks = vocabulary.steps(field, rows) != said
        if field == DURATION:
            lacks &= rows != vocabulary.held
        spelled[:-1, field][lacks] = -math.log(ESCAPE) + np.log((said[lacks] + 1.0) * (said[lacks] + 2.0))
    return spelled


def nats(
    engines: Sequence[Engine],
    pieces: Sequence[Piece],
    *,
    transpositions: Sequence[int] = (0,),
    most_at_once: int = NUM_PITCHES,
    repeats: bool = True,
    forgotten: Sequence[str] = (),
) -> list[np.ndarray]:
    """The nats of each piece, (N + 1, 5) as in FIELDS, by the mean of the probabilities of all engines in all transpositions.

    Args:
        transpositions: semitones; at each of them a piece is judged, and the probabilities of each choice are averaged.
        most_at_once: notes that a part can sound together, where the form of the music limits them.
        repeats: as in `possible`.
        forgotten: columns of the context that the engines never knew.
    """
    chances = [np.zeros((piece.num_notes + 1, len(FIELDS))) for piece in pieces]
    for engine in engines:
        for semitones in transpositions:
            rows = [rows_of(piece.transposed(semitones), engine, most_at_once, repeats, forgotten) for piece in pieces]
            for start in range(0, len(rows), BATCH):
                some = rows[start : start + BATCH]
                judged = engine.nats([one.ids for one in some], [one.context for one in some], [one.possible for one in some])
                for number, (one, surprise) in enumerate(zip(some, judged, strict=True), start):
                    known = surprise.astype(np.float64)
                    known[:, (TIME_SHIFT, PITCH, DURATION)] -= math.log1p(-ESCAPE)
                    known[-1, TIME_SHIFT + 1 :] = 0  # the end has no pitch
                    chances[number] += np.exp(-np.where(one.spelled > 0, one.spelled, known))
    return [-np.log(chance / (len(engines) * len(transpositions))) for chance in chances]


def interval(values: np.ndarray, weights: np.ndarray, rng: np.random.Generator, samples: int = 10_000) -> tuple[float, float]:
    """The 95 % interval of sum(values) / sum(weights) by a bootstrap over pieces (Efron 1979)."""
    drawn = rng.integers(0, len(values), (samples, len(values)))
    low, high = np.quantile(values[drawn].sum(axis=1) / weights[drawn].sum(axis=1), (0.025, 0.975))
    return float(low), float(high)

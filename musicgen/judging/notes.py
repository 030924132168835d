"""How likely a model finds each note of a piece, and what it would rather have played there.

Conventions: as in `surprise`: nats by field, as a network hears the notes; the sum over all notes and the end is the piece's surprise. Probabilities
are those of a field given all notes before and the fields before it; of each field the likeliest values are given, but the one that was played.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from musicgen.encoding.context import Context, context_of
from musicgen.encoding.hearing import Hearing, judged_as
from musicgen.encoding.tokens import encode
from musicgen.encoding.vocabulary import DURATION, FIELDS, NAMES, TIME_SHIFT, Vocabulary
from musicgen.model.engine import Engine, log_sum_exp
from musicgen.piece import Note, Piece

ALTERNATIVES = 3  # of each field


class Alternative(NamedTuple):
    """What could have been said instead."""

    value: int | str | None  # steps, part, MIDI note number or loudness bin; "end" of the piece, "held" until the part begins another note
    probability: float


class JudgedNote(NamedTuple):
    """A note as a model hears it."""

    note: Note | None  # None for the end of the piece
    part: int | None  # of the piece
    nats: np.ndarray | None  # (5,) as in FIELDS, float64; None for a note that the model cannot hear
    alternatives: dict[str, tuple[Alternative, ...]]  # of each field that the model predicts, the likeliest first

    @property
    def total(self) -> float:
        """Nats of all fields."""
        return float(self.nats.sum()) if self.nats is not None else 0.0


def judged_notes(engine: Engine, piece: Piece, hear: Hearing = judged_as) -> Iterator[JudgedNote]:
    """The notes in the order (onset, part, pitch) of the vocabulary, and the end. The piece is on the engine's grid; `hear` as of `surprises`."""
    vocabulary = engine.vocabulary
    sequence, matches = hear(encode(piece), vocabulary)
    ids = vocabulary.ids(sequence, matches)
    context = context_of(ids, piece.meters, vocabulary, engine.configuration.slots)
    heard = [match is not None for match in matches]
    state, previous = engine.start(1), np.array([vocabulary.sizes], np.int32)
    rows = iter(range(len(ids)))
    for onset, (_, number, pitch, duration, velocity) in zip(sequence.onsets.tolist(), sequence.notes.tolist(), strict=True):
        note, part = Note(onset, pitch, duration, velocity), sequence.indices[number]
        if not heard[number]:
            yield JudgedNote(note, part, None, {})
            continue
        row = next(rows)
        now = Context(*(column[row : row + 1] for column in context))
        state = engine.step(state, previous, now)
        previous = ids[row : row + 1]
        yield JudgedNote(note, part, *_judged(engine, state, previous, now))
    now = Context(*(column[-1:] for column in context))
    yield JudgedNote(None, None, *_judged(engine, engine.step(state, previous, now), ids[-1:], now))


def _judged(engine: Engine, state: list[np.ndarray], row: np.ndarray, now: Context) -> tuple[np.ndarray, dict[str, tuple[Alternative, ...]]]:
    """Nats (5,) and alternatives of a row (1, 5)."""
    vocabulary, features = engine.vocabulary, engine.features(state)
    nats, alternatives = np.zeros(len(FIELDS)), {}
    for field in vocabulary.active:
        if field > TIME_SHIFT and row[0, TIME_SHIFT] == vocabulary.end:
            break
        logits, chosen = engine.logits(field, features, row, now).astype(np.float64), int(row[0, field])
        log_chances = (logits - log_sum_exp(logits))[0]
        nats[field] = -log_chances[chosen]
        order = [choice for choice in np.argsort(-log_chances, kind="stable")[: ALTERNATIVES + 1].tolist() if choice != chosen]
        alternatives[NAMES[field]] = tuple(
            Alternative(_value(vocabulary, field, choice), float(np.exp(log_chances[choice]))) for choice in order[:ALTERNATIVES]
        )
    return nats, alternatives


def _value(vocabulary: Vocabulary, field: int, choice: int) -> int | str:
    """What an id says."""
    if field == TIME_SHIFT and choice == vocabulary.end:
        return "end"
    if field == DURATION and choice == vocabulary.held:
        return "held"
    return vocabulary.values[field][choice]

"""How many notes back a network still gains from: nats per note by the number of notes that it has heard.

Conventions: a network hears the L notes before the one that it foretells, and nothing before them: its state begins anew with the first of them.
What it is told of music besides (what sounds, the latest pitch classes, what is recalled) looks back on its own, so there are two figures: `state`
cuts off the state alone, `all` what it is told too, but for the bar lines. The same notes are foretold at all lengths, so that the figures can be
compared; nats per note is the mean over these notes of all their fields.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from musicgen.encoding.context import Context, context_of
from musicgen.encoding.tokens import encode
from musicgen.encoding.vocabulary import TIME_SHIFT, Vocabulary
from musicgen.model.engine import Engine, log_sum_exp
from musicgen.piece import Piece

LENGTHS = (1, 2, 4, 8, 16, 32, 64, 128, 256)  # notes
MOST_NOTES = 512  # that are foretold


class Heard(NamedTuple):
    """Notes to foretell, and what comes before them."""

    lengths: tuple[int, ...]
    ids: np.ndarray  # (N, longest + 1, 5) the notes before and, last, the one to foretell
    state: Context  # (N, longest, ...) of all of them but the first, as they are in their pieces
    all: list[Context]  # for each length (N, length, ...), as if the pieces began with the first note heard


def heard(pieces: Sequence[Piece], vocabulary: Vocabulary, slots: int, rng: np.random.Generator, lengths: Sequence[int] = LENGTHS) -> Heard | None:
    """Notes drawn from pieces that the vocabulary knows, at lengths that half of the pieces have; None where there are none."""
    sequences = [encode(piece) for piece in pieces]
    ids = [vocabulary.ids(sequence)[:-1] for sequence in sequences]
    enough = [length for length in lengths if sum(len(rows) > length for rows in ids) * 2 >= len(ids) > 0]
    if not enough:
        return None
    longest = enough[-1]
    places = [(piece, row) for piece, rows in enumerate(ids) for row in range(longest, len(rows))]
    drawn = [places[index] for index in np.sort(rng.permutation(len(places))[:MOST_NOTES])]
    onsets = [np.cumsum(vocabulary.steps(TIME_SHIFT, rows[:, TIME_SHIFT])) for rows in ids]
    whole = [context_of(rows, piece.meters, vocabulary, slots) for rows, piece in zip(ids, pieces, strict=True)]

    def cut(piece: int, row: int, length: int) -> Context:
        before = int(onsets[piece][row - length - 1]) if row > length else 0
        context = context_of(ids[piece][row - length : row + 1], pieces[piece].meters, vocabulary, slots, before)
        return _rows(context, slice(1, None))

    return Heard(
        tuple(enough),
        np.stack([ids[piece][row - longest : row + 1] for piece, row in drawn]),
        _stacked(_rows(whole[piece], slice(row - longest + 1, row + 1)) for piece, row in drawn),
        [_stacked(cut(piece, row, length) for piece, row in drawn) for length in enough],
    )


def nats(engine: Engine, notes: Heard) -> Iterator[tuple[int, float, float]]:
    """For each length the nats per note with the state cut off, and with all cut off."""
    longest = notes.lengths[-1]
    for length, cut in zip(notes.lengths, notes.all, strict=True):
        last = _columns(notes.state, slice(longest - length, None))
        yield length, _foretold(engine, notes.ids[:, longest - length :], last), _foretold(engine, notes.ids[:, longest - length :], cut)


def _foretold(engine: Engine, ids: np.ndarray, context: Context) -> float:
    """Nats per note of the last of ids (N, L + 1, 5), given the others; context (N, L, ...) of all but the first."""
    state = engine.start(len(ids))
    for step in range(ids.shape[1] - 1):
        now = Context(*(column[:, step] for column in context))
        state = engine.step(state, ids[:, step], now)
    features, note, total = engine.features(state), ids[:, -1], 0.0
    for field in engine.vocabulary.active:
        logits = engine.logits(field, features, note, now)
        chosen = np.take_along_axis(logits, note[:, field : field + 1], axis=1)[:, 0]
        total += float((log_sum_exp(logits) - chosen).mean(dtype=np.float64))
    return total


def _rows(context: Context, which: slice) -> Context:
    return Context(*(column[which] for column in context))


def _columns(context: Context, which: slice) -> Context:
    return Context(*(column[:, which] for column in context))


def _stacked(contexts) -> Context:
    return Context(*(np.stack(columns) for columns in zip(*contexts, strict=True)))

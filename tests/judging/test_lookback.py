"""Nats by the notes heard: with the whole history it is what the engine gives for whole pieces."""

import numpy as np
import pytest
from tiny import bands, chorales, configuration_of, random_weights

from musicgen.encoding.context import Context, context_of
from musicgen.encoding.tokens import encode
from musicgen.judging.lookback import Heard, heard, nats
from musicgen.model.engine import Engine


@pytest.fixture(scope="module", params=["lstm", "gru", "rnn"])
def engine(request) -> Engine:
    configuration = configuration_of(bands(), cell=request.param, layers=2)
    return Engine(configuration, random_weights(configuration))


def test_whole_histories_are_whole_pieces(engine):
    piece, row = bands()[0], 20
    ids = engine.vocabulary.ids(encode(piece))
    context = context_of(ids, piece.meters, engine.vocabulary, engine.configuration.slots)
    whole = Context(*(column[None, : row + 1] for column in context))
    before = np.concatenate(([engine.vocabulary.sizes], ids[: row + 1]))[None]
    ((length, state, everything),) = nats(engine, Heard((row + 1,), before, whole, [whole]))

    (expected,) = engine.nats([ids], [context])
    assert (length, state) == (row + 1, everything)
    assert state == pytest.approx(float(expected[row].sum()), rel=1e-5)


def test_the_longest_history_is_the_same_for_both_where_it_is_whole(engine):
    """All that is heard of a note with as many notes before it as the piece has: cut off or not, the context says the same."""
    pieces = bands()
    notes = heard(pieces, engine.vocabulary, engine.configuration.slots, np.random.default_rng(0), lengths=(4, 16))

    assert notes.lengths == (4, 16)
    assert notes.ids.shape[1] == 17
    found = list(nats(engine, notes))
    assert [length for length, _, _ in found] == [4, 16]
    first = [
        number for number, ids in enumerate(notes.ids) if any(np.array_equal(ids, engine.vocabulary.ids(encode(piece))[:17]) for piece in pieces)
    ]
    for number in first:
        for name, column in notes.all[1]._asdict().items():
            np.testing.assert_array_equal(column[number], getattr(notes.state, name)[number], err_msg=name)


def test_lengths_are_those_that_half_of_the_pieces_have():
    pieces = chorales(2)
    vocabulary = configuration_of(pieces).vocabulary
    lengths = sorted(piece.num_notes for piece in pieces)

    assert heard(pieces, vocabulary, 4, np.random.default_rng(0), lengths=(1, lengths[-1] - 1, lengths[-1])).lengths == (1, lengths[-1] - 1)
    assert heard(pieces, vocabulary, 4, np.random.default_rng(0), lengths=(lengths[-1],)) is None
    assert heard((), vocabulary, 4, np.random.default_rng(0)) is None

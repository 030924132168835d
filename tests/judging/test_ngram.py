"""The n-gram model: a probability over the same events as a network's, by Witten and Bell's estimate."""

import numpy as np
import pytest
from tiny import bands, chorales, tunes

from musicgen.encoding.tokens import encode
from musicgen.encoding.vocabulary import PITCH, TIME_SHIFT, Vocabulary
from musicgen.judging.ngram import NGram
from musicgen.piece import Note, Part, Piece


def ids_of(pieces) -> tuple[Vocabulary, list[np.ndarray]]:
    sequences = [encode(piece) for piece in pieces]
    vocabulary = Vocabulary.of(sequences)
    return vocabulary, [vocabulary.ids(sequence) for sequence in sequences]


@pytest.mark.parametrize("corpus", [tunes, chorales, bands])
def test_the_probabilities_of_a_field_sum_to_one(corpus):
    vocabulary, (judged, *learned) = ids_of(corpus())
    model = NGram(learned, vocabulary)

    for row in (0, 1, 2, 7, len(judged) - 2):
        for field in vocabulary.active:
            others = np.repeat(judged[None, : row + 1], vocabulary.sizes[field], axis=0)
            others[:, row, field] = np.arange(vocabulary.sizes[field])
            if field > TIME_SHIFT:
                others[:, row, TIME_SHIFT] %= vocabulary.end  # a note, no end
            nats = model.nats(list(others)).reshape(model.orders, len(others), row + 1, -1)
            np.testing.assert_allclose(np.exp(-nats[:, :, row, field]).sum(axis=1), 1, rtol=1e-9)


def test_the_estimate_is_witten_and_bells():
    def line(*pitches: int) -> Piece:
        return Piece((Part("Flute", 73, False, tuple(Note(12 * number, pitch, 12) for number, pitch in enumerate(pitches))),))

    vocabulary, (learned, judged) = ids_of([line(60, 62, 64, 65), line(60, 62, 60)])
    nats = NGram([learned], vocabulary).nats([judged])[:, :, PITCH]

    # the pitches are 60 to 65: four different ones have been seen once each
    often = [(1 + 4 / 6) / 8, (1 + 4 / 6) / 8, (1 + 4 / 6) / 8]
    np.testing.assert_allclose(np.exp(-nats[0, :3]), often)
    # the time shift is known: 0 for the first; then 12 thrice, after which came the intervals 2, 2, 1
    np.testing.assert_allclose(np.exp(-nats[1, :3]), [(1 + often[0]) / 2, (2 + 2 * often[1]) / 5, (0 + 2 * often[2]) / 5])
    assert np.array_equal(nats[:, 3], np.zeros(len(nats)))  # the end has no pitch


def test_what_is_known_in_one_key_is_known_in_all():
    (tune,) = tunes(1)
    vocabulary, (learned, *_) = ids_of([tune, tune.transposed(5)])
    nats = NGram([learned], vocabulary).nats([vocabulary.ids(encode(tune.transposed(5)))])

    assert nats[4, 6:, PITCH].mean() < 0.5 < 2 < nats[0, 6:, PITCH].mean()

"""Likelihood: exact, a distribution, and the mean of several networks where there are several."""

import numpy as np
import pytest
from tiny import chorales, configuration_of, random_model, random_weights, tunes

from musicgen.encoding.tokens import encode
from musicgen.encoding.vocabulary import DURATION, PART, PITCH, TIME_SHIFT
from musicgen.judging.likelihood import ESCAPE, interval, nats
from musicgen.model.engine import Engine
from musicgen.piece import Meter, Note, Part, Piece


def line(*pitches: int) -> Piece:
    return Piece((Part("", 0, False, tuple(Note(12 * beat, pitch, 12) for beat, pitch in enumerate(pitches))),))


def uniform_engine(piece: Piece) -> Engine:
    configuration = configuration_of((piece,))
    return Engine(configuration, {name: np.zeros_like(array) for name, array in random_weights(configuration).items()})


def test_an_engine_that_knows_nothing_counts_what_is_possible():
    piece = line(60, 62, 64)
    (rows,) = nats([uniform_engine(piece)], [piece])

    # shifts 0, 12 and the end; pitches 60..64; durations 12 and held
    chances = np.exp(-rows) / np.where(rows > 0, 1 - ESCAPE, 1)
    assert chances[:, PART] == pytest.approx(1)
    assert chances[:, TIME_SHIFT] == pytest.approx([1 / 3, 1, 1, 1 / 2], abs=1e-4)  # a line: it goes on while it is held
    assert chances[:-1, PITCH] == pytest.approx([1 / 5, 1 / 5, 1 / 5])
    assert chances[:-1, DURATION] == pytest.approx([1 / 2] * 3)
    (runs,) = nats([uniform_engine(piece)], [piece], repeats=False)
    assert np.exp(-runs[:-1, PITCH]) / (1 - ESCAPE) == pytest.approx([1 / 5, 1 / 4, 1 / 4])
    (voice,) = nats([uniform_engine(piece)], [piece], most_at_once=1)
    assert np.exp(-voice[:, TIME_SHIFT]) / (1 - ESCAPE) == pytest.approx([1 / 3, 1, 1, 1 / 2])


def test_what_the_vocabulary_lacks_is_spelled_out():
    engine = uniform_engine(line(60, 62, 64))
    strange = Piece((Part("", 0, False, (Note(0, 60, 7), Note(30, 90, 12))),))
    (rows,) = nats([engine], [strange])

    assert rows[0, DURATION] == pytest.approx(-np.log(ESCAPE / (8 * 9)))
    assert rows[1, TIME_SHIFT] == pytest.approx(-np.log(ESCAPE / (31 * 32)))
    assert rows[1, PITCH] == pytest.approx(-np.log(ESCAPE / (91 * 92)))
    assert np.isfinite(rows).all()
    numbers = np.arange(10**6)
    assert (1 / ((numbers + 1) * (numbers + 2.0))).sum() == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("corpus", [tunes, chorales])
def test_the_mean_of_networks_and_transpositions_is_the_mean_of_probabilities(corpus):
    one, other = (random_model(corpus(), random_seed=seed).engine for seed in (1, 2))
    alone = [nats([engine], corpus(), transpositions=[semitones]) for engine in (one, other) for semitones in (0, 1)]
    together = nats([one, other], corpus(), transpositions=[0, 1])

    for number in range(len(corpus())):
        mean = np.mean([np.exp(-rows[number]) for rows in alone], axis=0)
        np.testing.assert_allclose(np.exp(-together[number]), mean, atol=1e-12)


def test_masks_only_make_the_possible_likelier():
    engine = random_model(chorales()).engine
    for piece, rows in zip(chorales(), nats([engine], chorales(), most_at_once=1), strict=True):
        ids = engine.vocabulary.ids(encode(piece))
        (free,) = nats([engine], [piece])
        assert rows.shape == (piece.num_notes + 1, 5) == ids.shape
        assert (rows <= free + 1e-6).all()
        assert rows.sum() < free.sum()


def test_a_piece_alone_is_judged_as_among_others():
    engine = random_model(tunes()).engine
    silent = Piece((), (Meter(0, 3, 4),))
    together = nats([engine], [*tunes(), silent])

    for piece, rows in zip([*tunes(), silent], together, strict=True):
        np.testing.assert_array_equal(nats([engine], [piece])[0], rows)
    assert together[-1].shape == (1, 5)


def test_the_interval_of_a_mean():
    rng = np.random.default_rng(0)
    values = rng.normal(5, 1, 400)
    low, high = interval(values, np.ones(400), np.random.default_rng(1))

    assert low < values.mean() < high
    assert high - low == pytest.approx(2 * 1.96 / 20, rel=0.1)
    assert interval(2 * np.ones(5), np.ones(5), rng) == (2, 2)

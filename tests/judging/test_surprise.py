"""Surprise: the figure that training gives, and a word on what the vocabulary lacks."""

from dataclasses import replace

import numpy as np
import pytest
from tiny import bands, chorales, configuration_of, random_model, random_weights, tunes

from musicgen.encoding.context import context_of
from musicgen.encoding.hearing import heard_as
from musicgen.encoding.tokens import encode
from musicgen.judging.summary import of_craft, of_faults, ranges_of
from musicgen.judging.surprise import figures, surprises
from musicgen.model.engine import Engine
from musicgen.piece import Note, Part, Piece


def line(*pitches: int) -> Piece:
    return Piece((Part("", 0, False, tuple(Note(12 * beat, pitch, 12) for beat, pitch in enumerate(pitches))),))


def figures_of(engine: Engine, pieces: tuple[Piece, ...]) -> dict:
    return figures(list(surprises(engine, pieces)), engine.vocabulary.active, np.random.default_rng(0))


def test_an_engine_that_knows_nothing_counts_values():
    configuration = configuration_of((line(60, 62, 64),))
    engine = Engine(configuration, {name: np.zeros_like(array) for name, array in random_weights(configuration).items()})
    found = figures_of(engine, (line(60, 62, 64),))

    # shifts 0, 12 and the end at first, 12 alone while a note is held, 12 and the end at last; pitches 60..64 and durations held or 12, three times
    sizes = engine.vocabulary.sizes
    expected = {"time_shift": np.log(3 * 2) / 3, "pitch": np.log(5), "duration": np.log(sizes[3])}
    assert found["nats_per_field"] == pytest.approx(expected, abs=1e-4)
    assert (found["pieces"], found["notes"], found["foreign_notes"], found["nats_per_note_interval"]) == (1, 3, 0, None)


@pytest.mark.parametrize("corpus", [tunes, chorales, bands])
def test_batches_give_what_whole_pieces_give(corpus):
    engine = random_model(corpus(5)).engine
    vocabulary, slots = engine.vocabulary, engine.configuration.slots
    ids = [vocabulary.ids(encode(piece)) for piece in corpus(5)]
    nats = engine.nats(ids, [context_of(rows, piece.meters, vocabulary, slots) for rows, piece in zip(ids, corpus(5), strict=True)])
    found = figures_of(engine, corpus(5) * 20)  # more than a batch

    assert found["nats_per_note"] == pytest.approx(sum(one.sum(dtype=float) for one in nats) / sum(piece.num_notes for piece in corpus(5)), rel=1e-5)
    assert found["foreign_notes"] == 0
    low, high = found["nats_per_note_interval"]
    assert low < found["nats_per_note"] < high


def test_a_composed_piece_of_few_parts_is_judged_by_their_names():
    engine = random_model(chorales()).engine
    soprano, _, _, bass = chorales()[0].parts
    duet = replace(chorales()[0], parts=(soprano, bass))
    ids = engine.vocabulary.ids(encode(duet), [0, 3])
    (expected,) = engine.nats([ids], [context_of(ids, duet.meters, engine.vocabulary, engine.configuration.slots)])

    (found,), (by_rank,) = surprises(engine, [duet], heard_as), surprises(engine, [duet])
    np.testing.assert_array_equal(found.nats, expected.sum(axis=0, dtype=np.float64))
    assert found.nats.sum() != by_rank.nats.sum()  # the bass for an alto


def test_what_the_vocabulary_lacks_is_counted():
    engine = random_model((line(60, 62, 64),)).engine
    strange = Piece((Part("", 0, False, (Note(0, 60, 12), Note(12, 90, 12), Note(24, 62, 7))), Part("", 0, True, (Note(0, 36, 3),))))

    assert figures_of(engine, (strange,))["foreign_notes"] == 3  # 90, the duration 7, and the drum
    assert figures_of(engine, (strange,))["notes"] == 3
    drums = Piece((Part("", 0, True, (Note(0, 36, 3),)),))
    assert figures_of(engine, (drums,))["nats_per_note"] is None
    with pytest.raises(ValueError, match="grid of 24"):
        list(surprises(engine, [Piece((), steps_per_quarter=24)]))


def test_ranges_stand_beside_the_parts_that_a_take_has():
    vocabulary = configuration_of(bands()).vocabulary
    whole = Piece(tuple(Part(name, token.program, token.is_drum) for name, token in zip(vocabulary.part_names, vocabulary.parts, strict=True)))
    ranges = dict(zip(vocabulary.part_names, ranges_of(whole, vocabulary), strict=True))

    assert ranges["Drums"] is None
    assert ranges["Bass"] == vocabulary.ranges[vocabulary.part_names.index("Bass")]
    assert ranges_of(Piece((Part("Bass", 33),)), vocabulary) == (ranges["Bass"],)
    assert ranges_of(Piece((Part("Drums", 0, True), Part("Bass", 33))), vocabulary) == (None, ranges["Bass"])


def test_faults_are_those_of_what_was_asked_for():
    vocabulary = configuration_of(chorales()).vocabulary
    found = of_faults([chorales()[0], chorales()[1].transposed(24)], chorales(), vocabulary, num_bars=5)

    assert (found["early end"]["takes"], found["early end"]["corpus"]) == (1, 0)
    assert found["out of range"]["takes"] == 0.5
    assert found["any"]["takes"] == 1
    assert of_craft([*tunes()], [*chorales()]) is None

"""A model's weights for a wider vocabulary: what it knew, it says as before."""

from dataclasses import replace

import numpy as np
import pytest
from tiny import bands, chorales, configuration_of, random_model, tunes

from musicgen.encoding.context import Context, context_of
from musicgen.encoding.tokens import encode
from musicgen.encoding.vocabulary import DURATION, PART, PITCH, TIME_SHIFT, VELOCITY, Vocabulary
from musicgen.learning.inheritance import InheritanceError, configuration_from, inherited, news, widened
from musicgen.model.configuration import UNLIKELY, weight_shapes
from musicgen.model.engine import Engine


def vocabulary_of(pieces) -> Vocabulary:
    return Vocabulary.of(encode(piece) for piece in pieces)


def wider(pieces, others, **settings):
    model = random_model(pieces, **settings)
    words = widened(model.configuration.vocabulary, vocabulary_of(others))
    configuration = configuration_from(model, words, slots=8, dropout=0.5)
    return model, configuration, inherited(model, configuration)


def test_without_new_words_all_is_as_it_was():
    model, configuration, weights = wider(bands(), bands(), cell="gru", layers=2)

    assert configuration.vocabulary == model.configuration.vocabulary
    assert news(model.configuration.vocabulary, configuration.vocabulary) == ""
    for name, array in model.weights.items():
        np.testing.assert_array_equal(weights[name], array, err_msg=name)


@pytest.mark.parametrize(("pieces", "others"), [(chorales(), tunes()), (bands(2), (*chorales(), *bands()))])
def test_what_the_model_knew_it_says_as_before(pieces, others):
    model, configuration, weights = wider(pieces, others)
    known, words = model.configuration.vocabulary, configuration.vocabulary
    assert known.active == words.active
    before, after = Engine(model.configuration, model.weights), Engine(configuration, weights)
    old, new = known.ids(encode(pieces[0])), words.ids(encode(pieces[0]))
    meters = pieces[0].meters
    contexts = context_of(old, meters, known, model.configuration.slots), context_of(new, meters, words, 8)
    states, previous = (before.start(1), after.start(1)), (np.array([known.sizes]), np.array([words.sizes]))
    for row in range(12):
        now = [Context(*(column[row : row + 1] for column in context)) for context in contexts]
        states = before.step(states[0], previous[0], now[0]), after.step(states[1], previous[1], now[1])
        for field in known.active:
            said = before.logits(field, before.features(states[0]), old[row : row + 1], now[0])
            told = after.logits(field, after.features(states[1]), new[row : row + 1], now[1])
            same = [words.values[field].index(value) for value in known.values[field]]
            if field == PART:
                same = [words.parts.index(token) for token in known.parts]
            if field in (TIME_SHIFT, DURATION):
                same.append(len(words.values[field]))
            difference = told[:, same] - said  # in a wider vocabulary other values are out of order
            np.testing.assert_allclose(difference, UNLIKELY * np.round(difference / UNLIKELY), atol=1e-4)
        previous = old[row : row + 1], new[row : row + 1]


def test_new_words_begin_like_their_nearest():
    model, configuration, weights = wider(tunes(), chorales())
    known, words = model.configuration.vocabulary, configuration.vocabulary

    bias = weights["pitch_logits/bias"]
    low = known.values[PITCH][0]
    place = words.values[PITCH].index(low - 12)
    assert bias[place] == pytest.approx(model.weights["pitch_logits/bias"][0] - np.log(2), abs=1e-6)
    assert "parts" in news(known, words)
    assert set(weights) <= set(weight_shapes(configuration))


def test_a_new_field_is_not_heard_and_has_a_new_head():
    model, configuration, weights = wider(tunes(), bands())

    assert VELOCITY in configuration.vocabulary.active
    assert "velocity_logits/kernel" not in weights
    assert weights["recurrent_0/kernel"].shape == weight_shapes(configuration)["recurrent_0/kernel"]
    assert "loudness" in news(model.configuration.vocabulary, configuration.vocabulary)


def test_other_grids_do_not_fit():
    vocabulary = configuration_of(tunes()).vocabulary
    with pytest.raises(InheritanceError, match="--grid 12"):
        widened(vocabulary, replace(vocabulary, steps_per_quarter=24))

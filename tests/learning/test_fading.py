"""The gradient of a late loss by distance: it is the derivative."""

import warnings

import numpy as np
import pytest
from tiny import bands, configuration_of, random_weights

from musicgen.encoding.tokens import encode
from musicgen.learning.batches import Window, batch_of, example_of
from musicgen.model.relative import Relative

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def fading():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # TensorFlow's own
        import musicgen.learning.fading
    return musicgen.learning.fading


def test_the_norms_are_those_of_the_derivative(fading):
    configuration = configuration_of(bands(), layers=1, units=4, head_units=8, dropout=0.5)
    weights = random_weights(configuration)
    examples = [example_of(encode(piece), configuration.vocabulary, configuration.slots) for piece in bands()]
    model, (nudges,) = fading._nudged(configuration, weights, (1, 6, 4))
    inputs, targets, said = batch_of(examples, [Window(0, 10, 16, 0)], Relative(configuration), 1, 6)
    said[:, :-1] = 0

    def loss(note: int, unit: int, size: float) -> float:
        values = np.zeros((1, 6, 4), np.float32)
        values[0, note, unit] = size
        nudges.values.assign(values)
        model.reset_metrics()
        return float(model.test_on_batch(inputs, targets, said, return_dict=True)["loss"])

    numeric = np.array([[(loss(note, unit, 0.004) - loss(note, unit, -0.004)) / 0.008 for unit in range(4)] for note in range(6)])
    nudges.values.assign(np.zeros((1, 6, 4), np.float32))
    model.train_on_batch(inputs, targets, said)
    np.testing.assert_allclose(-nudges.values.numpy()[0], numeric, rtol=0.02, atol=5e-3)

    norms = fading.fading(configuration, weights, examples)
    assert norms.shape[1] <= fading.FARTHEST + 1
    assert (norms[:, 0] > 0).all()
    assert np.median(norms[:, 40]) < np.median(norms[:, 0])
    assert fading.fading(configuration, weights, []).size == 0

"""The layers with gradients of their own are Keras' layers, and the same training runs on JAX."""

import importlib.util
import json
import os
import subprocess
import sys
import warnings

import numpy as np
import pytest
from tiny import configuration_of, random_weights, tunes

from musicgen.encoding.tokens import encode

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def keras():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # TensorFlow's own
        import keras
    return keras


INPUTS = np.random.default_rng(0).normal(size=(3, 9, 5)).astype(np.float32)
TARGETS = np.random.default_rng(1).normal(size=(3, 9, 7)).astype(np.float32)


def stepped(keras, layer, dtype: str = "float32", **options) -> list[np.ndarray]:
    """States before and weights after some steps of plain gradient descent, down to the embedding of the inputs."""
    keras.utils.set_random_seed(0)
    given = state = keras.Input((None, 5))
    for units in (4, 6, 7):
        more = options | {"return_sequences": True, "bias_initializer": keras.initializers.RandomNormal(stddev=0.3, seed=3)}
        state = keras.layers.Dense(units)(state) if units == 4 else layer(units, dtype=dtype, **more)(state)
    model = keras.Model(given, state)
    model.compile(keras.optimizers.SGD(0.3), loss="mse", jit_compile=False)
    before = np.asarray(keras.ops.cast(model.predict_on_batch(INPUTS), "float32"))
    for length in (9, 8, 7):  # from the third on the backend takes the number of notes for unknown
        model.train_on_batch(INPUTS[:, :length], TARGETS[:, :length])
    return [before, *(variable.numpy() for variable in model.trainable_variables)]


@pytest.mark.parametrize(
    ("name", "options"), [("LSTM", {}), ("GRU", {}), ("SimpleRNN", {"activation": "tanh"}), ("SimpleRNN", {"activation": "relu"})]
)
def test_states_and_gradients_are_those_of_keras(keras, name, options):
    from musicgen.learning import recurrent

    theirs = options | ({"activation": recurrent.relu} if options.get("activation") == "relu" else {})
    for mine, expected in zip(
        stepped(keras, getattr(recurrent, name), **options), stepped(keras, getattr(keras.layers, name), **theirs), strict=True
    ):
        np.testing.assert_allclose(mine, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", ["LSTM", "GRU", "SimpleRNN"])
def test_narrow_products_are_near_wide_ones(keras, name):
    from musicgen.learning import recurrent

    layer = getattr(recurrent, name)
    for narrow, wide in zip(stepped(keras, layer, "mixed_bfloat16"), stepped(keras, layer), strict=True):
        np.testing.assert_allclose(narrow, wide, atol=0.02)


def losses_of_first_steps() -> list[float]:
    """Of a tiny network, whatever the backend; its weights are given, since random ones differ between backends."""
    from musicgen.learning.batches import batch_of, example_of, plans_of_epoch
    from musicgen.learning.fitting import build, named_weights
    from musicgen.learning.schedule import Schedule
    from musicgen.model.relative import Relative

    configuration = configuration_of(tunes(), dropout=0.0)
    examples = [example_of(encode(piece), configuration.vocabulary, configuration.slots) for piece in tunes()]
    model = build(configuration, examples, Schedule(epochs=1, learning_rate=1e-2))
    weights = random_weights(configuration)
    for name, variable in named_weights(model).items():
        variable.assign(weights[name])
    plan = plans_of_epoch(examples, 128, 32, 0, 1)[0]
    batch = batch_of(examples, plan.windows, Relative(configuration), plan.size, plan.length)
    losses = []
    for _ in range(3):
        model.reset_metrics()
        losses.append(float(model.train_on_batch(*batch, return_dict=True)["loss"]))
    return losses


@pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="jax is not installed")
def test_the_same_training_runs_on_jax(keras):
    program = "import json, test_recurrent; print(json.dumps(test_recurrent.losses_of_first_steps()))"
    paths = os.pathsep.join([os.path.dirname(__file__), *sys.path])
    environment = {**os.environ, "KERAS_BACKEND": "jax", "PYTHONPATH": paths}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment)

    assert json.loads(done.stdout.splitlines()[-1]) == pytest.approx(losses_of_first_steps(), rel=1e-4)

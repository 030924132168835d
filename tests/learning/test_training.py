"""Training: a tiny network learns, and what it keeps is judged to the figure that it reports."""

import importlib
import math
import re
import warnings

import numpy as np
import pytest
from tiny import bands, configuration_of, tunes

from musicgen.encoding.tokens import encode
from musicgen.encoding.vocabulary import NAMES
from musicgen.learning.batches import Window, batch_of, example_of
from musicgen.learning.schedule import Schedule
from musicgen.model.configuration import weight_shapes
from musicgen.model.engine import Engine
from musicgen.model.relative import Relative

pytestmark = pytest.mark.slow
TINY = {"epochs": 12, "learning_rate": 2e-2, "averaging": 0.9, "batch_rows": 64, "window": 32, "random_seed": 3}


def examples_of(corpus, configuration) -> list:
    return [example_of(encode(piece), configuration.vocabulary, configuration.slots) for piece in corpus]


def uniform_nats(configuration, examples) -> float:
    """Nats per note of one who knows nothing but the vocabulary."""
    sizes = np.log([configuration.vocabulary.sizes[field] for field in configuration.vocabulary.active])
    rows, notes = sum(len(example.ids) for example in examples), sum(len(example.ids) - 1 for example in examples)
    return float(sizes[0] * rows / notes + sizes[1:].sum())


@pytest.fixture(scope="module")
def training():
    """The module; importing it takes seconds, which the tests that are not slow are spared."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # TensorFlow's own
        import musicgen.learning.training
    return musicgen.learning.training


@pytest.fixture(scope="module")
def fitting(training):
    return importlib.import_module("musicgen.learning.fitting")


@pytest.fixture(scope="module")
def run(training) -> dict:
    """A training, and all that it said."""
    configuration = configuration_of(tunes(8), units=24, head_units=24, dropout=0.1)
    examples = examples_of(tunes(8), configuration)
    said, kept = [], []
    learning = training.Training(configuration, examples[:6], examples[6:], Schedule(**TINY))
    for epoch in learning.run():
        said.append(epoch)
        if epoch.improved:
            kept.append((learning.weights(), epoch))
    return {"configuration": configuration, "examples": examples, "said": said, "kept": kept}


def test_a_tiny_network_learns(run):
    _, last = run["kept"][-1]

    assert last.best_nats < uniform_nats(run["configuration"], run["examples"][6:]) - 0.7
    judged = [epoch for epoch in run["said"] if epoch.held_out is not None]
    assert judged[-1].training_nats < judged[0].training_nats


def test_the_weights_that_are_kept_have_the_figure_that_is_reported(training, run):
    best = math.inf
    for weights, epoch in run["kept"]:
        assert {name: array.shape for name, array in weights.items()} == weight_shapes(run["configuration"])
        fields = training.held_out_nats(Engine(run["configuration"], weights), run["examples"][6:])
        assert fields == pytest.approx(epoch.held_out, abs=1e-5)
        assert sum(epoch.held_out.values()) == epoch.best_nats < best
        assert epoch.improved
        best = epoch.best_nats
    assert [epoch for epoch in run["said"] if epoch.held_out is not None][-1].best_nats == best


def test_it_reports_every_step_and_ends_where_the_schedule_ends(run):
    said = run["said"]

    steps = [epoch for epoch in said if epoch.held_out is None]
    assert sorted({epoch.steps for epoch in said}) == list(range(1, said[-1].steps + 1))
    assert [epoch.progress for epoch in said] == sorted(epoch.progress for epoch in said)
    assert (said[-1].progress, said[-1].number) == (1.0, 12)
    assert said[-1].held_out is not None
    assert {epoch.number for epoch in steps} == set(range(1, 13))
    assert all(epoch.notes_per_second > 0 for epoch in said[5:])  # steps that compile say nothing


def test_the_same_random_seed_learns_the_same(training):
    configuration = configuration_of(tunes(), cell="rnn", units=8, head_units=8)
    examples = examples_of(tunes(), configuration)

    def learned() -> dict[str, np.ndarray]:
        learning = training.Training(configuration, examples[:3], examples[3:], Schedule(epochs=1, batch_rows=128, window=32))
        list(learning.run())
        return learning.weights()

    again = learned()
    for name, array in learned().items():
        np.testing.assert_array_equal(array, again[name], err_msg=name)


def test_padding_never_counts(fitting):
    configuration = configuration_of(bands(), units=12, head_units=12, cell="gru")
    examples = examples_of(bands(), configuration)
    model = fitting.build(configuration, examples, Schedule(**TINY))
    windows = [Window(0, 0, len(examples[0].ids), 0), Window(1, 3, 40, 0)]

    def loss(size: int, length: int) -> float:
        inputs, targets, weights = batch_of(examples, windows, Relative(configuration), size, length)
        return float(model.test_on_batch(inputs, targets, weights, return_dict=True)["loss"])

    losses = []
    for size, length in ((2, 192), (2, 256), (5, 192), (3, 320)):
        model.reset_metrics()
        losses.append(loss(size, length))
    assert losses == pytest.approx([losses[0]] * 4, rel=1e-6)

    weights = {f"{layer.name}/{variable.name}": variable.numpy() for layer in model.layers for variable in layer.trainable_variables}
    engine = Engine(configuration, weights)
    (nats,) = engine.nats([examples[0].ids], [examples[0].context])
    model.reset_metrics()
    inputs, targets, said = batch_of(examples, windows[:1], Relative(configuration), 1, 192)
    alone = float(model.test_on_batch(inputs, targets, said, return_dict=True)["loss"])
    assert alone == pytest.approx(float(nats.sum()) / (len(examples[0].ids) - 1), rel=1e-5)


def test_a_new_network_knows_how_often_each_value_occurs(fitting):
    configuration = configuration_of(bands(), units=8, head_units=8)
    examples = examples_of(bands(), configuration)
    model = fitting.build(configuration, examples, Schedule(**TINY))

    for field in configuration.vocabulary.active:
        bias = model.get_layer(f"{NAMES[field]}_logits").bias.numpy()
        assert np.exp(bias).sum() == pytest.approx(1, rel=1e-5)
    ends = np.exp(model.get_layer("time_shift_logits").bias.numpy()[-1])
    assert ends == pytest.approx(len(examples) / sum(len(example.ids) for example in examples), rel=0.1)


def test_the_average_of_the_first_steps_is_their_mean(fitting):
    configuration = configuration_of(tunes(), units=4, head_units=4)
    model = fitting.build(configuration, examples_of(tunes(), configuration), Schedule(**TINY))
    average = fitting.Average(model, 0.99)
    bias = model.get_layer("pitch_logits").bias
    for value in (1.0, 2.0, 6.0):
        bias.assign(np.full(bias.shape, value))
        average.update()

    np.testing.assert_allclose(average.weights["pitch_logits/bias"], 3.0, rtol=1e-6)


def test_a_loss_that_is_no_number_ends_the_training_after_three_smaller_rates(training):
    configuration = configuration_of(tunes(), cell="rnn", activation="relu", units=4, head_units=4)
    examples = examples_of(tunes(), configuration)
    learning = training.Training(configuration, examples[:3], examples[3:], Schedule(epochs=3, learning_rate=1e6, batch_rows=64))
    said: list[str] = []
    with pytest.raises(training.TrainingError) as error:
        said.extend(epoch.trouble for epoch in learning.run() if epoch.trouble)

    assert [re.sub(r".*: ", "", trouble) for trouble in said] == [
        f"back to where it began, with 1/{share} of the learning rate" for share in (2, 4, 8)
    ]
    assert re.fullmatch(
        r"the loss became \S+ in epoch 1, with 1/8 of the learning rate 1e\+06 too: try --learning-rate 3e\+04, or --activation tanh, .*",
        str(error.value),
    )


def test_training_by_the_clock_ends_by_the_clock(training, monkeypatch):
    configuration = configuration_of(tunes(), cell="rnn", units=4, head_units=4)
    examples = examples_of(tunes(), configuration)
    ticks = iter(range(10_000))
    monkeypatch.setattr(training.time, "monotonic", lambda: float(next(ticks)))
    said = []
    learning = training.Training(configuration, examples[:3], examples[3:], Schedule(minutes=0.5, batch_rows=64, window=32))
    said.extend(learning.run())

    assert said[-1].progress == 1.0
    assert said[-1].held_out is not None
    assert 20 < said[-1].seconds < 40


@pytest.mark.parametrize(("progress", "rate"), [(0, 0.00012), (0.05, 0.00156), (0.1, 0.003), (0.325, 0.0025606602), (0.55, 0.0015), (1, 0)])
def test_the_learning_rate_warms_up_and_falls_as_a_cosine(progress, rate):
    assert Schedule(learning_rate=3e-3).rate(progress) == pytest.approx(rate, abs=1e-9)


@pytest.mark.parametrize(
    ("schedule", "seconds", "epochs", "progress"),
    [
        ({"minutes": 2}, 30, 99, 0.25),
        ({"minutes": 2}, 500, 1, 1.0),
        ({"epochs": 8}, 9999, 2, 0.25),
        ({"epochs": 8}, 0, 9, 1.0),
        ({"epochs": 8, "minutes": 2}, 30, 4, 0.5),
        ({"epochs": 8, "minutes": 2}, 90, 4, 0.75),
    ],
)
def test_progress_is_by_the_clock_or_by_epochs(schedule, seconds, epochs, progress):
    assert Schedule(**schedule).progress(seconds, epochs) == progress

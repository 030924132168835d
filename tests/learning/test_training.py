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
from musicgen.learning.checkpoints import Checkpoint, checkpoint_bytes, checkpoint_of
from musicgen.learning.schedule import FEWEST_JUDGED, Schedule
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


def test_the_average_keeps_less_of_the_first_steps(fitting):
    configuration = configuration_of(tunes(), units=4, head_units=4)
    model = fitting.build(configuration, examples_of(tunes(), configuration), Schedule(**TINY))
    average = fitting.Average(model, 0.99)
    bias = model.get_layer("pitch_logits").bias
    for value in (1.0, 2.0, 6.0):
        bias.assign(np.full(bias.shape, value))
        average.update()

    first, second, third = 1.0, 2.0, 6.0  # each counts for four of as many and three more
    mean = third * 4 / 6 + (second * 4 / 5 + first * 1 / 5) * 2 / 6
    np.testing.assert_allclose(average.weights["pitch_logits/bias"], mean, rtol=1e-6)


# one training, begun again and again, since it takes seconds to compile


@pytest.fixture(scope="module")
def plain(training):
    """A training of a plain network before its first step, and a snapshot of it."""
    configuration = configuration_of(tunes(8), cell="rnn", activation="relu", units=4, head_units=4, dropout=0.5)
    examples = examples_of(tunes(8), configuration)
    learning = training.Training(configuration, examples[:6], examples[6:], Schedule())
    return learning, learning.snapshot()


@pytest.fixture
def begin(plain):
    """Begins that training under a schedule."""

    def anew(**settings):
        learning, beginning = plain
        learning.schedule = Schedule(**{"epochs": 4, "batch_rows": 96, "window": 32, "averaging": 0.9, "random_seed": 5, **settings})
        learning.restore(beginning)
        return learning

    return anew


def assert_the_same(one, other) -> None:
    """Two snapshots, but for the clock."""

    def timeless(position: dict) -> dict:
        history = [{**row, "seconds": None} for row in position["history"]]
        return {**position, "seconds": None, "judged_at": None, "judging_seconds": None, "history": history}

    assert timeless(one.position) == timeless(other.position)
    for name, array in one.arrays.items():
        np.testing.assert_array_equal(array, other.arrays[name], err_msg=name)


def test_a_training_taken_down_at_any_step_learns_the_same_to_the_bit(begin):
    """The loss blows up on the way, so that going back is a part of it."""
    learning = begin(learning_rate=0.5)
    written, troubles = [], 0
    for epoch in learning.run():
        written.append(checkpoint_bytes(Checkpoint(learning.snapshot(), learning.good)))
        troubles += bool(epoch.trouble)
    whole = learning.snapshot()

    assert troubles == 2
    for content in (written[number] for number in (0, 3, 4, 9, len(written) // 2, len(written) - 2, len(written) - 1)):
        checkpoint = checkpoint_of(content)
        begin(learning_rate=0.5)
        learning.restore(checkpoint.now, checkpoint.good)
        list(learning.run())
        assert_the_same(learning.snapshot(), whole)


def test_it_learns_the_same_to_the_bit_in_bfloat16_too(training):
    configuration = configuration_of(tunes(8), cell="gru", units=16, head_units=4)
    examples = examples_of(tunes(8), configuration)
    schedule = Schedule(epochs=2, batch_rows=96, window=32, precision="mixed_bfloat16")
    learning = training.Training(configuration, examples[:6], examples[6:], schedule)
    middle = [checkpoint_bytes(Checkpoint(learning.snapshot(), learning.good)) for _ in learning.run()][5]
    whole = learning.snapshot()
    checkpoint = checkpoint_of(middle)
    learning.restore(checkpoint.now, checkpoint.good)
    list(learning.run())

    assert_the_same(learning.snapshot(), whole)
    assert {array.dtype.name for name, array in whole.arrays.items() if name.startswith("average/")} == {"float32"}


def test_what_blew_up_is_gone_back_from_and_then_goes_well(begin):
    learning = begin(learning_rate=0.2)
    said = list(learning.run())

    (trouble,) = (epoch.trouble for epoch in said if epoch.trouble)
    assert re.fullmatch(
        r"the (loss|held-out figure) became [\d.]+ in epoch [12]: back to where epoch 1 began, with 1/2 of the learning rate", trouble
    )
    assert [row["epoch"] for row in learning.position.history] == [1, 2, 3, 4]
    assert learning.position.history[2]["learning_rate"] == pytest.approx(learning.schedule.rate(0.75) / 2)
    assert all(np.isfinite(array).all() for array in learning.weights().values())


def test_a_step_that_finds_no_room_is_taken_with_half_the_batch(training, begin, monkeypatch):
    import tensorflow as tf

    learning = begin()
    take, rows = learning._replicas.step, []

    def step(model, inputs, targets, said):
        rows.append(targets.shape[0] * targets.shape[1])
        if rows[-1] > 32:
            raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor")
        return take(model, inputs, targets, said)

    monkeypatch.setattr(learning._replicas, "step", step)
    said = list(learning.run())
    assert [epoch.trouble for epoch in said if epoch.trouble] == [
        "a step did not fit into the memory in epoch 1: back to where epoch 1 began, with batches of 48 notes"
    ]
    assert max(rows[1:]) == 32
    assert learning.position.history[2]["learning_rate"] == pytest.approx(learning.schedule.rate(0.75) / 2**0.5)

    learning = begin()
    monkeypatch.setattr(learning._replicas, "step", lambda *_: (_ for _ in ()).throw(MemoryError()))
    with pytest.raises(training.TrainingError, match="not enough memory to train on a single window: try fewer --units"):
        list(learning.run())


@pytest.mark.parametrize(
    ("figure", "said"),
    [
        (math.nan, ["the held-out figure became nan in epoch 1: back to where epoch 1 began, with 1/2 of the learning rate"]),
        (1e4, []),  # of a network that learns: by heart, it seems
    ],
)
def test_a_held_out_figure_that_is_no_number_is_gone_back_from(training, begin, monkeypatch, figure, said):
    judge, figures = training.held_out_nats, iter([{"pitch": figure}])
    monkeypatch.setattr(training, "held_out_nats", lambda *given: judge(*given) | next(figures, {}))
    epochs = list(begin().run())

    assert [epoch.trouble for epoch in epochs if epoch.trouble] == said
    assert epochs[-1].best_nats < 100


def test_a_held_out_figure_that_blew_up_with_that_of_training_is_gone_back_from(training, begin, monkeypatch):
    judge, figures, learning = training.held_out_nats, iter([{"pitch": 1e4}]), begin()

    def judged(*given):
        figure = next(figures, {})
        learning.position.nats += learning.position.notes * figure.get("pitch", 0)
        return judge(*given) | figure

    monkeypatch.setattr(training, "held_out_nats", judged)
    (trouble,) = (epoch.trouble for epoch in learning.run() if epoch.trouble)

    assert trouble == "the held-out figure became 1e+04 in epoch 1: back to where epoch 1 began, with 1/2 of the learning rate"


@pytest.mark.parametrize("rate", [1e6, math.inf])
def test_after_three_smaller_rates_it_gives_up(training, begin, rate):
    said: list[str] = []
    with pytest.raises(training.TrainingError) as error:
        said.extend(epoch.trouble for epoch in begin(learning_rate=rate).run() if epoch.trouble)

    assert [trouble.split(", ")[-1] for trouble in said] == [f"with 1/{share} of the learning rate" for share in (2, 4, 8)]
    assert str(error.value).endswith(
        f", with 1/8 of the learning rate {rate:g} too: try --learning-rate 0.003, or --activation tanh, which can't grow beyond 1"
    )


def test_training_by_the_clock_ends_by_the_clock_and_goes_on_where_it_stood(training, begin, monkeypatch):
    ticks = iter(range(10_000))
    monkeypatch.setattr(training.time, "monotonic", lambda: float(next(ticks)))
    settings = {"epochs": None, "minutes": 0.5}
    learning = begin(**settings)
    said = list(learning.run())
    whole = learning.snapshot()

    assert said[-1].progress == 1.0
    assert said[-1].held_out is not None
    assert 30 <= said[-1].seconds < 40
    learning, taken_down = begin(**settings), False
    for epoch in learning.run():
        if taken_down := epoch.steps == 3:
            break
    assert taken_down
    begin(**settings).restore(learning.snapshot(), learning.good)
    next(ticks)  # while no program trains
    list(learning.run())
    assert_the_same(learning.snapshot(), whole)


def test_what_does_not_learn_is_stopped_early(begin):
    learning = begin(epochs=24, learning_rate=1e-12, patience=0.25)
    judged = [epoch for epoch in learning.run() if epoch.held_out]

    best = next(epoch for epoch in reversed(judged) if epoch.improved)
    assert learning.position.stopped_early
    assert judged[-1].number == max(best.number + 6, best.number + FEWEST_JUDGED) < 24
    assert judged[-1].progress < 1


def test_the_history_has_a_row_an_epoch(begin):
    learning = begin()
    said = [epoch for epoch in learning.run() if epoch.held_out]

    for row, epoch in zip(learning.position.history, said, strict=True):
        assert row["held_out"] == pytest.approx(sum(epoch.held_out.values()))
        assert 0 < row["gradient_norm"] <= row["highest_gradient_norm"]
    assert learning.position.history[-1]["learning_rate"] == 0


def test_another_networks_checkpoint_is_refused(begin):
    learning = begin()
    foreign = learning.snapshot()
    foreign.arrays.pop("network/0")
    with pytest.raises(ValueError, match="another network"):
        learning.restore(foreign)


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


def test_tensorboard_reads_what_is_written_for_it(training, tmp_path):
    tensorflow = importlib.import_module("tensorflow")
    writer = importlib.import_module("musicgen.learning.tensorboard").EventWriter(tmp_path)
    writer.write({"held_out": 1.5, "training": 2.0}, 7)
    (path,) = tmp_path.iterdir()
    records = [tensorflow.compat.v1.Event.FromString(record.numpy()) for record in tensorflow.data.TFRecordDataset(str(path))]

    assert "tfevents" in path.name
    assert records[0].file_version == "brain.Event:2"
    assert (records[1].step, {value.tag: value.simple_value for value in records[1].summary.value}) == (7, {"held_out": 1.5, "training": 2.0})

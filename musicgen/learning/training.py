"""Arrays -> weights: the loop, its schedule, and the best weights by held-out nats per note.

Conventions: a nat is the unit of -ln p; nats per note is the sum over all fields of all notes and over the ends of the pieces, divided by the
number of notes. Progress runs from 0 to 1, by epochs or by the clock, and the learning rate follows it: a linear warm-up, then a cosine to zero
(one cycle). The weights that are judged and kept are an exponential moving average.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import keras
import numpy as np
from keras import ops

from musicgen.encoding.vocabulary import NAMES, PITCH, TIME_SHIFT
from musicgen.learning import network
from musicgen.learning.batches import Example, batches_of_epoch
from musicgen.model.configuration import Configuration, weight_shapes
from musicgen.model.engine import Engine
from musicgen.model.relative import Relative

WARM_UP = 0.1  # of all progress
ADVICE = "try a smaller --learning-rate"
HELD_OUT_SHARE = 0.1  # of the time at most goes into judging


class TrainingError(Exception):
    """Training cannot go on; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """How long and how hard to train."""

    minutes: float | None = None  # of training, or else
    epochs: int | None = None
    learning_rate: float = 3e-3  # at its highest
    weight_decay: float = 0.1
    gradient_norm: float = 1.0  # at most
    averaging: float = 0.995  # how much of the average a step keeps, once there have been many
    batch_rows: int = 2048  # notes a step, padding included
    window: int = 64  # notes that gradients reach back
    random_seed: int = 0

    def progress(self, seconds: float, epochs: float) -> float:
        """From 0, the beginning, to 1, the end."""
        return min(1.0, max(seconds / (60 * self.minutes) if self.minutes else 0, epochs / self.epochs if self.epochs else 0))

    def rate(self, progress: float) -> float:
        """The learning rate at a point of the way."""
        if progress < WARM_UP:
            return self.learning_rate * (0.04 + 0.96 * progress / WARM_UP)
        return self.learning_rate * 0.5 * (1 + math.cos(math.pi * (progress - WARM_UP) / (1 - WARM_UP)))


@dataclass(frozen=True, slots=True)
class Epoch:
    """What is known after an epoch, or in the middle of one."""

    number: int  # from 1; the one that is running
    training_nats: float  # nats per note so far in this epoch
    held_out: dict[str, float] | None  # nats per note by field, None where this epoch was not judged
    best_nats: float  # nats per note on held-out pieces, the best so far
    improved: bool
    notes_per_second: float
    progress: float  # of the whole training, 0..1
    seconds: float  # since the beginning
    steps: int  # training steps since the beginning


class TrainedNetwork(keras.Model):
    """The network with its loss, nats per note."""

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        total = 0.0
        for name, logits in y_pred.items():
            field = NAMES.index(name)
            nats = keras.losses.sparse_categorical_crossentropy(y[..., field], logits, from_logits=True)  # (B, T)
            total = total + ops.sum(nats * sample_weight[..., field])
        return total / ops.maximum(ops.sum(sample_weight[..., PITCH]), 1.0)


def wake() -> None:
    """Let the backend find its devices now, and say what it says then, rather than in the middle of the first step."""
    keras.Variable([0.0]).numpy()


def build(configuration: Configuration, examples: list[Example], schedule: Schedule) -> TrainedNetwork:
    """A network before its first step, its biases set to how often each value occurs."""
    keras.utils.set_random_seed(schedule.random_seed)
    given = network.inputs(configuration)
    model = TrainedNetwork(given, network.logits(given, configuration))
    optimizer = keras.optimizers.AdamW(
        schedule.learning_rate,
        weight_decay=schedule.weight_decay,
        global_clipnorm=schedule.gradient_norm,
    )
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    model.compile(optimizer, jit_compile=False)
    ids = np.concatenate([example.ids for example in examples])
    for field in configuration.vocabulary.active:
        values = ids[:, field] if field <= TIME_SHIFT else ids[ids[:, TIME_SHIFT] != configuration.vocabulary.end, field]
        counts = np.bincount(values, minlength=configuration.vocabulary.sizes[field]) + 0.1
        model.get_layer(f"{NAMES[field]}_logits").bias.assign(np.log(counts / counts.sum()))
    return model


class Average:
    """The exponential moving average of a model's weights, of the first few steps their plain mean (Polyak and Juditsky 1992)."""

    def __init__(self, model: TrainedNetwork, keep: float) -> None:
        self._variables = {f"{layer.name}/{variable.name}": variable for layer in model.layers for variable in layer.trainable_variables}
        self._weights = {name: np.array(variable.numpy()) for name, variable in self._variables.items()}
        self._keep = keep
        self._steps = 0

    def update(self) -> None:
        """A training step has been taken."""
        self._steps += 1
        share = max(1 - self._keep, 1 / self._steps)
        for name, variable in self._variables.items():
            self._weights[name] += np.float32(share) * (variable.numpy() - self._weights[name])

    def weights(self, configuration: Configuration) -> dict[str, np.ndarray]:
        """A copy, in the order of `weight_shapes`."""
        return {name: self._weights[name].copy() for name in weight_shapes(configuration)}


def held_out_nats(engine: Engine, examples: list[Example]) -> dict[str, float]:
    """Nats per note by field over whole pieces, in batches of 64."""
    total = np.zeros(len(NAMES))
    for start in range(0, len(examples), 64):
        some = examples[start : start + 64]
        for nats in engine.nats([example.ids for example in some], [example.context for example in some]):
            total += nats.sum(axis=0, dtype=np.float64)
    notes = sum(len(example.ids) - 1 for example in examples)
    return {NAMES[field]: float(total[field] / notes) for field in engine.vocabulary.active}


def train(
    configuration: Configuration,
    training: list[Example],
    held_out: list[Example],
    schedule: Schedule,
    report: Callable[[Epoch], None],
    keep: Callable[[dict[str, np.ndarray], Epoch], None],
) -> None:
    """Train until the schedule is through.

    Args:
        report: called after every step, and after every epoch with `held_out` set when it was judged.
        keep: called with the best weights so far, each time there are better ones.

    Raises:
        TrainingError: when the loss is no number any more.
    """
    relative = Relative(configuration)
    model = build(configuration, training, schedule)
    average = Average(model, schedule.averaging)
    begin = judged = time.monotonic()
    judging_seconds, best, steps, epoch, progress = 0.0, math.inf, 0, 0, 0.0
    num_batches = sum(1 for _ in batches_of_epoch(training, relative, schedule.batch_rows, schedule.window, schedule.random_seed, 0))
    while progress < 1:
        epoch += 1
        model.reset_metrics()
        notes, epoch_begin = 0.0, time.monotonic()
        batches = batches_of_epoch(training, relative, schedule.batch_rows, schedule.window, schedule.random_seed, epoch)
        for number, (inputs, targets, said) in enumerate(batches):
            model.optimizer.learning_rate.assign(schedule.rate(progress))
            nats = float(model.train_on_batch(inputs, targets, said, return_dict=True)["loss"])
            if not math.isfinite(nats):
                raise TrainingError(f"the loss became {nats} in epoch {epoch}: {ADVICE} (it was {schedule.learning_rate:g})")
            steps += 1
            average.update()
            notes += float(said[..., PITCH].sum())
            now = time.monotonic()
            progress = schedule.progress(now - begin, epoch - 1 + min(1.0, (number + 1) / num_batches))
            state = Epoch(epoch, nats, None, best, False, notes / (now - epoch_begin), progress, now - begin, steps)
            report(state)
            if schedule.minutes and progress >= 1:
                break
        else:
            progress = schedule.progress(now - begin, epoch)
        now = time.monotonic()
        if progress >= 1 or judging_seconds <= HELD_OUT_SHARE * (now - judged):
            weights = average.weights(configuration)
            fields = held_out_nats(Engine(configuration, weights, exact=False), held_out)
            held_out_figure = sum(fields.values())
            if not math.isfinite(held_out_figure):
                raise TrainingError(f"the weights became no numbers in epoch {epoch}: {ADVICE} (it was {schedule.learning_rate:g})")
            improved = held_out_figure < best
            best = min(best, held_out_figure)
            judged = time.monotonic()
            judging_seconds = judged - now
            state = Epoch(epoch, nats, fields, best, improved, state.notes_per_second, progress, judged - begin, steps)
            if improved:
                keep(weights, state)
        report(state)

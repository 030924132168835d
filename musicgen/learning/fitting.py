"""The network with its loss, its optimizer and its first weights: what takes a training step."""

import contextlib
from collections.abc import Sequence
from typing import Protocol

import keras
import numpy as np
from keras import ops

from musicgen.encoding.vocabulary import NAMES, PITCH, TIME_SHIFT
from musicgen.learning import network
from musicgen.learning.batches import Example
from musicgen.learning.schedule import Schedule
from musicgen.model.configuration import Configuration

RAMP = 4  # the average reaches back over a quarter of the steps so far, until they are many


class TrainedNetwork(keras.Model):
    """The network with its loss, nats per note."""

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        total = 0.0
        for name, logits in y_pred.items():
            field = NAMES.index(name)
            nats = keras.losses.sparse_categorical_crossentropy(y[..., field], logits, from_logits=True)  # (B, T)
            total = total + ops.sum(nats * sample_weight[..., field])
        return total / ops.maximum(ops.sum(sample_weight[..., PITCH]), 1.0)


class Optimizer(keras.optimizers.AdamW):
    """AdamW that remembers the norm of the gradients of all weights, as it was before they were clipped."""

    def build(self, variables):
        super().build(variables)
        self.gradient_norm = self.add_variable((), name="gradient_norm")

    def apply(self, grads, trainable_variables=None):
        variables = trainable_variables or self._trainable_variables
        # those of embeddings come in slices, whose norm is another
        grads = [ops.reshape(gradient, variable.shape) for gradient, variable in zip(grads, variables, strict=True)]
        self.gradient_norm.assign(ops.sqrt(sum(ops.sum(ops.square(gradient)) for gradient in grads)))
        super().apply(grads, trainable_variables)


class Replicas(Protocol):
    """What takes training steps: one device, or several together."""

    count: int

    def scope(self) -> contextlib.AbstractContextManager:
        """Where the network is built."""

    def step(self, model: TrainedNetwork, inputs: dict[str, np.ndarray], targets: np.ndarray, said: np.ndarray) -> float:
        """Take one step, and return the nats a note of the batch, of whose windows each replica is given an equal share."""

    def of_first(self, content: bytes) -> bytes:
        """What the first machine says, on all of them."""


class Alone:
    """One device that takes the training steps by itself, on whatever backend; `distribution` has several."""

    count = 1

    def scope(self) -> contextlib.AbstractContextManager:
        return contextlib.nullcontext()

    def of_first(self, content: bytes) -> bytes:
        return content

    def step(self, model: TrainedNetwork, inputs: dict[str, np.ndarray], targets: np.ndarray, said: np.ndarray) -> float:
        model.reset_metrics()  # else the loss is the mean of all batches so far
        return float(model.train_on_batch(inputs, targets, said, return_dict=True)["loss"])


def wake() -> None:
    """Let the backend find its devices now, and say what it says then, rather than in the middle of the first step."""
    keras.Variable([0.0]).numpy()


def build(configuration: Configuration, examples: Sequence[Example], schedule: Schedule) -> TrainedNetwork:
    """A network before its first step, its biases set to how often each value occurs."""
    keras.utils.set_random_seed(schedule.random_seed)
    given = network.inputs(configuration)
    model = TrainedNetwork(given, network.logits(given, configuration, schedule.precision))
    optimizer = Optimizer(schedule.learning_rate, weight_decay=schedule.weight_decay, global_clipnorm=schedule.gradient_norm)
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    optimizer.build(model.trainable_variables)
    model.compile(optimizer, jit_compile=False)
    vocabulary = configuration.vocabulary
    totals = {field: np.zeros(vocabulary.sizes[field], np.int64) for field in vocabulary.active}
    for example in examples:
        for field, number in totals.items():
            values = example.ids[:, field] if field <= TIME_SHIFT else example.ids[example.ids[:, TIME_SHIFT] != vocabulary.end, field]
            number += np.bincount(values, minlength=len(number))
    for field, number in totals.items():
        counts = number + 0.1
        model.get_layer(f"{NAMES[field]}_logits").bias.assign(np.log(counts / counts.sum()))
    return model


def named_weights(model: TrainedNetwork) -> dict[str, keras.Variable]:
    """All that a model learns, by the names of `weight_shapes`."""
    return {f"{layer.name}/{variable.name}": variable for layer in model.layers for variable in layer.trainable_variables}


class Average:
    """The exponential moving average of a model's weights (Polyak and Juditsky 1992), which keeps less while there have been few steps."""

    def __init__(self, model: TrainedNetwork, keep: float) -> None:
        self._variables = named_weights(model)
        self.weights = {name: np.array(variable.numpy()) for name, variable in self._variables.items()}
        self.steps = 0
        self._keep = keep

    def update(self) -> None:
        """A training step has been taken."""
        self.steps += 1
        share = max(1 - self._keep, RAMP / (self.steps + RAMP - 1))
        for name, variable in self._variables.items():
            self.weights[name] += np.float32(share) * (variable.numpy() - self.weights[name])

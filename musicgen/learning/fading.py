"""How the gradient of a late note's loss fades, or explodes, with the distance to earlier states.

Conventions: the loss is the nats of one note T; the state h of a recurrent layer is what it gives to the layer above and to its own next step. The
figure is the norm of d loss_T / d h_{T-k}, of all layers together, without dropout. Every h gets a nudge added to it, which is zero: the gradient of
the nudge is that of the state. One step of plain gradient descent at rate 1 writes it down, on each of Keras' backends.

Source: Bengio, Simard and Frasconi 1994; Pascanu, Mikolov and Bengio 2013.
"""

from collections.abc import Sequence
from dataclasses import replace

import keras
import numpy as np
from keras import layers, ops

from musicgen.learning import network
from musicgen.learning.batches import Example, Window, batch_of
from musicgen.learning.fitting import TrainedNetwork
from musicgen.model.configuration import Configuration
from musicgen.model.relative import Relative

CELLS = {"lstm": layers.LSTMCell, "gru": layers.GRUCell, "rnn": layers.SimpleRNNCell}
FARTHEST = 128  # notes
WINDOWS = 32  # in a batch
MOST_BATCHES = 8


class Nudged(layers.Layer):
    """A cell whose state h gets the second half of its input added to it."""

    def __init__(self, cell: layers.Layer, **options):
        super().__init__(**options)
        self.cell = cell
        self.state_size, self.output_size = cell.state_size, cell.units

    def build(self, shape):
        self.cell.build((shape[0], shape[-1] - self.output_size))

    def call(self, inputs, states, training=False):
        output, after = self.cell(inputs[..., : -self.output_size], states)
        nudged = output + inputs[..., -self.output_size :]
        return nudged, [nudged, *after[1:]]


class Nudges(layers.Layer):
    """What is added to the states of one layer, (B, T, U); whatever it is called with."""

    def __init__(self, shape: tuple[int, int, int], **options):
        super().__init__(**options)
        self.shape = shape

    def build(self, shape):
        self.values = self.add_weight(shape=self.shape, initializer="zeros", name="values")

    def call(self, anything):
        return ops.convert_to_tensor(self.values)


def fading(configuration: Configuration, weights: dict[str, np.ndarray], examples: Sequence[Example], random_seed: int = 0) -> np.ndarray:
    """(windows, K + 1) the norm of the gradient by the distance k = 0..K in notes; empty where no piece is long enough.

    Args:
        weights: as `weight_shapes` lists them.
    """
    lengths = sorted(len(example.ids) - 1 for example in examples)
    farthest = min(FARTHEST, lengths[len(lengths) // 2] - 1) if lengths else 0
    places = [(number, row) for number, example in enumerate(examples) for row in range(farthest, len(example.ids) - 1)]
    if farthest < 1 or not places:
        return np.zeros((0, 1))
    order = np.random.default_rng(random_seed).permutation(len(places))[: WINDOWS * MOST_BATCHES]
    drawn = [Window(places[index][0], places[index][1] - farthest, places[index][1] + 1, 0) for index in order]
    size = min(WINDOWS, len(drawn))
    model, nudges = _nudged(configuration, weights, (size, farthest + 1, configuration.units))
    norms = []
    for start in range(0, len(drawn) - size + 1, size):
        some = drawn[start : start + size]
        inputs, targets, said = batch_of(examples, some, Relative(configuration), size, farthest + 1)
        said[:, :-1] = 0  # the loss of the last note alone
        for layer in nudges:
            layer.values.assign(np.zeros(layer.shape, np.float32))
        model.train_on_batch(inputs, targets, said)
        gradients = np.concatenate([layer.values.numpy() for layer in nudges], axis=-1) * size  # the loss is the mean over notes
        norms.append(np.linalg.norm(gradients.astype(np.float64), axis=-1)[:, ::-1])
    return np.concatenate(norms)


def _nudged(configuration: Configuration, weights: dict[str, np.ndarray], shape: tuple[int, int, int]) -> tuple[keras.Model, list[Nudges]]:
    """The network with these weights, of which one training step moves the nudges alone."""
    configuration = replace(configuration, dropout=0.0)
    options = {"activation": configuration.activation} if configuration.cell == "rnn" else {}
    given = network.inputs(configuration)
    state, nudges = network.listen(given, configuration), []
    for layer in range(configuration.layers):
        nudges.append(Nudges(shape, name=f"nudges_{layer}"))
        cell = Nudged(CELLS[configuration.cell](configuration.units, **options))
        said = layers.RNN(cell, return_sequences=True, name=f"recurrent_{layer}")(ops.concatenate((state, nudges[-1](state)), axis=-1))
        state = state + said if configuration.residual and layer else said
    model = TrainedNetwork(given, network.heads(state, given, configuration))
    for layer in model.layers:
        if layer not in nudges:
            for variable in layer.trainable_variables:
                variable.assign(weights[f"{layer.name}/{variable.name}"])
            layer.trainable = False
    model.compile(keras.optimizers.SGD(1.0), jit_compile=False)
    return model, nudges

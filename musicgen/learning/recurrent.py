"""Recurrent layers with a gradient of their own: the numbers of Keras' layers, on each of its backends, in less time on a processor.

Conventions: B windows, T notes, E inputs, U units; gates (G = 4U, 3U or U) in Keras' order; in loops time comes first. A step multiplies nothing but
the state: the inputs of all notes are multiplied at once before the loop, and the gradients of both kernels come out of one product each after it,
where an automatic gradient makes a small one for each note. Products have the layer's dtype, which may be bfloat16; all between them is float32, so
that what a cell adds up over many notes is not rounded at each. On a GPU cuDNN is faster still, and Keras' own layers go there.

Source: Hochreiter and Schmidhuber 1997 with Gers' forget gate; Cho et al. 2014 in cuDNN's form; Elman 1990. The form of the gradient is that of
Appleyard, Kocisky and Blunsom 2016.
"""

from collections.abc import Callable
from typing import NamedTuple

from keras import layers, ops

from musicgen.learning.devices import cudnn_obstacle


class Cell(NamedTuple):
    """What one kind of cell makes of a note, and its gradient. States and their gradients are lists, h first, each (B, U)."""

    num_states: int
    is_of_sums: bool  # inputs and h count by their sum alone, and one bias is enough; else each has its own
    forward: Callable  # (what inputs and h say, each (B, G), states) -> states after the note, and an array to keep, (B, K * U)
    backward: Callable  # (the K parts of that, last state before, gradients of states after) -> gradients of both and of states before


def lstm_forward(given, said, states):
    units = said.shape[1] // 4
    gates = given + said  # input, forget, candidate, output
    opened = ops.sigmoid(gates[:, : 2 * units])
    candidate, output = ops.tanh(gates[:, 2 * units : 3 * units]), ops.sigmoid(gates[:, 3 * units :])
    cell = opened[:, units:] * states[1] + opened[:, :units] * candidate
    bent = ops.tanh(cell)
    return [output * bent, cell], ops.concatenate((opened, candidate, output, bent), axis=-1)


def lstm_backward(kept, before, of_states):
    enter, forget, candidate, output, bent = kept
    of_state, of_cell = of_states
    of_cell = of_cell + of_state * output * (1 - bent * bent)
    of_gates = (
        of_cell * candidate * enter * (1 - enter),
        of_cell * before * forget * (1 - forget),
        of_cell * enter * (1 - candidate * candidate),
        of_state * bent * output * (1 - output),
    )
    of_sum = ops.concatenate(of_gates, axis=-1)
    return of_sum, of_sum, [0.0, of_cell * forget]


def gru_forward(given, said, states):
    units = said.shape[1] // 3
    opened = ops.sigmoid(given[:, : 2 * units] + said[:, : 2 * units])
    update, reset, heard = opened[:, :units], opened[:, units:], said[:, 2 * units :]
    candidate = ops.tanh(given[:, 2 * units :] + reset * heard)
    return [candidate + update * (states[0] - candidate)], ops.concatenate((opened, candidate, heard), axis=-1)


def gru_backward(kept, before, of_states):
    update, reset, candidate, heard = kept
    of_state = of_states[0]
    of_update = of_state * (before - candidate) * update * (1 - update)
    of_candidate = of_state * (1 - update) * (1 - candidate * candidate)
    of_reset = of_candidate * heard * reset * (1 - reset)
    of_given = ops.concatenate((of_update, of_reset, of_candidate), axis=-1)
    return of_given, ops.concatenate((of_update, of_reset, of_candidate * reset), axis=-1), [of_state * update]


def relu(sums):
    return ops.maximum(sums, 0)  # TensorFlow's optimizer fails, and says so, at its own


def plain_forward(activation: Callable) -> Callable:
    def forward(given, said, _):
        state = activation(given + said)
        return [state], state

    return forward


def plain_backward(slope: Callable) -> Callable:
    def backward(kept, _, of_states):
        of_sum = of_states[0] * slope(kept[0])
        return of_sum, of_sum, [0.0]

    return backward


CELLS = {
    "lstm": Cell(2, True, lstm_forward, lstm_backward),
    "gru": Cell(1, False, gru_forward, gru_backward),
    "tanh": Cell(1, True, plain_forward(ops.tanh), plain_backward(lambda state: 1 - state * state)),
    "relu": Cell(1, True, plain_forward(relu), plain_backward(lambda state: ops.cast(state > 0, "float32"))),
}


class OwnGradient(layers.RNN):
    """Keras' layer with another way through the notes. It takes neither masks nor dropout of its own nor states to begin with, and returns none."""

    kind = ""  # of the cell, as in CELLS

    def inner_loop(self, sequences, initial_state, mask, training=False):
        if not cudnn_obstacle(self.kind):
            return super().inner_loop(sequences, initial_state, mask=mask, training=training)
        # a reshaped variable is a tensor also where nothing is compiled: TensorFlow takes no variables for a gradient of one's own
        weights = (ops.reshape(weight, weight.shape) for weight in (self.cell.kernel, self.cell.recurrent_kernel, self.cell.bias))
        states = through_notes(CELLS[self.kind], ops.transpose(sequences, (1, 0, 2)), *weights)
        return states[-1], ops.transpose(states, (1, 0, 2)), []


class LSTM(OwnGradient, layers.LSTM):
    """Hochreiter's and Schmidhuber's, with Gers' forget gate."""

    kind = "lstm"


class GRU(OwnGradient, layers.GRU):
    """Cho's, in cuDNN's form: the reset gate acts after the product."""

    kind = "gru"


class SimpleRNN(OwnGradient, layers.SimpleRNN):
    """Elman's; `activation` is tanh or relu."""

    def __init__(self, units: int, activation: str = "tanh", **options):
        super().__init__(units, activation={"tanh": ops.tanh, "relu": relu}[activation], **options)
        self.kind = activation


def through_notes(cell: Cell, inputs, kernel, recurrent_kernel, bias):
    """The states h (T, B, U) after each note, of inputs (T, B, E), from zeros on."""

    @ops.custom_gradient
    def states_of(inputs, kernel, recurrent_kernel, bias):
        states, kept = forwards(cell, inputs, kernel, recurrent_kernel, bias)
        return ops.cast(states[0], inputs.dtype), lambda of_h: backwards(cell, inputs, kernel, recurrent_kernel, bias, states, kept, of_h)

    return states_of(inputs, kernel, recurrent_kernel, bias)


def forwards(cell: Cell, inputs, kernel, recurrent_kernel, bias):
    """All states, each (T, B, U), and what the cell keeps of each note, (T, B, K * U)."""
    notes, windows = (ops.shape(inputs)[axis] if size is None else size for axis, size in enumerate(inputs.shape[:2]))
    biases = ops.reshape(ops.cast(bias, "float32"), (-1, kernel.shape[1]))
    all_given = ops.reshape(product(flat(inputs), kernel, inputs.dtype) + biases[0], (notes, windows, kernel.shape[1]))
    first = [ops.zeros((windows, recurrent_kernel.shape[0]), "float32")] * cell.num_states

    def note(carry, given):
        states = carry[1:]
        said = product(states[0], recurrent_kernel, inputs.dtype)
        states, kept = cell.forward(given, said if cell.is_of_sums else said + biases[1], states)
        return [kept, *states], [kept, *states]

    nothing = ops.zeros_like(cell.forward(all_given[0], all_given[0], first)[1])  # a scan on TensorFlow gives what it hands on, so all is handed on
    _, (kept, *states) = ops.scan(note, [nothing, *first], all_given)
    return states, kept


def backwards(cell: Cell, inputs, kernel, recurrent_kernel, bias, states, kept, of_outputs):
    """The gradients of inputs, kernels and bias, by what `forwards` gave and the gradient of h, (T, B, U)."""
    dtype, units = inputs.dtype, recurrent_kernel.shape[0]
    turned = ops.transpose(recurrent_kernel)  # a product with a transposed matrix is slower, every time
    first = ops.zeros_like(states[0][:1])
    before, last_before = (ops.concatenate((first, state[:-1]), axis=0) for state in (states[0], states[-1]))

    def note(carry, known):
        *parts, last, of_output = ops.split(known, known.shape[-1] // units, axis=-1)
        of_state, *of_others = carry[-cell.num_states :]
        of_given, of_said, of_states = cell.backward(parts, last, [of_state + of_output, *of_others])
        of_states[0] = of_states[0] + product(of_said, turned, dtype)
        after = [of_given, *of_states] if cell.is_of_sums else [of_given, of_said, *of_states]
        return after, after

    # in one array: Keras' scan on TensorFlow fails on several where the number of notes is known only when it runs
    all_known = ops.concatenate((kept, last_before, ops.cast(of_outputs, "float32")), axis=-1)
    no_sums = ops.zeros_like(all_known[0, :, : kernel.shape[1]])
    nothing = [no_sums] * (1 if cell.is_of_sums else 2) + [first[0]] * cell.num_states
    _, found = ops.scan(note, nothing, all_known, reverse=True)
    of_given, of_said = flat(found[0]), flat(found[0] if cell.is_of_sums else found[1])
    of_biases = [of_given] if cell.is_of_sums else [of_given, of_said]
    gradients = (
        ops.reshape(product(of_given, ops.transpose(kernel), dtype), ops.shape(inputs)),
        product(ops.transpose(flat(inputs)), of_given, dtype),
        product(ops.transpose(flat(before)), of_said, dtype),
        ops.reshape(ops.stack([ops.sum(of_sums, axis=0) for of_sums in of_biases]), bias.shape),
    )
    return tuple(ops.cast(gradient, dtype) for gradient in gradients)


def flat(array):
    """The rows of all notes and windows below each other."""
    return ops.reshape(array, (-1, array.shape[-1]))


def product(left, right, dtype):
    """In float32, of matrices that are rounded to a dtype."""
    return ops.cast(ops.matmul(ops.cast(left, dtype), ops.cast(right, dtype)), "float32")

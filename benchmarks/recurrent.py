"""How fast recurrent layers learn on a processor: this program's beside Keras' own on TensorFlow and PyTorch's.

Each takes whole training steps of the same shapes: two layers over windows of 64 notes, 512 notes a step, mean squared loss, backward, Adam;
neither embeddings nor heads. All are in float32, but for one more of this program whose products are in bfloat16. They take turns. What counts on a
machine with other work on it is the processor's time. The arithmetic of a step is 6 operations for each weight and note; its share of the machine's
rate is that over what one large matrix product (2,048 x 512 x 2,048, TensorFlow) reaches in the same round.
PyTorch's triton and TensorFlow do not load into one process; PyTorch's build for processors has none.
"""

import argparse
import itertools
import os
import statistics
import time
from collections.abc import Callable

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
import tensorflow as tf
import torch
from side_by_side import Row, Spread, Target, machine, ratios, show
from torch import nn

from musicgen.learning.network import RECURRENT_LAYERS
from musicgen.learning.schedule import Schedule
from musicgen.model.configuration import CELLS

INPUTS = 400  # numbers that the network hears of a note, about
LAYERS = 2
KERAS = {"lstm": keras.layers.LSTM, "gru": keras.layers.GRU, "rnn": keras.layers.SimpleRNN}
TORCH = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}
NARROW = "this program in bfloat16"


def keras_step(layer: type, units: int, inputs: np.ndarray, dtype: str = "float32") -> Callable[[], object]:
    """Compiled training steps of layers of a kind, the first one taken."""
    keras.utils.set_random_seed(0)
    given = state = keras.Input((None, INPUTS))
    for _ in range(LAYERS):
        state = layer(units, return_sequences=True, dtype=dtype)(state)
    model = keras.Model(given, state)
    optimizer = keras.optimizers.Adam(1e-3)
    optimizer.build(model.trainable_variables)
    tensor = tf.constant(inputs)

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.cast(model(tensor, training=True), "float32") ** 2)
        optimizer.apply(tape.gradient(loss, [variable.value for variable in model.trainable_variables]), model.trainable_variables)
        return loss

    step()
    return step


def torch_step(layer: type, units: int, inputs: np.ndarray) -> Callable[[], object]:
    """The same in PyTorch."""
    torch.manual_seed(0)
    model = layer(INPUTS, units, LAYERS, batch_first=True)
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)
    tensor = torch.from_numpy(inputs)

    def step():
        optimizer.zero_grad()
        loss = (model(tensor)[0] ** 2).mean()
        loss.backward()
        optimizer.step()
        return loss.item()

    step()
    return step


def product() -> Callable[[], object]:
    """A large matrix product, 4.3 GFLOP."""
    left, right = tf.random.normal((2048, 512)), tf.random.normal((512, 2048))
    compute = tf.function(lambda: tf.matmul(left, right))
    compute()
    return compute


def seconds(step: Callable[[], object], times: int) -> tuple[float, float]:
    """Of the clock and of the processor, for one."""
    begin, processor = time.perf_counter(), time.process_time()
    for _ in range(times):
        step()
    return (time.perf_counter() - begin) / times, (time.process_time() - processor) / times


def measured(cell: str, units: int, rounds: int, steps: int) -> tuple[list[Row], str]:
    """The rows of one cell and width, and a sentence on the shapes."""
    schedule = Schedule()
    inputs = np.random.default_rng(0).normal(size=(schedule.batch_rows // schedule.window, schedule.window, INPUTS)).astype(np.float32)
    programs = {
        "this program": keras_step(RECURRENT_LAYERS[cell], units, inputs),
        NARROW: keras_step(RECURRENT_LAYERS[cell], units, inputs, "mixed_bfloat16"),
        "Keras": keras_step(KERAS[cell], units, inputs),
        "PyTorch": torch_step(TORCH[cell], units, inputs),
        "product": product(),
    }
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in programs}
    for number in range(rounds):
        for name in list(programs)[:: -1 if number % 2 else 1]:
            found[name].append(seconds(programs[name], steps))
    weights = CELLS[cell] * units * (INPUTS + units + (LAYERS - 1) * 2 * units)
    operations = 6 * weights * schedule.batch_rows
    rates = [2 * 2048 * 512 * 2048 / cpu for _, cpu in found["product"]]
    shares = [operations / cpu / rate for (_, cpu), rate in zip(found["this program"], rates, strict=True)]
    rows, shape = [], f"{cell}, 2 x {units}"
    for other in ("Keras", "PyTorch", NARROW):
        for column, clock in enumerate(("wall time", "processor time")):
            pairs = [(theirs[column], ours[column]) for ours, theirs in zip(found["this program"], found[other], strict=True)]
            target = None if other == NARROW else Target(True, 1)
            rows.append(Row(f"{shape}, {clock}, {other} / this program", ratios(pairs), "times", target))
    rows += [Row(f"{shape}, {name}", Spread.of(1 / wall for wall, _ in found[name]), "steps/s") for name in list(programs)[:-1]]
    rows.append(Row(f"{shape}, this program, of the product's rate", Spread.of(100 * share for share in shares), "%"))
    rate = statistics.median(rates) / 1e9
    return rows, f"{shape}: {weights:,} weights, {operations / 1e9:.1f} GFLOP a step; the product runs at {rate:.0f} GFLOP a processor second"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=8, help="default: %(default)s")
    parser.add_argument("--steps", type=int, default=4, help="training steps of each in a round (default: %(default)s)")
    parser.add_argument("--units", type=int, nargs="+", default=[256, 512], help="default: %(default)s")
    parser.add_argument("--cells", choices=CELLS, nargs="+", default=list(CELLS), help="default: all")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1, help="of each (default: %(default)s, the cores)")
    parser.add_argument("--json", action="store_true", dest="as_json")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    tf.config.threading.set_intra_op_parallelism_threads(arguments.threads)
    tf.config.threading.set_inter_op_parallelism_threads(arguments.threads)
    rows, said = [], [f"{arguments.rounds} rounds of {arguments.steps} steps each, threads of each: {arguments.threads}"]
    for cell, units in itertools.product(arguments.cells, arguments.units):
        some, sentence = measured(cell, units, arguments.rounds, arguments.steps)
        rows += some
        said.append(sentence)
    show("recurrent layers: training steps", rows, said, machine(["numpy", "keras", "tensorflow", "torch"]), arguments.as_json)


if __name__ == "__main__":
    main()

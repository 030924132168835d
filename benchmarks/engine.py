"""How fast music is played: notes a second of the network in NumPy, beside the same network in Keras, one note a call.

Every player gets what is known before a note, and the note itself, and returns the logits of all its fields. That spares Keras the calls that
it would need to draw the fields one after the other. The recurrent layers of the Keras network are stateful, so that nothing is computed twice.
The weights are random: how long a note takes does not depend on them.
"""

import argparse
import os
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

# as musicgen.cli sets them, before NumPy loads
os.environ["OPENBLAS_NUM_THREADS"] = "1"
os.environ["VECLIB_MAXIMUM_THREADS"] = "1"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
import tensorflow as tf
from side_by_side import Row, Spread, Target, alternate, machine, ratios, show

from musicgen.encoding.context import Context
from musicgen.encoding.tokens import encode
from musicgen.encoding.vocabulary import NAMES, Vocabulary
from musicgen.learning import network
from musicgen.learning.batches import Example, example_of, previous_of
from musicgen.model.configuration import Configuration, weight_shapes
from musicgen.model.engine import Engine, State
from musicgen.model.relative import Relative
from musicgen.reading.gathering import read_corpus

TOLERANCE = 1e-5
CHECKED_NOTES = 200
MANY_TAKES = (1, 8, 64)

Inputs = dict[str, np.ndarray]  # each (1, 1, ...): the context, and as the network names them the other inputs
Logits = dict[str, np.ndarray]  # each (B, V)


def read_examples(corpus: Path) -> tuple[Vocabulary, int, list[Example]]:
    """The vocabulary of a folder of music, the slots of sounding notes and the pieces."""
    sequences = [encode(piece) for piece in read_corpus([corpus]).pieces]
    vocabulary = Vocabulary.of(sequences)
    slots = min(8, sum(vocabulary.most_at_once))
    return vocabulary, slots, [example_of(sequence, vocabulary, slots) for sequence in sequences]


def notes_of(examples: list[Example], relative: Relative) -> Iterator[Inputs]:
    """What is known of each note of all pieces, note by note and over again; the state runs on from piece to piece."""
    while True:
        for example in examples:
            rows = {"previous": previous_of(example.ids, relative.vocabulary), "note": example.ids, **example.context._asdict()}
            rows |= relative.inputs(example.ids, example.context)
            for number in range(len(example.ids) - 1):
                yield {name: np.asarray(values[None, None, number], np.int32) for name, values in rows.items()}


def random_weights(configuration: Configuration) -> dict[str, np.ndarray]:
    """Weights that keep the state in the middle of its range."""
    random = np.random.default_rng(0)
    return {
        name: (random.standard_normal(shape) / np.sqrt(shape[0] if len(shape) > 1 else 10)).astype(np.float32)
        for name, shape in weight_shapes(configuration).items()
    }


def one_note_network(configuration: Configuration, weights: dict[str, np.ndarray]) -> keras.Model:
    """The network of `learning.network` for one take and one note a call; the layers keep the state."""
    shapes = network.input_shapes(configuration)
    given = {name: keras.Input((1, *shape), batch_size=1, dtype="int32", name=name) for name, shape in shapes.items()}
    relative = Relative(configuration)
    state = network.listen(given, configuration)
    for layer in range(configuration.layers):
        # one note needs no loop: unrolled it is no slower, and mostly a little faster
        said = keras.layers.LSTM(configuration.units, return_sequences=True, stateful=True, unroll=True, name=f"recurrent_{layer}")(state)
        state = state + said if configuration.residual and layer else said
    fields = configuration.vocabulary.active
    model = keras.Model(given, {NAMES[field]: network.head(field, state, given, relative, configuration) for field in fields})
    for layer in model.layers:
        for variable in layer.trainable_variables:
            variable.assign(weights[f"{layer.name}/{variable.name}"])
    return model


class EnginePlayer:
    """`takes` takes at once, all of the same notes."""

    def __init__(self, engine: Engine, takes: int = 1) -> None:
        self.engine, self.takes = engine, takes
        self._state: State = engine.start(takes)

    def __call__(self, inputs: Inputs) -> Logits:
        rows = {name: values[:, 0].repeat(self.takes, axis=0) for name, values in inputs.items()}
        now = Context(*(rows[name] for name in Context._fields))
        self._state = self.engine.step(self._state, rows["previous"], now)
        features = self.engine.features(self._state)
        return {NAMES[field]: self.engine.logits(field, features, rows["note"], now) for field in self.engine.vocabulary.active}


class PredictPlayer:
    """`Model.predict`, called once a note."""

    def __init__(self, model: keras.Model) -> None:
        self._model = model

    def __call__(self, inputs: Inputs) -> Logits:
        heard = {tensor.name: inputs[tensor.name] for tensor in self._model.inputs}
        return {name: logits[:, 0] for name, logits in self._model.predict(heard, batch_size=1, verbose=0).items()}


class CompiledPlayer:
    """The model as a graph, traced once for its shapes."""

    def __init__(self, model: keras.Model, with_xla: bool) -> None:
        self._heard = [tensor.name for tensor in model.inputs]
        signature = {tensor.name: tf.TensorSpec(tensor.shape, tf.int32) for tensor in model.inputs}

        @tf.function(input_signature=[signature], jit_compile=with_xla)
        def step(inputs):
            return model(inputs, training=False)

        self._step = step.get_concrete_function()

    def __call__(self, inputs: Inputs) -> Logits:
        tensors = {name: tf.constant(inputs[name]) for name in self._heard}
        return {name: logits.numpy()[:, 0] for name, logits in self._step(tensors).items()}


Player = Callable[[Inputs], Logits]


def largest_difference(first: Player, second: Player, notes: list[Inputs]) -> float:
    """Between the logits of two players that begin together."""
    differences = []
    for inputs in notes:
        ours, theirs = first(inputs), second(inputs)
        differences.append(max(float(np.abs(ours[name] - theirs[name]).max()) for name in ours))
    return max(differences)


def notes_a_second(player: Player, notes: list[Inputs], takes: int = 1) -> float:
    """One after the other; a piece for each take."""
    begin = time.perf_counter()
    for inputs in notes:
        player(inputs)
    return takes * len(notes) / (time.perf_counter() - begin)


def measure(ours: Player, theirs: Player, notes: list[Inputs], count: int, rounds: int) -> list[tuple[float, float]]:
    """Notes a second of both, round by round; the slower one plays the first `count` notes alone."""

    def both(rounds: int) -> list[tuple[float, float]]:
        return alternate(lambda _: notes_a_second(ours, notes), lambda _: notes_a_second(theirs, notes[:count]), rounds)

    both(1)
    return both(rounds)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path, help="a folder of MIDI files")
    parser.add_argument("--rounds", type=int, default=9, help="default: %(default)s, after one that does not count")
    parser.add_argument("--json", action="store_true", dest="as_json")
    arguments = parser.parse_args()
    vocabulary, slots, examples = read_examples(arguments.corpus)
    configuration = Configuration(vocabulary, slots=slots)
    weights = random_weights(configuration)
    engine, model = Engine(configuration, weights), one_note_network(configuration, weights)
    notes = list(islice(notes_of(examples, Relative(configuration)), CHECKED_NOTES))

    others: list[tuple[str, Player, int, Target | None]] = [
        ("keras predict", PredictPlayer(model), 20, Target(True, 100)),
        ("tf.function", CompiledPlayer(model, with_xla=False), len(notes), Target(True, 3)),
        ("tf.function with XLA", CompiledPlayer(model, with_xla=True), len(notes), None),
    ]
    rows = []
    for name, other, count, target in others:
        for layer in model.layers:
            if isinstance(layer, keras.layers.RNN):
                layer.reset_state()  # the three share the model
        difference = largest_difference(EnginePlayer(engine), other, notes)
        pairs = measure(EnginePlayer(engine), other, notes, count, arguments.rounds)
        rows.append(Row(f"notes a second, engine / {name}", ratios(pairs), "times", target))
        rows.append(Row(f"  {name}", Spread.of(theirs for _, theirs in pairs), "notes/s"))
        rows.append(Row("  largest difference of a logit", Spread.of([difference]), "", Target(False, TOLERANCE)))
    for takes in MANY_TAKES:
        player = EnginePlayer(engine, takes)
        notes_a_second(player, notes)
        measured = Spread.of(notes_a_second(player, notes, takes) for _ in range(arguments.rounds))
        rows.append(Row(f"engine, {takes} {'takes' if takes > 1 else 'take'} at once", measured, "notes/s"))
    shown = f"{configuration.layers} x {configuration.units} {configuration.cell}, fields {', '.join(NAMES[field] for field in vocabulary.active)}"
    heard = [f"{shown}; vocabulary of {arguments.corpus.resolve().name}", f"logits compared along {len(notes)} notes", f"{arguments.rounds} rounds"]
    show("engine: one note a call, beside Keras", rows, heard, machine(["numpy", "keras", "tensorflow"]), arguments.as_json)


if __name__ == "__main__":
    main()

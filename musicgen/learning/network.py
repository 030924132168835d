"""The network, as a diagram: embeddings of the note before and of the context, recurrent layers, one small head a field.

Conventions: B pieces (or windows of them), T notes, S slots of sounding notes, U units, H hidden units of a head, V values of a field.
Only public layers and `keras.ops`, so it runs on each of Keras' backends.
"""

import keras
from keras import layers, ops

from musicgen.encoding.context import FAMILIAR, FEWEST_UNFOLLOWED, MOST_SLOTS, MOST_SOUNDING, RECENT, SLOT, WIDEST_LEAP
from musicgen.encoding.vocabulary import FIELDS, NAMES, PITCH, TIME_SHIFT
from musicgen.learning.recurrent import GRU, LSTM, SimpleRNN
from musicgen.model.configuration import (
    BAR_UNITS,
    COUNT_UNITS,
    EMBEDDING_UNITS,
    FAMILIAR_UNITS,
    INTERVALS,
    LEAP_UNITS,
    LEAPS,
    ORDERED,
    PLACE_UNITS,
    RECALLED_PITCH_UNITS,
    RECALLED_SHIFT_UNITS,
    RELATIVE_UNITS,
    SOUNDING_UNITS,
    UNFOLLOWED,
    UNLIKELY,
    WIDEST_INTERVAL,
    Configuration,
    state_tables,
)
from musicgen.model.relative import POINTS, TURNED, Relative
from musicgen.piece import NUM_PITCHES

RECURRENT_LAYERS = {"lstm": LSTM, "gru": GRU, "rnn": SimpleRNN}
INPUT_DROPOUT, HEAD_DROPOUT = 0.4, 0.4  # of the configuration's dropout, which is that between the layers
# after (B, T); all int32, as in encoding.context; what values would be relative to comes on top, as `Relative.shapes` says
INPUT_SHAPES: dict[str, tuple[int, ...]] = {
    "previous": (len(FIELDS),),  # the note before; in the first row of a piece the size of each field
    "note": (len(FIELDS),),  # the note itself, of which each head sees the fields before its own
    "place": (),
    "bar": (),
    "sounding": (MOST_SLOTS, len(SLOT)),
    "unfollowed": (),
    "num_sounding": (),
    "leap": (),
    "recent": (len(RECENT), 12),
    "familiar": (),
    "recalled": (4,),
    "next_place": (),
}


def inputs(configuration: Configuration) -> dict[str, keras.KerasTensor]:
    """The network's inputs by name."""
    return {name: keras.Input((None, *shape), dtype="int32", name=name) for name, shape in input_shapes(configuration).items()}


def input_shapes(configuration: Configuration) -> dict[str, tuple[int, ...]]:
    """The shape of each input after (B, T)."""
    return {**INPUT_SHAPES, "sounding": (configuration.slots, len(SLOT)), **Relative(configuration).shapes}


def logits(given: dict[str, keras.KerasTensor], configuration: Configuration, precision: str = "float32") -> dict[str, keras.KerasTensor]:
    """The logits of each active field, (B, T, V), given the inputs; the recurrent layers multiply in a precision."""
    return heads(recurrent_stack(listen(given, configuration), configuration, precision), given, configuration)


def heads(state, given, configuration: Configuration) -> dict[str, keras.KerasTensor]:
    """The logits of each active field, (B, T, V), given the state too."""
    relative = Relative(configuration)
    return {NAMES[field]: head(field, state, given, relative, configuration) for field in configuration.vocabulary.active}


def listen(given, configuration: Configuration):
    """The note before, the place in the bar and what sounds as one vector, (B, T, E)."""
    vocabulary, span = configuration.vocabulary, configuration.span
    vectors = [
        layers.Embedding(vocabulary.sizes[field] + 1, EMBEDDING_UNITS[NAMES[field]], name=f"previous_{NAMES[field]}")(given["previous"][..., field])
        for field in vocabulary.active
    ]
    vectors.append(layers.Embedding(span, PLACE_UNITS, name="at_place")(ops.minimum(given["place"], span - 1)))
    vectors.append(layers.Embedding(span + 1, BAR_UNITS, name="in_bar")(ops.minimum(given["bar"], span)))
    vectors.append(layers.Embedding(UNFOLLOWED, COUNT_UNITS, name="unfollowed_notes")(given["unfollowed"] - FEWEST_UNFOLLOWED))
    vectors.append(layers.Embedding(MOST_SOUNDING + 1, COUNT_UNITS, name="sounding_notes")(given["num_sounding"]))
    vectors.append(layers.Embedding(LEAPS, LEAP_UNITS, name="last_leap")(given["leap"] + WIDEST_LEAP))
    shift, pitch = given["recalled"][..., 0], given["recalled"][..., 2]
    vectors.append(layers.Embedding(len(FAMILIAR) + 1, FAMILIAR_UNITS, name="familiar_notes")(given["familiar"]))
    vectors.append(layers.Embedding(span + 2, RECALLED_SHIFT_UNITS, name="recalled_shift")(ops.minimum(shift, span) + 1))
    vectors.append(layers.Embedding(NUM_PITCHES + 1, RECALLED_PITCH_UNITS, name="recalled_pitch")(pitch + 1))
    part, pitch, age, left = (given["sounding"][..., column] for column in range(4))  # (B, T, S)
    interval = ops.clip(pitch - pitch[..., :1], -WIDEST_INTERVAL, WIDEST_INTERVAL) + WIDEST_INTERVAL  # to the latest
    sounding = ops.tanh(
        layers.Embedding(len(vocabulary.parts) + 1, SOUNDING_UNITS, name="sounding_part")(part + 1)
        + layers.Embedding(NUM_PITCHES + 1, SOUNDING_UNITS, name="sounding_pitch")(pitch + 1)
        + layers.Embedding(INTERVALS, SOUNDING_UNITS, name="sounding_interval")(interval)
        + layers.Embedding(span + 1, SOUNDING_UNITS, name="sounding_age")(ops.clip(age, 0, span))
        + layers.Embedding(span + 1, SOUNDING_UNITS, name="sounding_left")(ops.clip(left, 0, span))
    )  # (B, T, S, 64)
    vectors.append(ops.sum(sounding * real(part >= 0)[..., None], axis=2))
    vectors.append(shares_of_classes(given["recent"]))
    return ops.concatenate(vectors, axis=-1)


def recurrent_stack(vectors, configuration: Configuration, precision: str = "float32"):
    """The state after each note before, (B, T, U)."""
    state = layers.SpatialDropout1D(configuration.dropout * INPUT_DROPOUT, name="input_dropout")(vectors)
    options = {"dtype": precision} | ({"activation": configuration.activation} if configuration.cell == "rnn" else {})
    for layer in range(configuration.layers):
        recurrent = RECURRENT_LAYERS[configuration.cell]
        said = recurrent(configuration.units, return_sequences=True, name=f"recurrent_{layer}", **options)(state)
        said = layers.SpatialDropout1D(configuration.dropout, name=f"dropout_{layer}")(said)
        state = state + said if configuration.residual and layer else said
    return state


def head(field: int, state, given, relative: Relative, configuration: Configuration):
    """The logits of one field, (B, T, V): absolute ones, and relative ones where the field has them."""
    vocabulary, name, hidden = configuration.vocabulary, NAMES[field], configuration.head_units
    terms = [layers.Dense(hidden, name=f"{name}_state")(state)]
    for earlier in vocabulary.active[: vocabulary.active.index(field)]:
        terms.append(layers.Embedding(vocabulary.sizes[earlier], hidden, name=f"{name}_given_{NAMES[earlier]}")(given["note"][..., earlier]))
    if field > TIME_SHIFT:
        terms.append(layers.Embedding(configuration.span, hidden, name=f"{name}_place")(ops.minimum(given["next_place"], configuration.span - 1)))
    feature = ops.relu(sum(terms[1:], start=terms[0]))  # (B, T, H)
    feature = layers.Dropout(configuration.dropout * HEAD_DROPOUT, name=f"{name}_dropout")(feature)
    total = layers.Dense(vocabulary.sizes[field], name=f"{name}_logits")(feature)
    if field in relative.sizes:
        total = total + relative_logits(field, feature, given, relative)
    if field in ORDERED:
        total = total - UNLIKELY * real(given[f"{name}_out_of_order"])
    return total


def relative_logits(field: int, feature, given, relative: Relative):
    """slope * r + bend * relu(r + threshold), (B, T, V): r says what a value is relative to, the other three what the state makes of that."""
    name, units = NAMES[field], RELATIVE_UNITS[NAMES[field]]
    vectors = []  # each (B, T, V, D)
    for table, size in relative.sizes[field].items():
        keys = given[f"{name}_{table}_keys"]
        if table == "by_recent":
            turned = ops.take(shares_of_classes(keys), TURNED, axis=-1)  # (B, T, 12, W * 12)
            by_class = layers.Dense(units, use_bias=False, name=f"{name}_{table}")(turned)
            vectors.append(ops.take(by_class, relative.values[PITCH] % 12, axis=2))
        else:
            values = relative.vocabulary.sizes[field] if table in POINTS else None
            vectors.append(Comparison(size, units, relative.index.get((field, table)), values, name=f"{name}_{table}")(keys))
    vector = sum(vectors[1:], start=vectors[0])
    threshold = layers.Dense(units, name=f"{name}_threshold")(feature)[:, :, None]
    slope = layers.Dense(units, kernel_initializer="zeros", name=f"{name}_slope")(feature)[:, :, None]  # no noise at first
    bend = layers.Dense(units, kernel_initializer="zeros", name=f"{name}_bend")(feature)[:, :, None]
    total = ops.sum(vector * slope + ops.relu(vector + threshold) * bend, axis=-1)
    for table in state_tables(field, relative.sizes[field]):
        size, keys = relative.sizes[field][table], given[f"{name}_{table}_keys"]
        by_entry = layers.Dense(size, use_bias=False, kernel_initializer="zeros", name=f"{name}_{table}_logits")(feature)
        if table == "by_recent":
            by_class = ops.sum(ops.take(shares_of_classes(keys), TURNED, axis=-1) * by_entry[:, :, None], axis=-1)  # (B, T, 12)
            total = total + ops.take(by_class, relative.values[PITCH] % 12, axis=-1)
        else:
            total = total + Gathered(relative.index[field, table], name=f"{name}_{table}_gathered")(by_entry, keys)
    return total


class Comparison(layers.Layer):
    """The sum over all that is compared of an entry's vector for each value, (B, T, V, D), zeros for the entry beyond the last.

    Args:
        index: (N, V) entries of each value by key, or None.
        values: V, in a table of points, or None.
        keys: (B, T, S), or without both the entries themselves, (B, T, S, V). All as `model.relative` says.
    """

    def __init__(self, size: int, units: int, index, values: int | None, **options):
        super().__init__(**options)
        self.size, self.units, self.index, self.values = size, units, index, values

    def build(self, shape):
        initial = keras.initializers.RandomNormal(stddev=0.3)
        self.embeddings = self.add_weight(shape=(self.size, self.units), initializer=initial, name="embeddings")

    def call(self, keys):
        vectors = ops.concatenate((self.embeddings, ops.zeros((1, self.units))), axis=0)
        if self.values is not None:
            at = ops.one_hot(keys % (self.values + 1), self.values + 1)[..., : self.values]  # (B, T, S, V)
            return ops.matmul(ops.swapaxes(at, -1, -2), ops.take(vectors, keys // (self.values + 1), axis=0))
        if self.index is None:
            return ops.sum(ops.take(vectors, keys, axis=0), axis=2)
        values = self.index.shape[1]
        rows = ops.reshape(ops.take(vectors, self.index, axis=0), (-1, values * self.units))  # (N, V * D): long rows are quick to look up
        return ops.reshape(ops.sum(ops.take(rows, keys, axis=0), axis=2), (*ops.shape(keys)[:2], values, self.units))

    def compute_output_shape(self, shape):
        values = self.values or (shape[3] if self.index is None else self.index.shape[1])
        return (*shape[:2], values, self.units)


class Gathered(layers.Layer):
    """The sum over all that is compared of each value's entry, (B, T, V), of by_entry (B, T, R); index and keys as of `Comparison`."""

    def __init__(self, index, **options):
        super().__init__(**options)
        self.index = index

    def call(self, by_entry, keys):
        windows, notes, slots = ops.shape(keys)
        entries = ops.reshape(ops.take(self.index, keys, axis=0), (windows, notes, slots * self.index.shape[1]))
        padded = ops.concatenate((by_entry, ops.zeros_like(by_entry[..., :1])), axis=-1)
        gathered = ops.take_along_axis(padded, entries, axis=-1)
        return ops.sum(ops.reshape(gathered, (windows, notes, slots, self.index.shape[1])), axis=2)


def shares_of_classes(counts):
    """How frequent each pitch class is among the latest notes, of all windows in a row, (B, T, W * 12), 1 where all are equally so."""
    counts = ops.cast(counts, "float32")
    shares = 12 * counts / ops.maximum(ops.sum(counts, axis=-1, keepdims=True), 1)
    return ops.concatenate([shares[..., window, :] for window in range(counts.shape[-2])], axis=-1)


def real(condition):
    return ops.cast(condition, "float32")

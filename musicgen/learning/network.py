"""The network, as a diagram: embeddings of the note before and of the context, recurrent layers, one small head a field.

Conventions: B pieces (or windows of them), T notes, S slots of sounding notes, U units, H hidden units of a head, V values of a field.
Only public layers and `keras.ops`, so it runs on each of Keras' backends.
"""

import keras
import numpy as np
from keras import layers, ops

from musicgen.encoding.vocabulary import DURATION, FIELDS, NAMES, PART, PITCH, TIME_SHIFT
from musicgen.model.configuration import (
    BAR_UNITS,
    EMBEDDING_UNITS,
    PLACE_UNITS,
    SOUNDING_UNITS,
    WIDEST_INTERVAL,
    Configuration,
    relative_logits,
)
from musicgen.piece import NUM_PITCHES

RECURRENT_LAYERS = {"lstm": layers.LSTM, "gru": layers.GRU, "rnn": layers.SimpleRNN}
INPUT_SHAPES = {  # after (B, T); all int32, as in encoding.context
    "previous": (len(FIELDS),),  # the note before; in the first row of a piece the size of each field
    "note": (len(FIELDS),),  # the note itself, of which each head sees the fields before its own
    "place": (),
    "bar": (),
    "sounding": (None, 3),
    "next_place": (),
    "next_bar": (),
    "last_pitch": (),
}


def inputs(configuration: Configuration) -> dict[str, keras.KerasTensor]:
    """The network's inputs by name."""
    shapes = {**INPUT_SHAPES, "sounding": (configuration.slots, 3)}
    return {name: keras.Input((None, *shape), dtype="int32", name=name) for name, shape in shapes.items()}


def logits(given: dict[str, keras.KerasTensor], configuration: Configuration) -> dict[str, keras.KerasTensor]:
    """The logits of each active field, (B, T, V), given the inputs."""
    state = recurrent_stack(listen(given, configuration), configuration)
    return {NAMES[field]: head(field, state, given, configuration) for field in configuration.vocabulary.active}


def listen(given, configuration: Configuration):
    """The note before, the place in the bar and the sounding notes as one vector, (B, T, E)."""
    vocabulary = configuration.vocabulary
    vectors = [
        layers.Embedding(vocabulary.sizes[field] + 1, EMBEDDING_UNITS[NAMES[field]], name=f"previous_{NAMES[field]}")(given["previous"][..., field])
        for field in vocabulary.active
    ]
    vectors.append(layers.Embedding(configuration.span, PLACE_UNITS, name="at_place")(ops.minimum(given["place"], configuration.span - 1)))
    vectors.append(layers.Embedding(configuration.span + 1, BAR_UNITS, name="in_bar")(ops.minimum(given["bar"], configuration.span)))
    part, pitch, left = (given["sounding"][..., column] for column in range(3))  # (B, T, S)
    sounding = ops.tanh(
        layers.Embedding(len(vocabulary.parts) + 1, SOUNDING_UNITS, name="sounding_part")(part + 1)
        + layers.Embedding(NUM_PITCHES + 1, SOUNDING_UNITS, name="sounding_pitch")(pitch + 1)
        + layers.Embedding(configuration.span + 1, SOUNDING_UNITS, name="sounding_left")(ops.clip(left, 0, configuration.span))
    )  # (B, T, S, 64)
    vectors.append(ops.sum(sounding * real(part >= 0)[..., None], axis=2))
    return ops.concatenate(vectors, axis=-1)


def recurrent_stack(vectors, configuration: Configuration):
    """The state after each note before, (B, T, U)."""
    state = layers.SpatialDropout1D(configuration.dropout / 2, name="input_dropout")(vectors)
    options = {"activation": configuration.activation} if configuration.cell == "rnn" else {}
    for layer in range(configuration.layers):
        recurrent = RECURRENT_LAYERS[configuration.cell]
        state = recurrent(configuration.units, return_sequences=True, name=f"recurrent_{layer}", **options)(state)
        state = layers.SpatialDropout1D(configuration.dropout, name=f"dropout_{layer}")(state)
    return state


def head(field: int, state, given, configuration: Configuration):
    """The logits of one field, (B, T, V): absolute ones, and relative ones where the field has them."""
    vocabulary, name, hidden = configuration.vocabulary, NAMES[field], configuration.head_units
    terms = [layers.Dense(hidden, name=f"{name}_state")(state)]
    for earlier in vocabulary.active[: vocabulary.active.index(field)]:
        terms.append(layers.Embedding(vocabulary.sizes[earlier], hidden, name=f"{name}_given_{NAMES[earlier]}")(given["note"][..., earlier]))
    if field > TIME_SHIFT:
        terms.append(layers.Embedding(configuration.span, hidden, name=f"{name}_place")(ops.minimum(given["next_place"], configuration.span - 1)))
    feature = ops.relu(sum(terms[1:], start=terms[0]))  # (B, T, H)
    total = layers.Dense(vocabulary.sizes[field], name=f"{name}_logits")(feature)
    for table, size in relative_logits(configuration).get(field, {}).items():
        relative = layers.Dense(size, use_bias=False, name=f"{name}_{table}")(feature)
        index, weight = RELATIVE[field, table](given, configuration)
        total = total + Gathered(name=f"{name}_{table}_gathered")(relative, index, weight)
    return total


class Gathered(layers.Layer):
    """Sum over slots of relative[index] * weight.

    Args:
        relative: (B, T, R) logits by difference.
        index: (B, T, S, V) differences, as indices of R.
        weight: (B, T, S, 1 or V), 0 where there is nothing to be relative to.
    """

    def call(self, relative, index, weight):
        windows, notes, slots, values = ops.shape(index)
        gathered = ops.take_along_axis(relative, ops.reshape(index, (windows, notes, slots * values)), axis=-1)
        return ops.sum(ops.reshape(gathered, (windows, notes, slots, values)) * weight, axis=2)


def time_shift_by_left(given, configuration: Configuration):
    """How much later than the end of each sounding note; the end of the piece has no such logit."""
    vocabulary = configuration.vocabulary
    left = given["sounding"][..., 2:3]  # (B, T, S, 1)
    goes_on = np.arange(vocabulary.end + 1) < vocabulary.end
    return difference(values_of(TIME_SHIFT, configuration), left, configuration.steps_apart), real(ops.logical_and(left > 0, goes_on))


def pitch_by_interval(given, configuration: Configuration):
    """Semitones above what the same part played last."""
    last = given["last_pitch"][..., None, None]  # (B, T, 1, 1)
    return difference(values_of(PITCH, configuration), last, WIDEST_INTERVAL), real(last >= 0)


def pitch_by_sounding(given, configuration: Configuration):
    """Semitones above each note that still sounds; drums and pitches do not compare."""
    part, pitch = given["sounding"][..., 0:1], given["sounding"][..., 1:2]  # (B, T, S, 1)
    weight = real(left_at_onset(given, configuration) > 0)
    is_drum = np.array([token.is_drum for token in configuration.vocabulary.parts], np.int32)
    if is_drum.any():
        own = ops.take(is_drum, given["note"][..., PART])[..., None, None]
        weight = weight * real(ops.equal(ops.take(is_drum, ops.maximum(part, 0)), own))
    return difference(values_of(PITCH, configuration), pitch, WIDEST_INTERVAL), weight


def duration_by_place(given, configuration: Configuration):
    """The place in the bar where the note would end."""
    place, bar = given["next_place"][..., None, None], given["next_bar"][..., None, None]  # (B, T, 1, 1)
    index = ops.mod(ops.add(place, values_of(DURATION, configuration)), bar)
    return ops.minimum(index, configuration.span - 1), real(bar > 0)


def duration_by_left(given, configuration: Configuration):
    """How much longer than each note that still sounds."""
    left = left_at_onset(given, configuration)
    return difference(values_of(DURATION, configuration), left, configuration.steps_apart), real(left > 0)


def left_at_onset(given, configuration: Configuration):
    """Steps that each sounding note still sounds at this note's onset, (B, T, S, 1); 0 or less where it no longer does."""
    return given["sounding"][..., 2:3] - ops.take(values_of(TIME_SHIFT, configuration), given["note"][..., TIME_SHIFT])[..., None, None]


def difference(values, others, widest: int):
    """values - others as indices, the wide ones together."""
    return ops.clip(ops.subtract(values, others), -widest, widest) + widest


def values_of(field: int, configuration: Configuration) -> np.ndarray:
    """The values of a field's ids; for the end of the piece 0."""
    vocabulary = configuration.vocabulary
    return np.array((*vocabulary.values[field], 0)[: vocabulary.sizes[field]], np.int32)


def real(condition):
    return ops.cast(condition, "float32")


RELATIVE = {
    (TIME_SHIFT, "by_left"): time_shift_by_left,
    (PITCH, "by_interval"): pitch_by_interval,
    (PITCH, "by_sounding"): pitch_by_sounding,
    (DURATION, "by_place"): duration_by_place,
    (DURATION, "by_left"): duration_by_left,
}

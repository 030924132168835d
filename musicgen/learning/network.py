"""The network, as a diagram: embeddings of the note before and of the context, recurrent layers, one small head a field.

Conventions: B pieces (or windows of them), T notes, S slots of sounding notes, U units, H hidden units of a head, V values of a field.
Only public layers and `keras.ops`, so it runs on each of Keras' backends.
"""

import keras
from keras import layers, ops

from musicgen.encoding.context import FAMILIAR, FEWEST_UNFOLLOWED, MOST_SOUNDING, OWN_RECENT, RECENT, WIDEST_LEAP
from musicgen.encoding.vocabulary import FIELDS, NAMES, TIME_SHIFT
from musicgen.learning.relative import out_of_order, real, relative_logit, shares_of_classes
from musicgen.model.configuration import (
    BAR_UNITS,
    COUNT_UNITS,
    EMBEDDING_UNITS,
    FAMILIAR_UNITS,
    LEAP_UNITS,
    LEAPS,
    ORDERED,
    PLACE_UNITS,
    RECALLED_PITCH_UNITS,
    RECALLED_SHIFT_UNITS,
    SOUNDING_UNITS,
    UNFOLLOWED,
    UNLIKELY,
    Configuration,
    relative_logits,
)
from musicgen.piece import NUM_PITCHES

RECURRENT_LAYERS = {"lstm": layers.LSTM, "gru": layers.GRU, "rnn": layers.SimpleRNN}
INPUT_DROPOUT, HEAD_DROPOUT = 0.4, 0.4  # of the configuration's dropout, which is that between the layers
INPUT_SHAPES = {  # after (B, T); all int32, as in encoding.context
    "previous": (len(FIELDS),),  # the note before; in the first row of a piece the size of each field
    "note": (len(FIELDS),),  # the note itself, of which each head sees the fields before its own
    "place": (),
    "bar": (),
    "sounding": (None, 4),
    "unfollowed": (),
    "num_sounding": (),
    "leap": (),
    "recent": (len(RECENT), 12),
    "familiar": (),
    "recalled": (4,),
    "next_place": (),
    "next_bar": (),
    "last_pitch": (),
    "follows": (),
    "own_recent": (len(OWN_RECENT), 12),
}


def inputs(configuration: Configuration) -> dict[str, keras.KerasTensor]:
    """The network's inputs by name."""
    shapes = {**INPUT_SHAPES, "sounding": (configuration.slots, 4)}
    return {name: keras.Input((None, *shape), dtype="int32", name=name) for name, shape in shapes.items()}


def logits(given: dict[str, keras.KerasTensor], configuration: Configuration) -> dict[str, keras.KerasTensor]:
    """The logits of each active field, (B, T, V), given the inputs."""
    state = recurrent_stack(listen(given, configuration), configuration)
    return {NAMES[field]: head(field, state, given, configuration) for field in configuration.vocabulary.active}


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
    sounding = ops.tanh(
        layers.Embedding(len(vocabulary.parts) + 1, SOUNDING_UNITS, name="sounding_part")(part + 1)
        + layers.Embedding(NUM_PITCHES + 1, SOUNDING_UNITS, name="sounding_pitch")(pitch + 1)
        + layers.Embedding(span + 1, SOUNDING_UNITS, name="sounding_age")(ops.clip(age, 0, span))
        + layers.Embedding(span + 1, SOUNDING_UNITS, name="sounding_left")(ops.clip(left, 0, span))
    )  # (B, T, S, 64)
    vectors.append(ops.sum(sounding * real(part >= 0)[..., None], axis=2))
    shares = shares_of_classes(given["recent"])
    vectors += [shares[..., window, :] for window in range(len(RECENT))]
    return ops.concatenate(vectors, axis=-1)


def recurrent_stack(vectors, configuration: Configuration):
    """The state after each note before, (B, T, U)."""
    state = layers.SpatialDropout1D(configuration.dropout * INPUT_DROPOUT, name="input_dropout")(vectors)
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
    feature = layers.Dropout(configuration.dropout * HEAD_DROPOUT, name=f"{name}_dropout")(feature)
    total = layers.Dense(vocabulary.sizes[field], name=f"{name}_logits")(feature)
    for table, size in relative_logits(configuration).get(field, {}).items():
        relative = layers.Dense(size, use_bias=False, kernel_initializer="zeros", name=f"{name}_{table}")(feature)  # no noise at first
        total = total + relative_logit(field, table, relative, given, configuration)
    if field in ORDERED:
        total = total - UNLIKELY * real(out_of_order(field, given, configuration))
    return total

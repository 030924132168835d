"""A model's weights for a network with more words: what `train --from` begins with.

Conventions: the wider network gives every value that the model knows the logits that the model gives it. A new value begins like the nearest that the
model knows, half as likely; a new part like the most similar one; a field that the model lacks is not heard at first, and has a new head.
"""

import math
from dataclasses import replace

import numpy as np

from musicgen.encoding.tokens import PartToken
from musicgen.encoding.vocabulary import DURATION, FIELDS, NAMES, PART, PITCH, TIME_SHIFT, Vocabulary
from musicgen.model.configuration import EMBEDDING_UNITS, Configuration, weight_shapes
from musicgen.model.file import Model

HALF_AS_LIKELY = -math.log(2)


class InheritanceError(ValueError):
    """Model and corpus do not fit; the message says why."""


def widened(known: Vocabulary, own: Vocabulary) -> Vocabulary:
    """All that either can say. Raises InheritanceError where they are on different grids."""
    if known.steps_per_quarter != own.steps_per_quarter:
        raise InheritanceError(f"the model is on a grid of {known.steps_per_quarter} steps a quarter note: give --grid {known.steps_per_quarter}")
    parts = tuple(sorted({*known.parts, *own.parts}))
    names, pitches, at_once = [], [], []
    for token in parts:
        both = [(one, one.parts.index(token)) for one in (known, own) if token in one.parts]
        played = {pitch for one, part in both for pitch in one.pitches[part]}
        names.append(both[0][0].part_names[both[0][1]])
        pitches.append(tuple(sorted(played) if token.is_drum else range(min(played), max(played) + 1)))
        at_once.append(max(one.most_at_once[part] for one, part in both))
    values = [tuple(sorted({*known.values[field], *own.values[field]})) for field in range(len(FIELDS))]
    values[PART] = tuple(range(len(parts)))
    values[PITCH] = tuple(range(values[PITCH][0], values[PITCH][-1] + 1))
    return Vocabulary(known.steps_per_quarter, parts, tuple(names), tuple(pitches), tuple(at_once), tuple(values))


def configuration_from(model: Model, vocabulary: Vocabulary, slots: int, dropout: float) -> Configuration:
    """The model's network for another vocabulary."""
    return replace(model.configuration, vocabulary=vocabulary, slots=slots, dropout=dropout)


def inherited(model: Model, configuration: Configuration) -> dict[str, np.ndarray]:
    """The weights that the network of this configuration, which `configuration_from` made, begins with; those of new fields are not among them."""
    known, words = model.configuration.vocabulary, configuration.vocabulary
    nearest = [_nearest(field, known, words) for field in range(len(FIELDS))]
    weights = {}
    for name, shape in weight_shapes(configuration).items():
        layer, variable = name.split("/")
        if name not in model.weights:
            continue
        array = model.weights[name]
        field = next((field for field, own in enumerate(NAMES) if layer.startswith(f"{own}_")), 0)
        role = layer.removeprefix(f"{NAMES[field]}_")
        if role == "logits":
            array = np.take(array, nearest[field], axis=-1)
            if variable == "bias":
                array = array + np.where(_is_new(field, known, words), np.float32(HALF_AS_LIKELY), np.float32(0))
        elif role.startswith("given_"):
            array = array[nearest[NAMES.index(role.removeprefix("given_"))]]
        elif layer.startswith("previous_"):
            field = NAMES.index(layer.removeprefix("previous_"))
            array = array[np.append(nearest[field], known.sizes[field])]  # and what stands before the first note
        elif layer == "sounding_part":
            array = array[np.append(0, nearest[PART] + 1)]  # nobody comes first
        elif name == "recurrent_0/kernel":
            array = _kernel(array, known, words)
        assert array.shape == shape, name
        weights[name] = np.array(array, np.float32)
    return weights


def news(known: Vocabulary, words: Vocabulary) -> str:
    """What a wider vocabulary has that the model lacks, in words; nothing where it has nothing."""
    named = zip(words.part_names, words.parts, strict=True)
    parts = [name or f"{'kit' if token.is_drum else 'program'} {token.program}" for name, token in named if token not in known.parts]
    said = [f"{'part' if len(parts) == 1 else 'parts'} {', '.join(parts)}"] if parts else []
    for field, what in ((TIME_SHIFT, "time shift"), (PITCH, "pitch"), (DURATION, "duration"), (len(FIELDS) - 1, "loudness")):
        if number := len({*words.values[field]} - {*known.values[field]}):
            said.append(f"{number} {what}{'' if number == 1 else 'es' if what.endswith(('h', 's')) else 's'}")
    return ", ".join(said)


def _nearest(field: int, known: Vocabulary, words: Vocabulary) -> np.ndarray:
    """For each id of a field the model's id of the same value, or of the nearest."""
    if field == PART:
        return np.array([_most_similar(token, known.parts) for token in words.parts])
    values = np.array(words.values[field])
    if field == PITCH:
        low, high = known.values[PITCH][0], known.values[PITCH][-1]
        values = values + 12 * (-(-np.maximum(low - values, 0) // 12)) - 12 * (-(-np.maximum(values - high, 0) // 12))
    ids = known.nearest(field, values)
    return np.append(ids, len(known.values[field])) if field in (TIME_SHIFT, DURATION) else ids


def _is_new(field: int, known: Vocabulary, words: Vocabulary) -> np.ndarray:
    """For each id of a field whether the model lacks it."""
    if field == PART:
        return np.array([token not in known.parts for token in words.parts])
    found = np.isin(words.values[field], known.values[field], invert=True)
    return np.append(found, False) if field in (TIME_SHIFT, DURATION) else found


def _most_similar(token: PartToken, parts: tuple[PartToken, ...]) -> int:
    """The part that is the same, or else of the same kind, instrument, family, and nearest in rank and program."""

    def distance(index: int) -> tuple:
        own = parts[index]
        far = own.program != token.program, own.program // 8 != token.program // 8
        return own != token, own.is_drum != token.is_drum, *far, abs(own.rank - token.rank), abs(own.program - token.program), index

    return min(range(len(parts)), key=distance)


def _kernel(kernel: np.ndarray, known: Vocabulary, words: Vocabulary) -> np.ndarray:
    """The first layer's kernel, with rows of zeros for the fields that the model does not hear."""
    blocks, row = [], 0
    for field in words.active:
        units = EMBEDDING_UNITS[NAMES[field]]
        if field in known.active:
            blocks.append(kernel[row : row + units])
            row += units
        else:
            blocks.append(np.zeros((units, kernel.shape[1]), np.float32))
    return np.concatenate([*blocks, kernel[row:]])

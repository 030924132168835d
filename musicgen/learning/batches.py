"""Encoded pieces -> batches: windows of whole notes, transposed at random, padded to one length.

Conventions: every row of every piece is in exactly one window of an epoch. The order, the cuts and the transpositions of an epoch follow from
the random seed and the epoch's number alone. A padded row has weight 0.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from musicgen.encoding.context import BLANK, NOTHING, Context, context_of
from musicgen.encoding.tokens import TokenSequence
from musicgen.encoding.vocabulary import FIELDS, PART, PITCH, TIME_SHIFT, Vocabulary
from musicgen.model.relative import Relative

FARTHEST_TRANSPOSITION = 6  # semitones
LENGTH_UNIT = 32  # notes; windows are padded to a multiple of it
COMPARED = ("next_bar", "last_pitch", "follows", "own_recent")  # what the network is told by comparisons alone


class Example(NamedTuple):
    """A piece as the network sees it."""

    ids: np.ndarray  # (N + 1, 5)
    context: Context  # (N + 1, ...)
    lowest: int  # transpositions in semitones that keep every part in its range
    highest: int

    def wide(self) -> "Example":
        """The same to calculate with: numbers that were kept narrow could overflow."""
        return self._replace(ids=self.ids.astype(np.int32), context=Context(*(values.astype(np.int32) for values in self.context)))


class Window(NamedTuple):
    """Rows start <= row < end of an example, transposed."""

    example: int
    start: int
    end: int
    semitones: int


def example_of(sequence: TokenSequence, vocabulary: Vocabulary, slots: int) -> Example:
    """A piece, ready for batches."""
    ids = vocabulary.ids(sequence)
    lowest, highest = -FARTHEST_TRANSPOSITION, FARTHEST_TRANSPOSITION
    for part, (token, (low, high)) in enumerate(zip(vocabulary.parts, vocabulary.ranges, strict=True)):
        pitches = np.array(vocabulary.values[PITCH])[ids[:-1][ids[:-1, PART] == part, PITCH]]
        if len(pitches) and not token.is_drum:
            lowest, highest = max(lowest, low - int(pitches.min())), min(highest, high - int(pitches.max()))
    return Example(ids, context_of(ids, sequence.header.meters, vocabulary, slots), min(lowest, 0), max(highest, 0))


def windows_of_epoch(examples: Sequence[Example], length: int, random_seed: int, epoch: int) -> tuple[list[Window], np.random.Generator]:
    """The windows of one epoch, each at most `length` rows, cut at random places."""
    random = np.random.default_rng((random_seed, epoch))
    windows = []
    for number, example in enumerate(examples):
        rows = len(example.ids)
        first = int(random.integers(1, length + 1)) if rows > length else rows
        for start, end in zip((0, *range(first, rows, length)), (*range(first, rows, length), rows), strict=True):
            windows.append(Window(number, start, end, int(random.integers(example.lowest, example.highest + 1))))
    return windows, random


class Plan(NamedTuple):
    """A batch before it is made: `batch_of` says what the fields are."""

    windows: list[Window]
    size: int
    length: int


def plans_of_epoch(examples: Sequence[Example], rows: int, length: int, random_seed: int, epoch: int) -> list[Plan]:
    """The batches of an epoch, each of about `rows` rows, padding included."""
    windows, random = windows_of_epoch(examples, length, random_seed, epoch)
    groups: dict[int, list[Window]] = {}
    for index in random.permutation(len(windows)):
        padded = -(-(windows[index].end - windows[index].start) // LENGTH_UNIT) * LENGTH_UNIT
        groups.setdefault(padded, []).append(windows[index])
    plans = []
    for padded, group in sorted(groups.items()):
        size = max(1, rows // padded)
        plans += [Plan(group[start : start + size], size, padded) for start in range(0, len(group), size)]
    return [plans[index] for index in random.permutation(len(plans))]


def batches_of_epoch(
    examples: Sequence[Example], relative: Relative, rows: int, length: int, random_seed: int, epoch: int, first: int = 0
) -> Iterator[tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]]:
    """Inputs, targets (B, T, 5) and weights (B, T, 5) of an epoch, from the batch number `first` on."""
    for windows, size, padded in plans_of_epoch(examples, rows, length, random_seed, epoch)[first:]:
        yield batch_of(examples, windows, relative, size, padded)


def batch_of(
    examples: Sequence[Example], windows: list[Window], relative: Relative, size: int, length: int
) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:
    """One batch of `size` windows of `length` rows, the missing ones padded."""
    vocabulary = relative.vocabulary
    inputs = {name: np.zeros((size, length, len(FIELDS)), np.int32) for name in ("previous", "note")}
    for name, values in examples[windows[0].example].context._asdict().items():
        inputs[name] = np.full((size, length, *values.shape[1:]), BLANK.get(name, 0), np.int32)
    weights = np.zeros((size, length, len(FIELDS)), np.float32)
    for row, window in enumerate(windows):
        example = examples[window.example]
        count = window.end - window.start
        rows = slice(window.start, window.end)
        inputs["note"][row, :count] = example.ids[rows]
        inputs["previous"][row, :count] = previous_of(example.ids, vocabulary)[rows]
        for name, values in example.context._asdict().items():
            inputs[name][row, :count] = values[rows]
        weights[row, :count] = field_weights(example.ids[rows], vocabulary)
        if window.semitones:
            _transpose({name: values[row, :count] for name, values in inputs.items()}, vocabulary, window.semitones)
    flat = {name: values.reshape(size * length, *values.shape[2:]) for name, values in inputs.items()}
    compared = relative.inputs(flat["note"], Context(*(flat[name] for name in Context._fields)))
    heard = {name: values for name, values in inputs.items() if name not in COMPARED}
    told = heard | {name: keys.reshape(size, length, *keys.shape[1:]) for name, keys in compared.items()}
    return told, inputs["note"], weights


def previous_of(ids: np.ndarray, vocabulary: Vocabulary) -> np.ndarray:
    """(N, 5) the note before each; before the first, the value beyond each field's last."""
    return np.concatenate((np.array([vocabulary.sizes], np.int32), ids[:-1]))


def field_weights(ids: np.ndarray, vocabulary: Vocabulary) -> np.ndarray:
    """(N, 5) 1 where a field says something: at the end of a piece only the fields up to time_shift do."""
    weights = np.ones(ids.shape, np.float32)
    weights[ids[:, TIME_SHIFT] == vocabulary.end, TIME_SHIFT + 1 :] = 0
    return weights


def _transpose(inputs: dict[str, np.ndarray], vocabulary: Vocabulary, semitones: int) -> None:
    """Move all pitches of one window but those of drums, in place."""
    melodic = np.array([not token.is_drum for token in vocabulary.parts] + [False])  # the last: nobody
    for name in ("previous", "note"):
        values = inputs[name]
        pitched = melodic[np.minimum(values[:, PART], len(melodic) - 1)] & (values[:, TIME_SHIFT] != vocabulary.end)
        values[:, PITCH] += semitones * pitched
    recalled = inputs["recalled"]
    recalled[:, 2] += semitones * (melodic[recalled[:, 1]] & (recalled[:, 2] != NOTHING))
    sounding = inputs["sounding"]
    sounding[..., 1] += semitones * melodic[sounding[..., 0]]
    for name in ("last_pitch", "follows"):
        inputs[name] += semitones * (melodic[inputs["note"][:, PART]] & (inputs[name] != NOTHING))
    for name in ("recent", "own_recent"):
        inputs[name][:] = np.roll(inputs[name], semitones, axis=-1)

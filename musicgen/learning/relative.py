"""The relative logits in Keras: which entry of its table each value takes, by what sounds and where in the bar it stands.

Conventions: as in `network`; an index (B, T, S, V) picks from the logits by difference of one table, the weight is 0 where there is nothing to
be relative to. `model/relative.py` says the same in NumPy; a test holds the two equal.
"""

import numpy as np
from keras import layers, ops

from musicgen.encoding.context import OWN_RECENT, RECENT
from musicgen.encoding.vocabulary import DURATION, NAMES, PART, PITCH, TIME_SHIFT
from musicgen.model.configuration import WIDEST_INTERVAL, Configuration


def relative_logit(field: int, table: str, by_difference, given, configuration: Configuration):
    """The logits (B, T, V) of a field by one of its tables, given the logits by difference (B, T, R)."""
    if table == "by_recent":
        return pitch_by_recent(by_difference, given, configuration)
    index, weight = TABLES[field, table](given, configuration)
    return Gathered(name=f"{NAMES[field]}_{table}_gathered")(by_difference, index, weight)


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


def shares_of_classes(counts):
    """How frequent each pitch class is among the latest notes, (B, T, W, 12), 1 where all are equally so."""
    counts = ops.cast(counts, "float32")
    return 12 * counts / ops.maximum(ops.sum(counts, axis=-1, keepdims=True), 1)


def out_of_order(field: int, given, configuration: Configuration):
    """What can't stand after the note before, (B, T, V) bool: the order is (onset, part, pitch), and what is held must end before the piece does."""
    alone = np.array(configuration.vocabulary.most_at_once) == 1
    latest = given["sounding"][..., 0, :]
    part, pitch = latest[..., 0:1], latest[..., 1:2]  # (B, T, 1)
    at_once = ops.logical_and(part >= 0, ops.equal(shift_of(given, configuration)[..., 0], 0))
    if field == TIME_SHIFT:
        full = ops.logical_and(ops.equal(part, len(alone) - 1), bool(alone[-1]))
        held = ops.any(ops.logical_and(given["sounding"][..., 0] >= 0, ops.equal(given["sounding"][..., 3], 0)), axis=-1, keepdims=True)
        ends = np.arange(configuration.vocabulary.end + 1) == configuration.vocabulary.end
        begins_now = np.logical_and(values_of(TIME_SHIFT, configuration) == 0, ~ends)
        return ops.logical_or(ops.logical_and(full, begins_now), ops.logical_and(held, ends))
    if field == PART:
        parts = np.arange(len(alone))
        earlier = ops.logical_or(ops.less(parts, part), ops.logical_and(ops.equal(parts, part), alone))
        return ops.logical_and(at_once, earlier)
    same = ops.logical_and(at_once, ops.equal(given["note"][..., PART, None], part))
    return ops.logical_and(same, ops.less_equal(values_of(PITCH, configuration), pitch))


def time_shift_by_place(given, configuration: Configuration):
    """The place in the bar that it leads to; the end of the piece has no such logit."""
    place, bar = given["place"][..., None, None], given["bar"][..., None, None]  # (B, T, 1, 1)
    index = ops.mod(ops.add(place, values_of(TIME_SHIFT, configuration)), bar)
    return ops.minimum(index, configuration.span - 1), real(goes_on(bar > 0, configuration))


def time_shift_by_sounding(given, configuration: Configuration):
    """How old each held note then is, or how much later than the end of each other note, of the parts that may begin one then."""
    shifts, ages = values_of(TIME_SHIFT, configuration), configuration.span + 1
    part, age, left = (given["sounding"][..., column, None] for column in (0, 2, 3))  # (B, T, S, 1)
    later = ages + difference(shifts, left, configuration.span)
    may_begin = ops.logical_or(part >= given["sounding"][..., 0:1, 0:1], shifts > 0)  # at once, only the parts from the latest on
    weight = real(goes_on(ops.logical_and(part >= 0, may_begin), configuration))
    return ops.where(left > 0, later, ops.minimum(ops.add(age, shifts), ages - 1)), weight


def goes_on(condition, configuration: Configuration):
    """The condition, and that the piece does not end, (..., V)."""
    vocabulary = configuration.vocabulary
    return ops.logical_and(condition, np.arange(vocabulary.end + 1) < vocabulary.end)


def part_by_age(given, configuration: Configuration):
    """How old each part's sounding notes are."""
    part, age = given["sounding"][..., 0:1], age_at_onset(given, configuration)  # (B, T, S, 1)
    own = ops.equal(part, np.arange(len(configuration.vocabulary.parts)))  # (B, T, S, V)
    return ops.where(own, ops.clip(age, 0, configuration.span), 0), real(own)


def pitch_by_interval(given, configuration: Configuration):
    """Semitones above what the same part played last."""
    return interval_to(given["last_pitch"], configuration)


def pitch_by_followed(given, configuration: Configuration):
    """Semitones above the note that it follows."""
    return interval_to(given["follows"], configuration)


def interval_to(pitch, configuration: Configuration):
    """Semitones above one pitch, (B, T), where there is one."""
    pitch = pitch[..., None, None]  # (B, T, 1, 1)
    return difference(values_of(PITCH, configuration), pitch, WIDEST_INTERVAL), real(pitch >= 0)


def pitch_by_sounding(given, configuration: Configuration):
    """Semitones above each note that sounds, or did until then, by its state; drums and pitches do not compare."""
    part, pitch = given["sounding"][..., 0:1], given["sounding"][..., 1:2]  # (B, T, S, 1)
    own, left, age = given["note"][..., PART], left_at_onset(given, configuration), age_at_onset(given, configuration)
    held = ops.equal(given["sounding"][..., 3:4], 0)
    ended = ops.where(held, ops.equal(part, own[..., None, None]), left <= 0)
    state = ops.where(ops.equal(age, 0), 0, ops.where(ended, 2, 1))  # as in STATES
    weight = real(part >= 0)
    is_drum = np.array([token.is_drum for token in configuration.vocabulary.parts], np.int32)
    if is_drum.any():
        weight = weight * real(ops.equal(ops.take(is_drum, ops.maximum(part, 0)), ops.take(is_drum, own)[..., None, None]))
    interval = difference(values_of(PITCH, configuration), pitch, WIDEST_INTERVAL)
    return state * (2 * WIDEST_INTERVAL + 1) + interval, weight


def pitch_by_recent(relative, given, configuration: Configuration):
    """Semitones, octaves aside, above the pitch classes of the latest notes, by how frequent they are; (B, T, V)."""
    above = np.arange(12)[:, None, None]  # of the pitch class that is chosen
    index = 12 * np.arange(len(RECENT) + len(OWN_RECENT))[:, None] + (above - np.arange(12)) % 12  # (12, W, 12)
    shares = shares_of_classes(ops.concatenate((given["recent"], given["own_recent"]), axis=-2))
    by_class = ops.sum(ops.take(relative, index, axis=-1) * shares[:, :, None], axis=(-2, -1))  # (B, T, 12)
    melodic = np.array([not token.is_drum for token in configuration.vocabulary.parts], np.float32)
    return ops.take(by_class, values_of(PITCH, configuration) % 12, axis=-1) * ops.take(melodic, given["note"][..., PART])[..., None]


def duration_by_place(given, configuration: Configuration):
    """The place in the bar where the note would end."""
    place, bar = given["next_place"][..., None, None], given["next_bar"][..., None, None]  # (B, T, 1, 1)
    index = ops.mod(ops.add(place, values_of(DURATION, configuration)), bar)
    return ops.minimum(index, configuration.span - 1), real(has_end(bar > 0, configuration))


def duration_by_left(given, configuration: Configuration):
    """How much longer than each note that sounds and has an end."""
    left = left_at_onset(given, configuration)
    ends = ops.logical_and(given["sounding"][..., 3:4] > 0, left > 0)
    return difference(values_of(DURATION, configuration), left, configuration.span), real(has_end(ends, configuration))


def has_end(condition, configuration: Configuration):
    """The condition, and that the note is not held, (..., V)."""
    vocabulary = configuration.vocabulary
    return ops.logical_and(condition, np.arange(vocabulary.held + 1) < vocabulary.held)


def by_recall(field: int):
    """Whether a value is the recalled one, by how familiar what came before is, and whether the note has been the recalled one so far."""

    def table(given, configuration: Configuration):
        recalled, agrees = given["recalled"], given["familiar"] > 0
        for column in range(field):
            said = ops.take(values_of(column, configuration), given["note"][..., column])
            agrees = ops.logical_and(agrees, ops.equal(said, recalled[..., column]))
        values = values_of(field, configuration)
        is_recalled = ops.logical_and(ops.equal(recalled[..., field, None], values), (given["familiar"] > 0)[..., None])  # (B, T, V)
        if field == TIME_SHIFT:
            is_recalled = goes_on(is_recalled, configuration)
        index = 2 * given["familiar"] + ops.cast(agrees, "int32")
        return ops.where(is_recalled, index[..., None], 0)[..., None, :], real(is_recalled)[..., None, :]

    return table


def left_at_onset(given, configuration: Configuration):
    """Steps that each sounding note still sounds at this note's onset, (B, T, S, 1); 0 or less where it no longer does."""
    return given["sounding"][..., 3:4] - shift_of(given, configuration)


def age_at_onset(given, configuration: Configuration):
    """Steps that each sounding note has sounded at this note's onset, (B, T, S, 1)."""
    return given["sounding"][..., 2:3] + shift_of(given, configuration)


def shift_of(given, configuration: Configuration):
    """Steps to this note's onset, (B, T, 1, 1)."""
    return ops.take(values_of(TIME_SHIFT, configuration), given["note"][..., TIME_SHIFT])[..., None, None]


def difference(values, others, widest: int):
    """values - others as indices, the wide ones together."""
    return ops.clip(ops.subtract(values, others), -widest, widest) + widest


def values_of(field: int, configuration: Configuration) -> np.ndarray:
    """The values of a field's ids; for those beyond the values 0."""
    vocabulary = configuration.vocabulary
    return np.array((*vocabulary.values[field], 0)[: vocabulary.sizes[field]], np.int32)


def real(condition):
    return ops.cast(condition, "float32")


TABLES = {
    **{(field, "by_recall"): by_recall(field) for field in (TIME_SHIFT, PART, PITCH, DURATION)},
    (TIME_SHIFT, "by_place"): time_shift_by_place,
    (TIME_SHIFT, "by_sounding"): time_shift_by_sounding,
    (PART, "by_age"): part_by_age,
    (PITCH, "by_interval"): pitch_by_interval,
    (PITCH, "by_followed"): pitch_by_followed,
    (PITCH, "by_sounding"): pitch_by_sounding,
    (DURATION, "by_place"): duration_by_place,
    (DURATION, "by_left"): duration_by_left,
}

"""Batches: every row of every piece once an epoch, padding that counts for nothing, and transpositions that are true."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import pieces
from tiny import bands, chorales, tunes

from musicgen.encoding.context import context_of
from musicgen.encoding.tokens import encode
from musicgen.encoding.vocabulary import PART, PITCH, TIME_SHIFT, Vocabulary
from musicgen.learning.batches import (
    COMPARED,
    LENGTH_UNIT,
    Window,
    batch_of,
    batches_of_epoch,
    example_of,
    field_weights,
    previous_of,
    windows_of_epoch,
)
from musicgen.model.configuration import Configuration
from musicgen.model.relative import Relative

CORPORA = {"tunes": tunes, "chorales": chorales, "bands": bands}
SLOTS = 6


def examples_of(corpus) -> tuple[list, Relative]:
    sequences = [encode(piece) for piece in corpus]
    vocabulary = Vocabulary.of(sequences)
    return [example_of(sequence, vocabulary, SLOTS) for sequence in sequences], Relative(Configuration(vocabulary, slots=SLOTS))


@pytest.mark.parametrize("corpus", CORPORA)
@pytest.mark.parametrize("length", [1, 7, 64, 10_000])
def test_windows_cover_each_row_of_each_piece_exactly_once(corpus, length):
    examples, _ = examples_of(CORPORA[corpus]())
    for epoch in range(3):
        windows, _ = windows_of_epoch(examples, length, 5, epoch)
        covered = [np.zeros(len(example.ids), int) for example in examples]
        for window in windows:
            assert 0 <= window.start < window.end <= len(covered[window.example])  # so no window crosses pieces
            assert window.end - window.start <= length
            covered[window.example][window.start : window.end] += 1
        assert all((times == 1).all() for times in covered)


def test_windows_are_cut_elsewhere_in_another_epoch():
    examples, _ = examples_of(chorales())
    cuts = {tuple(window.start for window in windows_of_epoch(examples, 32, 5, epoch)[0]) for epoch in range(8)}

    assert len(cuts) == 8


@pytest.mark.parametrize("corpus", CORPORA)
def test_an_epoch_shows_every_row_and_says_which_ones_are_padding(corpus):
    examples, relative = examples_of(CORPORA[corpus]())
    batches = list(batches_of_epoch(examples, relative, 4 * LENGTH_UNIT, 40, 1, 2))

    rows = sum(len(example.ids) for example in examples)
    assert sum(int((weights[..., TIME_SHIFT] > 0).sum()) for _, _, weights in batches) == rows
    assert sum(float(weights[..., PITCH].sum()) for _, _, weights in batches) == sum(piece.num_notes for piece in CORPORA[corpus]())
    for inputs, targets, weights in batches:
        shape = targets.shape[:2]
        assert shape[1] % LENGTH_UNIT == 0
        assert shape[0] * shape[1] <= 4 * LENGTH_UNIT
        assert all(array.shape[:2] == shape for array in (*inputs.values(), weights))
        assert {array.dtype for array in inputs.values()} == {np.dtype(np.int32)}
        assert set(np.unique(weights)) <= {0.0, 1.0}
        # padding stands behind what is said
        assert (np.diff(weights[..., TIME_SHIFT], axis=1) <= 0).all()


def test_the_same_random_seed_and_epoch_give_the_same_batches():
    examples, relative = examples_of(bands())

    def epoch(random_seed: int, number: int) -> list[np.ndarray]:
        batches = batches_of_epoch(examples, relative, 256, 50, random_seed, number)
        return [array for inputs, targets, weights in batches for array in (*inputs.values(), targets, weights)]

    def are_equal(one: list[np.ndarray], other: list[np.ndarray]) -> bool:
        return len(one) == len(other) and all(np.array_equal(first, second) for first, second in zip(one, other, strict=True))

    assert are_equal(epoch(1, 4), epoch(1, 4))
    assert not are_equal(epoch(1, 4), epoch(1, 5))
    assert not are_equal(epoch(1, 4), epoch(2, 4))


def test_a_row_sees_the_note_before_it_also_across_windows():
    examples, relative = examples_of(tunes())
    ids = examples[0].ids
    inputs, targets, weights = batch_of(examples, [Window(0, 0, 5, 0), Window(0, 5, len(ids), 0)], relative, 3, 64)

    assert inputs["previous"][0, 0].tolist() == list(relative.vocabulary.sizes)
    np.testing.assert_array_equal(inputs["previous"][1, 0], ids[4])
    np.testing.assert_array_equal(inputs["previous"][1, 1 : len(ids) - 5], ids[5:-1])
    np.testing.assert_array_equal(targets[1, : len(ids) - 5], ids[5:])
    assert weights[1, len(ids) - 6].tolist() == [1, 0, 0, 0, 0]  # the end has no pitch
    assert (weights[0, 5:] == 0).all()
    assert (weights[2] == 0).all()  # a window that is not there
    np.testing.assert_array_equal(previous_of(ids, relative.vocabulary)[1:], ids[:-1])
    assert field_weights(ids, relative.vocabulary).sum() == 5 * len(ids) - 4


def assert_transposed(piece, example, relative: Relative, semitones: int) -> None:
    """A transposed window equals the window of the transposed piece."""
    moved, vocabulary = piece.transposed(semitones), relative.vocabulary
    ids = vocabulary.ids(encode(moved))
    context = context_of(ids, moved.meters, vocabulary, SLOTS)
    rows = len(ids)
    inputs, targets, _ = batch_of([example], [Window(0, 0, rows, semitones)], relative, 1, rows)

    np.testing.assert_array_equal(targets[0], ids)
    np.testing.assert_array_equal(inputs["previous"][0], previous_of(ids, vocabulary))
    expected = {**context._asdict(), **relative.inputs(ids, context)}
    assert set(expected) - set(COMPARED) == set(inputs) - {"previous", "note"}
    for name in set(expected) - set(COMPARED):
        np.testing.assert_array_equal(inputs[name][0], expected[name], err_msg=name)


@pytest.mark.parametrize("corpus", CORPORA)
def test_a_transposed_window_is_the_window_of_the_transposed_piece(corpus):
    examples, relative = examples_of(CORPORA[corpus]())
    moved = 0
    for piece, example in zip(CORPORA[corpus](), examples, strict=True):
        for semitones in range(example.lowest, example.highest + 1):
            assert_transposed(piece, example, relative, semitones)
            moved += semitones != 0
    assert moved


@given(st.lists(pieces(grids=(12,), max_parts=4, max_notes=6), min_size=1, max_size=3))
@settings(max_examples=25, deadline=None)
def test_so_it_is_with_any_music(corpus):
    examples, relative = examples_of(corpus)
    for piece, example in zip(corpus, examples, strict=True):
        for semitones in {example.lowest, example.highest}:
            assert_transposed(piece, example, relative, semitones)


@pytest.mark.parametrize("corpus", CORPORA)
def test_transpositions_stay_within_the_range_of_each_part_and_go_as_far_as_it_lets_them(corpus):
    examples, relative = examples_of(CORPORA[corpus]())
    for example in examples:
        assert -6 <= example.lowest <= 0 <= example.highest <= 6
        room_below, room_above = [6], [6]
        for part, (low, high) in enumerate(relative.vocabulary.ranges):
            pitches = relative.vocabulary.steps(PITCH, example.ids[:-1][example.ids[:-1, PART] == part, PITCH])
            if not relative.vocabulary.parts[part].is_drum:
                room_below.append(int(pitches.min()) - low)
                room_above.append(high - int(pitches.max()))
        assert (example.lowest, example.highest) == (-min(room_below), min(room_above))


def test_drums_are_never_transposed():
    piece = bands()[0]
    examples, relative = examples_of((piece, piece.transposed(3)))
    ids = examples[0].ids
    inputs, _, _ = batch_of(examples, [Window(0, 0, len(ids), 3)], relative, 1, len(ids))
    is_note = ids[:, TIME_SHIFT] != relative.vocabulary.end
    is_drum = np.array([token.is_drum for token in relative.vocabulary.parts])[ids[:, PART]] & is_note

    assert (examples[0].lowest, examples[0].highest) == (0, 3)
    assert 0 < is_drum.sum() < is_note.sum()
    np.testing.assert_array_equal(inputs["note"][0, :, PITCH] - ids[:, PITCH], np.where(is_drum | ~is_note, 0, 3))

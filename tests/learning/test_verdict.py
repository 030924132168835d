"""The verdict on a training, of histories that are made up."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musicgen.learning.verdict import LEAST_COPY, Copying, verdicts


def rows(training, held_out) -> list[dict]:
    return [{"epoch": epoch, "training": one, "held_out": other} for epoch, (one, other) in enumerate(zip(training, held_out, strict=True), 1)]


EPOCHS = np.arange(20)
FALLING = 1 + 3 * 0.8**EPOCHS  # to 1.04


@pytest.mark.parametrize(
    ("training", "held_out", "name", "figure"),
    [
        (FALLING[:3], FALLING[:3], "too early", "3 times"),
        (FALLING, np.full(20, 4.0), "not learning", "4.000"),
        (FALLING, 4 + 0.1 * EPOCHS, "not learning", "epoch 1"),
        (5 - 0.1 * EPOCHS, 5 - 0.1 * EPOCHS, "still improving", "3.100"),
        (FALLING, 1 + 3 * 0.5**EPOCHS, "done", "1.000"),
        (3 - 0.05 * EPOCHS, 2 + 0.01 * (EPOCHS - 14) ** 2, "overfitting since epoch 15", "2.250"),
        (3 - 0.1 * EPOCHS, 2 + 0.01 * (EPOCHS - 5) ** 2, "corpus too small", "epoch 6"),
        (3 + 0.1 * EPOCHS, 2 + 0.01 * (EPOCHS - 10) ** 2, "done", "epoch 11"),
    ],
)
def test_the_verdict_on_a_curve(training, held_out, name, figure):
    (said,) = verdicts(rows(training, held_out))

    assert said.name == name
    assert figure in said.why
    assert said.advice


@pytest.mark.parametrize(("sample", "usual", "copies"), [(30, 14, True), (30, 40, False), (LEAST_COPY - 1, 2, False), (14, 14, False)])
def test_what_copies_more_than_held_out_pieces_do_is_said_to(sample, usual, copies):
    said = verdicts(rows(FALLING, FALLING), Copying(sample, usual, (12, 20)))

    assert [verdict.name for verdict in said[1:]] == ["copying"] * copies
    assert all(f"{sample} notes" in verdict.why for verdict in said[1:])


def test_weights_that_were_kept_before_the_copies_need_nothing():
    risen = rows(3 - 0.1 * EPOCHS, 2 + 0.01 * (EPOCHS - 5) ** 2)  # the best in epoch 6

    assert verdicts(risen, Copying(30, 6, (12, 20)))[1].advice == "nothing: the weights that are kept are earlier, of epoch 6"
    assert "fewer --epochs" in verdicts(risen, Copying(30, 6, (4, 20)))[1].advice


def test_epochs_that_were_not_judged_are_left_out():
    every = rows(FALLING, FALLING)
    sparse = [{**row, "held_out": row["held_out"] if row["epoch"] % 4 == 1 else None} for row in every]

    assert verdicts(sparse)[0].name == "still improving"
    assert verdicts([])[0].name == "too early"


@given(st.lists(st.tuples(st.floats(0, 50), st.none() | st.floats(0, 50)), max_size=30))
@settings(max_examples=50)
def test_there_is_always_one_verdict_with_its_reason(figures):
    (said,) = verdicts(rows(*zip(*figures, strict=True)) if figures else [])

    assert said.name
    assert said.why
    assert said.advice

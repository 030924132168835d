"""Laws of a choice: what is masked never comes, the rest sums to one, and the same numbers choose the same."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from musicgen.composing.sampling import probabilities, sample

ALMOST_ONE = np.nextafter(1, 0)
FAIR = np.log([[0.5, 0.25, 0.125, 0.125]])
ALL = np.ones((1, 4), bool)


@st.composite
def rows(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Logits (B, V) float32, and masks of which no row is empty."""
    shape = draw(st.tuples(st.integers(1, 4), st.integers(1, 12)))
    logits = draw(arrays.arrays(np.float32, shape, elements=st.floats(-60, 60, width=32) | st.sampled_from((0.0, 1.0, -1e30, 1e30))))
    allowed = draw(arrays.arrays(np.bool_, shape))
    allowed[np.arange(shape[0]), draw(arrays.arrays(np.int64, shape[0], elements=st.integers(0, shape[1] - 1)))] = True
    return logits, allowed


FILTERS = st.fixed_dictionaries(
    {},
    optional={
        "temperature": st.sampled_from((0.0, 1e-308, 0.5, 1.0, 10.0)) | st.floats(0, 10),
        "top_k": st.integers(0, 20),
        "top_p": st.floats(0, 1, exclude_min=True),
        "min_p": st.floats(0, 1),
    },
)


@given(rows(), FILTERS)
@settings(max_examples=100, deadline=None)
def test_masked_choices_have_no_probability_and_the_rest_sum_to_one(given_rows, filters):
    logits, allowed = given_rows
    chances = probabilities(logits, allowed, **filters)

    assert (chances[~allowed] == 0).all()
    assert (chances >= 0).all()
    np.testing.assert_allclose(chances.sum(axis=1), 1, rtol=1e-12)


@given(rows(), FILTERS)
@settings(max_examples=60, deadline=None)
def test_filters_keep_the_likeliest_and_what_they_keep_in_proportion(given_rows, filters):
    logits, allowed = given_rows
    plain = probabilities(logits, allowed, temperature=filters.get("temperature", 1.0))
    kept = probabilities(logits, allowed, **filters)

    for before, after in zip(plain, kept, strict=True):
        assert before[after > 0].min() >= before[after == 0].max(initial=0)
        np.testing.assert_allclose(after[after > 0], (before / before[after > 0].sum())[after > 0], rtol=1e-9)


@given(rows(), FILTERS, st.sampled_from((0.0, ALMOST_ONE)) | st.floats(0, 1, exclude_max=True))
@settings(max_examples=100, deadline=None)
def test_the_impossible_is_never_chosen(given_rows, filters, uniform):
    logits, allowed = given_rows
    choice = sample(logits, allowed, np.full(len(logits), uniform), **filters)

    chances = probabilities(logits, allowed, **filters)
    assert (chances[np.arange(len(logits)), choice] > 0).all()


@given(rows(), st.floats(0, 1, exclude_max=True))
@settings(max_examples=60, deadline=None)
def test_temperature_zero_is_the_likeliest_that_is_allowed(given_rows, uniform):
    logits, allowed = given_rows
    choice = sample(logits, allowed, np.full(len(logits), uniform), temperature=0)

    np.testing.assert_array_equal(choice, np.where(allowed, logits.astype(float), -np.inf).argmax(axis=1))


@given(rows(), FILTERS, st.integers(0, 1000))
@settings(max_examples=60, deadline=None)
def test_a_row_does_not_depend_on_its_neighbours(given_rows, filters, seed):
    logits, allowed = given_rows
    uniforms = np.random.default_rng(seed).random(len(logits))
    together = sample(logits, allowed, uniforms, **filters)
    alone = [sample(logits[row : row + 1], allowed[row : row + 1], uniforms[row : row + 1], **filters)[0] for row in range(len(logits))]

    np.testing.assert_array_equal(together, alone)


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, [0.5, 0.25, 0.125, 0.125]),
        ({"temperature": 0.5}, [16 / 22, 4 / 22, 1 / 22, 1 / 22]),  # squared
        ({"temperature": 0}, [1, 0, 0, 0]),
        ({"top_k": 1}, [1, 0, 0, 0]),
        ({"top_k": 2}, [2 / 3, 1 / 3, 0, 0]),
        ({"top_k": 3}, [4 / 7, 2 / 7, 1 / 7, 0]),  # of two equally likely ones the first
        ({"top_k": 9}, [0.5, 0.25, 0.125, 0.125]),
        ({"top_p": 0.4}, [1, 0, 0, 0]),
        ({"top_p": 0.6}, [2 / 3, 1 / 3, 0, 0]),
        ({"top_p": 0.8}, [4 / 7, 2 / 7, 1 / 7, 0]),  # the fewest
        ({"top_p": 1e-9}, [1, 0, 0, 0]),
        ({"min_p": 0.5}, [2 / 3, 1 / 3, 0, 0]),
        ({"min_p": 0.6}, [1, 0, 0, 0]),
        ({"min_p": 1}, [1, 0, 0, 0]),
        ({"top_k": 2, "top_p": 0.6}, [1, 0, 0, 0]),  # after top-k the first has two thirds already
    ],
)
def test_probabilities(filters, expected):
    np.testing.assert_allclose(probabilities(FAIR, ALL, **filters), [expected], atol=1e-12)


def test_a_mask_comes_before_every_filter():
    allowed = np.array([[False, True, True, True]])

    np.testing.assert_allclose(probabilities(FAIR, allowed), [[0, 0.5, 0.25, 0.25]])
    np.testing.assert_allclose(probabilities(FAIR, allowed, top_k=1), [[0, 1, 0, 0]])
    np.testing.assert_allclose(probabilities(FAIR, allowed, top_p=0.6), [[0, 2 / 3, 1 / 3, 0]])


@pytest.mark.parametrize(("uniform", "choice"), [(0, 0), (0.499, 0), (0.5, 1), (0.749, 1), (0.75, 2), (0.875, 3), (ALMOST_ONE, 3)])
def test_the_uniform_number_walks_along_the_cumulated_probabilities(uniform, choice):
    assert sample(np.log([[0.5, 0.25, 0.125, 0.125]]), ALL, np.array([uniform])).tolist() == [choice]


def test_choices_come_as_often_as_they_are_likely():
    many = 4000
    uniforms = np.random.default_rng(7).random(many)
    choices = sample(np.repeat(FAIR, many, axis=0), np.repeat(ALL, many, axis=0), uniforms)

    np.testing.assert_allclose(np.bincount(choices) / many, [0.5, 0.25, 0.125, 0.125], atol=0.025)  # three standard deviations

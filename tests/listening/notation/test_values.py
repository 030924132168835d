"""How time is divided into note values."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from musicgen.listening.notation.beams import beams
from musicgen.listening.notation.values import TYPES, bar_tree, stretches, value_of
from musicgen.piece import Meter

TICKS = 48  # a quarter note, four of them a step of a grid of twelve
METERS = ((4, 4), (3, 4), (6, 8), (7, 8), (5, 4), (12, 8), (9, 8), (2, 2), (3, 8), (13, 16), (255, 64))


def written(meter: tuple[int, int], *steps: int, rests: tuple[int, ...] = ()) -> list[str]:
    """The note values of notes that begin and end at these steps; "3(" stands before a triplet's, and notes that are tied are joined."""
    segments = [(4 * begin, 4 * end, number in rests) for number, (begin, end) in enumerate(pairwise(steps))]
    return [
        "~".join(f"{f'{one.tuplet.actual}(' if one.tuplet else ''}{TYPES[one.value.kind]}{'.' * one.value.dots}" for one in own)
        for own in stretches(bar_tree(*meter, TICKS), segments, TICKS)
    ]


@pytest.mark.parametrize(
    ("meter", "steps", "expected"),
    [
        ((4, 4), (0, 12, 48), ["quarter", "half."]),
        ((4, 4), (0, 6, 18, 30, 42, 48), ["eighth", "quarter", "eighth~eighth", "quarter", "eighth"]),  # the middle of a bar is seen
        ((4, 4), (0, 12, 36, 48), ["quarter", "half", "quarter"]),  # but for the plainest syncopation
        ((3, 4), (0, 6, 36), ["eighth", "eighth~half"]),
        ((3, 4), (0, 18, 36), ["quarter.", "quarter."]),
        ((6, 8), (0, 12, 24, 36), ["quarter", "eighth~eighth", "quarter"]),  # in two beats, not in three
        ((6, 8), (0, 36), ["half."]),
        ((7, 8), (0, 42), ["half~quarter."]),
        ((5, 4), (0, 60), ["half.~half"]),
        ((4, 4), (0, 4, 8, 12, 48), ["3(eighth", "3(eighth", "3(eighth", "half."]),
        ((4, 4), (0, 8, 16, 24, 48), ["3(quarter", "3(quarter", "3(quarter", "half"]),
        ((4, 4), (0, 2, 4, 8, 12, 48), ["3(16th", "3(16th", "3(eighth", "3(eighth", "half."]),
        ((4, 4), (0, 4, 9, 48), ["3(eighth", "3(16th~16th", "16th~quarter~half"]),  # a triplet is no longer than it need be
        ((4, 4), (0, 7), ["eighth~3(32nd"]),  # a bar that is cut off
    ],
)
def test_notes_are_divided_where_the_meter_asks_for_it(meter, steps, expected):
    assert written(meter, *steps) == expected


def test_rests_hide_no_beat():
    assert written((4, 4), 0, 12, 48, rests=(1,)) == ["quarter", "quarter~half"]
    assert written((3, 4), 0, 12, 36, rests=(1,)) == ["quarter", "quarter~quarter"]


@given(st.data())
def test_stretches_fill_what_they_stand_for_and_have_note_values(data):
    """On every grid, in every meter."""
    ticks, steps = data.draw(st.sampled_from(((48, 12), (48, 24), (480, 480), (16, 4), (80, 5), (112, 7), (16, 1), (48, 3))))
    numerator, denominator = data.draw(st.sampled_from([(n, d) for n, d in METERS if 4 * steps * n % d == 0]))
    step, last = ticks // steps, 4 * steps * numerator // denominator
    cuts = sorted(data.draw(st.sets(st.integers(1, last), min_size=1, max_size=9)))
    segments = [(begin * step, end * step, data.draw(st.booleans())) for begin, end in zip([0, *cuts], cuts, strict=False)]

    for (begin, end, _), own in zip(segments, stretches(bar_tree(numerator, denominator, ticks), segments, ticks), strict=True):
        assert [begin, *(one.end for one in own)] == [*(one.start for one in own), end]
        assert all(value_of(one.end - one.start, ticks, one.tuplet) == one.value for one in own)


@pytest.mark.parametrize(
    ("meter", "steps", "expected"),
    [
        ((4, 4), (0, 6, 12, 18, 24, 48), [("begin",), ("continue",), ("continue",), ("end",), ()]),
        ((4, 4), (0, 6, 12, 24, 30, 36, 48), [("begin",), ("end",), (), ("begin",), ("end",), ()]),
        ((6, 8), (0, 6, 12, 18, 24, 30, 36), [("begin",), ("continue",), ("end",)] * 2),
        ((4, 4), (0, 9, 12, 48), [("begin",), ("end", "backward hook"), ()]),
        ((4, 4), (0, 3, 6, 12, 48), [("begin", "begin"), ("continue", "end"), ("end",), ()]),
    ],
)
def test_beams_join_beats(meter, steps, expected):
    tree = bar_tree(*meter, TICKS)
    segments = [(4 * begin, 4 * end, False) for begin, end in pairwise(steps)]
    notes = [one for own in stretches(tree, segments, TICKS) for one in own]
    assert beams(tree, Meter(0, *meter), notes)[: len(expected)] == expected

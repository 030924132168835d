"""Encoding is a bijection, and the order of the parts in a file does not matter to it."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import pieces

from musicgen.encoding.tokens import COLUMNS, PartToken, decode, encode, held, part_tokens
from musicgen.piece import Key, Meter, Note, Part, Piece, Tempo


def melody(*pitches: int, program: int = 0, is_drum: bool = False) -> Part:
    return Part("", program, is_drum, tuple(Note(12 * index, pitch, 12) for index, pitch in enumerate(pitches)))


@given(pieces())
@settings(max_examples=60, deadline=None)
def test_a_piece_that_is_encoded_and_decoded_is_the_same(piece):
    assert decode(encode(piece)) == piece


@given(pieces(), st.randoms(use_true_random=False))
@settings(max_examples=40, deadline=None)
def test_the_order_of_the_parts_in_the_file_does_not_change_the_rows(piece, random):
    shuffled = replace(piece, parts=tuple(random.sample(piece.parts, len(piece.parts))))

    rows, other = encode(piece), encode(shuffled)
    assert rows.parts == other.parts
    np.testing.assert_array_equal(rows.notes, other.notes)


@given(pieces())
@settings(max_examples=40, deadline=None)
def test_rows_rise_by_onset_part_and_pitch(piece):
    sequence = encode(piece)
    _, part, pitch, duration, _ = sequence.notes.T
    rows = list(zip(sequence.onsets.tolist(), part.tolist(), pitch.tolist(), strict=True))

    assert rows == sorted(set(rows))
    assert sequence.notes.shape == (piece.num_notes, len(COLUMNS))
    assert (sequence.notes[:, 0] >= 0).all()
    assert (duration >= 1).all()
    assert list(sequence.parts) == sorted(set(sequence.parts))
    assert sequence.parts == tuple(part_tokens(piece.parts)[index] for index in sequence.indices)


def test_what_has_no_notes_comes_back_too():
    silent = Piece((Part("Tacet", 56), Part("Kit", 8, True)), (Meter(0, 3, 4), Meter(36, 4, 4)), (Tempo(0, 90.0),), (Key(0, -3, True),), 24)

    assert encode(silent).notes.shape == (0, 5)
    assert decode(encode(silent)) == silent
    assert decode(encode(Piece(()))) == Piece(())


def test_the_rows_of_a_small_piece():
    piece = Piece(
        (
            Part("Drums", 0, True, (Note(0, 36, 3, 25),)),
            Part("Violin", 40, False, (Note(12, 67, 24, 10), Note(36, 72, 12, 11))),
            Part("Piano", 0, False, (Note(0, 60, 12, 20), Note(0, 64, 12, 21))),
        )
    )
    sequence = encode(piece)

    assert sequence.parts == (PartToken(False, 0, 0), PartToken(False, 40, 0), PartToken(True, 0, 0))
    assert sequence.indices == (2, 1, 0)
    # time_shift, part, pitch, duration, velocity
    assert sequence.notes.tolist() == [[0, 0, 60, 12, 20], [0, 0, 64, 12, 21], [0, 2, 36, 3, 25], [12, 1, 67, 24, 10], [24, 1, 72, 12, 11]]
    assert sequence.onsets.tolist() == [0, 0, 0, 12, 36]


@pytest.mark.parametrize(
    ("parts", "ranks"),
    [
        ((melody(60), melody(72), melody(48)), [1, 0, 2]),
        ((melody(60), melody(72, program=40), melody(48)), [0, 0, 1]),
        ((melody(61, 61), melody(60, 62)), [1, 0]),  # one mean pitch: the notes decide, not the place in the file
        ((melody(60, 62), melody(61, 61)), [0, 1]),
        ((melody(60), melody(60)), [0, 1]),  # equal in all: as they come
        ((melody(36, is_drum=True), melody(60), melody(42, is_drum=True)), [1, 0, 0]),
        ((melody(), melody(60)), [1, 0]),
    ],
)
def test_parts_of_one_instrument_rank_from_high_to_low(parts, ranks):
    assert [token.rank for token in part_tokens(parts)] == ranks


@pytest.mark.parametrize(
    ("notes", "expected"),
    [
        ([(0, 0, 12), (12, 0, 12)], [True, False]),  # a line; what is last is not held
        ([(0, 0, 6), (12, 0, 12)], [False, False]),  # a rest between them
        ([(0, 0, 24), (12, 0, 12)], [False, False]),  # one over the other
        ([(0, 0, 12), (0, 0, 12), (12, 0, 6)], [True, True, False]),  # a chord
        ([(0, 0, 24), (0, 0, 12), (12, 0, 12), (24, 0, 1)], [False, True, True, False]),  # another note begins before the long one ends
        ([(0, 0, 12), (0, 1, 24), (12, 1, 12)], [False, False, False]),  # the other part's onsets do not matter
        ([], []),
    ],
)
def test_a_note_is_held_that_ends_where_its_part_next_begins_one(notes, expected):
    onset, part, duration = np.array(notes, int).reshape(-1, 3).T

    assert held(onset, part, duration).tolist() == expected

"""The rules that every piece keeps: none of them ever forbids what a piece says."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import pieces
from tiny import bands, chorales, tunes

from musicgen.encoding.context import RunningContext
from musicgen.encoding.grammar import Grammar, possible
from musicgen.encoding.tokens import encode
from musicgen.encoding.vocabulary import PART, PITCH, TIME_SHIFT, Vocabulary
from musicgen.piece import Note, Part, Piece


def masks_of(piece: Piece, vocabulary: Vocabulary, grammar: Grammar, repeats: bool = True):
    return possible(encode(piece), grammar, RunningContext(piece.meters, vocabulary, 8), repeats)


def assert_possible(piece: Piece, vocabulary: Vocabulary, grammar: Grammar, repeats: bool = True) -> None:
    ids = vocabulary.ids(encode(piece))
    masks = masks_of(piece, vocabulary, grammar, repeats)
    for field in (TIME_SHIFT, PART, PITCH):
        mask = masks[field]
        rows = ids[: len(mask), field]
        assert mask[np.arange(len(mask)), rows].all()
    assert len(masks[TIME_SHIFT]) == len(ids)
    assert len(masks[PITCH]) == len(ids) - 1


@given(pieces(), st.booleans())
@settings(max_examples=60, deadline=None)
def test_what_a_piece_says_is_possible(piece, as_the_corpus):
    vocabulary = Vocabulary.of([encode(piece)])
    assert_possible(piece, vocabulary, Grammar.of_corpus(vocabulary) if as_the_corpus else Grammar.of_all(vocabulary))


@pytest.mark.parametrize("corpus", [tunes, chorales, bands])
def test_so_it_is_with_the_vocabulary_of_a_corpus(corpus):
    vocabulary = Vocabulary.of(encode(piece) for piece in corpus())
    for piece in corpus():
        assert_possible(piece, vocabulary, Grammar.of_corpus(vocabulary))


@given(st.lists(st.lists(st.integers(60, 64), max_size=3, unique=True), min_size=1, max_size=12).filter(any))
@settings(max_examples=60, deadline=None)
def test_runs_are_possible_where_pitches_do_not_repeat(frames):
    notes, begun = [], {}
    for step, frame in enumerate([*frames, []]):
        for pitch in [pitch for pitch in begun if pitch not in frame]:
            notes.append(Note(begun[pitch], pitch, step - begun.pop(pitch)))
        for pitch in frame:
            begun.setdefault(pitch, step)
    piece = Piece((Part("", 0, False, tuple(sorted(notes))),), steps_per_quarter=1)
    vocabulary = Vocabulary.of([encode(piece)])

    assert_possible(piece, vocabulary, Grammar.of_all(vocabulary), repeats=False)


def test_what_could_have_stood_in_a_small_piece():
    melody = Part("", 0, False, (Note(0, 62, 1), Note(1, 61, 1), Note(1, 63, 2)))
    bass = Part("", 1, False, (Note(0, 60, 2), Note(3, 60, 1)))
    piece = Piece((melody, bass), steps_per_quarter=1)  # rows: 62, 60 in the bass, 61, 63, 60 in the bass
    vocabulary = Vocabulary.of([encode(piece)])
    assert vocabulary.values[TIME_SHIFT] == (0, 1, 2)

    def pitches(row: int, **how) -> list[int]:
        return [60 + place for place in np.flatnonzero(masks_of(piece, vocabulary, Grammar.of_all(vocabulary), **how)[PITCH][row]).tolist()]

    shifts, parts, *_ = masks_of(piece, vocabulary, Grammar.of_all(vocabulary))
    assert shifts[0].tolist() == [True, True, True, True]  # nothing yet: the piece may even end
    assert shifts[1].tolist() == [True, True, True, False]  # the melody's 62 is held, so it can't end here
    assert parts[1].tolist() == [True, True]
    assert pitches(0) == [60, 61, 62, 63]
    assert pitches(2) == [60, 61, 62, 63]
    assert pitches(2, repeats=False) == [60, 61, 63]  # 62 has just ended: it would be one run
    assert pitches(3, repeats=False) == [63]  # and must lie above 61
    assert pitches(4) == [60, 61, 62, 63]
    # the bass has a duration that ends at step 2: were a note of it to begin there, it would have been held
    later = Piece((melody, Part("", 1, False, (Note(0, 60, 2), Note(3, 60, 1)))), steps_per_quarter=1)
    assert masks_of(later, vocabulary, Grammar.of_all(vocabulary))[PART][4].tolist() == [False, True]  # the melody's 63 ends at step 3


def test_parts_that_play_one_note_at_a_time():
    vocabulary = Vocabulary.of(encode(piece) for piece in chorales())
    piece = chorales()[0]
    masks = masks_of(piece, vocabulary, Grammar.of_corpus(vocabulary))

    assert masks[PART][:5].tolist()[:4] == [[True] * 4, [False, True, True, True], [False, False, True, True], [False, False, False, True]]
    low, high = vocabulary.ranges[0]
    assert np.flatnonzero(masks[PITCH][0]).tolist() == list(range(low - vocabulary.values[PITCH][0], high + 1 - vocabulary.values[PITCH][0]))

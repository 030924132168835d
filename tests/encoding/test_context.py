"""The context of a whole piece at once is the context kept note by note."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import pieces
from tiny import bands, chorales, tunes

from musicgen.encoding.context import MEMORY, NOTHING, Context, RunningContext, context_of
from musicgen.encoding.tokens import encode
from musicgen.encoding.vocabulary import DURATION, PART, PITCH, TIME_SHIFT, Vocabulary
from musicgen.piece import Meter, Note, Part, Piece

SLOTS = 8


def at_once(piece: Piece, slots: int = SLOTS, vocabulary: Vocabulary | None = None, ends: bool = True) -> Context:
    sequence = encode(piece)
    vocabulary = vocabulary or Vocabulary.of([sequence])
    return context_of(vocabulary.ids(sequence, ends), piece.meters, vocabulary, slots)


def note_by_note(piece: Piece, slots: int = SLOTS, vocabulary: Vocabulary | None = None) -> Context:
    sequence = encode(piece)
    vocabulary = vocabulary or Vocabulary.of([sequence])
    running = RunningContext(piece.meters, piece.steps_per_quarter, slots)
    rows = []
    for ids in vocabulary.ids(sequence):
        is_end = ids[TIME_SHIFT] == vocabulary.end
        shift, part, pitch, duration = (int(vocabulary.steps(field, ids[field])) for field in (TIME_SHIFT, PART, PITCH, DURATION))
        place, sounding = running.place_at(running.onset), running.sounding()
        rows.append((*place, sounding, *running.place_at(running.onset + shift), running.last_pitch(part)))
        if not is_end:
            running.add(shift, part, pitch, duration)
    return Context(*(np.array(column) for column in zip(*rows, strict=True)))


def assert_equal(one: Context, other: Context) -> None:
    for name in Context._fields:
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)


@given(pieces(), st.integers(1, SLOTS))
@settings(max_examples=60, deadline=None)
def test_at_once_and_note_by_note_are_equal(piece, slots):
    assert_equal(at_once(piece, slots), note_by_note(piece, slots))


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 127), st.integers(1, 900)), min_size=200, max_size=400), st.integers(1, SLOTS))
@settings(max_examples=8, deadline=None)
def test_so_they_are_where_many_notes_sound_longer_than_they_are_remembered(drawn, slots):
    onset, notes = 0, {}
    for shift, pitch, duration in drawn:
        onset += shift
        notes[onset, pitch] = Note(onset, pitch, duration)
    # each pitch a part of its own, so that nothing overlaps
    parts = tuple(
        Part("", pitch, False, tuple(note._replace(duration=min(note.duration, until - note.onset)) for note, until in zip(own, ends, strict=True)))
        for pitch in range(128)
        if (own := sorted(note for note in notes.values() if note.pitch == pitch))
        for ends in [[*(note.onset for note in own[1:]), 10**6]]
    )
    piece = Piece(parts, (Meter(0, 4, 4), Meter(100, 7, 8)))

    assert_equal(at_once(piece, slots), note_by_note(piece, slots))


@pytest.mark.parametrize("corpus", [tunes, chorales, bands])
def test_so_they_are_on_every_piece_of_a_corpus(corpus):
    vocabulary = Vocabulary.of(encode(piece) for piece in corpus())
    for piece in corpus():
        assert_equal(at_once(piece, vocabulary=vocabulary), note_by_note(piece, vocabulary=vocabulary))


def test_the_context_of_a_small_piece():
    piece = Piece(
        (
            Part("Melody", 0, False, (Note(0, 72, 12), Note(12, 74, 36), Note(48, 76, 12))),
            Part("Bass", 32, False, (Note(0, 40, 48), Note(60, 43, 12))),
        ),
        (Meter(0, 4, 4), Meter(48, 3, 8)),
    )
    context = at_once(piece, slots=3)
    none = [NOTHING] * 3

    # the notes: 72, 40, 74, 76, 43, and the end of the piece
    assert context.place.tolist() == [0, 0, 0, 12, 0, 12]
    assert context.bar.tolist() == [48, 48, 48, 48, 18, 18]
    assert context.next_place.tolist() == [0, 0, 12, 0, 12, 12]
    assert context.next_bar.tolist() == [48, 48, 48, 18, 18, 18]
    assert context.last_pitch.tolist() == [NOTHING, NOTHING, 72, 74, 40, 76]
    assert context.sounding.tolist() == [
        [none, none, none],
        [[0, 72, 12], none, none],
        [[1, 40, 48], [0, 72, 12], none],
        [[0, 74, 36], [1, 40, 36], none],  # at step 12 the first note has ended
        [[0, 76, 12], none, none],
        [[1, 43, 12], none, none],
    ]


def test_the_latest_notes_take_the_slots():
    chord = Piece((Part("", 0, False, tuple(Note(0, pitch, 12) for pitch in (60, 64, 67))),))

    assert at_once(chord, slots=2).sounding[-1].tolist() == [[0, 67, 12], [0, 64, 12]]


def test_a_note_is_forgotten_after_as_many_others_but_does_not_cease_to_sound():
    running = RunningContext((Meter(0, 4, 4),), 12, SLOTS)
    running.add(0, 0, 40, 10_000)
    for _ in range(MEMORY - 1):
        running.add(1, 1, 60, 1)
    assert running.sounding()[1].tolist() == [0, 40, 10_000 - (MEMORY - 1)]

    running.add(1, 1, 60, 1)
    assert running.sounding()[1].tolist() == [NOTHING] * 3
    assert [note[:3] for note in running.notes] == [(1, 60, MEMORY + 1), (0, 40, 10_000)]
    assert running.sounds_until == 10_000
    assert running.last_pitch(0) == 40


def test_a_piece_without_notes_has_the_context_of_its_end():
    vocabulary = Vocabulary.of(encode(piece) for piece in tunes())
    silent = Piece((), (Meter(0, 3, 4),))

    ended = at_once(silent, vocabulary=vocabulary)
    assert (ended.place.tolist(), ended.bar.tolist(), ended.last_pitch.tolist()) == ([0], [36], [NOTHING])
    assert (ended.sounding == NOTHING).all()
    assert at_once(silent, vocabulary=vocabulary, ends=False).sounding.shape == (0, SLOTS, 3)

"""Context: what follows from the notes so far, in golden values and in laws."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from strategies import pieces
from tiny import bands, chorales, tunes

from musicgen.encoding.context import (
    FAMILIAR,
    MEMORY,
    NO_LEAP,
    NOTHING,
    OWN_RECENT,
    RECENT,
    SLOT,
    WIDEST_LEAP,
    Context,
    RunningContext,
    context_of,
    without,
)
from musicgen.encoding.tokens import encode, held
from musicgen.encoding.vocabulary import Vocabulary
from musicgen.piece import Meter, Note, Part, Piece

SLOTS = 8


def context(piece: Piece, slots: int = SLOTS, vocabulary: Vocabulary | None = None, ends: bool = True) -> Context:
    sequence = encode(piece)
    vocabulary = vocabulary or Vocabulary.of([sequence])
    return context_of(vocabulary.ids(sequence, goes_on=None if ends else piece.end), piece.meters, vocabulary, slots)


# Laws


@given(pieces(), st.integers(1, SLOTS), st.integers(0, 20))
@settings(max_examples=40, deadline=None)
def test_what_comes_later_does_not_matter(piece, slots, rows):
    sequence = encode(piece)
    vocabulary = Vocabulary.of([sequence])
    ids = vocabulary.ids(sequence)

    whole, beginning = (context_of(some, piece.meters, vocabulary, slots) for some in (ids, ids[:rows]))
    for name in Context._fields:
        np.testing.assert_array_equal(getattr(whole, name)[:rows], getattr(beginning, name), err_msg=name)


@given(pieces(max_parts=3))
@settings(max_examples=40, deadline=None)
def test_what_sounds_is_what_the_piece_says(piece):
    sequence = encode(piece)
    seen = context(piece, vocabulary=Vocabulary.of([sequence]))
    onsets, (_, parts, pitches, durations, _) = sequence.onsets, sequence.notes.T
    parts_of = {part: onsets[parts == part] for part in range(len(sequence.parts))}
    for row in range(1, len(onsets) + 1):
        now = onsets[row - 1]
        expected = []
        for note in range(row - 1, -1, -1):
            end = onsets[note] + durations[note]
            # a held note sounds until its part is seen to begin another, which may stand a few rows further down in the same moment
            is_held = end in parts_of[parts[note]] and not ((parts_of[parts[note]] > onsets[note]) & (parts_of[parts[note]] < end)).any()
            followed = ((parts[:row] == parts[note]) & (onsets[:row] > onsets[note])).any()
            if (not followed) if is_held else end > now:
                expected.append([parts[note], pitches[note], now - onsets[note], 0 if is_held else end - now])
        sounding = [slot[:4] for slot in seen.sounding[row].tolist() if slot[0] != NOTHING]
        assert sounding == expected[: min(SLOTS, len(sounding))]
        assert len(sounding) == min(SLOTS, len(expected))
        assert seen.num_sounding[row] == min(len(expected), 15)


@given(pieces(max_parts=3))
@settings(max_examples=40, deadline=None)
def test_each_note_that_sounds_knows_how_it_came(piece):
    seen = context(piece)
    sequence = encode(piece)
    for row, (onset, (_, part, pitch, _, _)) in enumerate(zip(sequence.onsets.tolist(), sequence.notes.tolist(), strict=True)):
        follows, (leap, lag) = int(seen.follows[row]), seen.sounding[row + 1, 0, 4:].tolist()
        assert leap == (NO_LEAP if follows == NOTHING else np.clip(pitch - follows, -WIDEST_LEAP, WIDEST_LEAP))
        earlier = [before for before, other in zip(sequence.onsets[:row].tolist(), sequence.notes[:row, 1].tolist(), strict=True) if other == part]
        assert lag == onset - max((before for before in earlier if before < onset), default=onset)


@given(pieces(grids=(12,), max_parts=3), st.integers(-3, 3))
@settings(max_examples=40, deadline=None)
def test_a_transposed_piece_has_the_transposed_context(piece, semitones):
    parts = tuple(part for part in piece.parts if not part.is_drum and all(3 <= note.pitch <= 124 for note in part.notes))
    assume(parts)
    higher = tuple(replace(part, notes=tuple(note._replace(pitch=note.pitch + semitones) for note in part.notes)) for part in parts)
    low, high = context(replace(piece, parts=parts)), context(replace(piece, parts=higher))

    for name in ("place", "bar", "unfollowed", "num_sounding", "leap", "familiar", "next_place", "next_bar"):
        np.testing.assert_array_equal(getattr(low, name), getattr(high, name), err_msg=name)
    np.testing.assert_array_equal(np.roll(low.recent, semitones, axis=-1), high.recent)
    np.testing.assert_array_equal(np.roll(low.own_recent, semitones, axis=-1), high.own_recent)
    low = low._replace(recalled=low.recalled[:, 2])
    high = high._replace(recalled=high.recalled[:, 2])
    for name in ("last_pitch", "follows", "recalled"):
        values = getattr(low, name)
        np.testing.assert_array_equal(np.where(values == NOTHING, NOTHING, values + semitones)[:-1], getattr(high, name)[:-1], err_msg=name)


@pytest.mark.parametrize("corpus", [tunes, chorales, bands])
def test_the_latest_pitch_classes_are_counted(corpus):
    vocabulary = Vocabulary.of(encode(piece) for piece in corpus())
    for piece in corpus():
        sequence = encode(piece)
        drums = [token.is_drum for token in sequence.parts]
        seen = context(piece, vocabulary=vocabulary)
        for row in range(len(sequence.notes) + 1):
            classes = [pitch % 12 for _, part, pitch, _, _ in sequence.notes[:row].tolist() if not drums[part]]
            assert seen.recent[row].tolist() == [np.bincount(classes[-notes:], minlength=12).tolist() for notes in RECENT]
            if row < len(sequence.notes):
                own = sequence.notes[row, 1]
                classes = [] if drums[own] else [pitch % 12 for _, part, pitch, _, _ in sequence.notes[:row].tolist() if part == own]
                assert seen.own_recent[row].tolist() == [np.bincount(classes[-notes:], minlength=12).tolist() for notes in OWN_RECENT]


@given(pieces(grids=(12,), max_parts=2, max_notes=24))
@settings(max_examples=40, deadline=None)
def test_what_is_recalled_is_the_longest_repetition(piece):
    sequence = encode(piece)
    seen = context(piece, vocabulary=Vocabulary.of([sequence]))
    is_held = held(sequence.onsets, *sequence.notes.T[[1, 3]])
    last: dict[int, int] = {}
    said = []
    for (shift, part, pitch, duration, _), is_open in zip(sequence.notes.tolist(), is_held, strict=True):
        said.append((shift, part, pitch - last[part] if part in last else None, 0 if is_open else duration))
        last[part] = pitch
    for row in range(len(said) + 1):
        equal = [next((back for back in range(place) if said[place - 1 - back] != said[row - 1 - back]), place) for place in range(1, row)]
        longest = max(equal, default=0)
        assert seen.familiar[row] == sum(longest >= number for number in FAMILIAR)
        if longest:
            place = max(index for index, number in enumerate(equal, 1) if number == longest)
            assert seen.recalled[row, [0, 1, 3]].tolist() == [said[place][column] for column in (0, 1, 3)]
        else:
            assert (seen.recalled[row] == NOTHING).all()


# Golden values


def test_a_phrase_is_recalled_and_transposed():
    notes = tuple(Note(12 * beat, pitch, 12) for beat, pitch in enumerate((60, 62, 64, 65, 62, 67, 69, 71, 72)))
    seen = context(Piece((Part("", 0, False, notes),)))

    assert seen.familiar.tolist() == [0, 0, 0, 1, 0, 0, 0, 1, 2, 0]
    assert seen.recalled.tolist()[3] == [12, 0, 66, 0]  # after a step up another was heard
    assert seen.recalled.tolist()[7] == [12, 0, 70, 0]  # and half a step, the last time
    assert seen.recalled.tolist()[8] == [12, 0, 72, 0]  # after two steps up half a step: the beginning again, a fifth higher


def test_the_context_of_a_small_piece():
    piece = Piece(
        (
            Part("Melody", 0, False, (Note(0, 72, 12), Note(12, 74, 36), Note(48, 76, 12))),
            Part("Bass", 32, False, (Note(0, 40, 48), Note(60, 43, 12))),
        ),
        (Meter(0, 4, 4), Meter(48, 3, 8)),
    )
    seen = context(piece, slots=3)
    none = [NOTHING] * len(SLOT)
    new = [NO_LEAP, 0]  # follows nothing

    # the notes: 72, 40, 74, 76, 43, and the end of the piece; those of the melody are held but for the last
    assert seen.place.tolist() == [0, 0, 0, 12, 0, 12]
    assert seen.bar.tolist() == [48, 48, 48, 48, 18, 18]
    assert seen.next_place.tolist() == [0, 0, 12, 0, 12, 12]
    assert seen.next_bar.tolist() == [48, 48, 48, 18, 18, 18]
    assert seen.last_pitch.tolist() == [NOTHING, NOTHING, 72, 74, 40, 76]
    assert seen.follows.tolist() == [NOTHING, NOTHING, 72, 74, NOTHING, NOTHING]
    assert seen.unfollowed.tolist() == [0, -1, -1, 0, 0, -1]
    assert seen.num_sounding.tolist() == [0, 1, 2, 2, 1, 1]
    assert seen.leap.tolist() == [NO_LEAP, NO_LEAP, NO_LEAP, 2, 2, 3]
    assert seen.sounding.tolist() == [
        [none, none, none],
        [[0, 72, 0, 0, *new], none, none],
        [[1, 40, 0, 48, *new], [0, 72, 0, 0, *new], none],
        [[0, 74, 0, 0, 2, 12], [1, 40, 12, 36, *new], none],  # at step 12 the first note has ended
        [[0, 76, 0, 12, 2, 36], none, none],
        [[1, 43, 0, 12, NO_LEAP, 60], none, none],
    ]


def test_the_lowest_of_a_chord_follows_the_lowest_of_the_chord_before():
    chords = tuple(Note(12 * beat, pitch, 12) for beat, chord in enumerate([(48, 64, 67), (53, 60), (47, 55, 62, 67)]) for pitch in chord)
    seen = context(Piece((Part("", 0, False, chords),)))

    assert seen.follows.tolist() == [NOTHING] * 3 + [48, 64] + [53, 60, NOTHING, NOTHING] + [NOTHING]
    assert seen.unfollowed.tolist() == [0, -1, -2, -3, 2, 1, 1, 0, -1, -2]


def test_the_latest_notes_take_the_slots():
    chord = Piece((Part("", 0, False, tuple(Note(0, pitch, 12) for pitch in (60, 64, 67))),))

    assert context(chord, slots=2).sounding[-1, :, :4].tolist() == [[0, 67, 0, 12], [0, 64, 0, 12]]


def test_a_note_is_forgotten_after_as_many_others_but_does_not_cease_to_sound():
    vocabulary = Vocabulary.of([encode(Piece((Part("", 0, False, (Note(0, 40, 12),)), Part("", 1, False, (Note(0, 60, 12),)))))])
    running = RunningContext((Meter(0, 4, 4),), vocabulary, SLOTS)
    running.add(0, 0, 40, 10_000)
    for _ in range(MEMORY - 1):
        running.add(1, 1, 60, 1)
    assert running.before()[2][1, :4].tolist() == [0, 40, MEMORY - 1, 10_000 - (MEMORY - 1)]

    running.add(1, 1, 60, 1)
    assert running.before()[2][1].tolist() == [NOTHING] * len(SLOT)
    assert [note[:4] for note in running.notes] == [(1, 60, MEMORY, MEMORY + 1), (0, 40, 0, 10_000)]
    assert running.sounds_until == 10_000
    assert running.at(0, 0)[2] == 40


def test_a_piece_without_notes_has_the_context_of_its_end():
    vocabulary = Vocabulary.of(encode(piece) for piece in tunes())
    silent = Piece((), (Meter(0, 3, 4),))

    ended = context(silent, vocabulary=vocabulary)
    assert (ended.place.tolist(), ended.bar.tolist(), ended.last_pitch.tolist()) == ([0], [36], [NOTHING])
    assert (ended.sounding == NOTHING).all()
    assert context(silent, vocabulary=vocabulary, ends=False).sounding.shape == (0, SLOTS, len(SLOT))


def test_what_is_left_out_says_nothing_and_the_rest_stays():
    seen = context(chorales()[0])
    less = without(seen, ["familiar", "recalled", "recent"])

    assert less.familiar.max() == less.recent.max() == 0
    assert (less.recalled == NOTHING).all()
    for name in set(Context._fields) - {"familiar", "recalled", "recent"}:
        np.testing.assert_array_equal(getattr(less, name), getattr(seen, name))
    # nothing is what the first row, before which there is nothing, says of itself
    for name in ("familiar", "recalled", "recent", "leap", "last_pitch", "follows", "sounding", "num_sounding", "unfollowed", "own_recent"):
        np.testing.assert_array_equal(getattr(without(seen, [name]), name)[0], getattr(seen, name)[0], err_msg=name)

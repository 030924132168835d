"""Laws and golden values of the domain: grids, bars, tempi, keys, and what a legal part is."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import METERS, is_canonical, is_upbeat, pieces

from musicgen.piece import Key, Meter, Note, Part, Piece, Tempo, bars_at, canonical_tempo, enharmonic_fifths, without_overlaps

# any notes of few pitches, legal as a part or not
LOOSE_NOTES = st.lists(st.builds(Note, st.integers(0, 30), st.integers(60, 62), st.integers(1, 12), st.integers(0, 31)), max_size=12)


def melody(*onsets: int, duration: int = 12) -> Part:
    return Part("", 0, False, tuple(Note(onset, 60 + index, duration) for index, onset in enumerate(onsets)))


# What a piece may be


@given(pieces())
@settings(max_examples=50, deadline=None)
def test_the_strategy_makes_canonical_pieces(piece):
    assert is_canonical(piece)


@pytest.mark.parametrize(
    ("notes", "complaint"),
    [
        ((Note(-1, 60, 1),), "no such note"),
        ((Note(0, 60, 0),), "no such note"),
        ((Note(0, 128, 1),), "no such note"),
        ((Note(0, -1, 1),), "no such note"),
        ((Note(0, 60, 1, 32),), "no such note"),
        ((Note(0, 60, 1, -1),), "no such note"),
        ((Note(1, 60, 1), Note(0, 60, 1)), "in the order"),
        ((Note(0, 62, 1), Note(0, 60, 1)), "in the order"),
        ((Note(0, 60, 1), Note(0, 60, 1)), "in the order"),
        ((Note(0, 60, 3), Note(1, 62, 1), Note(2, 60, 1)), "pitch 60 begins at step 2 while it still sounds"),
    ],
)
def test_a_part_refuses(notes, complaint):
    with pytest.raises(ValueError, match=complaint):
        Part("", 0, False, notes)


@pytest.mark.parametrize("program", [-1, 128])
def test_a_part_refuses_a_program_that_midi_lacks(program):
    with pytest.raises(ValueError, match=f"program must lie in 0..127, not {program}"):
        Part("", program)


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"steps_per_quarter": 0}, "steps_per_quarter must be at least 1"),
        ({"meters": ()}, "must begin at step 0"),
        ({"meters": (Meter(1, 4, 4),)}, "must begin at step 0"),
        ({"tempos": ()}, "must begin at step 0"),
        ({"tempos": (Tempo(1, 120.0),)}, "must begin at step 0"),
        ({"meters": (Meter(0, 4, 4), Meter(0, 3, 4))}, "rising steps"),
        ({"tempos": (Tempo(0, 120.0), Tempo(9, 60.0), Tempo(8, 120.0))}, "rising steps"),
        ({"keys": (Key(5, 0), Key(5, 1))}, "rising steps"),
        ({"meters": (Meter(0, 5, 32),)}, "5/32 is no whole number of steps"),
        ({"meters": (Meter(0, 0, 4),)}, "0/4 is no whole number of steps"),
        ({"tempos": (Tempo(0, 66.66666),)}, "not a tempo that MIDI can say"),
        ({"tempos": (Tempo(0, 0.0),)}, "a tempo must lie between"),
        ({"keys": (Key(0, 7),)}, "between five flats and six sharps"),
        ({"keys": (Key(0, -6),)}, "between five flats and six sharps"),
    ],
)
def test_a_piece_refuses(fields, complaint):
    with pytest.raises(ValueError, match=complaint):
        Piece(**{"parts": (melody(0),), **fields})


def test_notes_of_one_pitch_may_touch_and_notes_of_two_parts_may_cross():
    repeated = Part("", 0, False, (Note(0, 60, 4), Note(4, 60, 4)))

    assert Piece((repeated, repeated)).num_notes == 4


def test_a_title_does_not_tell_pieces_apart():
    assert Piece((melody(0),), title="one") == Piece((melody(0),), title="another")


def test_measures_of_a_piece():
    piece = Piece((melody(0, 12), Part("", 0, True, (Note(30, 36, 100),)), Part("", 3)))

    assert (piece.num_notes, piece.end) == (3, 130)
    assert Note(30, 36, 100).end == 130
    assert (Piece(()).num_notes, Piece(()).end, Piece(()).seconds, Piece(()).bar_lines) == (0, 0, 0.0, ())


# Bars


@pytest.mark.parametrize(
    ("meter", "grid", "steps"),
    [
        ((4, 4), 12, 48),
        ((6, 8), 12, 36),
        ((7, 8), 4, 14),
        ((2, 2), 24, 96),
        ((3, 2), 4, 24),
        ((1, 8), 4, 2),
        ((12, 8), 12, 72),
        ((3, 32), 4, 0),
        ((5, 64), 24, 0),
    ],
)
def test_length_of_a_bar(meter, grid, steps):
    assert Meter(0, *meter).bar_steps(grid) == steps


@given(pieces(max_parts=1), st.lists(st.integers(0, 2_000), max_size=20))
@settings(max_examples=60, deadline=None)
def test_bars_at_equals_walking_from_bar_to_bar(piece, steps):
    starts, lengths = bars_at(np.array(steps, dtype=np.int64), piece.meters, piece.steps_per_quarter)

    assert list(zip(starts.tolist(), lengths.tolist(), strict=True)) == [walk_to_bar(step, piece) for step in steps]


def walk_to_bar(step: int, piece: Piece) -> tuple[int, int]:
    """Start and length of the bar that holds a step, found one step after the other."""
    meters = {meter.onset: meter for meter in piece.meters}
    start = length = 0
    for place in range(step + 1):
        if place in meters:
            start, length = place, meters[place].bar_steps(piece.steps_per_quarter)
        elif place == start + length:
            start = place
    return start, length


@given(pieces(max_parts=2))
@settings(max_examples=60, deadline=None)
def test_bar_lines_are_the_starts_of_bars(piece):
    starts, _ = bars_at(np.arange(piece.end), piece.meters, piece.steps_per_quarter)

    assert piece.bar_lines == tuple(np.unique(starts).tolist())


def test_bar_lines_of_changing_meters():
    piece = Piece((melody(0, 100, duration=20),), (Meter(0, 4, 4), Meter(48, 3, 4), Meter(90, 1, 4), Meter(500, 2, 4)))

    assert piece.bar_lines == (0, 48, 84, 90, 102, 114)  # the bar at 84 is cut short by the next meter


# Tempi


@given(st.floats(3.6, 1e6))
def test_a_canonical_tempo_stays_and_lies_within_half_a_microsecond(tempo):
    canonical = canonical_tempo(tempo)

    assert canonical_tempo(canonical) == canonical
    assert abs(60e6 / canonical - 60e6 / tempo) <= 1 + 1e-6  # both are within half a microsecond of the same whole number
    assert abs(60e6 / canonical - round(60e6 / tempo)) <= 0.5


@given(st.integers(1, (1 << 24) - 1))
def test_every_tempo_that_midi_can_say_survives(microseconds):
    assert round(60e6 / canonical_tempo(60e6 / microseconds)) == microseconds


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (120, 120.0),
        (60e6 / 500_000, 120.0),
        (60e6 / 833_333, 72.0),
        (60e6 / 900_901, 66.6),
        (60e6 / 902_256, 66.5),
        (60e6 / 666_667, 90.0),
        (60e6, 60e6),
        (4, 4.0),
    ],
)
def test_tempi_read_as_people_wrote_them(written, read):
    assert canonical_tempo(written) == read


@pytest.mark.parametrize("tempo", [0.0, -120.0, 3.5, 2e8, float("inf"), float("nan")])
def test_tempi_that_midi_cannot_say(tempo):
    with pytest.raises(ValueError, match="a tempo must lie between"):
        canonical_tempo(tempo)


def test_seconds_follow_the_tempi():
    notes = melody(0, 24, duration=24)  # four quarters

    assert Piece((notes,), tempos=(Tempo(0, 60.0),)).seconds == 4
    assert Piece((notes,), tempos=(Tempo(0, 60.0), Tempo(12, 120.0))).seconds == 1 + 1.5
    assert Piece((notes,), tempos=(Tempo(0, 60.0), Tempo(12, 120.0), Tempo(36, 30.0))).seconds == 1 + 1 + 2
    assert Piece((notes,), tempos=(Tempo(0, 60.0), Tempo(12, 120.0), Tempo(480, 30.0))).seconds == 1 + 1.5  # the last one after the end


@given(pieces(max_parts=2))
@settings(max_examples=50, deadline=None)
def test_seconds_equal_the_sum_over_stretches_of_one_tempo(piece):
    edges = sorted({0, piece.end, *(tempo.onset for tempo in piece.tempos if tempo.onset < piece.end)})
    in_force = [[tempo for tempo in piece.tempos if tempo.onset <= edge][-1].quarters_per_minute for edge in edges[:-1]]

    assert piece.seconds == pytest.approx(sum(np.diff(edges) / piece.steps_per_quarter * 60 / np.array(in_force)))


# Keys and transposition


@pytest.mark.parametrize(
    ("fifths", "is_minor", "tonic"),
    [(0, False, 0), (0, True, 9), (1, False, 7), (-1, False, 5), (-5, False, 1), (6, False, 6), (-3, True, 0), (6, True, 3)],
)
def test_tonics(fifths, is_minor, tonic):
    assert Key(0, fifths, is_minor).tonic == tonic


@pytest.mark.parametrize(("fifths", "same"), [(0, 0), (6, 6), (-6, 6), (7, -5), (-7, 5), (-5, -5), (12, 0)])
def test_keys_that_sound_alike_are_one(fifths, same):
    assert enharmonic_fifths(fifths) == same


@given(pieces(), st.integers(-12, 12))
@settings(max_examples=60, deadline=None)
def test_transposed_there_and_back(piece, semitones):
    pitches = [note.pitch for part in piece.parts if not part.is_drum for note in part.notes]
    if any(not 0 <= pitch + semitones < 128 for pitch in pitches):
        with pytest.raises(ValueError, match="no such note"):
            piece.transposed(semitones)
        return
    moved = piece.transposed(semitones)

    assert moved.transposed(-semitones) == piece
    assert [note.pitch for part in moved.parts if not part.is_drum for note in part.notes] == [pitch + semitones for pitch in pitches]
    assert [part for part in moved.parts if part.is_drum] == [part for part in piece.parts if part.is_drum]
    assert [key.tonic for key in moved.keys] == [(key.tonic + semitones) % 12 for key in piece.keys]
    assert (moved.meters, moved.tempos) == (piece.meters, piece.tempos)


# Cutting


def test_between_takes_the_notes_that_begin_there_and_what_holds_there():
    piece = Piece(
        (melody(0, 40, 48, 95, 96), Part("", 0, True, (Note(0, 36, 99),))),
        (Meter(0, 3, 4), Meter(36, 4, 4), Meter(84, 3, 4)),
        (Tempo(0, 120.0), Tempo(48, 60.0)),
        (Key(40, 1), Key(50, 2)),
    )
    cut = piece.between(48, 96)

    assert cut.parts == (Part("", 0, False, (Note(0, 62, 12), Note(47, 63, 12))), Part("", 0, True))
    assert cut.meters == (Meter(0, 4, 4), Meter(36, 3, 4))
    assert cut.tempos == (Tempo(0, 60.0),)
    assert cut.keys == (Key(0, 1), Key(2, 2))
    assert piece.between(0) == piece


@given(pieces(), st.data())
@settings(max_examples=60, deadline=None)
def test_between_parts_a_piece_without_loss(piece, data):
    step = data.draw(st.integers(0, piece.end), label="step")
    before, after = piece.between(0, step), piece.between(step)

    for whole, head, tail in zip(piece.parts, before.parts, after.parts, strict=True):
        assert (*head.notes, *(note._replace(onset=note.onset + step) for note in tail.notes)) == whole.notes
    for whole, tail in ((piece.meters, after.meters), (piece.tempos, after.tempos)):
        assert in_force(whole, step) == tail[0][1:]
    assert piece.between(step, step).num_notes == 0


def in_force(series, step: int):
    return [change[1:] for change in series if change.onset <= step][-1]


@given(pieces())
@settings(max_examples=60, deadline=None)
def test_without_silent_bars_begins_in_its_first_bar(piece):
    cut = piece.without_silent_bars()
    first = min(part.notes[0].onset for part in cut.parts)
    moved = min(part.notes[0].onset for part in piece.parts) - first

    assert first < cut.meters[0].bar_steps(cut.steps_per_quarter)
    assert moved == 0 or moved in piece.bar_lines
    assert cut == piece.between(moved)
    assert cut.without_silent_bars() == cut


def test_without_silent_bars_keeps_an_upbeat():
    assert Piece((melody(48 + 36, 96),)).without_silent_bars() == Piece((melody(36, 48),))
    assert Piece((melody(36, 48),)).without_silent_bars() == Piece((melody(36, 48),))


def test_without_silent_bars_leaves_silence_alone():
    assert Piece((Part("", 0),)).without_silent_bars() == Piece((Part("", 0),))


# Overlaps


@given(LOOSE_NOTES)
def test_without_overlaps_makes_legal_parts(notes):
    legal = without_overlaps(notes)

    Part("", 0, False, legal)
    assert {(note.onset, note.pitch) for note in legal} == {(note.onset, note.pitch) for note in notes}
    assert without_overlaps(legal) == legal


@given(LOOSE_NOTES)
def test_a_note_of_a_legal_part_ends_as_written_or_where_the_next_begins(notes):
    for kept in without_overlaps(notes):
        longest = max(note.end for note in notes if (note.onset, note.pitch) == (kept.onset, kept.pitch))
        following = min((note.onset for note in notes if note.pitch == kept.pitch and note.onset > kept.onset), default=longest)
        assert kept.end == min(longest, following)


@given(pieces(max_parts=1), st.randoms(use_true_random=False))
@settings(max_examples=40, deadline=None)
def test_without_overlaps_keeps_what_needs_no_change_in_whatever_order(piece, random):
    notes = list(piece.parts[0].notes)
    random.shuffle(notes)

    assert without_overlaps(notes) == piece.parts[0].notes


def test_overlaps():
    assert without_overlaps([Note(0, 60, 9), Note(4, 60, 2)]) == (Note(0, 60, 4), Note(4, 60, 2))
    assert without_overlaps([Note(0, 60, 2, 31), Note(0, 60, 9, 1)]) == (Note(0, 60, 9, 1),)
    assert without_overlaps([Note(0, 60, 2, 1), Note(0, 60, 2, 31)]) == (Note(0, 60, 2, 31),)
    assert without_overlaps([Note(0, 62, 9), Note(0, 60, 9)]) == (Note(0, 60, 9), Note(0, 62, 9))
    assert without_overlaps([]) == ()


# The strategy's own terms


@pytest.mark.parametrize("meter", METERS)
@pytest.mark.parametrize("grid", [4, 12, 24])
def test_every_meter_of_the_strategy_has_whole_steps(meter, grid):
    assert Meter(0, *meter).bar_steps(grid) > 0


def test_what_an_upbeat_is():
    assert is_upbeat((Meter(0, 1, 4), Meter(12, 4, 4)), 12)
    assert not is_upbeat((Meter(0, 1, 4), Meter(24, 4, 4)), 12)
    assert not is_upbeat((Meter(0, 4, 4), Meter(48, 3, 4)), 12)

"""Notes that a person writes: what they mean, and for what they can't mean an error that names the word."""

import contextlib
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musicgen.composing.controls import RequestError
from musicgen.composing.seeds import SeedError, bars_of, parse_notes, written_seed
from musicgen.piece import DEFAULT_VELOCITY, Key, Meter, Tempo


def notes(text: str, steps_per_quarter: int = 12) -> list[tuple[int, int, int]]:
    """Onset, pitch, duration of the notes."""
    (part,) = parse_notes(text, steps_per_quarter).parts
    return [note[:3] for note in part.notes]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("C4:1", [(0, 60, 12)]),
        ("C4", [(0, 60, 12)]),  # a quarter, where nothing is said
        ("C4:1 E4:1/2 G4:1/2", [(0, 60, 12), (12, 64, 6), (18, 67, 6)]),
        ("C4:2 D4 E4:1 F4", [(0, 60, 24), (24, 62, 24), (48, 64, 12), (60, 65, 12)]),
        ("C4:1.5 D4:0.5", [(0, 60, 18), (18, 62, 6)]),
        ("C4:1/3 D4 E4", [(0, 60, 4), (4, 62, 4), (8, 64, 4)]),
        ("R:1 C4:1 R D4", [(12, 60, 12), (36, 62, 12)]),
        ("r:2 c4:1", [(24, 60, 12)]),
        ("F#4 F♯4 Gb4 G♭4", [(0, 66, 12), (12, 66, 12), (24, 66, 12), (36, 66, 12)]),
        ("F##4 Fx4 Bbb3 Bn3", [(0, 67, 12), (12, 67, 12), (24, 57, 12), (36, 59, 12)]),
        ("Bb3 bb3 b3 B#3 Cb4", [(0, 58, 12), (12, 58, 12), (24, 59, 12), (36, 60, 12), (48, 59, 12)]),
        ("C-1 G9", [(0, 0, 12), (12, 127, 12)]),
        ("[C4 E4 G4]:2 C5:1", [(0, 60, 24), (0, 64, 24), (0, 67, 24), (24, 72, 12)]),
        ("[ G4 C4 ] C4", [(0, 60, 12), (0, 67, 12), (12, 60, 12)]),
        ("[C4 C4]:1", [(0, 60, 12)]),
        ("C4:3 E4:1 | D4:4 ||\n E4:1", [(0, 60, 36), (36, 64, 12), (48, 62, 48), (96, 64, 12)]),
        ("C4:1 | D4:4", [(36, 60, 12), (48, 62, 48)]),  # an upbeat
        ("R:3 C4:1 | D4:4", [(36, 60, 12), (48, 62, 48)]),
        ("C4:q D4:h. E4:e3 F4:quarter. G4", [(0, 60, 12), (12, 62, 36), (48, 64, 4), (52, 65, 18), (70, 67, 18)]),
        ("C4:2~ C4:1 C4:1", [(0, 60, 36), (36, 60, 12)]),
        ("C4:4~ | C4:2~ C4:1", [(0, 60, 84)]),
        ("[C4 E4]:2~ [C4 F4]:1", [(0, 60, 36), (0, 64, 24), (24, 65, 12)]),
        ("C4:1000", [(0, 60, 12_000)]),
    ],
)
def test_written_notes(text, expected):
    assert notes(text) == expected


def test_a_written_melody_is_a_piece_of_its_own():
    piece = parse_notes("C4:1 R:1", 24, (6, 8), 96.0)

    assert (piece.steps_per_quarter, piece.meters, piece.tempos, piece.keys) == (24, (Meter(0, 6, 8),), (Tempo(0, 96.0),), ())
    assert [(part.name, part.program, part.is_drum, part.notes) for part in piece.parts] == [
        ("Melody", 0, False, ((0, 60, 24, DEFAULT_VELOCITY),)),
    ]


def test_a_tempo_that_midi_can_only_nearly_say_is_taken_as_it_says_it():
    assert parse_notes("C4:1", 12, (4, 4), 333.3333333).tempos == (Tempo(0, 333.333),)


@given(st.lists(st.tuples(st.integers(0, 127), st.integers(1, 96)), min_size=1, max_size=12))
@settings(max_examples=40, deadline=None)
def test_every_pitch_and_every_length_of_the_grid_can_be_written(melody):
    names = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
    text = " ".join(f"{names[pitch % 12]}{pitch // 12 - 1}:{Fraction(steps, 12)}" for pitch, steps in melody)

    assert [note[1:] for note in notes(text)] == melody


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("C4:1 H4:1", "'H4'"),
        ("C4:1 hello", "'hello'"),
        ("C4:1 D:1", "'D'"),
        ("C###4", "'C###4'"),
        ("C4:", "'C4:'"),
        ("C4:1:2 D4", "'1:2'"),
        (":1", "':1'"),
        ("C4:eins", "'eins'"),
        ("C4:1/0", "'1/0'"),
        ("C4:0", "'0'"),
        ("C4:-1", "'-1'"),
        ("C4:1001", "'1001'"),
        ("C4:nan", "'nan'"),
        ("C4:inf", "'inf'"),
        ("C4:1e999999999", "'1e999999999'"),  # as a whole number it would fill the memory
        ("C4:1e-999999999", "'1e-999999999'"),
        ("C4:1/7", "'1/7'"),
        ("C10", "'C10'"),
        ("C-2", "'C-2'"),
        ("G#9", "'G#9'"),
        ("C" + "9" * 5000, "C999"),
        ("C4:" + "9" * 5000, "999"),
        ("[]:1", r"'\[\]:1'"),
        ("[C4 E4", r"'\[C4 E4'"),
        ("C4 E4]:1", r"'E4\]:1'"),
        ("[C4 H4]:1", r"'\[C4 H4\]:1': 'H4'"),
        ("[C4 R]:1", r"'\[C4 R\]:1': 'R'"),
        ("[C4 E4]G4", r"'\[C4 E4\]G4'"),
        ("C4:1, D4:1", "'1,'"),
        ("C4:4~ D4", "the tie of 'C4:4~' leads to no note of the same pitch"),
        ("C4:4~ R C4", "the tie of 'C4:4~' leads to no note of the same pitch"),
        ("C4:4~", "the tie of 'C4:4~' leads to no note"),
        ("C4:4 | D4:3 | E4:4", "bar 2 lasts 3 quarter notes, and a bar of 4/4 4"),
        ("C4:5 | D4:4", "bar 1 lasts 5 quarter notes"),
        ("Flute: C4:4 | D4:3 |", "bar 2 of Flute lasts 3"),
        ("C4:1 | D4:4 ; C3:2 | D3:4", "first bars must be equally long"),
        ("C4: D4", "'C4:'"),
        ("C4:q4", "'q4'"),
        ("C4:t", "not on the grid"),
        ("C4 ; " * 65, "at most 64 parts"),
    ],
)
def test_an_error_names_the_word(text, named):
    with pytest.raises(SeedError, match=named):
        parse_notes(text, 12)


def test_parts_begin_together_and_have_the_instruments_of_their_names():
    seed = written_seed("Flute: G4:1 | C5:4 ; D3:2 ; Drums: R:1 C2:1/2", 12, instruments={"flute": (73, False), "drums": (0, True)})

    assert [(part.name, part.program, part.is_drum) for part in seed.piece.parts] == [("Flute", 73, False), ("Melody", 0, False), ("Drums", 0, True)]
    assert [[note[:3] for note in part.notes] for part in seed.piece.parts] == [[(36, 67, 12), (48, 72, 48)], [(36, 50, 24)], [(48, 36, 6)]]
    assert seed.end == 96


@pytest.mark.parametrize(("text", "end"), [("C4:1 R:2", 36), ("C4:1 R:1 ; C3:3 R:1", 48), ("C4:1 | D4:1 R:1", 72)])
def test_rests_at_the_end_are_of_the_seed(text, end):
    assert written_seed(text, 12).end == end


def test_bars_of_a_seed_are_taken_as_they_stand():
    fast, flat = (Tempo(48, 90.0), Tempo(96, 60.0)), (Key(0, -1), Key(48, -2))
    piece = replace(
        parse_notes("C4:3 D4:1 | E4:2 F4:4 G4:2 A4:4", 12), meters=(Meter(0, 4, 4), Meter(96, 3, 4)), tempos=(Tempo(0, 120.0), *fast), keys=flat
    )
    seed = bars_of(piece, 2, 2)

    assert [note[:3] for note in seed.piece.parts[0].notes] == [(0, 64, 24), (24, 65, 48)]
    assert (seed.end, seed.piece.meters, seed.piece.tempos, seed.piece.keys) == (48, (Meter(0, 4, 4),), (Tempo(0, 90.0),), (Key(0, -2),))
    assert bars_of(piece, 1, None).piece.num_notes == piece.num_notes


@pytest.mark.parametrize(("bars", "advice"), [((3, 9), "3-3"), ((4, 5), "1-3"), ((4, None), "1-3")])
def test_bars_outside_of_a_seed_are_refused(bars, advice):
    with pytest.raises(RequestError, match=f"has 3 bars.* ask for {advice}"):
        bars_of(parse_notes("C4:4 D4 E4", 12), *bars)


def test_bars_without_a_note_are_refused():
    with pytest.raises(RequestError, match="no note begins in bars 2-3"):
        bars_of(parse_notes("C4:1 R:11 D4:1", 12), 2, 3)


@pytest.mark.parametrize("text", ["", "   ", "|", "R:4", "| R |", ";", "R ; R"])
def test_a_seed_needs_a_note(text):
    with pytest.raises(SeedError, match="at least one note"):
        parse_notes(text, 12)


@given(st.text("CDEFGABRcdr#bx♯♭n0123456789-:/.|[] eqh~;S\n", max_size=30) | st.text(max_size=20))
@settings(max_examples=200, deadline=None)
def test_any_text_is_music_or_no_seed(text):
    with contextlib.suppress(SeedError):
        assert parse_notes(text, 12).num_notes >= 1

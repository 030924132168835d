"""Notes that a person writes: what they mean, and for what they can't mean an error that names the word."""

import contextlib
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musicgen.composing.seeds import SeedError, parse_notes
from musicgen.piece import DEFAULT_VELOCITY, Meter, Tempo


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
        ("C4:1 | D4:1 |\n E4:1\t|", [(0, 60, 12), (12, 62, 12), (24, 64, 12)]),
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
    ],
)
def test_an_error_names_the_word(text, named):
    with pytest.raises(SeedError, match=named):
        parse_notes(text, 12)


@pytest.mark.parametrize("text", ["", "   ", "|", "R:4", "| R |"])
def test_a_seed_needs_a_note(text):
    with pytest.raises(SeedError, match="at least one note"):
        parse_notes(text, 12)


@given(st.text("CDEFGABRcdr#bx♯♭n0123456789-:/.|[] e\n", max_size=30) | st.text(max_size=20))
@settings(max_examples=200, deadline=None)
def test_any_text_is_music_or_no_seed(text):
    with contextlib.suppress(SeedError):
        assert parse_notes(text, 12).num_notes >= 1

"""Keys of music whose key every musician would name."""

import pytest

from musicgen.composing.seeds import parse_notes
from musicgen.judging.key import estimate_key
from musicgen.piece import Key, Note, Part, Piece

MAJOR_SCALE = "C4:2 D4:1 E4 F4 G4:2 A4:1 B4 C5:2 G4:1 E4 C4:3"
MINOR_SCALE = "A3:2 B3:1 C4 D4 E4:2 F4:1 G#4 A4:2 E4:1 C4 A3:3"


@pytest.mark.parametrize("semitones", range(-6, 6))
@pytest.mark.parametrize(("scale", "key"), [(MAJOR_SCALE, Key(0, 0)), (MINOR_SCALE, Key(0, 0, True))])
def test_a_scale_is_in_its_key_wherever_it_is_moved(scale, key, semitones):
    piece = parse_notes(scale, 12)
    expected = Piece((), keys=(key,)).transposed(semitones).keys[0]

    assert estimate_key(piece.transposed(semitones)) == expected


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("[C4 E4 G4]:4", Key(0, 0)),
        ("[A3 C4 E4]:4", Key(0, 0, True)),
        ("[D4 F#4 A4]:4", Key(0, 2)),
        ("[C4 Eb4 G4]:4", Key(0, -3, True)),
        ("[Db4 F4 Ab4]:4", Key(0, -5)),
        ("[F#4 A#4 C#5]:4", Key(0, 6)),
        ("G4:1 G4 D5 D5 E5 E5 D5:2 C5:1 C5 B4 B4 A4 A4 G4:2", Key(0, 1)),
    ],
)
def test_keys_of_chords_and_a_tune(text, key):
    assert estimate_key(parse_notes(text, 12)) == key


def test_long_notes_count_more():
    assert estimate_key(parse_notes("[C4 E4 G4]:8 [D4 F#4 A4]:1", 12)) == Key(0, 0)
    assert estimate_key(parse_notes("[C4 E4 G4]:1 [D4 F#4 A4]:8", 12)) == Key(0, 2)


@pytest.mark.parametrize(
    "parts",
    [
        (),
        (Part("Tacet", 0),),
        (Part("Kit", 0, True, (Note(0, 37, 12), Note(12, 40, 12))),),  # drums have no pitch
        (Part("", 0, False, tuple(Note(0, pitch, 12) for pitch in range(60, 72))),),  # all pitches alike
    ],
)
def test_what_has_no_key_is_in_c_major(parts):
    assert estimate_key(Piece(parts)) == Key(0, 0)

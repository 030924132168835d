"""Scores in kern as they sound, written spine by spine with blanks for tabs."""

import pytest

from musicgen.piece import Part
from musicgen.reading.formats import read_music


def parts(*lines: str) -> list[Part]:
    score = "\n".join("\t".join(line.split()) for line in ("**kern", *lines, "==", "*-"))
    (reading,) = read_music(score.encode(), "score.krn")
    return list(reading.piece.parts)


def pitches(part: Part) -> list[int]:
    return [note.pitch for note in part.notes]


BARS = ("=1", "4c", "4d", "=2", "4e", "4f")


def test_an_instrument_that_is_taken_up_on_the_way_is_a_part():
    played = parts("*Iflt", "*M2/4", *BARS[:3], "*Ioboe", *BARS[3:], "*Iflt", "=3", "4g", "4a")

    assert [(part.name, part.program, [note[:2] for note in part.notes]) for part in played] == [
        ("Flute", 73, [(0, 60), (12, 62), (48, 67), (60, 69)]),
        ("Oboe", 68, [(24, 64), (36, 65)]),
    ]


@pytest.mark.parametrize(
    ("said", "name", "program"),
    [("*Icello", "Violoncello", 42), ("*Iclars", "", 71), ('*I"Horn', "Horn", 60), ('*Iclars\n*I"Clarinetto', "Clarinetto", 71)],
)
def test_names_of_instruments(said, name, program):
    (part,) = parts(*said.splitlines(), "*M2/4", *BARS)

    assert (part.name, part.program) == (name, program)


@pytest.mark.parametrize("said", ["*ITrd-1c-2", "*Trd1c2"])
def test_what_is_encoded_sounds_whatever_is_printed(said):
    assert pitches(parts(said, "*M2/4", *BARS)[0]) == [60, 62, 64, 65]


def test_drums():
    (part,) = parts("*clefX", "*M2/4", "=1", "4RGG", "4RGG", "=2", "2RGG")

    assert (part.is_drum, pitches(part)) == (True, [38, 38, 38])


@pytest.mark.parametrize(
    ("listed", "heard"),
    [
        ((), [60, 62, 64, 65, 60, 62, 64, 65, 67, 69]),  # by its signs alone
        (("*>[A,A1,A,A2]", "*>norep[A,A2]"), [60, 62, 64, 65, 60, 62, 67, 69]),
        (("*>[A,A,A1,A2]",), [60, 62, 60, 62, 64, 65, 67, 69]),
        (("*>[A,B]",), [60, 62, 64, 65, 60, 62, 64, 65, 67, 69]),  # an order of what is not there is none
    ],
)
def test_sections_are_played_in_the_order_that_is_listed(listed, heard):
    (part,) = parts(*listed, "*>A", "*M2/4", "=1", "4c", "4d", "*>A1", "=2", "4e", "4f", "=:|!", "*>A2", "4g", "4a")

    assert pitches(part) == heard

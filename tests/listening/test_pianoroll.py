"""Piano rolls: every note is a box where it belongs, and colours are told apart by everybody."""

import io
from dataclasses import replace
from itertools import combinations
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image
from tiny import bands, chorales

from musicgen.listening.palette import COLOURS, HEAT, PARTS, part_colour
from musicgen.listening.pianoroll import by_copies, by_part, by_surprise, roll, whole
from musicgen.listening.picture import Box, Picture, Words, png_file, svg, svg_file
from musicgen.piece import Note, Part, Piece

SIGHTS = {  # linear RGB as others see it: Machado, Oliveira and Fernandes (2009), severity 1
    "anybody": np.eye(3),
    "protanopia": np.array([[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]),
    "deuteranopia": np.array([[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]),
    "tritanopia": np.array([[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]),
}
TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
WHITE = np.array([0.9505, 1, 1.089])


def linear(colour: str) -> np.ndarray:
    """sRGB without its gamma."""
    channels = np.array([int(colour[place : place + 2], 16) for place in (1, 3, 5)]) / 255
    return np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)


def lab(light: np.ndarray) -> np.ndarray:
    """CIE Lab of linear RGB."""
    xyz = TO_XYZ @ np.clip(light, 0, 1) / WHITE
    root = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * root[1] - 16, 500 * (root[0] - root[1]), 200 * (root[1] - root[2])])


def contrast(one: str, other: str) -> float:
    """As WCAG 2.1 has it."""
    low, high = sorted(float(TO_XYZ[1] @ linear(colour)) for colour in (one, other))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("is_dark", [False, True])
def test_colours_of_parts_are_told_apart_by_everybody(is_dark):
    ground = COLOURS["ground"][is_dark]
    for sight in SIGHTS.values():
        seen = [lab(sight @ linear(colour[is_dark])) for colour in PARTS]
        assert min(np.linalg.norm(one - other) for one, other in combinations(seen, 2)) > 20
        heat = [abs(float(lab(sight @ linear(colour[is_dark]))[0]) - float(lab(linear(ground))[0])) for colour in HEAT]
        assert heat == sorted(heat)
    assert min(contrast(colour[is_dark], ground) for colour in PARTS) >= 3
    assert min(contrast(COLOURS[name][is_dark], ground) for name in ("ink", "faint")) >= 4.5


@pytest.mark.parametrize("piece", [bands()[0], chorales()[0]], ids=["band", "chorale"])
def test_every_note_is_a_box_at_its_place(piece):
    drawn = roll(piece, *by_part(piece))
    boxes = [shape for shape in drawn.body.shapes if isinstance(shape, Box) and shape.colour.startswith("part")]
    assert len(boxes) == piece.num_notes
    expected = sorted((note.onset * drawn.pixels_per_step, part_colour(number)) for number, part in enumerate(piece.parts) for note in part.notes)
    assert sorted((box.x, box.colour) for box in boxes) == expected
    for shape in drawn.body.shapes:
        assert 0 <= shape.x <= drawn.body.width
        assert 0 <= shape.y <= drawn.body.height
    higher = {box.y: None for box in sorted(boxes, key=lambda box: box.y)}
    assert len(higher) == len({(part.is_drum, note.pitch) for part in piece.parts for note in part.notes})


def test_notes_are_coloured_by_what_is_known_of_them():
    piece = Piece((Part("", 0, False, (Note(0, 60, 12), Note(12, 62, 12))),))
    assert by_surprise([[0.2, 99.0]])[0] == [["heat0", f"heat{len(HEAT) - 1}"]]
    assert by_copies([[True, False]])[0] == [["marked", "heat1"]]
    assert [colour for colour, _ in by_part(piece)[1]] == ["part0"]


def test_numbers_of_bars_do_not_touch_and_long_pieces_stay_small():
    piece = Piece((Part("", 0, False, tuple(Note(onset, 60, 48) for onset in range(0, 48 * 1500, 48))),))
    drawn = roll(piece, *by_part(piece))
    numbers = [shape.x for shape in drawn.body.shapes if isinstance(shape, Words)]
    assert np.diff(numbers).min() > 30
    assert drawn.body.width <= 16_000


def test_files_say_words_with_markup_as_they_are():
    piece = replace(bands()[0], title="<script>&")
    picture = whole(roll(piece, *by_part(piece)), piece.title)
    root = ElementTree.fromstring(svg_file(picture, piece.title))
    assert root.findtext("{http://www.w3.org/2000/svg}title") == "<script>&"
    assert "<script" not in svg(picture, piece.title)


def test_pictures_have_their_colours_by_day_and_by_night():
    picture = Picture(4, 4, (Box(0, 0, 2, 4, "part0"),))
    for is_dark in (False, True):
        image = Image.open(io.BytesIO(png_file(picture, is_dark)))
        found = [f"#{red:02x}{green:02x}{blue:02x}" for red, green, blue in (image.getpixel((0, 0)), image.getpixel((7, 7)))]
        assert found == [COLOURS["part0"][is_dark], COLOURS["ground"][is_dark]]


def test_an_empty_piece_has_a_roll():
    for piece in (Piece(()), Piece((Part("", 0),))):
        assert whole(roll(piece, *by_part(piece)), "").width > 0

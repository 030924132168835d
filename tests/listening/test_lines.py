"""The figure that stands by itself: well-formed, and what an axis can't show is left out."""

import math
import re
from xml.etree import ElementTree

import pytest

from musicgen.listening.lines import WIDTH, Curve, Curves, Row, Rows, Scale, figure

SVG = "{http://www.w3.org/2000/svg}"


def drawn(panel) -> ElementTree.Element:
    return ElementTree.fromstring(figure("Title & <more>", [panel]))


def curves(**options) -> Curves:
    lines = [Curve(f"a rather long name {number}", [0, 1, 2, 4], [1e-30, 0.0, math.nan, 100.0], number) for number in range(6)]
    return Curves("Panel", "A caption & what it says. " * 20, "x (notes)", "y", lines, **options)


@pytest.mark.parametrize("panel", [curves(), curves(log_x=True, log_y=True), Curves("None", "", "x", "y", []), Rows("None", "", "x", [])])
def test_what_is_drawn_is_well_formed_and_within_the_figure(panel):
    root = drawn(panel)

    assert root.find(f"{SVG}title").text == "Title & <more>"
    for words in root.iter(f"{SVG}text"):
        assert 0 <= float(words.get("x")) <= WIDTH
    height = float(root.get("viewBox").split()[3])
    assert max((float(words.get("y")) for words in root.iter(f"{SVG}text")), default=0) < height
    assert not re.search("nan|inf", figure("t", [panel]))


def test_a_logarithmic_axis_leaves_out_what_it_cannot_show():
    (line,) = [
        path.get("d")
        for path in drawn(Curves("p", "", "x", "y", [Curve("c", [0, 1, 2, 4], [5, 0, 1e-30, 100], 0)], log_y=True)).iter()
        if path.get("class") == "line l0" and "L" in path.get("d")
    ]

    assert len(re.findall(r"[\d.]+ [\d.]+", line)) == 2  # 5 and 100: 0 has no logarithm, 1e-30 lies too far below


def test_rows_say_their_mean_and_their_ends():
    words = [element.text for element in drawn(Rows("p", "", "nats", [Row("lstm", [1.0, 2.0, 1.5], 2), Row("floor", [3.0], 4)])).iter(f"{SVG}text")]

    assert "1.500 (1.000 to 2.000)" in words
    assert "3.000" in words


def test_a_scale_reaches_from_end_to_end():
    scale = Scale([1, 4, 64], 10, 70, 2)

    assert [scale.place(value) for value in (1, 8, 64)] == pytest.approx([10, 40, 70])
    assert [label for _, label in scale.marks()] == ["1", "2", "4", "8", "16", "32", "64"]

"""Clips are the piece's seconds, excerpts its bars, and plots have round axes."""

import numpy as np
import pytest
from tiny import BAR, bands, chorales

from musicgen.listening.clips import at_tempo, blind_clips, clip_of, excerpt, seconds_at
from musicgen.listening.page import Music, Table, page_html
from musicgen.listening.plots import Bars, Strip, svg, ticks
from musicgen.piece import Meter, Note, Part, Piece, Tempo


def test_seconds_follow_the_tempi():
    piece = Piece((Part("", 0, False, (Note(24, 60, 12), Note(36, 62, 24))),), tempos=(Tempo(0, 60.0), Tempo(48, 120.0)))

    assert seconds_at(piece, np.array([0, 12, 48, 60])).tolist() == pytest.approx([0, 1, 4, 4.5])
    assert seconds_at(piece, np.array(piece.end)) == pytest.approx(piece.seconds)
    clip = clip_of(piece, "title")
    assert [note[:3] for note in clip["parts"][0]["notes"]] == [[0, 60, 1], [1, 62, 1.5]]  # from the first note on
    assert (clip["seconds"], clip["bars"]) == (2.5, [2.0])


def test_an_excerpt_is_whole_bars_cut_at_their_end():
    for first in range(3):
        cut = excerpt(bands()[0], first, 2)
        assert len(cut.bar_lines) == 2
        assert cut.end <= sum(meter.bar_steps(12) for meter in (Meter(0, 4, 4), Meter(0, 4, 4)))
    whole = excerpt(chorales()[0], 0, 99)
    assert whole.parts == chorales()[0].parts
    assert excerpt(chorales()[0], 3, 1) == chorales()[0].between(3 * BAR)


def test_blind_excerpts_are_of_one_length_and_tempo():
    rng = np.random.default_rng(0)

    assert len(blind_clips(chorales(), 3, 2, 100.0, rng)) == 3
    assert {len(clip["bars"]) for clip in blind_clips(chorales(), 9, 2, 100.0, rng)} == {2}
    assert blind_clips(chorales(), 9, 5, 100.0, rng) == []
    assert at_tempo(chorales()[0], 160.0).seconds == pytest.approx(chorales()[0].seconds / 2)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1]), (2.83, 3.1, [2.9, 3, 3.1]), (-7, 12, [-5, 0, 5, 10]), (4, 4, [4])],
)
def test_ticks_are_round(low, high, expected):
    assert ticks(low, high) == pytest.approx(expected)


def test_plots_bear_sets_that_do_not_vary_or_are_empty():
    for corpus, takes in (([], []), ([0.0], []), ([1.0, 1.0], [1.0]), ([0.0, 2.0], [1e-12])):
        assert "nan" not in svg(Strip("silence", "share of <time>", corpus, takes))
    assert "<time>" not in svg(Strip("silence", "share of <time>", [0.0], [1.0]))
    assert svg(Bars("", "", "", ("a", "b"), [0.0, 0.0], [0.0, 0.0])).count("<path") >= 3


def test_a_page_without_music_still_shows_figures():
    page = page_html("a & b", ["<i>"], [Table("t", "", ("x", "y"), (("r", "1"),))], [], Music([], []), Music([], []), 8)

    assert "<title>a &amp; b</title>" in page
    assert "&lt;i&gt;" in page
    assert '"excerpts":[]' in page

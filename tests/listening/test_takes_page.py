"""The page of takes: it draws, plays what it shows, seeks, mutes, and asks for nothing."""

import io
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import soundfile
from browser import opened
from tiny import BAR, bands, chorales

from musicgen.cli.decks import deck_of
from musicgen.listening.audio import render
from musicgen.listening.page import Table
from musicgen.listening.samples import LONGEST, MOST_SECONDS, bank_of, notes_to_record
from musicgen.listening.takes import takes_html
from musicgen.piece import Note, Part, Piece

EVIL = '<img src=x onerror=alert(1)></script><script>alert(2)</script>"&amp;'
LOUDNESS = """() => new Promise((heard) => {
  const samples = new Float32Array(2048);
  let most = 0;
  const begin = performance.now();
  const listen = () => {
    if (player.stage) player.stage.meter.getFloatTimeDomainData(samples);
    most = Math.max(most, ...samples.map(Math.abs));
    if (performance.now() - begin > 350) heard(most);
    else setTimeout(listen, 20);
  };
  listen();
})"""  # the loudest sample of the next third of a second


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """A page of two takes, whose titles are hostile."""
    band = replace(bands()[0], parts=(replace(bands()[0].parts[0], name=EVIL), *bands()[0].parts[1:]))
    decks = [
        deck_of(piece, f"{EVIL} {number}", "take", details={"temperature": 0.9, EVIL: EVIL}, faults=[EVIL])
        for number, piece in enumerate((chorales()[0], band))
    ]
    path = tmp_path_factory.mktemp("page") / "page.html"
    path.write_text(
        takes_html(EVIL, [EVIL], decks, bank_of([deck.piece for deck in decks], render), Table("Takes", "", ("take", "bars"), ((EVIL, "4"),))),
        encoding="utf-8",
    )
    return path


@pytest.mark.slow
def test_a_page_is_small_whole_and_the_same_again(page):
    text = page.read_text(encoding="utf-8")
    assert len(text) < 1_500_000
    assert "<img" not in text
    assert text.count("<script") == 2
    assert "http://www.w3.org" not in text.split("<body>")[0]


def test_few_notes_are_recorded_of_each_instrument():
    wanted = notes_to_record([chorales()[0], bands()[0]])
    for piece in (chorales()[0], bands()[0]):
        for part in piece.parts:
            near = {note.pitch for note in wanted if (note.program, note.is_drum) == (part.program, part.is_drum)}
            for note in part.notes:
                assert min(abs(note.pitch - pitch) for pitch in near) <= (0 if part.is_drum else 1)
    assert sum(note.seconds for note in wanted) < MOST_SECONDS
    assert max(note.seconds for note in wanted) <= LONGEST


@pytest.mark.slow
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_a_page_draws_plays_seeks_and_mutes(page, width, scheme):
    with opened(page, width, scheme) as watched:
        tab = watched.page
        assert tab.evaluate("decks.map((deck) => deck.article.querySelectorAll('.sheet g.note').length > 20)") == [True, True]
        assert tab.evaluate("document.documentElement.scrollWidth") <= width  # nothing is cut off
        ground = tab.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (ground == "rgb(20, 23, 28)") == (scheme == "dark")
        tab.click("#theme")
        assert tab.evaluate("getComputedStyle(document.body).backgroundColor") != ground

        tab.click("#deck0 .play")
        assert tab.evaluate(LOUDNESS) > 0.01
        assert 0 < tab.evaluate("decks[0].place") < 3
        tab.evaluate("decks[0].seek(4)")
        tab.wait_for_timeout(150)
        assert 4 < tab.evaluate("decks[0].place") < 6
        line, staff = (tab.evaluate(f"document.querySelector('#deck0 {where} .cursor').style.transform") for where in (".stage", ".score"))
        tab.keyboard.press("ArrowRight")
        tab.wait_for_timeout(100)
        assert tab.evaluate("document.querySelector('#deck0 .stage .cursor').style.transform") != line
        assert tab.evaluate("document.querySelector('#deck0 .score .cursor').style.transform") != staff

        for number in (1, 2, 3, 4):
            tab.keyboard.press(str(number))
        tab.wait_for_timeout(200)
        assert tab.evaluate(LOUDNESS) < 1e-4
        tab.click("#deck0 .parts li:nth-child(2) .solo")
        assert tab.evaluate(LOUDNESS) > 0.01

        tab.click("#deck1 .play")  # one plays at a time
        assert tab.evaluate("decks.map((deck) => deck.isPlaying)") == [False, True]
        tab.keyboard.press("Space")
        tab.wait_for_timeout(400)
        assert tab.evaluate(LOUDNESS) < 1e-4
        assert watched.troubles == []
        assert watched.requests == [page.absolute().as_uri()]


@pytest.mark.slow
def test_places_in_roll_and_score_are_clicked_loops_go_round_and_sound_is_saved(page):
    with opened(page) as watched:
        tab = watched.page
        clip = tab.evaluate("decks[0].clip")
        box = tab.locator("#deck0 .stage").bounding_box()
        tab.mouse.click(box["x"] + 2 * BAR * clip["scale"], box["y"] + 30)
        assert tab.evaluate("decks[0].place") == pytest.approx(2 * 3.0, abs=0.1)  # a bar at 80 quarters a minute lasts three seconds
        note = tab.locator(f"#deck0 .sheet g.note[id*='-n{BAR}-']").first.bounding_box()
        tab.mouse.click(note["x"] + note["width"] / 2, note["y"] + note["height"] / 2)
        assert tab.evaluate("decks[0].place") == pytest.approx(3.0, abs=0.01)

        tab.evaluate("decks[0].setLoop([1, 1.5])")
        tab.evaluate("decks[0].seek(1)")
        tab.click("#deck0 .play")
        places = []
        for _ in range(12):
            tab.wait_for_timeout(100)
            places.append(tab.evaluate("decks[0].place"))
        assert all(0.99 <= place <= 1.55 for place in places)
        assert any(later < earlier for earlier, later in pairwise(places))
        tab.select_option("#deck0 .speed", "2")
        assert tab.evaluate(LOUDNESS) > 0.01

        with tab.expect_download() as download:
            tab.click("#deck1 .record")
        sound, rate = soundfile.read(io.BytesIO(download.value.path().read_bytes()))
        assert (rate, sound.shape[1]) == (44100, 2)
        assert len(sound) / rate == pytest.approx(bands()[0].seconds + 1, abs=0.1)
        assert 0.05 < np.abs(sound).max() <= 0.981
        assert watched.troubles == []


def test_a_page_of_a_piece_without_notes_says_so(tmp_path):
    assert "No faults were found." in takes_html("empty", [], [deck_of(Piece((Part("Flute", 73),)), "empty", "empty", faults=[])], {})
    assert "1 note, 1 part" in takes_html("one", [], [deck_of(Piece((Part("", 0, False, (Note(0, 60, 12),)),)), "one", "one")], {})

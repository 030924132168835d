"""Scores and pages: how soon a score is drawn, how large the page of a take is, how soon it sounds after a press of play, how smoothly it runs.

    python benchmarks/pages.py [--rounds N] [--json]

The score of a piece of 16 bars in four parts, from a MIDI file to a picture by verovio in a process of its own, beside music21 in another, which
writes the MusicXML for the same verovio. The page is opened in Chromium, which Playwright drives: first sound is the time from the click to the
first sample above -60 dB that the page's own meter sees, once a frame; frames are counted over two seconds of playing. Without Chromium or
Playwright these two are left out.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from side_by_side import Row, Spread, Target, alternate, machine, ratios, show  # makes the music program importable
from sound import chorale

from musicgen.cli.decks import deck_of, page_of
from musicgen.cli.sheets import sheet
from musicgen.cli.sounds import Studio
from musicgen.listening.midi import midi_bytes
from musicgen.piece import Piece

BARS, BAR_SECONDS = 16, 3.0
ROOT = Path(__file__).resolve().parent.parent
BY_MUSIC21 = """
import sys, tempfile, pathlib, verovio
from music21 import converter
score = converter.parse(sys.argv[1], forceSource=True, storePickle=False)
path = score.write("musicxml", fp=tempfile.mktemp(suffix=".musicxml"))
toolkit = verovio.toolkit()
toolkit.loadData(pathlib.Path(path).read_text())
pathlib.Path(sys.argv[2]).write_text(toolkit.renderToSVG(1))
"""
WATCH = """() => {
  window.found = { frames: [], first: null };
  const samples = new Float32Array(2048);
  document.querySelector(".play").addEventListener("click", () => (window.found.pressed = performance.now()), true);
  const watch = () => {
    if (player.stage) player.stage.meter.getFloatTimeDomainData(samples);
    if (window.found.first === null && samples.some((sample) => Math.abs(sample) > 1e-3)) window.found.first = performance.now();
    window.found.frames.push(performance.now());
    requestAnimationFrame(watch);
  };
  watch();
}"""
PLAYING = 2.0  # seconds


def seconds_of(command: list[str]) -> float:
    """Wall time of a process. Raises CalledProcessError."""
    begin = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - begin


def drawn_within(piece: Piece) -> tuple[float, float]:
    """Wall time and the processor's time from the piece to the picture, in this process."""
    begin, processor = time.perf_counter(), time.process_time()
    sheet(piece, "svg")
    return time.perf_counter() - begin, time.process_time() - processor


def in_chromium(page: Path, rounds: int) -> list[tuple[float, float]]:
    """Milliseconds to the first sound and frames a second of each round, each in a new tab; nothing where there is no Chromium."""
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        return []
    if program is None:
        return []
    measured = []
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=["--no-sandbox"])
        for _ in range(rounds):
            tab = browser.new_page(viewport={"width": 1280, "height": 1000})
            tab.goto(page.as_uri())
            tab.wait_for_function("bankIsReady.then(() => decks[0].anchors.length > 0)")
            tab.evaluate(WATCH)
            tab.click(".play")
            tab.wait_for_timeout(500 + 1000 * PLAYING)
            found = tab.evaluate("window.found")
            last = found["frames"][-1]
            frames = [frame for frame in found["frames"] if frame > last - 1000 * PLAYING]
            measured.append((found["first"] - found["pressed"], 1000 * (len(frames) - 1) / (frames[-1] - frames[0])))
            tab.close()
        browser.close()
    return measured


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="default: %(default)s")
    parser.add_argument("--json", action="store_true", dest="as_json")
    arguments = parser.parse_args()
    piece = chorale(np.random.default_rng(0), BARS * BAR_SECONDS / 60)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        midi, page = folder / "take.mid", folder / "take.html"
        midi.write_bytes(midi_bytes(piece))
        ours = [sys.executable, str(ROOT / "main.py"), "render", str(midi), "--svg", str(folder / "ours.svg"), "--force", "--quiet"]
        theirs = [sys.executable, "-c", BY_MUSIC21, str(midi), str(folder / "theirs.svg")]
        pairs = alternate(lambda _: seconds_of(ours), lambda _: seconds_of(theirs), arguments.rounds)
        drawn_within(piece)  # the first one loads what the others find
        within = [drawn_within(piece) for _ in range(arguments.rounds)]
        begin = time.perf_counter()
        page.write_bytes(page_of("take", [], [deck_of(piece, "take", "take")], Studio(quiet=True)))
        making = time.perf_counter() - begin
        rows = [
            Row("file to score, this program / music21", ratios(pairs)),
            Row("file to score, process and all", Spread.of(first for first, _ in pairs), "s"),
            Row("piece to score, wall time", Spread.of(wall for wall, _ in within), "s", Target(False, 0.5)),
            Row("the same by the processor's time", Spread.of(own for _, own in within), "s"),
            Row("page of a take with sound", Spread.of([page.stat().st_size / 1e6]), "MB", Target(False, 3)),
            Row("time to make it", Spread.of([making]), "s"),
        ]
        if measured := in_chromium(page, arguments.rounds):
            rows += [
                Row("first sound after pressing play", Spread.of(first for first, _ in measured), "ms", Target(False, 300)),
                Row("frames a second while playing", Spread.of(frames for _, frames in measured), "", Target(True, 59)),
            ]
    notes = [f"{piece.num_notes} notes in 4 parts, {len(piece.bar_lines)} bars; {arguments.rounds} rounds"]
    if not measured:
        notes.append("no Chromium or no Playwright: how the page plays was not measured")
    show("pages: scores and pages of takes", rows, notes, machine(["verovio", "music21", "midirenderer"]), arguments.as_json)


if __name__ == "__main__":
    main()

"""The page of a run, `index.html` in its folder: curves, samples to hear, and the receipts of the corpus, as far as the training has come.

Conventions: the page is made of what lies in the folder: `curves.svg`, `samples/samples.json` with its MIDI files, and `receipts.json`. What is not
there is not shown.
"""

import json
import time
from collections.abc import Sequence
from pathlib import Path

from musicgen.cli.console import CommandError
from musicgen.cli.decks import deck_of, instruments_of
from musicgen.cli.sounds import Studio
from musicgen.files import write_whole
from musicgen.listening.deck import Deck
from musicgen.listening.page import Table
from musicgen.listening.takes import figure_html, takes_html
from musicgen.piece import Piece
from musicgen.reading.guard import UnreadableFileError
from musicgen.reading.midi import read_midi_file

PAGE, RECEIPTS_PAGE = "index.html", "receipts.html"
SPACING, LONGEST = 4, 2.5  # of recorded notes: they are recorded again and again
MOST_SAMPLES = 12  # on the page, the latest
SHARE_OF_TIME = 0.02  # at most goes into the page
RECEIPTS = ("files", "used", "duplicate", "skipped", "pieces", "notes", "bars")  # keys of the summary that the page shows


class RunPage:
    """The page, written again and again."""

    def __init__(self, run: Path, title: str, facts: Sequence[str] = ()) -> None:
        self._run, self._title, self._facts = run, title, list(facts)
        self._next_at = 0.0  # of the monotonic clock
        self._shown: list[str] = []  # samples that the recorded instruments can play
        self._instruments: dict[str, dict] = {}

    def write(self, facts: Sequence[str] = (), is_last: bool = False) -> None:
        """Write the page, if it is time to, with further sentences. Raises OSError."""
        begin = time.monotonic()
        if begin < self._next_at and not is_last:
            return
        decks = self._decks()
        if [deck.title for deck in decks] != self._shown:
            self._shown = [deck.title for deck in decks]
            try:
                self._instruments = instruments_of(decks, Studio(quiet=True), spacing=SPACING, longest=LONGEST)
            except CommandError:
                self._instruments = {}  # waves will do: a training does not end for a page
        curves = self._run / "curves.svg"
        figure = figure_html(curves.read_bytes(), "Nats per note and gradients by epochs") if curves.is_file() else ""
        figure += f'<p><a href="{RECEIPTS_PAGE}">The receipts of all files</a></p>' if (self._run / RECEIPTS_PAGE).is_file() else ""
        page = takes_html(self._title, [*self._facts, *facts], decks, self._instruments, self._receipts(), figure)
        write_whole(self._run / PAGE, page.encode("utf-8", "replace"))
        end = time.monotonic()
        self._next_at = end + (end - begin) / SHARE_OF_TIME

    def _decks(self) -> list[Deck]:
        """The samples, the latest first."""
        decks: list[Deck] = []
        for row in reversed(_rows(self._run / "samples" / "samples.json")[-MOST_SAMPLES:]):
            path = self._run / str(row.get("path", ""))
            piece = _piece(path)
            if piece is not None:
                faults = [str(fault) for fault in row.get("faults") or []]
                copies = f"the longest run that stands in the corpus has {row['longest_copy']} notes" if row.get("longest_copy") else ""
                title, has_score = f"Epoch {row.get('epoch')}: {path.name}", not decks  # the latest alone has one
                decks.append(deck_of(piece, title, path.stem, midi=path.read_bytes(), has_score=has_score, faults=faults, copies=copies))
        return decks

    def _receipts(self) -> Table | None:
        """What was learned from."""
        try:
            summary = json.loads((self._run / "receipts.json").read_bytes())["summary"]
            rows = tuple((name, f"{summary[name]:,}") for name in RECEIPTS if isinstance(summary.get(name), int))
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None
        return Table("The corpus", "", ("", "number"), rows)


def _rows(path: Path) -> list[dict]:
    try:
        rows = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return []
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def _piece(path: Path) -> Piece | None:
    try:
        return read_midi_file(path)
    except UnreadableFileError:
        return None

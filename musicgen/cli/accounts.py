"""Receipts for people: a table for a terminal, a page to keep, JSON for programs."""

import json
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

from musicgen.cli.console import write_file
from musicgen.cli.corpora import in_words, is_foreign
from musicgen.listening.page import Table, tables_html
from musicgen.reading.corpus import Corpus
from musicgen.reading.guard import shown
from musicgen.reading.receipts import DUPLICATE, SKIPPED, USED, Receipt

HEAD = ("file", "pieces", "parts", "notes", "bars", "meter", "key", "tempo", "moved", "what there is to know")
WIDEST = 60  # characters of a name in a terminal
MOST_ROWS = 5_000  # of a table on a page
NOTES = {
    USED: "Tempo is quarter notes a minute; moved says by how many ms notes were moved to the grid, at the median and at most.",
    DUPLICATE: "They sound like another file, perhaps in another key, at another speed or on other instruments; they stay on its side of the split.",
    SKIPPED: "Nothing of these is used.",
}


def receipts_json(corpus: Corpus) -> dict:
    """All receipts and their sums, for programs."""
    selection = corpus.selection
    wishes = {"steps_per_quarter": selection.steps_per_quarter, "parts": selection.parts, "drums": selection.drums, "min_notes": selection.min_notes}
    wishes |= {"meter": "{}/{}".format(*selection.meter) if selection.meter else None, "exclude": list(selection.exclude)}
    return {"files": [receipt.to_json() for receipt in corpus.receipts()], "summary": corpus.summary(), "selection": wishes}


def keep_receipts(corpus: Corpus, name: str, folder: Path) -> None:
    """Write receipts.json and receipts.html. Raises CommandError."""
    write_file(folder / "receipts.json", json.dumps(receipts_json(corpus), indent=1).encode())
    write_file(folder / "receipts.html", receipts_page(name, corpus).encode("utf-8", "replace"))


def receipts_text(receipts: Sequence[Receipt]) -> str:
    """A line for each file, as a terminal shows it; files that do not claim to be music are only counted."""
    rows = [HEAD, *(row_of(receipt) for receipt in receipts if not is_foreign(receipt))]
    widths = [min(WIDEST, max(len(row[column]) for row in rows)) for column in range(len(HEAD) - 1)]
    lines = []
    for name, *cells, words in rows:
        name = name if len(name) <= WIDEST else f"…{name[1 - WIDEST :]}"
        lines.append(
            "  ".join([f"{name:<{widths[0]}}", *(f"{cell:>{width}}" for cell, width in zip(cells, widths[1:], strict=True)), words]).rstrip()
        )
    return "\n".join(lines)


def row_of(receipt: Receipt) -> tuple[str, ...]:
    """A line of the table."""
    facts = receipt.to_json()
    if receipt.status == SKIPPED:
        return (shown(facts["path"]), *[""] * (len(HEAD) - 2), f"skipped, {receipt.reason}: {receipt.message}. {receipt.advice}")
    words = f"duplicate: {receipt.message}" if receipt.status == DUPLICATE else receipt.message
    moved = f"{facts['moved_median_ms']:g}/{facts['moved_most_ms']:g}" if facts["moved_most_ms"] >= 1 else ""
    numbers = (f"{facts['pieces']:,}", f"{facts['parts']:,}", f"{facts['notes']:,}", f"{facts['bars']:,}")
    return (shown(facts["path"]), *numbers, facts["meter"], facts["key"], f"{facts['tempo']:.4g}", moved, shown(words))


def receipts_page(name: str, corpus: Corpus) -> str:
    """All receipts as an HTML page."""
    summary = corpus.summary()
    tables = [Table("Files", "", ("", "files"), tuple((status, f"{summary[status]:,}") for status in (USED, DUPLICATE, SKIPPED)))]
    ordered = sorted(corpus.receipts(), key=lambda receipt: (USED, DUPLICATE, SKIPPED).index(receipt.status))
    for status, group in groupby(ordered, key=lambda receipt: receipt.status):
        own = list(group)
        left = f" {len(own) - MOST_ROWS:,} more are in receipts.json." if len(own) > MOST_ROWS else ""
        rows = tuple(map(row_of, own[:MOST_ROWS]))
        head: tuple[str, ...] = HEAD
        if status == SKIPPED:
            head, rows = ("file", "reason", "what was wrong", "what to do"), tuple(map(_skipped, own[:MOST_ROWS]))
        tables.append(Table(status.capitalize(), NOTES[status] + left, head, rows))
    return tables_html(f"What was read of {name}", [in_words(summary)], tables)


def _skipped(receipt: Receipt) -> tuple[str, ...]:
    return shown(receipt.path), receipt.reason, shown(receipt.message), receipt.advice

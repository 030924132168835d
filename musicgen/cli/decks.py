"""What `render --page` and `generate --page` share: pieces made parts of a page, and the page."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from musicgen.cli.colours import all_colourings
from musicgen.cli.console import clock
from musicgen.cli.sheets import in_its_key
from musicgen.cli.sounds import Studio
from musicgen.listening.deck import Deck, View, sounding
from musicgen.listening.midi import midi_bytes
from musicgen.listening.notation.musicxml import musicxml
from musicgen.listening.notation.score import score_of
from musicgen.listening.page import Table
from musicgen.listening.pianoroll import Colouring, by_part, roll, said
from musicgen.listening.samples import bank_of
from musicgen.listening.takes import takes_html
from musicgen.model.file import Model
from musicgen.model.shelf import model_title
from musicgen.piece import Piece

ROLL_WIDTH = 1020  # pixels


class Take(NamedTuple):
    """A piece that was composed, with all that is said of it."""

    piece: Piece
    path: Path
    midi: bytes
    row: dict  # as `generate --json` prints it
    copies: str  # in words
    settings: Mapping[str, object]


def deck_of(
    piece: Piece,
    title: str,
    file: str,
    *,
    midi: bytes | None = None,
    heard: Piece | None = None,
    on_two_staves: bool = False,
    has_score: bool = True,
    colourings: Mapping[str, Colouring] = {},
    details: Mapping[str, object] = {},
    faults: Sequence[str] | None = None,
    copies: str = "",
) -> Deck:
    """A piece with its roll, score and downloads.

    Args:
        file: what downloads are called, without a suffix.
        midi: its file, if there is one already.
        heard: the same music on a finer grid.
        colourings: other ways to colour the roll, by name; they know all parts of the piece that play.
    """
    own = in_its_key(sounding(piece))
    views = [View(name, roll(own, *colours, ROLL_WIDTH)) for name, colours in {"parts": by_part(own), **colourings}.items()]
    counts = (len(own.bar_lines), "bar"), (own.num_notes, "note"), (len(own.parts), "part")
    facts = [f"{number:,} {word}{'' if number == 1 else 's'}" for number, word in counts]
    return Deck(
        own,
        title,
        views,
        musicxml(score_of(own, on_two_staves)) if has_score else b"",
        midi or midi_bytes(own),
        file,
        heard and sounding(heard),
        ", ".join(facts),
        {
            name.replace("_", " "): value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            for name, value in details.items()
            if value not in (None, [], {}, "")
        },
        faults,
        copies,
    )


def page_of(title: str, facts: Sequence[str], decks: Sequence[Deck], studio: Studio, table: Table | None = None) -> bytes:
    """The page. Raises CommandError."""
    return takes_html(title, facts, decks, instruments_of(decks, studio), table).encode("utf-8", "replace")


def instruments_of(decks: Sequence[Deck], studio: Studio, **fineness) -> dict[str, dict]:
    """The sounds of all instruments in the decks; `fineness` as of `samples.bank_of`. Raises CommandError."""
    return bank_of([deck.heard or deck.piece for deck in decks], lambda piece: studio.record(piece, "the instruments"), **fineness)


def page_of_takes(path: Path, model: Model, name: str, takes: Sequence[Take], studio: Studio) -> bytes:
    """A page of what was composed, with a table to compare. Raises CommandError."""
    title = f"{name}: {takes[0].path.name}" if len(takes) == 1 else f"{name}: {len(takes)} takes"
    decks = [
        deck_of(
            take.piece,
            take.path.name,
            take.path.stem,
            midi=take.midi,
            faults=[_fault(fault, take.piece) for fault in take.row["faults"]],
            copies=take.copies,
            colourings=all_colourings(sounding(take.piece), model),
            details={"model": model_title(path), "random seed": take.row["random_seed"], **take.settings},
        )
        for take in takes
    ]
    return page_of(title, [f"Composed by the model {model_title(path)}."], decks, studio, _compared(takes) if len(takes) > 1 else None)


def _fault(fault: Mapping, piece: Piece) -> str:
    place = [] if fault["part"] is None else [said(piece.parts[fault["part"]])]
    place += [] if fault["bar"] is None else [f"from bar {fault['bar']} on"]
    return ", ".join([f"{fault['fault']}: {fault['meaning']}", *place])


def _compared(takes: Sequence[Take]) -> Table:
    rows = []
    for take in takes:
        row, copy = take.row, take.row.get("longest_copy")
        numbers = (f"{row['bars']}", f"{row['notes']:,}", clock(row["seconds"]), f"{row['random_seed']}")
        faults = ", ".join(dict.fromkeys(fault["fault"] for fault in row["faults"])) or "none"
        rows.append((take.path.name, *numbers, faults, f"{copy['notes']} notes" if copy else "none"))
    return Table("Takes", "", ("take", "bars", "notes", "length", "random seed", "faults", "longest copy"), tuple(rows))

"""What `render --page` and `generate --page` share: pieces made parts of a page, and the page."""

import json
from collections.abc import Mapping, Sequence

from musicgen.cli.console import clock
from musicgen.cli.sheets import in_its_key
from musicgen.cli.sounds import Studio
from musicgen.listening.deck import Deck, View, sounding
from musicgen.listening.midi import midi_bytes
from musicgen.listening.notation.musicxml import musicxml
from musicgen.listening.notation.score import score_of
from musicgen.listening.page import Table
from musicgen.listening.pianoroll import Colours, by_part, roll
from musicgen.listening.takes import takes_html
from musicgen.piece import Piece

ROLL_WIDTH = 1020  # pixels
Colouring = tuple[Colours, tuple[tuple[str, str], ...]]


def deck_of(
    piece: Piece,
    title: str,
    file: str,
    *,
    midi: bytes | None = None,
    heard: Piece | None = None,
    on_two_staves: bool = False,
    colourings: Mapping[str, Colouring] = {},
    details: Mapping[str, object] = {},
    faults: Sequence[str] | None = None,
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
        musicxml(score_of(own, on_two_staves)),
        midi or midi_bytes(own),
        file,
        heard and sounding(heard),
        ", ".join([*facts, clock(own.seconds)]),
        {name: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False) for name, value in details.items()},
        faults,
    )


def page_of(title: str, facts: Sequence[str], decks: Sequence[Deck], studio: Studio, table: Table | None = None) -> bytes:
    """The page. Raises CommandError."""
    return takes_html(title, facts, decks, lambda piece: studio.record(piece, title), table).encode("utf-8", "replace")

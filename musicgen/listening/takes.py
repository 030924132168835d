"""Takes -> one HTML page that needs nothing else: each with its roll, score, sound, faults and settings, and a table to compare them.

Conventions: as in `page.py`.
"""

from collections.abc import Callable, Sequence
from html import escape

import numpy as np

from musicgen.listening.deck import Deck, clip_of_deck, deck_html
from musicgen.listening.page import Table, document, table_html
from musicgen.listening.samples import RECORDED_VELOCITY, bank_of
from musicgen.piece import Piece

KEYS = (
    ("Space", "play and pause"),
    ("← →", "a bar back and on"),
    ("Home", "to the beginning"),
    ("L", "loop all"),
    ("[ ]", "loop from here, to here"),
    ("+ -", "faster and slower"),
    ("1 … 9", "mute a part"),
)


def takes_html(title: str, facts: Sequence[str], decks: Sequence[Deck], play: Callable[[Piece], np.ndarray], table: Table | None = None) -> str:
    """The page.

    Args:
        facts: sentences below the title.
        play: makes sound of a piece, (N, 2), for the recorded notes of its instruments.
        table: the decks compared.
    """
    clips, fonts = zip(*(clip_of_deck(deck, number) for number, deck in enumerate(decks)), strict=True)
    bank = {"velocity": RECORDED_VELOCITY, "instruments": bank_of([deck.heard or deck.piece for deck in decks], play)}
    keys = "".join(f"<span><kbd>{escape(key)}</kbd> {escape(words)}</span>" for key, words in KEYS)
    links = " ".join(f'<a href="#deck{number}">{escape(deck.title)}</a>' for number, deck in enumerate(decks))
    shown = [deck_html(deck, number, clips[number]["seconds"], "h2" if len(decks) > 1 else "") for number, deck in enumerate(decks)]
    body = "".join(
        (
            f'<header><div class="top"><h1>{escape(title)}</h1><button type="button" id="theme" aria-pressed="false">Light or dark</button></div>',
            *(f"<p>{escape(fact)}</p>" for fact in facts),
            f'<nav aria-label="Takes">{links}</nav>' if len(decks) > 1 else "",
            "<noscript><p><strong>Sound and score need JavaScript; the piano roll does not.</strong></p></noscript></header><main>",
            table_html(table) if table else "",
            *shown,
            f'<p class="keys">{keys}</p></main>',
        )
    )
    return document(title, body, {"title": title, "clips": clips, "bank": bank}, ("sound.js", "deck.js"), next(filter(None, fonts), ""))

"""Takes -> one HTML page that needs nothing else: each with its roll, score, sound, faults and settings, and what compares them.

Conventions: as in `page.py`.
"""

import base64
from collections.abc import Mapping, Sequence
from html import escape

from musicgen.listening.deck import Deck, clip_of_deck, deck_html
from musicgen.listening.page import Table, document, table_html
from musicgen.listening.samples import RECORDED_VELOCITY

KEYS = (
    ("Space", "play and pause"),
    ("← →", "a bar back and on"),
    ("Home", "to the beginning"),
    ("L", "loop all"),
    ("[ ]", "loop from here, to here"),
    ("+ -", "faster and slower"),
    ("1 … 9", "mute a part"),
)


def takes_html(
    title: str, facts: Sequence[str], decks: Sequence[Deck], instruments: Mapping[str, dict], table: Table | None = None, figure: str = ""
) -> str:
    """The page.

    Args:
        facts: sentences below the title.
        instruments: their recorded notes, as `samples.bank_of` makes them; others are played from waves.
        table: the decks compared.
        figure: HTML that stands before them.
    """
    clips, fonts = [], []
    for number, deck in enumerate(decks):
        clip, font = clip_of_deck(deck, number)
        clips.append(clip)
        fonts.append(font)
    bank = {"velocity": RECORDED_VELOCITY, "instruments": instruments}
    keys = "".join(f"<span><kbd>{escape(key)}</kbd> {escape(words)}</span>" for key, words in KEYS)
    links = " ".join(f'<a href="#deck{number}">{escape(deck.title)}</a>' for number, deck in enumerate(decks))
    shown = [deck_html(deck, number, clips[number]["seconds"], "h2" if len(decks) > 1 else "") for number, deck in enumerate(decks)]
    body = "".join(
        (
            f'<header><div class="top"><h1>{escape(title)}</h1><button type="button" id="theme" aria-pressed="false">Light or dark</button></div>',
            *(f"<p>{escape(fact)}</p>" for fact in facts),
            f'<nav aria-label="Takes">{links}</nav>' if len(decks) > 1 else "",
            "<noscript><p><strong>Sound and score need JavaScript; the piano roll does not.</strong></p></noscript></header><main>",
            figure,
            table_html(table) if table else "",
            *shown,
            f'<p class="keys">{keys}</p></main>',
        )
    )
    return document(title, body, {"title": title, "clips": clips, "bank": bank}, ("sound.js", "deck.js"), next(filter(None, fonts), ""))


def figure_html(svg: bytes, name: str) -> str:
    """A drawing that keeps its own looks, as a page shows it."""
    return f'<figure><img alt="{escape(name)}" src="data:image/svg+xml;base64,{base64.b64encode(svg).decode()}"></figure>'

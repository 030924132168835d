"""Figures and music -> one HTML page: tables, plots, music to listen to, and a blind listening test.

Conventions: the page needs no network and no other file. Everything that comes from a corpus or a model, titles for example, is escaped: it is
shown and never run, and the page's own scripts are told by their hash. `page.html` is the skeleton, `evaluation.html` what stands in it,
`page.css` its look; `sound.js` plays, `deck.js` shows what it plays, `quiz.js` asks; the music stands in the page as JSON.
"""

import base64
import hashlib
import json
from collections.abc import Sequence
from html import escape
from pathlib import Path
from string import Template
from typing import NamedTuple

from musicgen.listening.deck import clip_of_deck, deck_html, plain_deck
from musicgen.listening.palette import style
from musicgen.listening.picture import rules
from musicgen.listening.plots import Bars, Strip, svg

HERE = Path(__file__).parent
EXAMPLE_WIDTH = 440  # pixels of a roll


class Table(NamedTuple):
    """Figures in rows; each row begins with its name. Cells are words."""

    title: str
    note: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


class Music(NamedTuple):
    """Pieces, or clips, of two sets."""

    corpus: Sequence
    takes: Sequence


def page_html(
    title: str, facts: Sequence[str], tables: Sequence[Table], plots: Sequence[Bars | Strip], examples: Music, excerpts: Music, num_bars: int
) -> str:
    """The page of an evaluation.

    Args:
        facts: sentences below the title.
        examples: pieces to see and hear side by side.
        excerpts: clips (`clips.clip_of`) that the listening test asks about; it needs at least one of each.
        num_bars: length of each excerpt.
    """
    decks = [plain_deck(piece, piece.title, EXAMPLE_WIDTH) for piece in (*examples.corpus, *examples.takes)]
    asked = [{"truth": truth, **clip} for truth, clips in (("corpus", excerpts.corpus), ("machine", excerpts.takes)) for clip in clips]
    clips = [clip_of_deck(deck, number)[0] for number, deck in enumerate(decks)]
    music = {"title": title, "clips": clips, "excerpts": asked if excerpts.corpus and excerpts.takes else [], "bars": num_bars}
    shown = [deck_html(deck, number, clips[number]["seconds"], "h4") for number, deck in enumerate(decks)]
    body = Template(_part("evaluation.html")).substitute(
        title=escape(title),
        facts="".join(f"<p>{escape(fact)}</p>" for fact in facts),
        tables="".join(map(table_html, tables)),
        plots="".join(_figure(plot) for plot in plots),
        corpus="".join(shown[: len(examples.corpus)]),
        takes="".join(shown[len(examples.corpus) :]),
        bars=str(num_bars),
        identity=hashlib.sha256(_json(music).encode()).hexdigest()[:16],
    )
    return document(title, body, music, ("sound.js", "deck.js", "quiz.js"))


def document(title: str, body: str, music: dict, scripts: Sequence[str], head: str = "") -> str:
    """A page that asks for nothing and runs nothing but the scripts that are named.

    Args:
        body: HTML.
        music: what the scripts read.
        head: more styles, as HTML.
    """
    script = "\n" + "\n".join(map(_part, scripts))
    allowed = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return Template(_part("page.html")).substitute(
        title=escape(title), style=_style(), head=head, body=body, music=_json(music), script=script, allowed=f"'sha256-{allowed}'"
    )


def tables_html(title: str, facts: Sequence[str], tables: Sequence[Table]) -> str:
    """A page of tables alone, whose last columns are words; it runs nothing."""
    shown = "".join(f"<p>{escape(fact)}</p>" for fact in facts)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>{escape(title)}</title><style>{_style()}</style></head><body><header><h1>{escape(title)}</h1>{shown}</header>"
        f'<main class="words">{"".join(map(table_html, tables))}</main></body></html>\n'
    )


def _style() -> str:
    return style() + rules() + _part("page.css")


def _part(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")


def _json(document: object) -> str:
    """JSON that can stand within a script element: nothing in it ends one, or begins a comment."""
    return json.dumps(document, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def table_html(table: Table) -> str:
    """A table that can be scrolled where it is too wide."""
    head = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in table.head)
    rows = "".join(
        f'<tr><th scope="row">{escape(name)}</th>{"".join(f"<td>{escape(cell)}</td>" for cell in cells)}</tr>' for name, *cells in table.rows
    )
    note = f"<p>{escape(table.note)}</p>" if table.note else ""
    scroll = f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(table.title)}">'
    body = f"{scroll}<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    return f'<div class="table"><h3>{escape(table.title)}</h3>{note}{body}</div>'


def _figure(plot: Bars | Strip) -> str:
    return f"<figure><figcaption>{escape(plot.title)}</figcaption>{svg(plot)}</figure>"

"""Figures and music -> one HTML page: tables, plots, music to listen to, and a blind listening test.

Conventions: the page needs no network and no other file. Everything that comes from a corpus or a model, titles for example, is escaped: it is
shown and never run. `page.html` is the skeleton, `page.css` its look, `player.js` plays, `quiz.js` asks; the music stands in the page as JSON.
"""

import hashlib
import json
from collections.abc import Sequence
from html import escape
from pathlib import Path
from string import Template
from typing import NamedTuple

from musicgen.listening.clips import NUM_COLOURS, roll
from musicgen.listening.plots import Bars, Strip, svg

HERE = Path(__file__).parent


class Table(NamedTuple):
    """Figures in rows; each row begins with its name. Cells are words."""

    title: str
    note: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


class Music(NamedTuple):
    """Clips, as `clips.clip_of` makes them."""

    corpus: Sequence[dict]
    takes: Sequence[dict]


def page_html(
    title: str, facts: Sequence[str], tables: Sequence[Table], plots: Sequence[Bars | Strip], examples: Music, excerpts: Music, num_bars: int
) -> str:
    """The page.

    Args:
        facts: sentences below the title.
        examples: pieces to see and hear side by side.
        excerpts: what the listening test asks about; it needs at least one of each.
        num_bars: length of each excerpt.
    """
    shown = [*examples.corpus, *examples.takes]
    asked = [{"truth": truth, **clip} for truth, clips in (("corpus", excerpts.corpus), ("machine", excerpts.takes)) for clip in clips]
    music = _json({"title": title, "examples": shown, "excerpts": asked if excerpts.corpus and excerpts.takes else [], "bars": num_bars})
    numbers = iter(range(len(shown)))
    columns = [[_example(clip, next(numbers)) for clip in clips] for clips in examples]
    return Template(_part("page.html")).substitute(
        title=escape(title),
        style=_part("page.css"),
        script=_part("player.js") + _part("quiz.js"),
        facts="".join(f"<p>{escape(fact)}</p>" for fact in facts),
        tables="".join(map(_table, tables)),
        plots="".join(_figure(plot) for plot in plots),
        corpus="".join(columns[0]),
        takes="".join(columns[1]),
        bars=str(num_bars),
        identity=hashlib.sha256(music.encode()).hexdigest()[:16],
        music=music,
    )


def tables_html(title: str, facts: Sequence[str], tables: Sequence[Table]) -> str:
    """A page of tables alone, whose last columns are words; it runs nothing."""
    shown = "".join(f"<p>{escape(fact)}</p>" for fact in facts)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>{escape(title)}</title><style>{_part('page.css')}</style></head><body><header><h1>{escape(title)}</h1>{shown}</header>"
        f'<main class="words">{"".join(map(_table, tables))}</main></body></html>\n'
    )


def _part(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")


def _json(document: object) -> str:
    """JSON that can stand within a script element: nothing in it ends one, or begins a comment."""
    return json.dumps(document, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _table(table: Table) -> str:
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


def _example(clip: dict, number: int) -> str:
    title, names = escape(clip["title"]), [part["name"] or "a part" for part in clip["parts"]]
    legend = "".join(f'<li class="part{index % NUM_COLOURS}">{escape(name)}</li>' for index, name in enumerate(names[:12]))
    return (
        f'<article class="example" data-clip="{number}"><h4>{title}</h4>{roll(clip)}'
        f'<div class="controls"><button type="button" class="play" aria-label="Play {title}">Play</button>'
        f'<input type="range" class="seek" min="0" max="{clip["seconds"]}" step="any" value="0" aria-label="Place in {title}">'
        f'<span class="clock" aria-hidden="true">0:00</span></div><ul class="legend">{legend}</ul></article>'
    )

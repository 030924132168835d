"""Piece -> deck: the part of a page in which one piece is seen and heard, with its roll, its score and all buttons; `deck.js` moves it.

Conventions: what the page plays is a clip (`clips.py`) with what the deck adds: `times`, rows of seconds and steps between which straight lines lead;
`start` and `scale`, where step s lies `(s - start) * scale` pixels to the right in the roll; `scores`, gzipped SVG in base64, wide and narrow. A deck
has its number in the page, and all words from elsewhere are escaped.
"""

import base64
import gzip
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from html import escape
from typing import NamedTuple

from musicgen.listening.clips import clip_of, seconds_at
from musicgen.listening.notation.engraving import Layout, engrave, one_picture
from musicgen.listening.palette import part_colour
from musicgen.listening.pianoroll import Roll, by_part, roll, said
from musicgen.listening.picture import svg
from musicgen.piece import Piece

WIDE, NARROW = Layout(1080, has_title=False), Layout(430, has_title=False)  # of scores
LOOKS = re.compile(r' color="black"| style="background:#fff"')  # the page has its own
SPEEDS = ("0.25", "0.5", "0.75", "1", "1.25", "1.5", "2")
FONT = re.compile(r'<style type="text/css">@font-face.*?</style>', re.DOTALL)  # verovio puts it into every picture that has a metronome mark


class View(NamedTuple):
    """One way to colour the roll."""

    name: str
    roll: Roll


class Deck(NamedTuple):
    """A piece with all that its part of the page shows."""

    piece: Piece  # every part of it plays
    title: str
    views: Sequence[View]
    musicxml: bytes = b""  # the score; without it there is none
    midi: bytes = b""  # to be downloaded; without it there is nothing to download
    file: str = "piece"  # what downloads are called
    heard: Piece | None = None  # the same on a finer grid, as it is played
    facts: str = ""  # a line below the title
    details: Mapping[str, str] = {}
    faults: Sequence[str] | None = None  # None where nobody looked for any
    copies: str = ""  # the copy report


def sounding(piece: Piece) -> Piece:
    """The piece without parts that are silent."""
    return replace(piece, parts=tuple(part for part in piece.parts if part.notes))


def plain_deck(piece: Piece, title: str, width: float) -> Deck:
    """A piece to see and to hear, and no more."""
    piece = sounding(piece)
    return Deck(piece, title, [View("parts", roll(piece, *by_part(piece), width))])


def clip_of_deck(deck: Deck, number: int) -> tuple[dict, str]:
    """The clip, and the font that its scores need."""
    played = deck.heard or deck.piece
    fineness = played.steps_per_quarter / deck.piece.steps_per_quarter
    clip = clip_of(played, deck.title, most_notes=None)
    first = min((part.notes[0].onset for part in played.parts), default=0)
    steps = [first, *(tempo.onset for tempo in played.tempos if first < tempo.onset < played.end), max(played.end, first + 1)]
    seconds = seconds_at(played, steps) - seconds_at(played, [first])
    drawn = deck.views[0].roll
    clip |= {"times": [[round(second, 4), round(step / fineness, 4)] for second, step in zip(seconds.tolist(), steps, strict=True)]}
    clip |= {"start": drawn.start, "scale": round(drawn.pixels_per_step, 5), "file": deck.file}
    if not deck.musicxml:
        return clip, ""
    font, scores = "", {}
    for name, layout in (("wide", WIDE), ("narrow", NARROW)):
        pages = engrave(deck.musicxml, layout, prefix=f"d{number}{name[0]}-")
        font = font or next(iter(FONT.findall(pages[0])), "")
        picture = LOOKS.sub("", FONT.sub("", one_picture(pages)))
        scores[name] = base64.b64encode(gzip.compress(picture.encode(), 9, mtime=0)).decode()
    return {**clip, "scores": scores}, font


def deck_html(deck: Deck, number: int, seconds: float, heading: str = "h2") -> str:
    """The part of the page.

    Args:
        number: among the decks of the page, from 0.
        seconds: of its clip.
        heading: the tag of its title; without one the page says it.
    """
    title = escape(deck.title)
    head = f"<{heading}>{title}</{heading}>" if heading else ""
    facts = f"<p>{escape(deck.facts)}</p>" if deck.facts else ""
    return (
        f'<article class="deck" id="deck{number}" data-clip="{number}" aria-label="{title}">{head}{facts}'
        f"{_controls(deck, title, seconds)}{_parts(deck)}{_roll(deck, title)}{_score(deck, title)}{_downloads(deck)}{_details(deck)}</article>"
    )


def _controls(deck: Deck, title: str, seconds: float) -> str:
    speeds = "".join(f'<option value="{speed}"{" selected" if speed == "1" else ""}>{speed} &times;</option>' for speed in SPEEDS)
    views = "".join(f"<option>{escape(view.name)}</option>" for view in deck.views)
    colours = f'<label>Colours <select class="colours">{views}</select></label>' if len(deck.views) > 1 else ""
    return (
        f'<div class="controls"><button type="button" class="play" aria-label="Play {title}" aria-keyshortcuts="Space">Play</button>'
        f'<input type="range" class="seek" min="0" max="{seconds:.3f}" step="any" value="0" aria-label="Place in {title}">'
        f'<span class="clock">0:00</span><button type="button" class="loop" aria-pressed="false" aria-keyshortcuts="L">Loop</button>'
        f'<label>Speed <select class="speed">{speeds}</select></label>{colours}</div>'
    )


def _parts(deck: Deck) -> str:
    items = []
    for number, part in enumerate(deck.piece.parts):
        name = escape(said(part))
        buttons = "".join(
            f'<button type="button" class="{word.lower()}" data-part="{number}" aria-pressed="false" aria-label="{word} {name}">{word[0]}</button>'
            for word in ("Mute", "Solo")
        )
        items.append(f'<li style="--own:var(--{part_colour(number)})"><span class="name">{name}</span>{buttons}</li>')
    return f'<ul class="parts" aria-label="Parts">{"".join(items)}</ul>'


def _roll(deck: Deck, title: str) -> str:
    first = deck.views[0].roll
    bodies, legends = [], []
    for index, view in enumerate(deck.views):
        hidden = " hidden" if index else ""
        bodies.append(f'<div class="view" data-view="{escape(view.name)}"{hidden}>{svg(view.roll.body, f"Piano roll of {deck.title}")}</div>')
        if index:
            keys = "".join(f'<li style="--own:var(--{colour})">{escape(words)}</li>' for colour, words in view.roll.legend)
            legends.append(f'<ul class="legend view" data-view="{escape(view.name)}" hidden>{keys}</ul>')
    return (
        f'<div class="roll"><div class="labels">{svg(first.labels, "Pitches")}</div>'
        f'<div class="scroll" tabindex="0" role="region" aria-label="Piano roll of {title}"><div class="stage">{"".join(bodies)}'
        f'<div class="region" hidden></div><div class="cursor"></div></div></div></div>{"".join(legends)}'
    )


def _score(deck: Deck, title: str) -> str:
    if not deck.musicxml:
        return ""
    inner = '<div class="sheet"></div><div class="cursor" hidden></div>'
    return f'<div class="score" tabindex="0" role="region" aria-label="Score of {title}">{inner}</div>'


def _downloads(deck: Deck) -> str:
    if not deck.midi:
        return ""
    name = escape(deck.file)
    links = [
        f'<a download="{name}.{suffix}" href="data:{kind};base64,{base64.b64encode(content).decode()}">{word}</a>'
        for word, suffix, kind, content in (
            ("MIDI", "mid", "audio/midi", deck.midi),
            ("MusicXML", "musicxml", "application/vnd.recordare.musicxml+xml", deck.musicxml),
        )
        if content
    ]
    return f'<div class="downloads"><span>Download</span>{"".join(links)}<button type="button" class="record">Sound</button></div>'


def _details(deck: Deck) -> str:
    found = ""
    if deck.faults is not None:
        rows = "".join(f"<li>{escape(fault)}</li>" for fault in deck.faults)
        found = f'<ul class="faults">{rows}</ul>' if rows else "<p>No faults were found.</p>"
    found += f"<p>Copies: {escape(deck.copies)}</p>" if deck.copies else ""
    rows = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in deck.details.items())
    table = f"<details><summary>How it was made</summary><dl>{rows}</dl></details>" if rows else ""
    return found + table

"""Takes and corpus -> the page of an evaluation: what is plotted, what is played, what the listening test asks about."""

from collections.abc import Sequence

import numpy as np

from musicgen.cli.tables import facts_of, tables_of
from musicgen.judging.statistics import DURATION_EDGES, MEASURES, WIDEST_STEP, Measure, values
from musicgen.listening.clips import blind_clips, openings
from musicgen.listening.page import Music, page_html
from musicgen.listening.plots import Bars, Strip
from musicgen.piece import Piece

EXAMPLES, EXAMPLE_BARS = 4, 32  # of each set, at most
EXCERPTS, EXCERPT_BARS = 16, 8  # of each set, at most
AXES = {  # measure -> what the buckets are, and their names; other histograms count from 1
    "pitch classes": ("pitch class", ("C", "C♯", "D", "E♭", "E", "F", "F♯", "G", "A♭", "A", "B♭", "B")),
    "scale degrees": ("semitones above the tonic", tuple(map(str, range(12)))),
    "note durations": (
        "at least so many twelfths of a quarter note",
        ("0", *map(str, DURATION_EDGES)),
    ),
    "melodic intervals": (
        "semitones up",
        (f"<{-WIDEST_STEP}", *map(str, range(-WIDEST_STEP, WIDEST_STEP + 1)), f">{WIDEST_STEP}"),
    ),
    "self-similarity": ("bars later or earlier", tuple(map(str, range(1, 17)))),
}


def evaluation_page(figures: dict, takes: Sequence[Piece], corpus: Sequence[Piece], heard: Sequence[Piece], rng: np.random.Generator) -> str:
    """The HTML page.

    Args:
        figures: as `evaluate --json` prints them.
        corpus: pieces that the takes are plotted beside.
        heard: pieces of the corpus to listen to.
    """
    sounding = [take for take in takes if take.num_notes]
    num_bars = excerpt_bars(sounding, heard)
    music = [[pieces[index] for index in rng.permutation(len(pieces)).tolist()] for pieces in (heard, sounding)]
    tempo = float(np.median([piece.tempos[0].quarters_per_minute for piece in heard]))
    return page_html(
        f"musicgen: {figures['corpus']['name']}, corpus and machine",
        facts_of(figures),
        tables_of(figures),
        [plot_of(measure, takes, corpus) for measure in MEASURES],
        Music(*(openings(pieces[:EXAMPLES], EXAMPLE_BARS) for pieces in music)),
        Music(*(blind_clips(pieces[EXAMPLES:], EXCERPTS, num_bars, tempo, rng) for pieces in music)),
        num_bars,
    )


def excerpt_bars(takes: Sequence[Piece], corpus: Sequence[Piece]) -> int:
    """Bars of an excerpt: as many as half of the pieces of both sets have, and not more than `EXCERPT_BARS`."""
    medians = [int(np.median([len(piece.bar_lines) for piece in pieces])) for pieces in (takes, corpus) if pieces]
    return max(1, min(EXCERPT_BARS, *medians)) if medians else EXCERPT_BARS


def plot_of(measure: Measure, takes: Sequence[Piece], corpus: Sequence[Piece]) -> Bars | Strip:
    """Bars of means for a histogram, a strip of all pieces for a number."""
    ours, theirs = values(takes, measure), values(corpus, measure)
    if measure.size == 1:
        return Strip(measure.name, measure.unit, theirs[:, 0].tolist(), ours[:, 0].tolist())
    axis, labels = AXES.get(measure.name, ("bucket", tuple(map(str, range(1, measure.size + 1)))))
    means = [(rows.sum(axis=0) / max(1, len(rows))).tolist() for rows in (theirs, ours)]
    return Bars(measure.name, measure.unit, axis, labels, *means)

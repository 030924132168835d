"""Figures of two sets -> SVG: bars side by side for shares, strips of dots for numbers.

Conventions: every plot has its axes with units, and takes its colours from the page by the classes `corpus` and `takes`. A drawing is WIDTH x
HEIGHT units. Numbers are finite.
"""

import math
from collections.abc import Sequence
from html import escape
from typing import NamedTuple

import numpy as np

WIDTH, HEIGHT = 480, 250
LEFT, RIGHT, TOP, BOTTOM = 66, 10, 10, 50  # margins
MOST_LABELS = 12  # below the bars of a plot
SETS = ("corpus", "takes")
GOLDEN = (math.sqrt(5) - 1) / 2  # its multiples spread evenly, so dots of a strip seldom hide each other


class Bars(NamedTuple):
    """Two means of a histogram."""

    title: str
    unit: str  # of the heights
    axis: str  # what the labels are
    labels: tuple[str, ...]
    corpus: Sequence[float]
    takes: Sequence[float]


class Strip(NamedTuple):
    """A number of each piece of two sets."""

    title: str
    unit: str
    corpus: Sequence[float]
    takes: Sequence[float]


def svg(plot: Bars | Strip) -> str:
    """The drawing."""
    shapes = _bars(plot) if isinstance(plot, Bars) else _strip(plot)
    return f'<svg class="plot" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(_in_words(plot))}">{"".join(shapes)}</svg>'


def _in_words(plot: Bars | Strip) -> str:
    if isinstance(plot, Bars):
        return f"{plot.title}, {plot.unit} by {plot.axis}, of the corpus and of the takes"
    medians = [f"{np.median(values):.3g}" if len(values) else "nothing" for values in (plot.corpus, plot.takes)]
    return f"{plot.title} in {plot.unit}: median of the corpus {medians[0]}, of the takes {medians[1]}"


def ticks(low: float, high: float, most: int = 5) -> list[float]:
    """Round numbers from low to high, at least two where these differ: 1, 2 or 5 times a power of ten apart."""
    if not high > low:
        return [low]
    least = (high - low) / most
    power = 10.0 ** math.floor(math.log10(least))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= least * (1 - 1e-9))
    return [number * step for number in range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)]


def text(x: float, y: float, words: str, anchor: str = "middle", kind: str = "") -> str:
    """Words at a place; of the kind "up" they are read upwards, any other is their class."""
    turned = f' transform="rotate(-90 {x:.1f} {y:.1f})"' if kind == "up" else f' class="{kind}"' if kind else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{turned}>{escape(words)}</text>'


def _bars(plot: Bars) -> list[str]:
    highest = max(*plot.corpus, *plot.takes, 1e-3)
    foot, width = HEIGHT - BOTTOM, (WIDTH - LEFT - RIGHT) / max(1, len(plot.labels))
    scale = (foot - TOP) / highest
    shapes = []
    for tick in ticks(0, highest, 4):
        y = foot - tick * scale
        shapes += [f'<path class="grid" d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}"/>', text(LEFT - 6, y + 5, f"{tick:.3g}", "end")]
    for number, name in enumerate(SETS):
        boxes = []
        for bucket, value in enumerate(getattr(plot, name)):
            x = LEFT + width * (bucket + 0.1 + 0.4 * number)
            boxes.append(f"M{x:.1f} {foot}v-{value * scale:.1f}h{0.4 * width:.1f}V{foot}z")
        shapes.append(f'<path class="{name}" d="{"".join(boxes)}"/>')
    every = -(-len(plot.labels) // MOST_LABELS)
    shapes += [text(LEFT + width * (bucket + 0.5), foot + 18, label) for bucket, label in enumerate(plot.labels) if bucket % every == 0]
    shapes += [
        f'<path class="axis" d="M{LEFT} {TOP}V{foot}H{WIDTH - RIGHT}"/>',
        text((LEFT + WIDTH) / 2, HEIGHT - 6, plot.axis),
        text(16, (TOP + foot) / 2, plot.unit, kind="up"),
    ]
    return shapes


def _strip(plot: Strip) -> list[str]:
    every = [*plot.corpus, *plot.takes]
    low, high = min(every, default=0.0), max(every, default=1.0)
    if high - low <= 1e-9 * max(abs(low), abs(high), 1.0):
        low, high = low - 0.5, high + 0.5
    foot, scale = HEIGHT - BOTTOM, (WIDTH - LEFT - RIGHT - 20) / (high - low)
    shapes = []

    def place(value: float) -> float:
        return LEFT + 10 + (value - low) * scale

    for tick in ticks(low, high):
        shapes += [f'<path class="grid" d="M{place(tick):.1f} {TOP}V{foot}"/>', text(place(tick), foot + 18, f"{tick:.4g}")]
    row = (foot - TOP) / len(SETS)
    for number, name in enumerate(SETS):
        values, middle = list(getattr(plot, name)), TOP + (number + 0.5) * row
        shapes.append(text(LEFT - 16, middle, name, kind="up"))
        if values:
            dots = "".join(f"M{place(value):.1f} {middle + (index * GOLDEN % 1 - 0.5) * 0.62 * row:.1f}h0" for index, value in enumerate(values))
            lower, median, upper = (place(value) for value in np.percentile(values, (25, 50, 75)).tolist())
            top, height = middle - 0.4 * row, 0.8 * row
            shapes += [
                f'<path class="dots {name}" d="{dots}"/>',
                f'<rect class="half {name}" x="{lower:.1f}" y="{top:.1f}" width="{max(1, upper - lower):.1f}" height="{height:.1f}"/>',
                f'<path class="median {name}" d="M{median:.1f} {top:.1f}v{height:.1f}"/>',
            ]
    shapes += [f'<path class="axis" d="M{LEFT} {TOP}V{foot}H{WIDTH - RIGHT}"/>', text((LEFT + WIDTH) / 2, HEIGHT - 6, plot.unit)]
    return shapes

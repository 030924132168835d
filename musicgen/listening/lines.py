"""Curves and points over axes -> one SVG figure that stands by itself, in the light and in the dark.

Conventions: a drawing is WIDTH units wide, its panels one below the other, each with its title, its axes with units, a legend and a caption. Numbers
that a logarithmic axis can't show, 0 and below, are left out, as are those that are not finite. Colours alone tell nothing: marks differ too.
"""

import math
import textwrap
from collections.abc import Sequence
from html import escape
from typing import NamedTuple

from musicgen.listening.plots import text, ticks

WIDTH, LEFT, RIGHT = 760, 84, 24
TOP, PLOT, BELOW = 42, 230, 50  # heights: the title, the axes, numbers and unit
ENTRY = 24  # height of a row of the legend
LINE, CAPTION = 19, 92  # height of a line of a caption, and its characters
ROW = 34  # height of a row of points
MOST_DECADES = 8  # of a logarithmic axis; what lies lower is left out
FONT = 'font-family="system-ui, sans-serif"'
STYLE = """
svg{color-scheme:light dark;--ground:#fbfaf7;--ink:#1d2129;--faint:#5d6470;--line:#d9d7cf;
--c0:#2f6db5;--c1:#c25e00;--c2:#1f7a49;--c3:#9a4fb0;--c4:#8a6500;--c5:#c2395a}
@media(prefers-color-scheme:dark){svg{--ground:#14171c;--ink:#e8e6e1;--faint:#a2a9b4;--line:#363c47;
--c0:#74aef0;--c1:#f59e4a;--c2:#63c996;--c3:#cf93e0;--c4:#e0bd55;--c5:#f08099}}
.ground{fill:var(--ground)}text{fill:var(--ink);font-size:14px}.title{font-weight:600;font-size:16px}.small{fill:var(--faint);font-size:13px}
.grid{stroke:var(--line);fill:none}.axis{stroke:var(--faint);fill:none}
.line{fill:none;stroke-width:2.2;stroke-linejoin:round}.dashed{stroke-dasharray:6 5}
"""
STYLE += "".join(f".l{kind}{{stroke:var(--c{kind})}}.m{kind}{{fill:var(--c{kind})}}" for kind in range(6))
MARKS = (
    "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0z",
    "M-4-4h8v8h-8z",
    "M0-5l5 9h-10z",
    "M0-5.5l5.5 5.5l-5.5 5.5l-5.5-5.5z",
    "M-5-4h10l-5 9z",
    "M-2-5h4v10h-4z",
)


class Curve(NamedTuple):
    """A line through points, by its name in the legend."""

    name: str
    x: Sequence[float]
    y: Sequence[float]
    kind: int = 0  # 0..5, its colour and its mark
    dashed: bool = False
    marked: bool = True


class Curves(NamedTuple):
    """A panel of curves."""

    title: str
    caption: str
    x_unit: str
    y_unit: str
    curves: Sequence[Curve]
    log_x: bool = False  # by powers of two
    log_y: bool = False  # by powers of ten


class Row(NamedTuple):
    """Numbers with their mean."""

    name: str
    values: Sequence[float]
    kind: int = 0


class Rows(NamedTuple):
    """A panel of rows, each with the points of its numbers and their mean in words; the axis begins at 0."""

    title: str
    caption: str
    unit: str
    rows: Sequence[Row]


def figure(title: str, panels: Sequence[Curves | Rows]) -> str:
    """The SVG document."""
    shapes, y = [], 14.0
    for panel in panels:
        drawn, height = _rows(panel) if isinstance(panel, Rows) else _curves(panel)
        shapes.append(f'<g transform="translate(0 {y:.0f})">{"".join(drawn)}</g>')
        y += height
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y:.0f}" width="{WIDTH}" height="{y:.0f}" {FONT} role="img"'
    ground = f'<title>{escape(title)}</title><style>{STYLE}</style><rect class="ground" width="100%" height="100%"/>'
    return f'{head} aria-label="{escape(title)}">{ground}{"".join(shapes)}</svg>\n'


class Scale:
    """Numbers -> places on an axis."""

    def __init__(self, values: list[float], begin: float, end: float, base: int | None, from_zero: bool = False) -> None:
        self.begin, self.end, self.base = begin, end, base
        low, high = min(values, default=1.0), max(values, default=1.0)
        if base is not None:
            low, high = math.log(low, base), math.log(high, base)
            if base == 10:
                low = max(low, high - MOST_DECADES)
                low, high = math.floor(low), math.ceil(high)
        elif from_zero:
            low = min(0.0, low)
        if high - low < 1e-9:
            low, high = low - 0.5, high + 0.5
        self.low, self.high = low, high

    def place(self, value: float) -> float:
        at = value if self.base is None else math.log(value, self.base)
        return self.begin + (at - self.low) / (self.high - self.low) * (self.end - self.begin)

    def has(self, value: float) -> bool:
        """Whether a number that can be shown is not below the axis."""
        return self.base is None or math.log(value, self.base) >= self.low - 1e-9

    def marks(self) -> list[tuple[float, str]]:
        """Places and what stands there."""
        if self.base is None:
            return [(self.place(tick), f"{tick:.4g}") for tick in ticks(self.low, self.high)]
        every = max(1, -(-round(self.high - self.low) // 10))
        powers = range(math.ceil(self.low - 1e-9), math.floor(self.high + 1e-9) + 1, every)
        return [(self.place(float(self.base) ** power), f"{self.base**power:g}" if power >= -2 else f"1e{power}") for power in powers]


def _can_show(value: float, is_log: bool) -> bool:
    return math.isfinite(value) and (value > 0 or not is_log)


def _curves(panel: Curves) -> tuple[list[str], float]:
    shown = [
        [(x, y) for x, y in zip(curve.x, curve.y, strict=True) if _can_show(x, panel.log_x) and _can_show(y, panel.log_y)] for curve in panel.curves
    ]
    legend, top = _legend(panel)
    foot = top + PLOT
    across = Scale([x for points in shown for x, _ in points], LEFT, WIDTH - RIGHT, 2 if panel.log_x else None)
    up = Scale([y for points in shown for _, y in points], foot, top, 10 if panel.log_y else None)
    shapes = [text(LEFT, 20, panel.title, "start", "title"), *legend]
    for y, label in up.marks():
        shapes += [f'<path class="grid" d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}"/>', text(LEFT - 8, y + 5, label, "end")]
    for x, label in across.marks():
        shapes += [f'<path class="grid" d="M{x:.1f} {top}V{foot}"/>', text(x, foot + 20, label)]
    for curve, points in zip(panel.curves, shown, strict=True):
        places = [(across.place(x), up.place(y)) for x, y in points if up.has(y)]
        if places:
            way = "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
            shapes.append(f'<path class="line l{curve.kind}{" dashed" * curve.dashed}" d="M{way}"/>')
        shapes += [_mark(x, y, curve.kind) for x, y in places if curve.marked]
    shapes += [
        f'<path class="axis" d="M{LEFT} {top}V{foot}H{WIDTH - RIGHT}"/>',
        text((LEFT + WIDTH - RIGHT) / 2, foot + 40, panel.x_unit),
        text(20, top + PLOT / 2, panel.y_unit, kind="up"),
    ]
    return _with_caption(shapes, panel.caption, foot + BELOW)


def _rows(panel: Rows) -> tuple[list[str], float]:
    wide = LEFT + 9 * max((len(row.name) for row in panel.rows), default=0)
    values = [value for row in panel.rows for value in row.values if math.isfinite(value)]
    scale, foot = Scale(values, wide, WIDTH - 150, None, from_zero=True), 40 + ROW * len(panel.rows)
    shapes = [text(LEFT, 20, panel.title, "start", "title")]
    for x, label in scale.marks():
        shapes += [f'<path class="grid" d="M{x:.1f} 36V{foot}"/>', text(x, foot + 20, label)]
    for number, row in enumerate(panel.rows):
        y, finite = 36 + ROW * (number + 0.5), [value for value in row.values if math.isfinite(value)]
        shapes.append(text(wide - 12, y + 5, row.name, "end"))
        if finite:
            mean = sum(finite) / len(finite)
            said = f"{mean:.3f}" + (f" ({min(finite):.3f} to {max(finite):.3f})" if len(finite) > 1 else "")
            shapes.append(f'<path class="line l{row.kind}" d="M{wide} {y:.1f}H{scale.place(mean):.1f}"/>')
            shapes += [_mark(scale.place(value), y, row.kind) for value in finite]
            shapes.append(text(scale.place(max(finite)) + 12, y + 5, said, "start"))
    shapes += [f'<path class="axis" d="M{wide} 36V{foot}H{WIDTH - 150}"/>', text((wide + WIDTH - 150) / 2, foot + 40, panel.unit)]
    return _with_caption(shapes, panel.caption, foot + BELOW)


def _legend(panel: Curves) -> tuple[list[str], int]:
    """Names beside pieces of their lines, in as many rows as they need; and where the axes begin."""
    shapes, x, y = [], float(LEFT), TOP
    for curve in panel.curves:
        wide = 33 + 7.8 * len(curve.name)
        if x > LEFT and x + wide > WIDTH - RIGHT:
            x, y = float(LEFT), y + ENTRY
        shapes.append(f'<path class="line l{curve.kind}{" dashed" * curve.dashed}" d="M{x:.0f} {y}h26"/>')
        if curve.marked:
            shapes.append(_mark(x + 13, y, curve.kind))
        shapes.append(text(x + 33, y + 5, curve.name, "start"))
        x += wide + 20
    return shapes, y + ENTRY


def _mark(x: float, y: float, kind: int) -> str:
    return f'<path class="m{kind}" transform="translate({x:.1f} {y:.1f})" d="{MARKS[kind]}"/>'


def _with_caption(shapes: list[str], caption: str, y: float) -> tuple[list[str], float]:
    lines = textwrap.wrap(caption, CAPTION)
    said = [text(LEFT, y + 14 + LINE * number, line, "start", "small") for number, line in enumerate(lines)]
    return [*shapes, *said], y + LINE * len(lines) + 40

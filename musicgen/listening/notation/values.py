"""Stretches of time -> note values: where a note must be divided and tied so that the meter can be read, and which notes are a tuplet.

Conventions: times are ticks from the beginning of a bar; a quarter note has so many that every beat can be halved down to a
whole number of grid steps. A bar is a tree: its halves, thirds and beats, and below a beat halves of halves. A note may stand undivided where it
fills a node of the tree but for a quarter at either end, so dots and syncopations stay, while no note hides the middle of a bar.
Source: Gould, Behind Bars (2011), chapter 7 for the division of notes, chapter 8 for tuplets.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import cache
from typing import NamedTuple

TYPES = ("1024th", "512th", "256th", "128th", "64th", "32nd", "16th", "eighth", "quarter", "half", "whole", "breve")
WHOLE = TYPES.index("whole")
QUARTER = TYPES.index("quarter")


class Value(NamedTuple):
    """A note value."""

    kind: int  # index of TYPES
    dots: int

    @property
    def flags(self) -> int:
        return max(0, QUARTER - self.kind)


class Tuplet(NamedTuple):
    """So many notes in the time of fewer, from `start` to `end`."""

    start: int  # ticks
    end: int
    actual: int
    normal: int


class Stretch(NamedTuple):
    """A part of a note or a rest that is one sign on the page."""

    start: int  # ticks
    end: int
    value: Value
    tuplet: Tuplet | None = None


VALUES: dict[Fraction, Value] = {  # of a whole note
    length * Fraction(3, 2) if dots else length: Value(kind, dots)
    for kind in range(len(TYPES))
    for length in (Fraction(2) ** (kind - WHOLE),)
    for dots in (0, 1)
}


class Node(NamedTuple):
    """A stretch of a bar and the stretches that it falls into; a node without any falls into halves."""

    start: int  # ticks
    end: int
    given: tuple["Node", ...] = ()

    @property
    def length(self) -> int:
        return self.end - self.start

    @property
    def children(self) -> tuple["Node", ...]:
        if self.given or self.length % 2:
            return self.given
        middle = self.start + self.length // 2
        return Node(self.start, middle), Node(middle, self.end)

    @property
    def is_even(self) -> bool:
        """Whether it falls into two equal halves."""
        return len(self.children) == 2 and self.children[0].length == self.children[1].length


@cache
def bar_tree(numerator: int, denominator: int, ticks_per_quarter: int) -> Node:
    """The tree of a bar: beats in twos, threes, or what is left; eighths and shorter in threes where these fill the bar."""
    unit = 4 * ticks_per_quarter // denominator
    is_compound = denominator >= 8 and numerator > 3 and numerator % 3 == 0
    beats = [_group([Node(start, start + unit) for start in range(first, first + 3 * unit, unit)]) for first in range(0, numerator * unit, 3 * unit)]
    return _group(beats if is_compound else [Node(start, start + unit) for start in range(0, numerator * unit, unit)])


def _group(nodes: list[Node]) -> Node:
    if len(nodes) == 1:
        return nodes[0]
    if len(nodes) == 3:
        given = tuple(nodes)
    else:
        size = len(nodes) // 3 if len(nodes) % 3 == 0 and len(nodes) % 2 else (len(nodes) + 1) // 2
        given = tuple(_group(nodes[start : start + size]) for start in range(0, len(nodes), size))
    return Node(nodes[0].start, nodes[-1].end, given)


def value_of(length: int, ticks_per_quarter: int, tuplet: Tuplet | None = None) -> Value | None:
    """The note value that lasts so many ticks, within a tuplet if there is one; nothing where no single one does."""
    written = Fraction(length, 4 * ticks_per_quarter)
    return VALUES.get(written * tuplet.actual / tuplet.normal if tuplet else written)


def stretches(tree: Node, segments: Sequence[tuple[int, int, bool]], ticks_per_quarter: int) -> list[list[Stretch]]:
    """What stands on the page for each of the notes and rests that follow each other in a bar.

    Args:
        tree: of the bar.
        segments: begin, end and whether it is a rest; they touch, and together fill some of the bar.
    """
    cuts = [begin for begin, _, _ in segments] + [end for _, end, _ in segments[-1:]]
    tuplets = list(_tuplets(tree, cuts, ticks_per_quarter))
    written = []
    for begin, end, is_rest in segments:
        own: list[Stretch] = []
        for tuplet in tuplets:
            if tuplet.start < end and tuplet.end > begin:
                own += _plain(tree, begin, min(end, tuplet.start), is_rest, ticks_per_quarter)
                own += _in_tuplet(tuplet, max(begin, tuplet.start), min(end, tuplet.end), ticks_per_quarter)
                begin = min(end, tuplet.end)
        written.append([*own, *_plain(tree, begin, end, is_rest, ticks_per_quarter)])
    return written


def _tuplets(node: Node, cuts: Sequence[int], ticks_per_quarter: int) -> Iterator[Tuplet]:
    """The tuplets that the begins of notes within a node ask for; one may be cut off, where a change of meter cuts the bar."""
    inner = cuts[bisect_right(cuts, node.start) : bisect_left(cuts, node.end)]
    if not inner:
        return
    value = value_of(node.length, ticks_per_quarter)
    if value is not None and not value.dots:
        for actual in range(3, node.length + 1, 2):
            if node.length % actual == 0 and _asks_for([cut - node.start for cut in inner], node.length, actual):
                yield Tuplet(node.start, node.end, actual, 1 << (actual.bit_length() - 1))
                return
    for child in node.children:
        yield from _tuplets(child, cuts, ticks_per_quarter)


def _asks_for(inner: list[int], length: int, actual: int) -> bool:
    """Whether notes begin at multiples of a tuplet's unit, or of its half if none begins in the middle and one at a unit."""
    on_units = [cut * actual % length == 0 for cut in inner]
    on_halves = all(cut * 2 * actual % length == 0 for cut in inner)
    return all(on_units) or (any(on_units) and on_halves and all(2 * cut != length for cut in inner))


def _in_tuplet(tuplet: Tuplet, begin: int, end: int, ticks_per_quarter: int) -> Iterator[Stretch]:
    unit = (tuplet.end - tuplet.start) // tuplet.actual
    while begin < end:
        last = tuplet.start + (end - tuplet.start) // unit * unit
        stops = (end, *range(last, begin, -unit), (begin + end) // 2)
        stop = next((stop for stop in stops if value_of(stop - begin, ticks_per_quarter, tuplet)), end)
        value = value_of(stop - begin, ticks_per_quarter, tuplet)
        if value is None:
            raise ValueError(f"no note values for {begin} to {end} of {tuplet}")
        yield Stretch(begin, stop, value, tuplet)
        begin = stop


def _plain(node: Node, begin: int, end: int, is_rest: bool, ticks_per_quarter: int) -> Iterator[Stretch]:
    """The signs for a note or a rest that no tuplet is in, divided where the tree says."""
    begin, end = max(begin, node.start), min(end, node.end)
    if begin >= end:
        return
    value = value_of(end - begin, ticks_per_quarter)
    is_whole = (begin, end) == (node.start, node.end)
    may_stay = is_whole or (not is_rest and node.is_even and _leaves_quarters(node, begin, end))
    if value is not None and may_stay:
        yield Stretch(begin, end, value)
        return
    if not node.children:
        raise ValueError(f"no note values for {begin} to {end}")
    for child in node.children if is_rest or len(node.children) != 3 else _pair(node, begin, end):
        yield from _plain(child, begin, end, is_rest, ticks_per_quarter)


def _leaves_quarters(node: Node, begin: int, end: int) -> bool:
    quarter = Fraction(node.length, 4)
    return begin - node.start in (0, quarter) and node.end - end in (0, quarter)


def _pair(node: Node, begin: int, end: int) -> tuple[Node, ...]:
    """Of three children two that a note may bind: the first two, if it begins with them or ends in them."""
    first, second, third = node.children
    if end <= third.start or begin == first.start:
        return Node(first.start, second.end, (first, second)), third
    return first, Node(second.start, third.end, (second, third))

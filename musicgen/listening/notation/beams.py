"""Which notes of a voice are joined by beams.

Conventions: a beam joins the notes of a beat, or of a tuplet that is longer; four eighths that fill a half note of a simple meter it joins all.
A note has one word for each of its flags, as MusicXML has them. Source: Gould, Behind Bars (2011), pages 153 to 166.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby

from musicgen.listening.notation.values import QUARTER, Node, Stretch, Value
from musicgen.piece import Meter

EIGHTH = Value(QUARTER - 1, 0)
WORDS = {(True, True): "continue", (True, False): "end", (False, True): "begin"}  # is there such a beam at the note before, and at the next


def beams(tree: Node, meter: Meter, notes: Sequence[Stretch | None]) -> list[tuple[str, ...]]:
    """What the beams of each sign of a voice do, the one nearest to the note head last.

    Args:
        tree: of the bar.
        notes: in order; None for rests and silence.
    """
    is_simple = meter.denominator <= 4
    unit = tree.length // meter.numerator
    most = unit * meter.denominator // 4 if is_simple else 3 * unit
    beats = list(_beats(tree, most, is_simple, [note for note in notes if note]))

    def group_of(note: Stretch | None) -> tuple[int, int] | None:
        if note is None or not note.value.flags:
            return None
        if note.tuplet and note.tuplet.end - note.tuplet.start > most:
            return note.tuplet[:2]
        return next((beat.start, beat.end) for beat in beats if note.start < beat.end)

    words: list[tuple[str, ...]] = []
    for group, run in groupby(notes, group_of):
        flags = [note.value.flags if note and group else 0 for note in run]
        words += [tuple(_word(flags, place, row) for row in range(own)) if len(flags) > 1 else () for place, own in enumerate(flags)]
    return words


def _beats(node: Node, most: int, is_simple: bool, notes: list[Stretch]) -> Iterator[Node]:
    inside = [note.value for note in notes if node.start <= note.start < node.end and not note.tuplet]
    is_four_eighths = is_simple and node.is_even and node.length == 2 * most and inside == [EIGHTH] * 4
    if node.length <= most or not node.children or is_four_eighths:
        yield node
        return
    for child in node.children:
        yield from _beats(child, most, is_simple, notes)


def _word(flags: list[int], place: int, row: int) -> str:
    before = place > 0 and flags[place - 1] > row
    after = place + 1 < len(flags) and flags[place + 1] > row
    return WORDS.get((before, after), "backward hook" if place else "forward hook")

"""Piece -> piano roll: time to the right, pitch upwards, drums below, each note a box in the colour of its part, or in one that says more of it.

Conventions: lengths are pixels. A roll has its labels, which stand still, and a body, which may be wide and is moved beneath them; step s of the
piece lies `(s - start) * pixels_per_step` to the right in the body.
"""

from collections.abc import Sequence
from typing import NamedTuple

from musicgen.listening.instruments import KITS, NAMES
from musicgen.listening.notation.barring import bars_of
from musicgen.listening.notation.drums import drum_of
from musicgen.listening.palette import HEAT, part_colour
from musicgen.listening.picture import Box, Picture, Words, moved, width_of
from musicgen.piece import Part, Piece

ROW = 7  # of a semitone
DRUM_ROW = 13  # high enough for the name of the drum
FEWEST_ROWS = 24
SPARE_ROWS = 2  # above the highest and below the lowest note
HEAD = 20  # above the rows, for the numbers of bars
GAP = 8  # between pitches and drums
GUTTER = 34  # for the names of pitches; wider where there are drums
WIDEST_GUTTER = 150
LEAST_QUARTER, MOST_WIDTH = 14, 16_000  # a quarter note is at least so wide, as long as the body is not wider than that
SPACING = 34  # between two numbers of bars, at least
SMALL, MARGIN = 11, 14
BLACK_KEYS = (1, 3, 6, 8, 10)
HEAT_STEP = 1.0  # nats

Colours = Sequence[Sequence[str]]  # of each note of each part
Colouring = tuple[Colours, tuple[tuple[str, str], ...]]  # and the legend


class Roll(NamedTuple):
    """A roll in its pieces."""

    labels: Picture
    body: Picture
    legend: tuple[tuple[str, str], ...]  # colours and what they mean
    start: int  # step
    pixels_per_step: float


def by_part(piece: Piece) -> Colouring:
    """A colour for each part, and the legend."""
    colours = [[part_colour(number)] * len(part.notes) for number, part in enumerate(piece.parts)]
    return colours, tuple((part_colour(number), said(part)) for number, part in enumerate(piece.parts))


def by_surprise(nats: Sequence[Sequence[float]]) -> Colouring:
    """Colours by how surprised a model is by each note of each part, in nats, and the legend."""
    colours = [[f"heat{min(len(HEAT) - 1, max(0, int(one / HEAT_STEP)))}" for one in part] for part in nats]
    names = [f"{level * HEAT_STEP:g} to {(level + 1) * HEAT_STEP:g}" for level in range(len(HEAT) - 1)]
    return colours, tuple((f"heat{level}", f"{name} nats") for level, name in enumerate([*names, f"{(len(HEAT) - 1) * HEAT_STEP:g} or more"]))


def by_copies(is_copied: Sequence[Sequence[bool]]) -> Colouring:
    """Colours by whether each note of each part stands in a copied run, and the legend."""
    colours = [["marked" if copied else "heat1" for copied in part] for part in is_copied]
    return colours, (("marked", "copied"), ("heat1", "its own"))


def said(part: Part) -> str:
    """A part in words."""
    return part.name or (f"{KITS.get(part.program, 'drum')} kit" if part.is_drum else NAMES[part.program])


def roll(piece: Piece, colours: Colours, legend: tuple[tuple[str, str], ...], width: float = 1080) -> Roll:
    """The roll of a piece.

    Args:
        width: of the body, if the piece fits in it.
    """
    pitches = [note.pitch for part in piece.parts if not part.is_drum for note in part.notes] or [60]
    drums = sorted({note.pitch for part in piece.parts if part.is_drum for note in part.notes}, reverse=True)
    spare = max(0, FEWEST_ROWS - (max(pitches) - min(pitches) + 1))
    top = min(127, max(pitches) + max(SPARE_ROWS, spare // 2))
    bottom = max(0, min(top - FEWEST_ROWS + 1, min(pitches) - SPARE_ROWS))
    bars = bars_of(piece)
    start, end = bars[0].start, bars[-1].end
    quarters = (end - start) / piece.steps_per_quarter
    pixels_per_step = max(width, min(MOST_WIDTH, LEAST_QUARTER * quarters)) / (end - start)
    drum_top = HEAD + (top - bottom + 1) * ROW + (GAP if drums else 0)
    height = drum_top + len(drums) * DRUM_ROW + 1
    rows: dict[tuple[bool, int], tuple[float, float]] = {(False, pitch): (HEAD + (top - pitch) * ROW, ROW) for pitch in range(bottom, top + 1)}
    rows |= {(True, drum): (drum_top + number * DRUM_ROW, DRUM_ROW) for number, drum in enumerate(drums)}
    full = (end - start) * pixels_per_step
    shapes: list[Box | Words] = [
        Box(0, y, full, ROW, "shade") for (is_drum, pitch), (y, _) in rows.items() if not is_drum and pitch % 12 in BLACK_KEYS
    ]
    shapes += [Box(0, y, full, 1, "line") for (is_drum, pitch), (y, _) in rows.items() if is_drum]
    shown = 0.0
    for bar in bars:
        x = (bar.start - start) * pixels_per_step
        shapes.append(Box(x, HEAD - 4, 1, height - HEAD + 4, "line"))
        if not bar.is_upbeat and x >= shown:
            shapes.append(Words(x + 3, HEAD - 7, str(bar.number), SMALL))
            shown = x + SPACING
    for part, own in zip(piece.parts, colours, strict=True):
        for note, colour in zip(part.notes, own, strict=True):
            y, row = rows[part.is_drum, note.pitch]
            long = note.duration if not part.is_drum else min(note.duration, piece.steps_per_quarter // 2 or 1)
            x, length = (note.onset - start) * pixels_per_step, long * pixels_per_step
            shapes.append(Box(x, y + (row - ROW) / 2 + 0.5, max(1.5, length - 1), ROW - 1, colour))
    return Roll(_labels(rows, drums, height), Picture(full, height, tuple(shapes)), legend, start, pixels_per_step)


def _labels(rows: dict[tuple[bool, int], tuple[float, float]], drums: Sequence[int], height: float) -> Picture:
    names = {drum: drum_of(drum).name for drum in drums}
    gutter = min(WIDEST_GUTTER, max([GUTTER, *(width_of(name, SMALL) + 8 for name in names.values())]))
    shapes: list[Box | Words] = []
    for (is_drum, pitch), (y, row) in rows.items():
        if is_drum:
            shapes.append(Words(gutter - 5, y + row - 3, names[pitch], SMALL, anchor="end"))
        elif pitch % 12 == 0:
            shapes.append(Words(gutter - 5, y + row - 0.5, f"C{pitch // 12 - 1}", SMALL, anchor="end"))
    return Picture(gutter, height, tuple(shapes))


def whole(drawn: Roll, title: str) -> Picture:
    """Title, legend, labels and body as one picture."""
    width = drawn.labels.width + drawn.body.width + 2 * MARGIN
    shapes: list[Box | Words] = []
    y: float = MARGIN
    if title:
        shapes.append(Words(MARGIN, y + 14, title, 16, "ink"))
        y += 26
    x: float = MARGIN
    for colour, words in drawn.legend:
        step = 18 + width_of(words, 12) + 14
        if x > MARGIN and x + step > width - MARGIN:
            x, y = MARGIN, y + 18
        shapes += [Box(x, y, 11, 11, colour), Words(x + 16, y + 10, words, 12)]
        x += step
    y += 22
    shapes += moved(drawn.labels.shapes, MARGIN, y)
    shapes += moved(drawn.body.shapes, MARGIN + drawn.labels.width, y)
    return Picture(width, y + drawn.body.height + MARGIN, tuple(shapes))

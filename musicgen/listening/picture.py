"""Shapes -> a picture: SVG that follows the light or dark of whoever looks at it, or PNG, by Pillow.

Conventions: lengths are pixels at 100 %, from the top left corner; colours are names of `palette.COLOURS`.
"""

import importlib.util
import io
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import NamedTuple

from PIL import Image, ImageDraw, ImageFont

from musicgen.listening.palette import COLOURS, variables

SHARPNESS = 2  # pixels of a PNG for one of the picture
MOST_PIXELS = 60_000_000  # of a PNG
LETTER = 0.6  # width of a letter by its size, on average
FONT = "system-ui, sans-serif"


class Box(NamedTuple):
    """A filled rectangle."""

    x: float
    y: float
    width: float
    height: float
    colour: str


class Words(NamedTuple):
    """A line of text; y is its foot."""

    x: float
    y: float
    text: str
    size: float = 12
    colour: str = "faint"
    anchor: str = "start"  # or "middle" or "end"


class Picture(NamedTuple):
    """Shapes in the order in which they are drawn."""

    width: float
    height: float
    shapes: tuple[Box | Words, ...]


def moved(shapes: Sequence[Box | Words], right: float, down: float) -> list[Box | Words]:
    """Shapes at another place."""
    return [shape._replace(x=shape.x + right, y=shape.y + down) for shape in shapes]


def width_of(text: str, size: float) -> float:
    """About how wide words are."""
    return LETTER * size * len(text)


def svg(picture: Picture, name: str, kind: str = "") -> str:
    """The picture as an element of an HTML page, which gives it its colours.

    Args:
        name: what is in it, for those who cannot see it.
        kind: its class.
    """
    return f'<svg class="{kind}" {_size(picture)} role="img" aria-label="{escape(name)}">{_shapes(picture)}</svg>'


def svg_file(picture: Picture, name: str) -> bytes:
    """The picture as a file."""
    style = f"svg{{{variables(False)}background:var(--ground)}}@media (prefers-color-scheme:dark){{svg{{{variables(True)}}}}}{rules()}"
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {_size(picture)} font-family="{FONT}" role="img" aria-label="{escape(name)}">'
    return f"{head}<title>{escape(name)}</title><style>{style}</style>{_shapes(picture)}</svg>\n".encode()


def rules() -> str:
    """CSS that fills shapes with the colours that they name."""
    return "".join(f"svg .{name}{{fill:var(--{name})}}" for name in COLOURS)


def _size(picture: Picture) -> str:
    width, height = (f"{length:g}" for length in (picture.width, picture.height))
    return f'width="{width}" height="{height}" viewBox="0 0 {width} {height}"'


def _shapes(picture: Picture) -> str:
    """Neighbours of one colour are one path, which keeps pictures of thousands of notes small."""
    parts: list[str] = []
    path, colour = "", ""
    for shape in (*picture.shapes, None):
        if path and not (isinstance(shape, Box) and shape.colour == colour):
            parts.append(f'<path class="{colour}" d="{path}"/>')
            path = ""
        if isinstance(shape, Box):
            colour = shape.colour
            path += f"M{shape.x:.5g} {shape.y:.5g}h{shape.width:.4g}v{shape.height:.4g}h-{shape.width:.4g}z"
        elif shape is not None:
            anchor = "" if shape.anchor == "start" else f' text-anchor="{shape.anchor}"'
            parts.append(
                f'<text class="{shape.colour}" x="{shape.x:.5g}" y="{shape.y:.5g}" font-size="{shape.size:g}"{anchor}>{escape(shape.text)}</text>'
            )
    return "".join(parts)


def png_file(picture: Picture, is_dark: bool = False) -> bytes:
    """The picture as a file; a very large one is less sharp."""
    scale = min(SHARPNESS, (MOST_PIXELS / (picture.width * picture.height)) ** 0.5)
    image = Image.new("RGB", (max(1, round(picture.width * scale)), max(1, round(picture.height * scale))), COLOURS["ground"][is_dark])
    canvas = ImageDraw.Draw(image)
    fonts: dict[float, ImageFont.FreeTypeFont] = {}
    for shape in picture.shapes:
        colour = COLOURS[shape.colour][is_dark]
        if isinstance(shape, Box):
            left, top = round(shape.x * scale), round(shape.y * scale)
            right, bottom = round((shape.x + shape.width) * scale), round((shape.y + shape.height) * scale)
            canvas.rectangle((left, top, max(left, right - 1), max(top, bottom - 1)), fill=colour)
        else:
            font = fonts.setdefault(shape.size, _font(max(1.0, shape.size * scale)))
            anchor = {"start": "ls", "middle": "ms", "end": "rs"}[shape.anchor]
            canvas.text((shape.x * scale, shape.y * scale), shape.text, fill=colour, font=font, anchor=anchor)
    file = io.BytesIO()
    image.save(file, "PNG", compress_level=3)
    return file.getvalue()


def _font(size: float) -> ImageFont.FreeTypeFont:
    """DejaVu Sans, which has the letters of most of Europe, where matplotlib has brought it; else the one that Pillow has."""
    found = importlib.util.find_spec("matplotlib")
    for folder in (found.submodule_search_locations or []) if found else []:
        path = Path(folder) / "mpl-data" / "fonts" / "ttf" / "DejaVuSans.ttf"
        if path.is_file():
            return ImageFont.truetype(str(path), size)
    return ImageFont.load_default(size)  # type: ignore[return-value]

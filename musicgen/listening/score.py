"""MusicXML -> pictures of the score, by verovio: SVG, and PDF where a program is found that makes it of SVG.

Conventions: verovio counts tenths of a millimetre. Its identities are drawn from the content, so that equal scores give equal pictures.
"""

import re
from typing import NamedTuple

import verovio


class EngravingError(Exception):
    """A score that cannot be drawn."""


class Layout(NamedTuple):
    """How wide a page is and how large its staves are."""

    width: int  # of the page, in tenths of a millimetre at 100 %
    scale: int  # per cent
    height: int | None = None  # of a page; without one there is one page, as long as it need be


LONGEST = 60_000  # tenths of a millimetre that verovio makes a page at most
MARGIN = 60


def engrave(musicxml: bytes, layout: Layout) -> list[str]:
    """The pages of a score, each an SVG document. Raises EngravingError."""
    verovio.enableLog(verovio.LOG_OFF)
    toolkit = verovio.toolkit()
    options = {
        "pageWidth": round(layout.width * 100 / layout.scale),
        "pageHeight": round(layout.height * 100 / layout.scale) if layout.height else LONGEST,
        "scale": layout.scale,
        "adjustPageHeight": layout.height is None,
        "breaks": "auto",
        "footer": "none",
        "header": "auto",
        "svgViewBox": True,
        "xmlIdChecksum": True,
        **dict.fromkeys(("pageMarginLeft", "pageMarginRight", "pageMarginTop", "pageMarginBottom"), MARGIN),
    }
    toolkit.setOptions(options)
    if not toolkit.loadData(musicxml.decode()):
        raise EngravingError("verovio cannot draw it")
    return [toolkit.renderToSVG(page) for page in range(1, toolkit.getPageCount() + 1)]

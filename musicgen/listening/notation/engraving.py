"""MusicXML -> pictures of the score, by verovio: SVG, and PDF where a program is found that makes it of SVG.

Conventions: lengths are tenths of a millimetre at 100 %, which verovio takes for pixels. Its identities come from the content, so that equal scores
give equal pictures.
"""

import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import verovio

LONGEST = 60_000  # that verovio makes a page
SIZE = re.compile(r'viewBox="0 0 (\d+) (\d+)"')
IDENTITIES = re.compile(r'( id="|href="#|(?<=[>},])#|(?<=[},] )#)')  # where they are given, and where links and styles name them
CHROMIUMS = ("chromium", "chromium-browser", "google-chrome", "chrome")


class EngravingError(Exception):
    """A score that cannot be drawn; the message says why, and what to do."""


class Layout(NamedTuple):
    """How wide a page is, how large what stands on it, and how high it is: without a height there is one page, as high as need be."""

    width: int
    percent: int = 40
    height: int | None = None
    margin: int = 50  # before the percentage
    has_title: bool = True


SCREEN = Layout(1200)
PAPER = Layout(2100, 75, 2970, 160)  # A4


def engrave(musicxml: bytes, layout: Layout = SCREEN, prefix: str = "") -> list[str]:
    """The pages of a score, each an SVG document.

    Args:
        prefix: of all identities in them, so that several scores can stand in one document.

    Raises:
        EngravingError: where verovio cannot read it.
    """
    verovio.enableLog(verovio.LOG_OFF)
    toolkit = verovio.toolkit()
    toolkit.setOptions(
        {
            "pageWidth": layout.width * 100 // layout.percent,
            "pageHeight": layout.height * 100 // layout.percent if layout.height else LONGEST,
            "scale": layout.percent,
            "adjustPageHeight": layout.height is None,
            "breaks": "auto",
            "defaultBottomMargin": 1.5,  # so that a tempo mark stands clear of the meter
            "footer": "none",
            "header": "auto" if layout.has_title else "none",
            "svgFormatRaw": True,
            "svgViewBox": True,
            "xmlIdChecksum": True,
            **dict.fromkeys(("pageMarginLeft", "pageMarginRight", "pageMarginTop", "pageMarginBottom"), layout.margin),
        }
    )
    if not toolkit.loadData(musicxml.decode()):
        raise EngravingError("verovio cannot draw it")
    pages = [toolkit.renderToSVG(page) for page in range(1, toolkit.getPageCount() + 1)]
    return [IDENTITIES.sub(rf"\g<1>{prefix}", page) for page in pages] if prefix else pages


def one_picture(pages: Sequence[str]) -> str:
    """Pages below each other in one SVG document, black on white at 100 %."""
    sizes = [tuple(map(int, SIZE.search(page).groups())) for page in pages]  # type: ignore[union-attr]
    tops = [sum(height for _, height in sizes[:page]) for page in range(len(pages))]
    width, height = max(width for width, _ in sizes), sum(height for _, height in sizes)
    inner = [
        re.sub(r"^<svg ", f'<svg y="{top}" width="{size[0]}" height="{size[1]}" ', page) for page, top, size in zip(pages, tops, sizes, strict=True)
    ]
    space = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
    return f'<svg {space} width="{width}" height="{height}" viewBox="0 0 {width} {height}" style="background:#fff">{"".join(inner)}</svg>\n'


def pdf(pages: Sequence[str]) -> bytes:
    """Pages of PAPER as a PDF document, by Chromium or rsvg-convert. Raises EngravingError."""
    chromium = next((path for name in CHROMIUMS if (path := shutil.which(name))), None)
    converter = shutil.which("rsvg-convert")
    if not chromium and not converter:
        raise EngravingError(
            "no program that makes PDF of SVG is installed: install one (`apt install chromium` or `apt install librsvg2-bin`), or take --svg"
        )
    with tempfile.TemporaryDirectory(prefix="musicgen-") as name:
        folder, target = Path(name), Path(name) / "score.pdf"
        if chromium:
            source = folder / "score.html"
            source.write_text(_sheets(pages), encoding="utf-8")
            options = ("--headless", "--no-sandbox", "--disable-gpu", "--no-pdf-header-footer", f"--user-data-dir={folder / 'profile'}")
            command = [chromium, *options, f"--print-to-pdf={target}", source.as_uri()]
        else:
            sources = [folder / f"{number:04}.svg" for number in range(len(pages))]
            for sheet, page in zip(sources, pages, strict=True):
                sheet.write_text(page, encoding="utf-8")
            command = [str(converter), "--format=pdf", f"--output={target}", *map(str, sources)]
        try:
            done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace")
        except OSError as error:
            raise EngravingError(f"{command[0]} could not be run ({error.strerror or error})") from None
        if done.returncode or not target.exists():
            said = (done.stderr or done.stdout).strip().splitlines() or [f"exit code {done.returncode}"]
            raise EngravingError(f"{Path(command[0]).name} failed: {said[-1]}")
        return target.read_bytes()


def _sheets(pages: Sequence[str]) -> str:
    """An HTML document with one page on each sheet of A4."""
    style = "@page{size:210mm 297mm;margin:0}body{margin:0}svg.sheet{display:block;width:210mm;height:296.9mm;break-after:page}"
    sheets = [re.sub(r"^<svg ", '<svg class="sheet" ', page) for page in pages]
    return f'<!doctype html><meta charset="utf-8"><style>{style}</style>{"".join(sheets)}'

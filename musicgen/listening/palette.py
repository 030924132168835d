"""Colours, on light and on dark grounds, that are told apart by people who see red and green, or blue and yellow, alike.

Conventions: a colour has a name, which is its class in SVG and HTML, and two values. Parts take theirs in turn. Any two parts' colours differ by
at least 20 in CIE Lab to anybody (the colour blind as Machado, Oliveira and Fernandes simulate them, 2009), and from the ground by a contrast of
three to one, as WCAG 2.1 asks for.
"""

from typing import NamedTuple


class Colour(NamedTuple):
    """One colour by day and by night."""

    light: str
    dark: str


PARTS = (
    Colour("#1e85f0", "#5f82f7"),
    Colour("#784c1d", "#c73d08"),
    Colour("#628a64", "#9fd5a6"),
    Colour("#bd5fb4", "#aa7da5"),
    Colour("#0c5266", "#80e6fd"),
    Colour("#a68925", "#e6c660"),
    Colour("#583aa2", "#655ea9"),
    Colour("#68182b", "#a0515d"),
)
HEAT = (  # from little to much, ever farther from the ground
    Colour("#c3ccd8", "#364254"),
    Colour("#9db3cf", "#41617f"),
    Colour("#858dbf", "#5f83b3"),
    Colour("#8a63a3", "#a688c9"),
    Colour("#8d3570", "#e79aa8"),
    Colour("#6a0d33", "#ffd48c"),
)
COLOURS = {
    "ground": Colour("#fbfaf7", "#14171c"),
    "ink": Colour("#1d2129", "#e8e6e1"),
    "faint": Colour("#5d6470", "#a2a9b4"),
    "line": Colour("#d9d7cf", "#363c47"),
    "shade": Colour("#f0eee8", "#1b1f26"),
    "marked": Colour("#b3261e", "#ff8a80"),
    "panel": Colour("#ffffff", "#1c2027"),
    "accent": Colour("#2457a6", "#8db8f5"),
    "on-accent": Colour("#ffffff", "#10141a"),
    "corpus": Colour("#2f6db5", "#74aef0"),
    "takes": Colour("#d9730d", "#f59e4a"),
    "right": Colour("#1c7a3f", "#6fcf8f"),
    "wrong": Colour("#b3261e", "#ff8a80"),
    **{f"part{number}": colour for number, colour in enumerate(PARTS)},
    **{f"heat{number}": colour for number, colour in enumerate(HEAT)},
}


def part_colour(number: int) -> str:
    """The name of the colour of a part, by its number in the piece from 0 on."""
    return f"part{number % len(PARTS)}"


def variables(is_dark: bool) -> str:
    """The colours as CSS custom properties."""
    return "".join(f"--{name}:{colour[is_dark]};" for name, colour in COLOURS.items())


def style() -> str:
    """CSS of a page's colours: the system's light or dark, until the attribute `data-theme` of the root says which."""
    light, dark = f"{variables(False)}--is-dark:0;", f"{variables(True)}--is-dark:1;"
    return (
        f":root{{color-scheme:light dark;{light}}}"
        f"@media(prefers-color-scheme:dark){{:root:not([data-theme=light]){{{dark}}}}}"
        f":root[data-theme=dark]{{color-scheme:dark;{dark}}}:root[data-theme=light]{{color-scheme:light}}"
    )

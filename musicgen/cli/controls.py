"""The options that say how a piece is to be: those of all commands that compose."""

from collections.abc import Callable
from typing import Any

import click

from musicgen.cli.console import NumberRange
from musicgen.composing import wording
from musicgen.composing.controls import SCALES, Course

MOST_TAKES = 100_000
MEGABYTES = 200  # for those that are played at once, measured with the packaged models
MEGABYTES_OF_FIGURES = 0.0036  # of each take, measured too


class Worded(click.ParamType):
    """A value that a person writes in words, read by one of `composing.wording`."""

    def __init__(self, name: str, read: Callable[[str], Any]) -> None:
        self.name, self._read = name, read

    def convert(self, value, param, ctx):
        if not isinstance(value, str):
            return value
        try:
            return self._read(value)
        except wording.WordingError as error:
            return self.fail(f"{error}.", param, ctx)


class NumberOfTakes(click.IntRange):
    """How many takes, and what stands in the way of too many."""

    def __init__(self) -> None:
        super().__init__(1, MOST_TAKES)

    def convert(self, value, param, ctx):
        number = click.INT.convert(value, param, ctx)
        if number < 1:
            self.fail(f"{number} takes are no music: ask for 1 at least.", param, ctx)
        if number > MOST_TAKES:
            self.fail(f"{number:,} takes would need {megabytes(number):,} MB of memory: ask for {MOST_TAKES:,} at most.", param, ctx)
        return number


def megabytes(takes: int) -> int:
    """About how much memory so many takes need in all."""
    return round(MEGABYTES + takes * MEGABYTES_OF_FIGURES)


TEMPERATURE = Worded("T or T..T", wording.read_temperature)
CONTROLS = (
    click.option(
        "--temperature",
        type=TEMPERATURE,
        default=Course(0.95, 0.95),
        show_default="0.95",
        help="Divides the logits: below 1 tamer, above wilder, 0 the likeliest. 0.7..1.1 moves from the beginning of what is composed to its end.",
    ),
    click.option("--rhythm-temperature", type=TEMPERATURE, help="Of when notes begin and how long they last.  [default: as --temperature]"),
    click.option("--top-k", type=click.IntRange(0), default=0, help="Choose among the K likeliest only.  [default: all]"),
    click.option(
        "--top-p", type=NumberRange(0, 1, min_open=True), default=0.98, show_default=True, help="Choose among the likeliest that add up to P."
    ),
    click.option("--min-p", type=NumberRange(0, 1), default=0.0, help="Leave out what is less than P times as likely as the likeliest."),
    click.option(
        "--key",
        type=Worded("KEY", wording.read_key),
        help="Like G major or F# minor: pitches out of the key are made less likely, by 2 nats.  [default: the seed's, else the model's choice]",
    ),
    click.option(
        "--scale",
        type=Worded("NAME", wording.read_scale),
        help=f"On the key's tonic (else that of the seed's key): no other pitches are played. {', '.join(SCALES)}, or off.  [default: off]",
    ),
    click.option(
        "--range",
        "ranges",
        type=Worded("PART=LOW-HIGH", wording.read_range),
        multiple=True,
        help="What a part may play, like Soprano=C4-G5; for more parts say it again.",
    ),
    click.option(
        "--parts",
        type=Worded("NAMES or N", wording.read_parts),
        help="Which of the model's parts play, like Soprano,Bass; or how many, the first.  [default: all]",
    ),
    click.option(
        "--density",
        type=Worded("N or Nx", wording.read_density),
        help="Notes a bar of all parts together, like 24, or times as many as the model would play, like 0.5x.",
    ),
)


def control_options(command: Callable) -> Callable:
    """The options as keyword arguments of a command; they are those of `Controls`."""
    for option in reversed(CONTROLS):
        command = option(command)
    return command

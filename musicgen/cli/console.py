"""What all commands say alike: errors with their exit codes, progress on stderr, files that are not overwritten."""

import contextlib
import json
import logging
import math
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeVar

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from musicgen.files import write_whole

FAILURE, USAGE, UNREADABLE, DOES_NOT_FIT, INTERRUPTED = 1, 2, 3, 4, 130
Item = TypeVar("Item")


class CommandError(click.ClickException):
    """One sentence on stderr, and an exit code."""

    def __init__(self, message: str, exit_code: int = FAILURE) -> None:
        super().__init__(message)
        self.exit_code = exit_code  # type: ignore[misc]


class NumberRange(click.FloatRange):
    """A range of numbers that "nan", which no comparison keeps out, is not in."""

    def convert(self, value, param, ctx):
        number = super().convert(value, param, ctx)
        if math.isnan(number):
            self.fail(f"{value!r} is no number.", param, ctx)
        return number


def say(message: str, quiet: bool = False) -> None:
    """A message for the person, on stderr."""
    if not quiet:
        click.echo(message, err=True)


def show_json(document: object) -> None:
    """Figures for a program, on stdout."""
    click.echo(json.dumps(document, indent=2, ensure_ascii=False))


def with_progress(items: Iterable[Item], total: int, what: str, quiet: bool = False) -> Iterator[Item]:
    """The items, with a bar on stderr where that is a terminal."""
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    if quiet or not console.is_terminal:
        yield from items
        return
    with Progress(*columns, console=console, transient=True) as bar:
        yield from bar.track(items, total=total)


@contextlib.contextmanager
def without_native_messages() -> Iterator[None]:
    """Keeps from the person what libraries write past Python, straight to file descriptor 2: TensorFlow greets with a dozen lines."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    logging.getLogger("tensorflow").setLevel(logging.ERROR)  # its advice is for programmers
    sys.stderr.flush()
    kept = os.dup(2)
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        sys.stderr.flush()
        os.dup2(kept, 2)
        os.close(kept)


def status_line(text: str, last: bool = False) -> None:
    """A line that the next one replaces where stderr is a terminal; elsewhere only last ones are printed."""
    if sys.stderr.isatty():
        click.echo(f"\r\x1b[2K{text}", err=True, nl=last)
    elif last and text:
        click.echo(text, err=True)


def clock(seconds: float) -> str:
    """Minutes and seconds, or hours, minutes and seconds."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def is_there(path: Path) -> bool:
    """Whether there is a file or a folder; what is too long to name one is none."""
    try:
        return path.exists()
    except OSError:
        return False


def check_writable(path: Path, force: bool, option: str = "--out") -> None:
    """Refuse early what could not be written later; `option` is the one that names the path."""
    if not is_there(path.parent) or not path.parent.is_dir():
        raise CommandError(f"can't write {path}: there is no folder {path.parent}", USAGE)
    if not is_there(path):
        return
    if path.is_dir():
        raise CommandError(f"can't write {path}: it is a folder", USAGE)
    if not force:
        raise CommandError(f"{path} exists: choose another name with {option}, or overwrite it with --force", USAGE)


def write_file(path: Path, content: bytes) -> None:
    """Write whole or not at all."""
    try:
        write_whole(path, content)
    except OSError as error:
        raise CommandError(f"can't write {path}: {error.strerror or error}") from None


def make_folder(path: Path) -> None:
    """The folder and those above it, if they are not there yet."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CommandError(f"can't make the folder {path}: {error.strerror or error}") from None

"""`compare`: the kinds of recurrent cell, trained alike on the same music, beside models without a network."""

import json
from pathlib import Path

import click
from click.core import ParameterSource

from musicgen.cli import compared
from musicgen.cli.comparison import DOCUMENT, Comparison
from musicgen.cli.console import DOES_NOT_FIT, INTERRUPTED, UNREADABLE, USAGE, CommandError, NumberRange, say, show_json, status_line
from musicgen.cli.corpora import corpus_folders
from musicgen.cli.interruption import Interruption
from musicgen.cli.run_folder import alone, check_is_free, new_folder, resuming
from musicgen.model.configuration import CELLS

DEFAULT_MINUTES = 5.0
MAY_CHANGE = ("resume", "as_json", "quiet")  # options beside --resume


class Cells(click.ParamType):
    """Names of cells, with commas between them."""

    name = "cells"

    def convert(self, value, param, ctx):
        cells = tuple(dict.fromkeys(name.strip() for name in value.split(","))) if isinstance(value, str) else value
        if unknown := [cell for cell in cells if cell not in CELLS]:
            self.fail(f"{unknown[0]!r} is no cell: choose from {', '.join(CELLS)}, with commas between them.", param, ctx)
        return cells


@click.command()
@click.argument("corpora", nargs=-1, metavar="[CORPUS ...]")
@click.option("--cells", type=Cells(), default="rnn,gru,lstm", show_default=True, help="Kinds of recurrent layer.")
@click.option("--random-seeds", type=click.IntRange(1, 100), default=3, show_default=True, help="Trainings of each.")
@click.option("--minutes", type=NumberRange(0, min_open=True), help=f"Fit each training into so many minutes.  [default: {DEFAULT_MINUTES:g}]")
@click.option("--epochs", type=click.IntRange(1), help="Train each for so many epochs instead.")
@click.option("--layers", type=click.IntRange(1, 16), default=2, show_default=True, help="Recurrent layers.")
@click.option("--units", type=click.IntRange(1, 8192), default=256, show_default=True, help="Units of each.")
@click.option("--dropout", type=NumberRange(0, 1, max_open=True), default=0.5, show_default=True, help="Share of units left out at random.")
@click.option("--learning-rate", type=NumberRange(0, min_open=True), default=3e-3, show_default=True, help="At its highest.")
@click.option("--out", type=click.Path(path_type=Path), help="Folder of the comparison.  [default: a new one in outputs/]")
@click.option("--resume", type=click.Path(path_type=Path), metavar="FOLDER", help="Go on with a comparison that was interrupted.")
@click.option("--force", is_flag=True, help="Write into a folder that is not empty.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--quiet", is_flag=True, help="Print the figures and errors alone.")
@click.pass_context
def compare(
    ctx: click.Context, corpora: tuple[str, ...], resume: Path | None, out: Path | None, force: bool, as_json: bool, quiet: bool, **settings
) -> None:
    """Train each kind of cell alike, and compare them.

    Writes a table (text, CSV, JSON), a figure and the models into the folder. Beside the cells stand an n-gram model and the frequencies of notes.
    The figure also shows how the gradient fades with distance, and how many notes back each cell still gains from.
    """
    if resume is not None:
        given = [name for name in ctx.params if name not in MAY_CHANGE and ctx.get_parameter_source(name) != ParameterSource.DEFAULT]
        if given:
            raise CommandError(f"--resume goes on with the settings of {resume}: leave --{given[0].replace('_', '-')} out", USAGE)
        document = opened(resume)
        work = Comparison(resume, document["settings"], quiet)
        if work.document["corpus"] != document["corpus"]:
            raise CommandError(f"the corpus is not the one that {resume} began with: put it back, or begin a new comparison", DOES_NOT_FIT)
        work.document = document
    else:
        if settings["minutes"] is not None and settings["epochs"] is not None:
            raise CommandError("give either --minutes or --epochs", USAGE)
        if settings["minutes"] is None and settings["epochs"] is None:
            settings["minutes"] = DEFAULT_MINUTES
        check_is_free(out, force)
        folders = [str(folder.resolve()) for folder in corpus_folders(corpora, quiet)]
        work = Comparison(None, {**settings, "cells": list(settings["cells"]), "corpora": folders}, quiet)
        work.folder = new_folder(out, f"compare-{work.name}", force)
    try:
        with Interruption(quiet), alone(work.folder):
            work.run()
    except KeyboardInterrupt:
        status_line("", last=True)
        done = f"{len(work.document['runs'])} of {len(work.every)} trainings are kept"
        raise CommandError(f"interrupted; {done}; `{resuming(work.folder)}` goes on", INTERRUPTED) from None
    if as_json:
        show_json({**work.document, "table": compared.lines_of(work.document)})
    else:
        click.echo(compared.table_text(work.document), nl=False)
    say(f"table, figure and models are in {work.folder}", quiet)


def opened(folder: Path) -> dict:
    """The document of a comparison. Raises CommandError."""
    try:
        document = json.loads((folder / DOCUMENT).read_bytes())
        if not {"settings", "corpus", "floors", "parameters", "runs", "looks"} <= set(document):
            raise ValueError("parts of it are missing")
    except FileNotFoundError:
        raise CommandError(f"{folder} is no folder of a comparison: there is no {DOCUMENT} in it", UNREADABLE) from None
    except (OSError, ValueError, TypeError) as error:
        raise CommandError(f"{folder / DOCUMENT} can't be read: {error}", UNREADABLE) from None
    return document

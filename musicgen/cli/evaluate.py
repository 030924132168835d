"""`evaluate`: how surprised a model is by music that it did not learn, and how its own music stands beside it."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import click
import numpy as np

from musicgen.cli.console import (
    DOES_NOT_FIT,
    INTERRUPTED,
    UNREADABLE,
    CommandError,
    check_writable,
    is_there,
    say,
    show_json,
    with_progress,
    write_file,
)
from musicgen.cli.corpora import CORPUS_FOLDER, add_corpus, corpus_folders, corpus_name, read_corpus
from musicgen.cli.exhibits import EXCERPTS, evaluation_page
from musicgen.cli.models import model_path, open_model
from musicgen.cli.tables import as_text, facts_of, tables_of
from musicgen.composing.composer import compose
from musicgen.composing.request import Request, RequestError
from musicgen.judging import summary
from musicgen.judging.statistics import compare
from musicgen.judging.surprise import figures as surprise_figures
from musicgen.judging.surprise import surprises
from musicgen.model.file import Model
from musicgen.piece import Piece
from musicgen.reading.builtin import BUILTIN_CORPORA
from musicgen.reading.finding import find_files
from musicgen.reading.selection import Selection

MOST_PIECES = 400  # of the corpus that takes are compared with; of more, so many are drawn
MOST_BARS = 64  # of a take, where nobody says how many
BATCH = 20  # takes that are played at once
LARGEST_SEED = 2**32


@click.command()
@click.argument("file", metavar="MODEL")
@click.argument("corpora", nargs=-1, metavar="[CORPUS ...]")
@click.option("--takes", type=click.IntRange(1, 1000), default=200, show_default=True, help="Pieces to compose and compare with the corpus.")
@click.option("--bars", type=click.IntRange(1, 1000), help=f"Bars of each.  [default: the corpus' median, {MOST_BARS} at most]")
@click.option("--random-seed", type=click.IntRange(0, LARGEST_SEED), default=0, show_default=True, help="Of the first take, and of what is drawn.")
@click.option("--page", type=click.Path(path_type=Path), help="Write an HTML page too: plots, music, a blind listening test.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--force", is_flag=True, help="Overwrite the page.")
@click.option("--quiet", is_flag=True, help="Print the figures and errors alone.")
def evaluate(
    file: str,
    corpora: tuple[str, ...],
    takes: int,
    bars: int | None,
    random_seed: int,
    page: Path | None,
    as_json: bool,
    force: bool,
    quiet: bool,
) -> None:
    """Judge a model on pieces that it did not learn, and its takes beside them.

    CORPUS is read as `train` reads it; without one it is the corpus that the model learned from, if that is in corpus/.
    """
    path = model_path(file)
    model = open_model(path)
    if page is not None:
        check_page(page, force)
    try:
        evaluation = Evaluation(model, folders_of(model, corpora, quiet), np.random.default_rng(random_seed), quiet)
        figures = {"model": str(path), **evaluation.figures(takes, bars, random_seed)}
        if as_json:
            show_json(figures)
        else:
            click.echo("\n\n".join(["\n".join(facts_of(figures)), *map(as_text, tables_of(figures))]))
        if page is not None:
            write_file(page, evaluation.page(figures).encode())
            say(f"page {page}", quiet)
    except RequestError as error:
        raise CommandError(str(error), DOES_NOT_FIT) from None
    except KeyboardInterrupt:
        raise CommandError("interrupted; no page was written" if page is not None else "interrupted", INTERRUPTED) from None


def check_page(page: Path, force: bool) -> None:
    """Refuse before the minutes of work what could not be written after them. Raises CommandError."""
    check_writable(page, force, "--page")
    try:
        with contextlib.suppress(FileNotFoundError):
            page.lstat()
    except OSError as error:
        raise CommandError(f"can't write {page}: {error.strerror or error}") from None
    if not os.access(page.parent, os.W_OK):
        raise CommandError(f"can't write {page}: no permission to write into {page.parent}")


def folders_of(model: Model, corpora: tuple[str, ...], quiet: bool) -> list[Path]:
    """The folders and files to read: those that are named, or what the model learned from. Raises CommandError."""
    if corpora:
        return corpus_folders(corpora, quiet)
    name = model.corpus.name
    folder = CORPUS_FOLDER if name == CORPUS_FOLDER.name else CORPUS_FOLDER / name
    if name in BUILTIN_CORPORA and not find_files([folder]):
        add_corpus(name, folder, force=False, quiet=quiet)
    is_inside = folder == CORPUS_FOLDER or (Path(name).name == name and name != "..")  # a model from elsewhere must not say where to read
    if not is_inside or not is_there(folder) or not find_files([folder]):
        raise CommandError(f"the model learned from {name!r}, of which there is nothing in {CORPUS_FOLDER}/: name a corpus", UNREADABLE)
    return [folder]


class Evaluation:
    """A model, a corpus, and the takes that are compared with it."""

    def __init__(self, model: Model, folders: list[Path], rng: np.random.Generator, quiet: bool) -> None:
        """Read the corpus and tell what of it is judged. Raises CommandError."""
        self.model, self.rng, self.quiet = model, rng, quiet
        self.name = corpus_name(folders)
        facts = model.corpus
        corpus = read_corpus(folders, Selection(model.configuration.vocabulary.steps_per_quarter, facts.parts, facts.drums), quiet)
        self.pieces, self.fingerprint = corpus.pieces, corpus.fingerprint
        # which pieces were held out is what the model's file says, whatever a split would say today
        self.held_out = corpus.unheard(facts.held_out)
        self.is_the_models = bool(self.held_out) or self.fingerprint == facts.fingerprint
        self.learned = self.pieces.without(self.held_out)
        if not self.is_the_models:
            self.learned, self.held_out = corpus.split()
        self.judged = self.held_out if self.is_the_models and self.held_out else self.pieces
        chosen = np.sort(rng.permutation(len(self.pieces))[:MOST_PIECES]).tolist()
        self.compared = [self.pieces[index] for index in chosen]
        self.takes: list[Piece] = []

    def figures(self, takes: int, bars: int | None, random_seed: int) -> dict:
        """Judge the pieces, play the takes and compare them. Raises CommandError or RequestError."""
        say(f"judging {len(self.judged)} pieces", self.quiet)
        engine = self.model.engine
        found = list(with_progress(surprises(engine, self.judged), len(self.judged), "judging", self.quiet))
        likelihood = surprise_figures(found, engine.vocabulary.active, self.rng)
        if not likelihood["notes"]:
            raise CommandError(f"the model knows none of the instruments in {self.name}", DOES_NOT_FIT)
        bars = bars or max(1, min(MOST_BARS, int(np.median([len(piece.bar_lines) for piece in self.pieces]))))
        say(f"composing {takes} takes of {bars} bars", self.quiet)
        self.takes = list(with_progress(played(self.model, bars, random_seed, takes), takes, "composing", self.quiet))
        say("comparing", self.quiet)
        return {
            "corpus": {
                "name": self.name,
                "fingerprint": self.fingerprint,
                "pieces": len(self.pieces),
                "is_the_models": self.is_the_models,
                "held_out_pieces": len(self.model.corpus.held_out) if self.is_the_models else None,
            },
            "learned_from": self.model.corpus.name,
            **likelihood,
            "takes": takes,
            "bars": bars,
            "random_seed": random_seed,
            **self._comparison(bars),
        }

    def _comparison(self, bars: int) -> dict:
        unheard = self.held_out if self.is_the_models and self.held_out else self.compared
        return {
            "measures": summary.of_measures(compare(self.takes, self.compared, self.rng)),
            "faults": summary.of_faults(self.takes, self.compared, self.model.configuration.vocabulary, bars),
            "twins": summary.of_twins(self.takes),
            "copies": summary.of_copies(self.takes, self.held_out[:MOST_PIECES] if self.learned else [], self.learned or self.pieces),
            "craft": summary.of_craft(self.takes, unheard),
        }

    def page(self, figures: dict) -> str:
        """The HTML page; the music of the corpus is held-out music where there is enough."""
        heard = self.held_out if self.is_the_models and len(self.held_out) >= EXCERPTS else self.compared
        return evaluation_page(figures, self.takes, self.compared, heard, self.rng)


def played(model: Model, bars: int, random_seed: int, takes: int) -> Iterator[Piece]:
    """Takes, as `generate` plays them with these random seeds at the first try. Raises RequestError."""
    for start in range(0, takes, BATCH):
        yield from compose(model, Request(bars=bars), random_seed + start, min(BATCH, takes - start))

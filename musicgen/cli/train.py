"""`train`: from folders of music to a model, in a folder of its own for each run."""

import csv
import io
import os
import time
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

import click

from musicgen.cli import console
from musicgen.cli.accounts import keep_receipts
from musicgen.cli.console import (
    FAILURE,
    INTERRUPTED,
    USAGE,
    CommandError,
    NumberRange,
    clock,
    make_folder,
    say,
    status_line,
    write_file,
)
from musicgen.cli.copies import copies_of
from musicgen.cli.corpora import corpus_folders, corpus_name, facts_of, lessons_of, read_corpus, selection_options
from musicgen.cli.models import MODEL_NAME, RUNS
from musicgen.encoding.tokens import encode
from musicgen.encoding.vocabulary import Vocabulary
from musicgen.learning.schedule import Schedule
from musicgen.model.configuration import CELLS, Configuration, num_parameters
from musicgen.model.file import Model, save_model
from musicgen.reading.selection import Selection

DEFAULT_MINUTES = 15.0
REPORT_SECONDS = 0.5  # between two updates of the progress line


@click.command()
@click.argument("corpora", nargs=-1, metavar="[CORPUS ...]")
@click.option("--out", type=click.Path(path_type=Path), help="Folder of the run.  [default: a new one in outputs/]")
@click.option("--minutes", type=NumberRange(0, min_open=True), help=f"Fit the whole training into so many minutes.  [default: {DEFAULT_MINUTES:g}]")
@click.option("--epochs", type=click.IntRange(1), help="Train for so many epochs instead.")
@click.option("--cell", type=click.Choice(list(CELLS)), default="lstm", show_default=True, help="Kind of recurrent layer.")
@click.option("--layers", type=click.IntRange(1, 16), default=2, show_default=True, help="Recurrent layers.")
@click.option("--units", type=click.IntRange(1, 8192), default=256, show_default=True, help="Units of each.")
@click.option(
    "--dropout", type=NumberRange(0, 1, max_open=True), default=0.5, show_default=True, help="Share of units left out at random in training."
)
@click.option("--learning-rate", type=NumberRange(0, min_open=True), default=3e-3, show_default=True, help="At its highest.")
@click.option("--random-seed", type=click.IntRange(0), default=0, show_default=True, help="Of weights, order and transpositions.")
@selection_options
@click.option("--keep-duplicates", is_flag=True, help="Learn from all copies of a piece, not from one.")
@click.option("--force", is_flag=True, help="Write into a run's folder that is not empty.")
@click.option("--quiet", is_flag=True, help="Print nothing but errors.")
def train(
    corpora: tuple[str, ...],
    selection: Selection,
    use_cache: bool,
    keep_duplicates: bool,
    out: Path | None,
    minutes: float | None,
    epochs: int | None,
    learning_rate: float,
    random_seed: int,
    force: bool,
    quiet: bool,
    **shape,
) -> None:
    """Learn from folders of MIDI files, or from all that is in corpus/."""
    if minutes is not None and epochs is not None:
        raise CommandError("give either --minutes or --epochs", USAGE)
    minutes = DEFAULT_MINUTES if epochs is None and minutes is None else minutes
    folders = corpus_folders(corpora, quiet)
    name = corpus_name(folders) if corpora else folders[0].name
    corpus = read_corpus(folders, selection, quiet, use_cache)
    training, held_out = lessons_of(corpus, keep_duplicates)
    left_out = len(corpus) - len(training) - len(held_out)
    say(f"{len(training)} pieces to learn from, {len(held_out)} held out, {left_out} left out as duplicates", quiet)
    sequences = [encode(piece) for piece in (*training, *held_out)]
    vocabulary = Vocabulary.of(sequences)
    configuration = Configuration(vocabulary, slots=min(8, sum(vocabulary.most_at_once)), **shape)
    facts = facts_of(name, corpus, training, held_out)
    copies = copies_of(training, held_out, quiet)
    folder = run_folder(out, name, force)
    keep_receipts(corpus, name, folder)
    say(
        f"{configuration.layers} x {configuration.units} {configuration.cell}, {num_parameters(configuration):,} parameters; run folder {folder}",
        quiet,
    )

    # TensorFlow is slow to import, so it comes when what can go wrong before it has gone right
    say("loading TensorFlow", quiet)
    with console.without_native_messages():
        from musicgen.learning.batches import example_of
        from musicgen.learning.fitting import wake
        from musicgen.learning.position import Epoch
        from musicgen.learning.training import Training, TrainingError

        wake()
    examples = [example_of(sequence, vocabulary, configuration.slots) for sequence in sequences]
    schedule = Schedule(minutes=minutes, epochs=epochs, learning_rate=learning_rate, random_seed=random_seed)
    journal = Journal(folder, quiet)

    def keep(weights, epoch: Epoch) -> None:
        record = {"schedule": asdict(schedule), "epochs": epoch.number, "steps": epoch.steps, "minutes": round(epoch.seconds / 60, 2)}
        try:
            save_model(Model(configuration, weights, facts, epoch.held_out or {}, record, copies), folder / MODEL_NAME)
        except OSError as error:
            raise CommandError(f"can't write the model into {folder}: {error.strerror or error}") from None
        journal.saved = True

    try:
        run = Training(configuration, examples[: len(training)], examples[len(training) :], schedule)
        for epoch in run.run():
            if epoch.improved:
                keep(run.weights(), epoch)
            if epoch.trouble:
                say(epoch.trouble, quiet)
            journal.report(epoch)
    except TrainingError as error:
        raise CommandError(f"{error}; the best model so far is in {folder}" if journal.saved else str(error), FAILURE) from None
    except KeyboardInterrupt:
        status_line("", last=True)
        kept = f"the best model so far is {folder / MODEL_NAME}" if journal.saved else "there is no model yet"
        raise CommandError(f"interrupted; {kept}", INTERRUPTED) from None
    say(f"best {journal.best:.3f} nats per note on held-out pieces", quiet)
    click.echo(folder / MODEL_NAME)


def run_folder(out: Path | None, name: str, force: bool) -> Path:
    """A new folder for the run. Raises CommandError."""
    if out is None:
        stem = f"{datetime.now():%Y-%m-%d-%H%M%S}-{name[:60]}"
        out = next(path for number in range(1, 1000) if not (path := RUNS / (stem if number == 1 else f"{stem}.{number}")).exists())
    elif out.exists() and not out.is_dir():
        raise CommandError(f"{out} is a file: --out names the run's folder", USAGE)
    elif out.is_dir() and any(out.iterdir()) and not force:
        raise CommandError(f"{out} is not empty: choose another folder with --out, or use it with --force", USAGE)
    make_folder(out)
    if not os.access(out, os.W_OK):
        raise CommandError(f"no permission to write into {out}")
    return out


class Journal:
    """The progress line and history.csv of a run."""

    def __init__(self, folder: Path, quiet: bool) -> None:
        self.path = folder / "history.csv"
        self.quiet = quiet
        self.saved = False
        self.best = float("inf")
        self._shown = 0.0
        self._rows: list[dict] = []

    def report(self, epoch) -> None:
        """Show a state of the training; keep it where the held-out pieces were judged."""
        self.best = epoch.best_nats
        judged = epoch.held_out is not None
        if judged:
            held_out = sum(epoch.held_out.values())
            row = {"epoch": epoch.number, "steps": epoch.steps, "seconds": round(epoch.seconds, 1), "training": epoch.training_nats}
            self._rows.append({**row, "held_out": held_out, **{f"held_out_{name}": nats for name, nats in epoch.held_out.items()}})
            text = io.StringIO()
            writer = csv.DictWriter(text, list(self._rows[0]))
            writer.writeheader()
            writer.writerows(self._rows)
            write_file(self.path, text.getvalue().encode())
        now = time.monotonic()
        if self.quiet or not (judged or now - self._shown > REPORT_SECONDS):
            return
        self._shown = now
        left = epoch.seconds / epoch.progress * (1 - epoch.progress) if epoch.progress > 0 else 0
        best = f"  best {epoch.best_nats:.3f}" if epoch.best_nats < float("inf") else ""
        shown = f"  held-out {held_out:.3f}" if judged else best
        rate = f"{epoch.notes_per_second:,.0f} notes/s  {clock(left)} left"
        status_line(f"epoch {epoch.number}  training {epoch.training_nats:.3f}{shown} nats per note  {rate}", last=judged)

"""`train`: from folders of music to a model, in a folder of its own for each run."""

from pathlib import Path

import click
from click.core import ParameterSource

from musicgen.cli.accounts import keep_receipts
from musicgen.cli.console import UNREADABLE, USAGE, CommandError, NumberRange, say
from musicgen.cli.corpora import corpus_folders, corpus_name, selection_options
from musicgen.cli.interruption import Interruption
from musicgen.cli.material import SHAPE, material_of
from musicgen.cli.models import MODEL_NAME, model_path
from musicgen.cli.run import Run
from musicgen.cli.run_folder import CHECKPOINTS, Settings, alone, check_is_free, new_folder
from musicgen.learning.checkpoints import Checkpoints
from musicgen.learning.cluster import place
from musicgen.learning.hardware import faster_precision
from musicgen.learning.schedule import PATIENCE, PRECISIONS
from musicgen.model.configuration import ACTIVATIONS, CELLS, Configuration

DEFAULT_MINUTES = 15.0
AUTO = "auto"  # asks for nothing


@click.command()
@click.argument("corpora", nargs=-1, metavar="[CORPUS ...]")
@click.option("--out", type=click.Path(path_type=Path), help="Folder of the run.  [default: a new one in outputs/]")
@click.option("--resume", type=click.Path(path_type=Path), metavar="RUN", help="Go on with a run that was interrupted, however that was.")
@click.option("--from", "from", metavar="MODEL", help="Begin with the weights of a file, a run, or a model that comes along, such as chorales.")
@click.option("--minutes", type=NumberRange(0, min_open=True), help=f"Fit the whole training into so many minutes.  [default: {DEFAULT_MINUTES:g}]")
@click.option("--epochs", type=click.IntRange(1), help="Train for so many epochs instead.")
@click.option(
    "--early-stop/--no-early-stop",
    default=None,
    help=f"Stop where a quarter ({PATIENCE:g}) of the training has brought no better held-out figure.  [default: with --epochs]",
)
@click.option("--cell", type=click.Choice(list(CELLS)), default="lstm", show_default=True, help="Kind of recurrent layer.")
@click.option("--activation", type=click.Choice(list(ACTIVATIONS)), default="tanh", show_default=True, help="Of the plain cell, rnn.")
@click.option("--layers", type=click.IntRange(1, 16), default=2, show_default=True, help="Recurrent layers.")
@click.option("--units", type=click.IntRange(1, 8192), default=256, show_default=True, help="Units of each.")
@click.option(
    "--dropout", type=NumberRange(0, 1, max_open=True), default=0.5, show_default=True, help="Share of units left out at random in training."
)
@click.option(
    "--precision",
    type=click.Choice((AUTO, *PRECISIONS)),
    default=AUTO,
    show_default=True,
    help="Of the recurrent layers' products; auto: bfloat16 on processors on which that is faster.",
)
@click.option("--learning-rate", type=NumberRange(0, min_open=True), default=3e-3, show_default=True, help="At its highest.")
@click.option("--random-seed", type=click.IntRange(0), default=0, show_default=True, help="Of weights, order and transpositions.")
@click.option("--samples", type=click.IntRange(0, 100), default=1, show_default=True, help="Takes to play ten times on the way, into samples/.")
@click.option("--tensorboard", is_flag=True, help="Write the figures for TensorBoard too, into tensorboard/.")
@selection_options
@click.option("--keep-duplicates", is_flag=True, help="Learn from all copies of a piece, not from one.")
@click.option("--force", is_flag=True, help="Write into a run's folder that is not empty.")
@click.option("--quiet", is_flag=True, help="Print nothing but errors.")
def train(corpora: tuple[str, ...], out: Path | None, resume: Path | None, force: bool, quiet: bool, **_: object) -> None:
    """Learn from folders of music, or from all that is in corpus/.

    Ctrl-C saves and says how to go on; after anything else that ends it --resume does so too.
    """
    context = click.get_current_context()
    options = {name: value for name, value in context.params.items() if name not in ("corpora", "out", "resume", "force", "quiet")}
    given = {name: options[name] for name in options if context.get_parameter_source(name) == ParameterSource.COMMANDLINE and options[name] != AUTO}
    check_options(given)
    check_cluster(given, resume)
    for some in (options, given):
        if some.get("from"):
            some["from"] = str(model_path(some["from"]).resolve())
    with Interruption(quiet) as interruption:
        if resume is not None:
            if out is not None or force:
                raise CommandError("--resume names the run's folder: leave out --out and --force", USAGE)
            own = of_worker(resume)
            go_on(own if own.is_dir() else resume, corpora, given, interruption, quiet)
        else:
            begin(corpora, out, options, force, interruption, quiet)


def begin(corpora: tuple[str, ...], out: Path | None, options: dict, force: bool, interruption: Interruption, quiet: bool) -> None:
    """A new training in a new folder. Raises CommandError."""
    if options["epochs"] is None and options["minutes"] is None:
        options["minutes"] = DEFAULT_MINUTES
    if options["precision"] == AUTO:  # several machines may be of different kinds
        options["precision"] = faster_precision() if place().workers == 1 else PRECISIONS[0]
    out = out and of_worker(out)
    check_is_free(out, force)
    folders = corpus_folders(corpora, quiet)
    name = corpus_name(folders) if corpora else folders[0].name
    material = material_of(folders, name, options, None, quiet)
    folder = new_folder(out, name, force)
    with alone(folder):
        Checkpoints(folder / CHECKPOINTS).clear()  # of a run before, with --force
        paths = [str(path.resolve()) for path in folders]
        settings = Settings(name, paths, options, material.configuration.to_json(), material.encoded.fingerprints)
        settings.write(folder)
        keep_receipts(material.corpus, name, folder)
        Run(folder, settings, material, interruption, quiet).learn()


def go_on(folder: Path, corpora: tuple[str, ...], given: dict, interruption: Interruption, quiet: bool) -> None:
    """The rest of a training. Raises CommandError, where it would be another one too."""
    if not folder.is_dir():
        raise CommandError(f"there is no folder {folder} to resume", UNREADABLE)
    Settings.read(folder)  # so that nothing is locked in a folder that is no run
    with alone(folder):
        settings = Settings.read(folder)
        settings.check_options(given, folder)
        if settings.has_ended:
            say(f"the training in {folder} has come to its end", quiet)
            click.echo(folder / MODEL_NAME)
            return
        folders = corpus_folders(corpora or tuple(settings.corpora), quiet)
        material = material_of(folders, settings.name, settings.options, Configuration.from_json(settings.configuration), quiet)
        settings.check_pieces(material.encoded.fingerprints, folder)
        Run(folder, settings, material, interruption, quiet).learn()


def check_options(given: dict) -> None:
    """Raises CommandError for options that contradict each other."""
    if "from" in given and (contradiction := next((name for name in SHAPE if name in given and name != "dropout"), None)):
        raise CommandError(f"--{contradiction} contradicts --from: the network is that of {given['from']}", USAGE)
    if "minutes" in given and "epochs" in given:
        raise CommandError("give either --minutes or --epochs", USAGE)
    if given.get("activation", "tanh") != "tanh" and given.get("cell", "lstm") != "rnn":
        raise CommandError(f"--activation {given['activation']} is for the plain cell alone: add --cell rnn", USAGE)


def of_worker(out: Path) -> Path:
    """The folder that is asked for; each of several machines has its own, since they may share a disk."""
    number = place().number
    return out.with_name(f"{out.name}.worker-{number}") if number else out


def check_cluster(given: dict, resume: Path | None) -> None:
    """Raises CommandError for what several machines can't do together."""
    try:
        workers = place().workers
    except ValueError as error:
        raise CommandError(str(error), USAGE) from None
    if workers > 1 and resume is None and "epochs" not in given:
        raise CommandError(f"{workers} machines learn together (TF_CONFIG), and their clocks differ: say how long with --epochs", USAGE)

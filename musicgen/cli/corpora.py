"""What all commands that read music share: which files a person means, and the pieces in them."""

from collections import Counter
from collections.abc import Callable, Mapping
from functools import wraps
from pathlib import Path

import click

from musicgen.cli.console import FAILURE, UNREADABLE, USAGE, CommandError, is_there, make_folder, say, with_progress, write_file
from musicgen.listening.midi import midi_bytes
from musicgen.model.file import CorpusFacts
from musicgen.piece import STEPS_PER_QUARTER
from musicgen.reading.builtin import BUILTIN_CORPORA, Skipped, pieces, sources
from musicgen.reading.cache import Cache
from musicgen.reading.corpus import Corpus, Pieces
from musicgen.reading.finding import MUSIC_SUFFIXES, find_files
from musicgen.reading.gathering import Watch
from musicgen.reading.gathering import read_corpus as gather
from musicgen.reading.guard import LIMIT_OPTIONS, Limits, shown
from musicgen.reading.reasons import Reason
from musicgen.reading.receipts import Receipt
from musicgen.reading.selection import ALL, Selection
from musicgen.reading.shards import ShardsError, is_plan, open_shards
from musicgen.reading.workers import WorkersError

CORPUS_FOLDER = Path("corpus")
DEFAULT_CORPUS = "bach-chorales"
MOST_NAMED = 10  # files that were skipped
SELECTION_OPTIONS = ("grid", "parts", "drums", "min_notes", "meter", "exclude", *(f"limit_{name}" for name in LIMIT_OPTIONS))
FINEST_GRID = 96  # steps, as many as a vocabulary can say


def corpus_folders(corpora: tuple[str, ...], quiet: bool) -> list[Path]:
    """The folders and files to read: those that are named, or what is in corpus/, or the chorales, which are then added."""
    for name in corpora:
        if not is_there(Path(name)) and name in BUILTIN_CORPORA and not find_files([CORPUS_FOLDER / name]):
            add_corpus(name, CORPUS_FOLDER / name, force=False, quiet=quiet)
    folders = [Path(name) if is_there(Path(name)) else CORPUS_FOLDER / name for name in corpora]
    for folder, name in zip(folders, corpora, strict=True):
        if not is_there(folder):
            places = ", nor ".join(dict.fromkeys((name, str(folder))))
            raise CommandError(f"there is no folder {places}; `corpus list` shows what can be added", USAGE)
    if folders:
        return folders
    if not find_files([CORPUS_FOLDER]):
        say(f"there is no music in {CORPUS_FOLDER}/, so take the chorales that come with music21", quiet)
        add_corpus(DEFAULT_CORPUS, CORPUS_FOLDER / DEFAULT_CORPUS, force=False, quiet=quiet)
    below = sorted(path for path in CORPUS_FOLDER.iterdir() if path.is_dir() and find_files([path]))
    return below if len(below) == 1 else [CORPUS_FOLDER]


def selection_of(options: Mapping) -> Selection:
    """What `selection_options` say, as they come from the command line or from JSON."""
    limits = Limits(**{name: options[f"limit_{name}"] for name in LIMIT_OPTIONS})
    meter = None if options["meter"] is None else tuple(options["meter"])
    return Selection(options["grid"], options["parts"], options["drums"], options["min_notes"], meter, tuple(options["exclude"]), limits)


def selection_options(command: Callable, shows_limits: bool = False) -> Callable:
    """The options of all commands that read music; the command is given one `selection`, and `use_cache`.

    `shows_limits`: in the command's help, too, where they are many.
    """

    @wraps(command)
    def with_selection(*args, **options):
        others = {name: value for name, value in options.items() if name not in SELECTION_OPTIONS}
        return command(*args, selection=selection_of(options), **others)

    options = [
        click.option("--grid", type=click.IntRange(1, FINEST_GRID), default=STEPS_PER_QUARTER, show_default=True, help="Steps to the quarter note."),
        click.option(
            "--parts", default=ALL, show_default=True, metavar="all|melody|piano|NAME", help="Parts to take: NAME is a word in their names."
        ),
        click.option("--drums/--no-drums", default=True, help="Take drums or leave them out.  [default: take them]"),
        click.option("--min-notes", type=click.IntRange(0), default=0, show_default=True, help="Leave out pieces with fewer notes."),
        click.option("--meter", type=MeterType(), metavar="N/D", help="Take pieces alone that are in this meter throughout."),
        click.option("--exclude", multiple=True, metavar="PATTERN", help="Leave out files and folders of such names, '*demo*' say; may be repeated."),
        click.option("--cache/--no-cache", "use_cache", default=True, help="Keep what was read, and read what changed alone.  [default: do]"),
    ]
    for name, limit in LIMIT_OPTIONS.items():
        default, help_text = getattr(Limits(), name), f"Most {limit.what}; what has more is skipped."
        number, is_hidden = click.IntRange(1), not shows_limits
        options.append(click.option(limit.option, f"limit_{name}", type=number, default=default, show_default=True, help=help_text, hidden=is_hidden))
    for option in reversed(options):
        with_selection = option(with_selection)
    return with_selection


class MeterType(click.ParamType):
    """A meter as it is written: 4/4."""

    name = "meter"

    def convert(self, value, param, ctx):
        numerator, _, denominator = value.partition("/")
        if not (numerator.isdecimal() and denominator.isdecimal() and int(numerator) and int(denominator)):
            self.fail(f"{value!r} is no meter: write 4/4 or 6/8, say.", param, ctx)
        return int(numerator), int(denominator)


def corpus_name(folders: list[Path]) -> str:
    """What a corpus in these folders is called."""
    return "-".join(folder.resolve().name for folder in folders)


def watching(what: str, quiet: bool) -> Watch:
    """A bar on stderr while files are read."""
    return lambda records, total: with_progress(records, total, what, quiet)


def read_files(folders: list[Path], selection: Selection, quiet: bool, use_cache: bool = True) -> Corpus:
    """What is in the files. Raises CommandError where there is none."""
    cache = Cache(selection) if use_cache else None
    try:
        if any(map(is_plan, folders)):
            if len(folders) > 1:
                raise ShardsError("shards are a corpus of their own: name them alone")
            corpus = open_shards(folders[0], selection, cache)
        else:
            corpus = gather(folders, selection, cache, watching("reading", quiet))
    except (WorkersError, ShardsError) as error:
        raise CommandError(f"can't read: {error}", UNREADABLE) from None
    if cache and cache.trouble:
        say(cache.trouble, quiet)
    if not corpus.files:
        raise CommandError(f"no files in {', '.join(map(shown, folders))}", UNREADABLE)
    return corpus


def read_corpus(folders: list[Path], selection: Selection, quiet: bool, use_cache: bool = True) -> Corpus:
    """What is in the files, and a word on each that gave nothing. Raises CommandError where no music is left."""
    where = ", ".join(map(shown, folders))
    corpus = read_files(folders, selection, quiet, use_cache)
    summary = corpus.summary()
    loud = [one for one in corpus.receipts(corpus.skipped) if not is_foreign(one) and one.reason != Reason.LEFT_OUT.value]
    for receipt in loud[:MOST_NAMED]:
        say(f"skipped {shown(receipt.path)}: {receipt.message}", quiet)
    for reason, times in Counter(receipt.reason for receipt in loud[MOST_NAMED:]).items():
        say(f"skipped {times} more: {reason}", quiet)
    if not summary["pieces"]:
        raise CommandError(f"none of the {summary['files']} files in {where} holds music that can be used", UNREADABLE)
    say(in_words(summary), quiet)
    return corpus


def lessons_of(corpus: Corpus, keep_copies: bool = False) -> tuple[Pieces, Pieces]:
    """The pieces to learn from and those to hold out. Raises CommandError where there are too few."""
    training, held_out = corpus.split(keep_copies=keep_copies)
    if not training:
        raise CommandError("a corpus needs at least two different pieces: one is held out, to see whether the network learns", UNREADABLE)
    return training, held_out


def facts_of(name: str, corpus: Corpus, training: Pieces, held_out: Pieces) -> CorpusFacts:
    """What a model remembers of its corpus."""
    selection, fingerprints = corpus.selection, tuple(held_out.fingerprints)
    return CorpusFacts.of(name, corpus.fingerprint, training + held_out, held_out=fingerprints, parts=selection.parts, drums=selection.drums)


def is_foreign(receipt: Receipt) -> bool:
    """Whether a file is no music and does not claim to be, so that nobody needs a word on it."""
    return receipt.reason == Reason.NOT_MUSIC.value and receipt.path.suffix.lower() not in MUSIC_SUFFIXES


def in_words(summary: dict) -> str:
    """What became of all files, in one line."""
    files, duplicates, pieces, notes = (
        f"{summary[name]:,} {word}{'' if summary[name] == 1 else 's'}"
        for name, word in (("files", "file"), ("duplicate", "duplicate"), ("pieces", "piece"), ("notes", "note"))
    )
    reasons = ", ".join(f"{times:,} {reason}" for reason, times in summary["reasons"].items())
    skipped = f"{summary['skipped']:,} skipped" + (f" ({reasons})" if reasons else "")
    return f"{files}: {summary['used']:,} used, {duplicates}, {skipped}; {pieces}, {notes}"


def add_corpus(name: str, folder: Path, force: bool, quiet: bool) -> None:
    """Write the files of a built-in corpus and say how many."""
    if find_files([folder]) and not force:
        raise CommandError(f"{folder} already holds music: write it again with --force", USAGE)
    make_folder(folder)
    written = 0
    skipped: dict[str, int] = {}
    for result in with_progress(pieces(name), len(sources(name)), name, quiet):
        if isinstance(result, Skipped):
            skipped[result.reason] = skipped.get(result.reason, 0) + 1
        else:
            write_file(folder / f"{result.title}.mid", midi_bytes(result))
            written += 1
    if not written:
        raise CommandError(f"music21 carries nothing of {name} here", FAILURE)
    say(f"{written} pieces written to {folder}", quiet)
    for reason, times in sorted(skipped.items(), key=lambda item: -item[1])[:5]:
        say(f"left out {times}: {reason}", quiet)

"""A run's folder: one training at a time, and all that is needed to go on with it.

Conventions: `run.json` says what was asked for and what is learned, and is written before the first step; `checkpoints/` says where the training
stands. Pieces are told apart by a hash of all that the network sees of them.
"""

import hashlib
import json
import os
import shlex
import shutil
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

import click

from musicgen import __version__
from musicgen.cli.console import UNREADABLE, USAGE, CommandError, make_folder, status_line, write_file
from musicgen.cli.models import RUNS
from musicgen.files import LockedError, clear_unfinished, locked
from musicgen.learning.batches import Example
from musicgen.model.configuration import Configuration

SETTINGS, LOCK, CHECKPOINTS = "run.json", ".lock", "checkpoints"
FREE_OPTIONS = ("use_cache", "samples", "tensorboard")  # that may differ, since nothing follows from them
MOST_NAMED = 3  # pieces, in a message


@dataclass(frozen=True)
class Settings:
    """What a training is, beside its weights."""

    name: str  # of the corpus
    corpora: list[str]  # folders and files
    options: dict  # of `train`, those that its result depends on
    configuration: dict
    pieces: list[list[str]]  # the hash and the title of each that is learned, then of each that is held out
    has_ended: bool = False
    version: str = __version__

    def write(self, folder: Path) -> None:
        """Raises CommandError."""
        write_file(folder / SETTINGS, json.dumps(asdict(self), indent=1, ensure_ascii=False).encode())

    @classmethod
    def read(cls, folder: Path) -> "Settings":
        """Raises CommandError."""
        try:
            settings = cls(**json.loads((folder / SETTINGS).read_bytes()))
            Configuration.from_json(settings.configuration)
            [(str(name), str(title)) for name, title in settings.pieces]
        except FileNotFoundError:
            raise CommandError(f"{folder} is no run that can be resumed: there is no {SETTINGS} in it", UNREADABLE) from None
        except OSError as error:
            raise CommandError(f"can't read {folder / SETTINGS}: {error.strerror or error}", UNREADABLE) from None
        except (ValueError, TypeError, KeyError) as error:
            raise CommandError(f"{folder / SETTINGS} is damaged, or of another version: {error}", UNREADABLE) from None
        return settings

    def check_options(self, given: dict, folder: Path) -> None:
        """Whether what is asked for now is what was asked for then. Raises CommandError."""
        for name, value in json.loads(json.dumps(given)).items():
            if name in self.options and self.options[name] != value and name not in FREE_OPTIONS:
                option = f"--{name.replace('_', '-')}"
                raise CommandError(
                    f"{option} {value} is not the {self.options[name]} that {folder} was begun with: leave it out, or begin another training", USAGE
                )

    def check_pieces(self, pieces: Sequence[Sequence[str]], folder: Path) -> None:
        """Whether the corpus is what it was. Raises CommandError."""
        if [name for name, _ in pieces] == [name for name, _ in self.pieces]:
            return
        before, now = (Counter(name for name, _ in some) for some in (self.pieces, pieces))
        gone = [title for name, title in self.pieces if name in before - now]
        new = [title for name, title in pieces if name in now - before]
        said = [_counted(gone, "gone"), _counted(new, "new")] if gone or new else ["the same pieces are read in another order"]
        raise CommandError(
            f"the corpus is not what {folder} was begun with ({', '.join(filter(None, said))}): put it back, "
            f"or begin another training, which --from {folder} lets begin with what was learned",
            USAGE,
        )


def fingerprint(example: Example) -> str:
    """A hash of all that the network sees of a piece."""
    seen = hashlib.blake2b(digest_size=12)
    for array in (example.ids, *example.context):
        seen.update(array.tobytes())
    return seen.hexdigest()


def check_is_free(out: Path | None, force: bool) -> None:
    """Whether a new run can have the folder that is asked for, to say so before a corpus is read. Raises CommandError."""
    asked = out or RUNS
    try:
        if asked.exists() and not asked.is_dir():
            raise CommandError(f"{asked} is a file: --out names the run's folder", USAGE)
        is_empty = out is None or not out.is_dir() or not any(out.iterdir())
        nearest = next(path for path in (asked, *asked.absolute().parents) if path.exists())
    except OSError as error:
        raise CommandError(f"can't look into {asked}: {error.strerror or error}") from None
    if not is_empty and not force:
        raise CommandError(f"{out} is not empty: choose another folder with --out, go on with it by --resume, or use it with --force", USAGE)
    if not os.access(nearest, os.W_OK):
        raise CommandError(f"no permission to write into {nearest}")


def new_folder(out: Path | None, name: str, force: bool) -> Path:
    """A folder for a new run. Raises CommandError."""
    check_is_free(out, force)
    if out is None:
        stem = f"{datetime.now():%Y-%m-%d-%H%M%S}-{name[:60]}"
        out = next(path for number in range(1, 1000) if not (path := RUNS / (stem if number == 1 else f"{stem}.{number}")).exists())
    make_folder(out)
    return out


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Be the only training in the folder, and clear what a killed one left unfinished. Raises CommandError."""
    with ExitStack() as stack:
        try:
            stack.enter_context(locked(folder / LOCK))
            for where in (folder, *(path for path in folder.iterdir() if path.is_dir())):
                clear_unfinished(where)
        except LockedError:
            raise CommandError(f"another training is running in {folder}: wait for it, or choose another folder with --out") from None
        except OSError as error:
            raise CommandError(f"can't write into {folder}: {error.strerror or error}") from None
        yield


def _counted(titles: list[str], what: str) -> str:
    """Like "4 are gone: one, two, three and more"."""
    if not titles:
        return ""
    named = ", ".join(repr(title) for title in titles[:MOST_NAMED]) + (" and more" if len(titles) > MOST_NAMED else "")
    return f"{len(titles)} {'is' if len(titles) == 1 else 'are'} {what}: {named}"


def resuming(folder: Path) -> str:
    """The line that goes on with a run, for the shell that began it."""
    program = sys.argv[0]
    called = [as_found(sys.executable), program] if program.endswith(".py") else [as_found(program)]
    return shlex.join([*called, *click.get_current_context().command_path.split()[1:], "--resume", str(folder)])


def as_found(program: str) -> str:
    """What a shell finds a program by: its name where that leads to it, else where it lies."""
    name = os.path.basename(program)
    found = shutil.which(name)
    return name if found and os.path.abspath(found) == os.path.abspath(program) else program


@contextmanager
def saying_where(folder: Path, again: str) -> Iterator[None]:
    """Turn what the disk says into a sentence."""
    try:
        yield
    except OSError as error:
        status_line("", last=True)
        raise CommandError(
            f"can't write into {folder}: {error.strerror or error}. Mend that, then {again} goes on from the last checkpoint"
        ) from None

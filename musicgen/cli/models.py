"""Which model: the one that is named, the newest of the runs, or the one that comes with the program."""

import contextlib
from pathlib import Path

from musicgen.cli.console import UNREADABLE, CommandError
from musicgen.model.file import Model, ModelFileError, load_model
from musicgen.model.shelf import MODEL_NAME, PACKAGED, find_by_name, model_title

RUNS = Path("outputs")
DEFAULT = "chorales"


def model_path(name: str | None) -> Path:
    """The file of a model: a path, a run's folder, or the name of one that comes with the program. Raises CommandError."""
    if name is None:
        runs = sorted(RUNS.glob(f"*/{MODEL_NAME}"), key=lambda path: path.stat().st_mtime)
        return runs[-1] if runs else PACKAGED / f"{DEFAULT}.safetensors"
    try:
        return find_by_name(name, PACKAGED)
    except FileNotFoundError as error:
        raise CommandError(str(error), UNREADABLE) from None


def find_model(title: str, fingerprint: str) -> tuple[Path, Model] | None:
    """Of the models that come along and those of the runs, the one with this fingerprint, those of this title first; its title names no file."""
    candidates = [*PACKAGED.glob("*.safetensors"), *sorted(RUNS.glob(f"*/{MODEL_NAME}"), key=lambda path: path.stat().st_mtime, reverse=True)]
    for path in sorted(candidates, key=lambda path: model_title(path) != title):
        with contextlib.suppress(ModelFileError, FileNotFoundError):
            model = load_model(path)
            if model.fingerprint == fingerprint:
                return path, model
    return None


def open_model(path: Path) -> Model:
    """The model in a file. Raises CommandError."""
    try:
        return load_model(path)
    except FileNotFoundError:
        raise CommandError(f"there is no model yet ({path} is missing): make one with `train`", UNREADABLE) from None
    except ModelFileError as error:
        raise CommandError(f"{path} is no model that can be used: {error}", UNREADABLE) from None

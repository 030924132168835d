"""Which model: the one that is named, the newest of the runs, or the one that comes with the program."""

from pathlib import Path

from musicgen.cli.console import UNREADABLE, CommandError, is_there
from musicgen.model.file import Model, ModelFileError, load_model

RUNS = Path("outputs")
PACKAGED = Path(__file__).parent.parent / "models"
DEFAULT = "chorales"
MODEL_NAME = "model.safetensors"


def model_path(name: str | None) -> Path:
    """The file of a model: a path, a run's folder, or the name of one that comes with the program. Raises CommandError."""
    if name is None:
        runs = sorted(RUNS.glob(f"*/{MODEL_NAME}"), key=lambda path: path.stat().st_mtime)
        return runs[-1] if runs else PACKAGED / f"{DEFAULT}.safetensors"
    path = Path(name)
    if is_there(path / MODEL_NAME):
        return path / MODEL_NAME
    packaged = sorted(file.stem for file in PACKAGED.glob("*.safetensors"))
    if not is_there(path) and name in packaged:
        return PACKAGED / f"{name}.safetensors"
    if not is_there(path):
        raise CommandError(f"there is no model {name}: give a file, a folder in {RUNS}/, or one of {', '.join(packaged)}", UNREADABLE)
    return path


def open_model(path: Path) -> Model:
    """The model in a file. Raises CommandError."""
    try:
        return load_model(path)
    except FileNotFoundError:
        raise CommandError(f"there is no model yet ({path} is missing): make one with `train`", UNREADABLE) from None
    except ModelFileError as error:
        raise CommandError(f"{path} is no model that can be used: {error}", UNREADABLE) from None

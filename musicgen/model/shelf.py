"""Where models lie: those that come with the program, and those of runs."""

from pathlib import Path

PACKAGED = Path(__file__).parent.parent / "models"
MODEL_NAME = "model.safetensors"  # in the folder of a run


def find_by_name(name: str | Path, packaged: Path = PACKAGED) -> Path:
    """The file of a model: a path, a run's folder, or the name of one that comes along. Raises FileNotFoundError, which says what there is."""
    path, names = Path(name), sorted(file.stem for file in packaged.glob("*.safetensors"))
    try:
        if (path / MODEL_NAME).exists():
            return path / MODEL_NAME
        if path.is_file() or (path.exists() and str(name) not in names):  # the corpus of a model may have its name
            return path
    except OSError:  # too long to name a file
        names = [one for one in names if one == name] or names
    if str(name) in names:
        return packaged / f"{name}.safetensors"
    raise FileNotFoundError(f"there is no model {name}: give a file, the folder of a run, or one of {', '.join(names)}")


def model_title(path: Path) -> str:
    """What a person calls the model in a file: the name of its run, or of the file."""
    return path.parent.name if path.name == MODEL_NAME else path.stem

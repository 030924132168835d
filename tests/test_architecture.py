"""The house rules, held by reading the code: who may import whom, who owns which foreign library, how long a module is."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "musicgen"
MODULES = sorted(PACKAGE.rglob("*.py"))

EVERYBODY = {"musicgen", "files", "arrays"}  # may be imported by all
MAY_IMPORT = {
    "musicgen": {"api"},
    "files": set(),
    "arrays": set(),
    "piece": set(),
    "encoding": {"piece"},
    "model": {"encoding", "piece"},
    "judging": {"model", "encoding", "piece"},
    "composing": {"judging", "model", "encoding", "piece"},
    "learning": {"model", "encoding", "piece"},
    "reading": {"piece"},
    "listening": {"piece"},
    "api": {"composing", "model", "piece", "reading", "listening"},
    "cli": {"api", "composing", "judging", "model", "encoding", "piece", "learning", "reading", "listening"},
}
OWNERS = {  # of a foreign library, the only ones that import it
    "symusic": {"reading.midi"},
    "music21": {
        "reading.scores",
        "reading.signs",
        "reading.score_parsers",
        "reading.tune_reader",
        "reading.tune_signs",
        "reading.kern",
        "reading.builtin",
        "reading.ensembles",
        "reading.tunes",
    },
    "pretty_midi": {"listening.midi"},
    "mido": set(),  # for tests
    "safetensors": {"model.file", "learning.checkpoints"},
    "keras": {"learning"},
    "tensorflow": {"learning.distribution", "learning.tensorboard"},
    "ray": {"reading.cluster"},
    "midirenderer": {"listening.audio"},
    "soundfile": {"listening.audio"},
    "PIL": {"listening.picture"},
    "verovio": {"listening.notation.engraving"},
    "click": {"cli"},
    "rich": {"cli"},
}
LONGEST = 250  # lines
MAY_BE_LONGER: dict[str, str] = {}  # path -> the reason why


def name_of(module: Path) -> str:
    """musicgen/reading/midi.py -> reading.midi, musicgen/reading/__init__.py -> reading, musicgen/__init__.py -> musicgen."""
    parts = [part for part in module.relative_to(PACKAGE).with_suffix("").parts if part != "__init__"]
    return ".".join(parts) or "musicgen"


def imports_of(module: Path) -> set[str]:
    """Full names of all that a module imports, wherever in it the import stands."""
    found = set()
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: imports are written out in full"
            assert node.module is not None
            found.add(node.module)
            # `from musicgen.learning import network` imports a module
            found.update(
                f"{node.module}.{alias.name}" for alias in node.names if (ROOT / node.module.replace(".", "/") / f"{alias.name}.py").exists()
            )
    return found


def rooms_of(imports: set[str]) -> set[str]:
    """Of full names those of musicgen, as the sub-package or module right below it."""
    inside = [name.split(".") for name in imports if name.split(".")[0] == "musicgen"]
    return {name[1] if len(name) > 1 else "musicgen" for name in inside}


def test_there_are_modules_to_look_at():
    assert {"musicgen", "piece", "model.engine", "cli.train"} <= {name_of(module) for module in MODULES}
    assert rooms_of(imports_of(PACKAGE / "learning" / "training.py")) >= {"learning", "model", "encoding"}


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_imports_point_one_way(module):
    room = name_of(module).split(".")[0]

    assert rooms_of(imports_of(module)) <= MAY_IMPORT[room] | EVERYBODY | {room}


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_a_foreign_library_has_one_owner(module):
    name = name_of(module)
    for library in {imported.split(".")[0] for imported in imports_of(module)} & set(OWNERS):
        assert any(name == owner or name.startswith(f"{owner}.") for owner in OWNERS[library]), f"{name} imports {library}"


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_every_foreign_library_is_known(module):
    foreign = {imported.split(".")[0] for imported in imports_of(module)} - sys.stdlib_module_names - {"musicgen"}

    assert foreign <= {"numpy", *OWNERS}


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_a_module_says_what_it_is_for_and_is_not_too_long(module):
    source = module.read_text(encoding="utf-8")

    assert ast.get_docstring(ast.parse(source))
    assert module.stem not in {"utils", "util", "helpers", "helper", "misc", "common", "tools"}
    assert (len(source.splitlines()) > LONGEST) == (module.relative_to(PACKAGE).as_posix() in MAY_BE_LONGER)


def test_nothing_but_the_command_line_is_in_main():
    assert rooms_of(imports_of(ROOT / "main.py")) == {"cli"}


@pytest.mark.parametrize(
    "imported",
    [
        "musicgen.cli",
        "musicgen.cli.generate",
        "musicgen.cli.render",
        "musicgen.cli.play",
        "musicgen.cli.inspect",
        "musicgen.cli.corpus",
        "musicgen.cli.doctor",
        "musicgen.cli.train",
        "musicgen.composing.composer",
    ],
)
def test_what_needs_no_training_starts_without_tensorflow(imported):
    program = f"import sys, {imported}; print(*sorted({{'tensorflow', 'keras', 'music21'}} & set(sys.modules)))"
    loaded = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True, cwd=ROOT)

    assert (loaded.stdout.strip(), loaded.stderr) == ("", "")


@pytest.mark.parametrize("arguments", [["--help"], ["generate", "--help"], ["train", "--help"], ["--version"]])
def test_help_comes_without_tensorflow(arguments):
    program = (
        "import runpy, sys\n"
        f"sys.argv = ['main.py', *{arguments!r}]\n"
        "try:\n    runpy.run_path('main.py', run_name='__main__')\n"
        "finally:\n    print(*sorted({'tensorflow', 'keras', 'music21'} & set(sys.modules)), file=sys.stderr)\n"
    )
    shown = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True, cwd=ROOT)

    assert shown.stdout.startswith(("Usage: main.py", "musicgen, version"))
    assert shown.stderr.strip() == ""

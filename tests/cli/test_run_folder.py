"""A run's folder: what can't be gone on with is refused in a sentence, before TensorFlow is loaded, and nothing is lost."""

from pathlib import Path

import click
import pytest
from tiny import configuration_of, tunes

from musicgen.cli import console, run_folder
from musicgen.cli.console import FAILURE, UNREADABLE, USAGE, CommandError
from musicgen.cli.run_folder import Settings, alone
from musicgen.learning.hardware import faster_precision
from musicgen.listening.midi import midi_bytes

OPTIONS = {"units": 8, "precision": "float32", "minutes": None, "epochs": 4, "exclude": ["*x*"], "use_cache": True, "samples": 1}
PIECES = [["aa", "one"], ["bb", "two"], ["cc", "three"]]


@pytest.fixture
def run(folder: Path) -> Path:
    """A run that was begun."""
    run = folder / "run"
    run.mkdir()
    Settings("tunes", [str(folder / "tunes")], OPTIONS, configuration_of(tunes()).to_json(), PIECES).write(run)
    return run


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--resume", "nowhere"], UNREADABLE, ["no folder nowhere"]),
        (["--resume", "empty"], UNREADABLE, ["empty is no run", "run.json"]),
        (["--resume", "run", "--out", "other"], USAGE, ["--resume", "leave out --out"]),
        (["--resume", "run", "--force"], USAGE, ["--resume", "--force"]),
        (["--resume", "run", "--units", "9"], USAGE, ["--units 9 is not the 8"]),
        (["--resume", "run", "--minutes", "3"], USAGE, ["--minutes 3"]),
        (["--activation", "relu"], USAGE, ["--activation relu", "--cell rnn"]),
        (["--from", "chorales", "--units", "9"], USAGE, ["--units contradicts --from"]),
        (["--from", "nothing"], UNREADABLE, ["no model nothing"]),
    ],
)
def test_what_contradicts_is_said(shell, folder, run, arguments, code, words):
    (folder / "empty").mkdir()
    before = (run / "run.json").read_bytes()
    got, out, err = shell("train", *arguments)

    assert (got, out) == (code, "")
    assert all(word in err for word in words), err
    assert len(err.splitlines()) == 1
    assert (run / "run.json").read_bytes() == before
    assert not any((folder / "empty").iterdir())


def test_ctrl_c_while_tensorflow_is_loaded(shell, folder, monkeypatch):
    (folder / "tunes").mkdir()
    for number, piece in enumerate(tunes(5)):
        (folder / "tunes" / f"{number}.mid").write_bytes(midi_bytes(piece))

    def interrupted():
        raise KeyboardInterrupt

    monkeypatch.setattr(console, "without_native_messages", interrupted)
    code, out, err = shell("train", "tunes", "--units", 8, "--out", "run", "--no-cache")
    assert (code, out) == (130, "")
    assert err.endswith("Error: interrupted at once: `musicgen train --resume run` goes on from the last checkpoint\n")
    # what was chosen is kept, so that another machine that goes on does not choose again
    assert Settings.read(folder / "run").options["precision"] == faster_precision()


def test_a_corpus_that_has_changed_is_refused_with_what_differs(run):
    settings = Settings.read(run)
    with pytest.raises(CommandError, match=r"1 is gone: 'two', 1 is new: 'four'"):
        settings.check_pieces([["aa", "one"], ["dd", "four"], ["cc", "three"]], run)
    with pytest.raises(CommandError, match="in another order"):
        settings.check_pieces(PIECES[::-1], run)
    settings.check_pieces(PIECES, run)


def test_two_trainings_do_not_share_a_folder(run):
    with alone(run):
        with pytest.raises(CommandError, match="another training is running") as error, alone(run):
            pass
        assert error.value.exit_code == FAILURE
    with alone(run):
        pass


def test_what_a_killed_training_left_unfinished_is_cleared(run):
    (run / run_folder.CHECKPOINTS).mkdir()
    for path in (run / ".history.csv.x.part", run / run_folder.CHECKPOINTS / ".000002.checkpoint.x.part"):
        path.write_bytes(b"half")
    with alone(run):
        assert not list(run.rglob(".*.part"))


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b'{"name": 1}', b"\xff"])
def test_damaged_settings_are_named(shell, run, content):
    (run / "run.json").write_bytes(content)
    code, _, err = shell("train", "--resume", run)

    assert code == UNREADABLE
    assert "run.json is damaged" in err


def test_a_training_that_has_ended_is_through(shell, run):
    Settings("tunes", [], OPTIONS, configuration_of(tunes()).to_json(), PIECES, has_ended=True).write(run)

    assert shell("train", "--resume", "run", "--precision", "auto")[:2] == (0, "run/model.safetensors\n")


@pytest.mark.parametrize(
    ("called", "python", "line"),
    [
        ("bin/musicgen", "bin/python", "musicgen train --resume 'a run'"),  # as a shell calls what it finds
        ("./bin/musicgen", "bin/python", "musicgen train --resume 'a run'"),
        ("other/bin/musicgen", "bin/python", "other/bin/musicgen train --resume 'a run'"),
        ("main.py", "bin/python", "python main.py train --resume 'a run'"),
        ("../main.py", "other/bin/python", "other/bin/python ../main.py train --resume 'a run'"),
    ],
)
def test_the_line_that_goes_on_is_one_that_the_shell_finds(folder, monkeypatch, called, python, line):
    for name in ("musicgen", "python"):
        (folder / "bin").mkdir(exist_ok=True)
        (folder / "bin" / name).touch(mode=0o755)
    monkeypatch.setenv("PATH", str(folder / "bin"))
    monkeypatch.setattr("sys.argv", [called])
    monkeypatch.setattr("sys.executable", python)
    with click.Context(click.Command("train"), info_name="train", parent=click.Context(click.Group("program"), info_name=Path(called).name)):
        assert run_folder.resuming(Path("a run")) == line

"""`doctor`: what is broken is named, with what to do, and makes the exit code 1."""

import errno
import importlib
import json
from importlib import metadata

import pytest
from tiny import random_model, tunes

from musicgen.cli import doctor as command
from musicgen.model.file import save_model


@pytest.fixture
def packaged(folder, monkeypatch):
    """A tiny model in place of the one that comes along."""
    save_model(random_model(tunes()), folder / "chorales.safetensors")
    monkeypatch.setattr(command, "PACKAGED", folder)
    return folder


@pytest.fixture
def quick(packaged, monkeypatch):
    """Without TensorFlow, which the slow test has."""
    monkeypatch.setattr(command, "_learning", lambda *_: iter([command.Finding("learning", command.OK, "not tried")]))


def of_name(document: dict, name: str) -> dict:
    (found,) = [finding for finding in document["findings"] if finding["name"] == name]
    return found


def test_a_machine_that_lacks_nothing(shell, quick):
    code, out, _ = shell("doctor", "--json", "--quiet")

    document = json.loads(out)
    assert (code, document["ok"]) == (0, True)
    assert of_name(document, "composing")["figures"]["notes_per_second"] > 0
    assert of_name(document, "libraries")["figures"]["numpy"] == metadata.version("numpy")
    assert of_name(document, "disk")["figures"]["free_bytes"] > 0
    assert all(finding["advice"] for finding in document["findings"] if finding["status"] != "ok")


@pytest.mark.parametrize(
    ("target", "name", "error", "broken", "words"),
    [
        (command.metadata, "version", metadata.PackageNotFoundError("x"), "numpy", "not installed"),
        (command.importlib, "import_module", ImportError("no such symbol\nfor a person"), "symusic", "can't be loaded (no such symbol)"),
        (command.tempfile, "TemporaryFile", PermissionError(errno.EACCES, "Permission denied"), "disk", "nothing can be written"),
    ],
)
def test_what_is_broken_is_said_with_what_to_do(shell, quick, monkeypatch, target, name, error, broken, words):
    real = getattr(target, name)

    def fails(*arguments, **options):
        if arguments and arguments[0] not in command.LIBRARIES:
            return real(*arguments, **options)
        raise error

    monkeypatch.setattr(target, name, fails)
    code, out, err = shell("doctor", "--json", "--quiet")

    found = of_name(json.loads(out), broken)
    assert (code, found["status"]) == (1, "broken")
    assert words in found["what"]
    assert found["advice"]
    assert "Error: broken: " in err
    assert broken in err


def test_a_damaged_model_is_broken(shell, quick, packaged):
    (packaged / "chorales.safetensors").write_bytes(b"no model")
    code, out, err = shell("doctor", "--quiet")

    assert code == 1
    assert "the model that comes along can't be used: cut off" in out
    assert "broken: composing" in err


@pytest.mark.slow
def test_the_machine_learns(shell, packaged, monkeypatch):
    monkeypatch.setattr(command, "TRAINING_SECONDS", 0.0)
    code, out, err = shell("doctor", "--json", "--quiet")

    document = json.loads(out)
    assert code == 0, err
    assert of_name(document, "learning")["figures"]["notes_per_second"] > 0
    assert set(of_name(document, "cuDNN")["figures"]) == {"lstm", "gru", "rnn"}
    assert of_name(document, "devices")["figures"]["backend"] == "tensorflow"
    narrow = [finding["figures"]["bfloat16_per_float32"] for finding in document["findings"] if finding["name"] == "precision"]
    assert len(narrow) == importlib.import_module("musicgen.learning.devices").multiplies_bfloat16()
    assert all(ratio > 0 for ratio in narrow)

"""What the tests of all commands need."""

import importlib
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from musicgen.cli import main
from musicgen.composing import takes


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """An empty folder to work in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(autouse=True)
def few_tries(monkeypatch) -> None:
    """Networks that have learned nothing seldom play without faults, however often they try."""
    generate = importlib.import_module("musicgen.cli.generate")
    monkeypatch.setattr(generate, "play_takes", lambda judge, random_seeds, tries: takes.play_takes(judge, random_seeds, min(tries, 1)))


@pytest.fixture
def shell(folder, monkeypatch, capsys) -> Callable[..., tuple[int, str, str]]:
    """Runs a command in that folder and returns its exit code, stdout and stderr."""

    def call(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["musicgen", *map(str, arguments)])
        code = 0
        try:
            main()
        except SystemExit as stop:
            code = stop.code
        return (code, *capsys.readouterr())

    return call

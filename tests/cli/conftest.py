"""What the tests of all commands need."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from musicgen.cli import main


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """An empty folder to work in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


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

"""What holds for all tests."""

import os

# before NumPy loads, as the command line does it: small products are slower on several threads, and much slower on a busy machine
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def light_reading(tmp_path_factory, monkeypatch) -> Path:
    """Files are read in this process, and what was read is kept in a folder that is forgotten; returns the folder."""
    folder = tmp_path_factory.getbasetemp() / "cache"
    monkeypatch.setenv("MUSICGEN_CACHE", str(folder))
    monkeypatch.setenv("MUSICGEN_WORKERS", "0")
    return folder

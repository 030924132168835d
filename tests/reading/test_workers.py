"""Readers in other processes: what breaks one costs one file, and the records are the same whoever reads them."""

import signal
from pathlib import Path

import pytest
from tiny import tunes

from musicgen.listening.midi import midi_bytes
from musicgen.reading import workers
from musicgen.reading.gathering import read_corpus
from musicgen.reading.guard import Limits
from musicgen.reading.selection import Selection

BOMB = """
import os, time
from musicgen.reading import workers
original = workers.read_record
workers.PATIENCE = 1
def read_record(path, *others):
    if "crash" in path.name:
        os._exit(9)
    if "hang" in path.name:
        time.sleep(60)
    while "spin" in path.name:
        pass
    print("what a library prints")
    return original(path, *others)
workers.read_record = read_record
workers.serve()
"""


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("MUSICGEN_WORKERS", "2")
    for number, tune in enumerate(tunes(10)):
        (tmp_path / f"{number:02}.mid").write_bytes(midi_bytes(tune))
    return tmp_path


@pytest.mark.slow
def test_a_crash_and_a_hang_cost_a_file_each(folder, monkeypatch):
    monkeypatch.setattr(workers, "PROGRAM", BOMB)
    monkeypatch.setattr(workers, "PATIENCE", 1)
    monkeypatch.setattr(workers, "CHUNK", 4)
    for name in ("00-crash.mid", "05-hang.mid", "99-crash.mid"):
        (folder / name).write_bytes(b"whatever")
    corpus = read_corpus([folder], Selection(limits=Limits(seconds=1)))
    assert list(corpus.pieces) == list(tunes(10))
    reasons = {receipt.path.name: receipt.reason for receipt in corpus.receipts(corpus.skipped)}
    assert reasons == {"00-crash.mid": "reader crashed", "05-hang.mid": "took too long", "99-crash.mid": "reader crashed"}


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timer of the processor here")
def test_a_reader_that_never_returns_ends_itself(folder, monkeypatch):
    monkeypatch.setattr(workers, "PROGRAM", BOMB)
    monkeypatch.setattr(workers.score_reader, "PATIENCE", 1_000)
    (folder / "05-spin.mid").write_bytes(b"whatever")
    corpus = read_corpus([folder], Selection(limits=Limits(seconds=1)))
    assert len(corpus.pieces) == 10
    assert [receipt.reason for receipt in corpus.receipts(corpus.skipped)] == ["took too long"]


@pytest.mark.slow
def test_records_are_the_same_whoever_reads(folder, monkeypatch):
    monkeypatch.setattr(workers, "CHUNK", 2)
    paths = sorted(folder.iterdir())
    alone, pool = (list(workers.read_all(paths, Selection(), number)) for number in (0, 2))
    assert [one.document for one in alone] == [one.document for one in pool]
    assert [one.notes.tobytes() + one.sketches.tobytes() + one.content for one in alone] == [
        one.notes.tobytes() + one.sketches.tobytes() + one.content for one in pool
    ]


@pytest.mark.slow
def test_workers_that_can_not_start_are_said_to(folder, monkeypatch):
    monkeypatch.setattr(workers, "PROGRAM", "raise SystemExit")
    with pytest.raises(workers.WorkersError, match="can't be started"):
        read_corpus([folder])


@pytest.mark.slow
def test_an_interruption_ends_all_workers(folder):
    reading = workers.read_all(sorted(folder.iterdir()), Selection(), 2)
    next(reading)
    pool = reading.gi_frame.f_locals["pool"]
    reading.close()
    assert all(worker is None or worker._process.poll() is not None for worker in pool._workers)

"""Checkpoints: what is read is what was written, and what is damaged is named and the one before is used."""

import errno
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musicgen import files
from musicgen.learning import checkpoints
from musicgen.learning.checkpoints import Checkpoint, CheckpointError, Checkpoints, checkpoint_bytes, read_checkpoint
from musicgen.learning.position import Snapshot


def snapshot(number: int) -> Snapshot:
    arrays = {"network/0": np.full((2, 3), number, np.float32), "network/1": np.array([7, number], np.uint32), "optimizer/0": np.array(number)}
    return Snapshot(arrays, {"steps": number, "best_nats": float("inf"), "history": [{"epoch": 1, "held_out": None}]})


def same(one: Snapshot, other: Snapshot) -> bool:
    if one.position != other.position or set(one.arrays) != set(other.arrays):
        return False
    return all(array.dtype == other.arrays[name].dtype and np.array_equal(array, other.arrays[name]) for name, array in one.arrays.items())


def test_what_is_read_is_what_was_written(tmp_path: Path):
    kept = Checkpoints(tmp_path / "checkpoints")
    kept.save(snapshot(1), snapshot(1))
    kept.save(snapshot(3), snapshot(2))
    found, damaged = kept.newest()

    assert found is not None
    assert same(found.now, snapshot(3))
    assert same(found.good, snapshot(2))
    assert not damaged


def test_the_last_two_are_kept(tmp_path: Path):
    kept = Checkpoints(tmp_path)
    for number in range(5):
        kept.save(snapshot(number), snapshot(number))

    assert sorted(path.name for path in tmp_path.iterdir()) == ["000004.checkpoint", "000005.checkpoint"]
    kept.clear()
    assert kept.newest() == (None, [])


@given(st.data())
@settings(max_examples=40)
def test_damage_anywhere_is_found(tmp_path_factory, data):
    whole = checkpoint_bytes(Checkpoint(snapshot(1), snapshot(1)))
    place = data.draw(st.integers(0, len(whole) - 1))
    change = data.draw(st.sampled_from(["cut", "flip", "more"]))
    spoilt = {"cut": whole[:place], "flip": whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :], "more": whole + b"\0"}[change]
    path = tmp_path_factory.mktemp("damaged") / "000001.checkpoint"
    path.write_bytes(spoilt)

    with pytest.raises(CheckpointError, match=r"damaged|cut off"):
        read_checkpoint(path)


def test_a_damaged_one_is_named_and_the_one_before_is_used(tmp_path: Path):
    kept = Checkpoints(tmp_path)
    for number in range(2):
        kept.save(snapshot(number), snapshot(number))
    newest = tmp_path / "000002.checkpoint"
    newest.write_bytes(newest.read_bytes()[:-1])
    found, (sentence,) = kept.newest()

    assert found is not None
    assert same(found.now, snapshot(0))
    assert sentence == f"{newest} is damaged: its content is not what was written"


def test_a_full_disk_leaves_the_ones_before(tmp_path: Path, monkeypatch):
    kept = Checkpoints(tmp_path)
    kept.save(snapshot(1), snapshot(1))

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        kept.save(snapshot(2), snapshot(2))
    assert [path.name for path in tmp_path.iterdir()] == ["000001.checkpoint"]


def test_what_a_killed_program_left_is_cleared(tmp_path: Path):
    (tmp_path / ".000003.checkpoint.abc.part").write_bytes(b"half")
    Checkpoints(tmp_path).clear()

    assert not list(tmp_path.iterdir())


def test_writing_takes_a_twentieth_of_the_time(tmp_path: Path, monkeypatch):
    clock = iter([100.0, 103.0, 162.9, 163.0])
    monkeypatch.setattr(checkpoints.time, "monotonic", lambda: next(clock))
    kept = Checkpoints(tmp_path)
    kept.save(snapshot(1), snapshot(1))

    assert [kept.is_due(), kept.is_due()] == [False, True]


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", checkpoints.FORMAT, checkpoints.FORMAT + b"\0" * 40])
def test_what_is_none_is_named(tmp_path: Path, content: bytes):
    path = tmp_path / "000001.checkpoint"
    path.write_bytes(content)
    with pytest.raises(CheckpointError):
        read_checkpoint(path)
    with pytest.raises(CheckpointError, match="not readable"):
        read_checkpoint(tmp_path / "000002.checkpoint")

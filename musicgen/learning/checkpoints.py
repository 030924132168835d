"""A training on the disk: what is needed to go on to the bit, whatever ends the program and whenever.

Conventions: a checkpoint appears under its name only when all of it is on the disk (`musicgen.files`); the number in its name rises. The last two are
kept, so that one is there while the next is written, and when the newest is damaged. A file is a line that names the format, the BLAKE2 hash of the
rest, and the rest as safetensors, so that reading runs none of it: arrays, and as JSON where the training stood.
"""

import hashlib
import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import safetensors
import safetensors.numpy

from musicgen.files import clear_unfinished, write_whole
from musicgen.learning.position import Snapshot

FORMAT = b"musicgen checkpoint 1\n"
HASH_BYTES = 32
KEPT = 2
SECONDS_BETWEEN = 30.0
SHARE_OF_TIME = 0.05  # at most goes into writing
NOW, GOOD, POSITIONS = "now/", "good/", "positions"


class CheckpointError(Exception):
    """A file that holds no checkpoint that can be used; the message says why, without the file's name."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A training between two steps."""

    now: Snapshot
    good: Snapshot  # to go back to if the loss blows up


class Checkpoints:
    """The checkpoints in a run's folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._next_at = 0.0  # of the monotonic clock

    def newest(self) -> tuple[Checkpoint | None, list[str]]:
        """The newest checkpoint that is whole, or None, and a sentence on each newer one that is not."""
        damaged: list[str] = []
        for path in reversed(self._paths()):
            try:
                return read_checkpoint(path), damaged
            except CheckpointError as error:
                damaged.append(f"{path} is {error}")
        return None, damaged

    def is_due(self) -> bool:
        """Whether it is time for the next."""
        return time.monotonic() >= self._next_at

    def save(self, now: Snapshot, good: Snapshot) -> None:
        """Write a checkpoint, then remove the ones before the last. Raises OSError, and then nothing has changed."""
        begin = time.monotonic()
        self.folder.mkdir(exist_ok=True)
        paths = self._paths()
        number = int(re.sub(r"\D", "", paths[-1].name)) + 1 if paths else 1
        write_whole(self.folder / f"{number:06}.checkpoint", checkpoint_bytes(Checkpoint(now, good)))
        for path in paths[: len(paths) + 1 - KEPT]:
            path.unlink(missing_ok=True)
        end = time.monotonic()
        self._next_at = end + max(SECONDS_BETWEEN, (end - begin) / SHARE_OF_TIME)

    def clear(self) -> None:
        """Remove all, the halves of interrupted ones too."""
        for path in self._paths():
            path.unlink(missing_ok=True)
        if self.folder.is_dir():
            clear_unfinished(self.folder)

    def _paths(self) -> list[Path]:
        return sorted(path for path in self.folder.glob("*.checkpoint") if re.fullmatch(r"\d+\.checkpoint", path.name))


def checkpoint_bytes(checkpoint: Checkpoint) -> bytes:
    """The content of a file. Before the first step both snapshots are one, and written once."""
    every = {NOW: checkpoint.now} | ({} if checkpoint.good is checkpoint.now else {GOOD: checkpoint.good})
    arrays = {f"{prefix}{name}": np.asarray(array, order="C") for prefix, snapshot in every.items() for name, array in snapshot.arrays.items()}
    positions = json.dumps({prefix: snapshot.position for prefix, snapshot in every.items()}).encode()
    content = safetensors.numpy.save({**arrays, POSITIONS: np.frombuffer(positions, np.uint8)})
    return FORMAT + _hash(content) + content


def read_checkpoint(path: Path) -> Checkpoint:
    """The checkpoint in a file. Raises CheckpointError."""
    try:
        return checkpoint_of(path.read_bytes())
    except OSError as error:
        raise CheckpointError(f"not readable ({error.strerror or error})") from None


def checkpoint_of(whole: bytes) -> Checkpoint:
    """What `checkpoint_bytes` wrote. Raises CheckpointError."""
    if not whole.startswith(FORMAT):
        raise CheckpointError("cut off, or no checkpoint of this version at all")
    content = whole[len(FORMAT) + HASH_BYTES :]
    if _hash(content) != whole[len(FORMAT) :][:HASH_BYTES]:
        raise CheckpointError("damaged: its content is not what was written")
    try:
        arrays = safetensors.numpy.load(content)
        positions = json.loads(arrays.pop(POSITIONS).tobytes())
        snapshots = {
            prefix: Snapshot({name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}, dict(position))
            for prefix, position in positions.items()
        }
        return Checkpoint(snapshots[NOW], snapshots.get(GOOD, snapshots[NOW]))
    except (safetensors.SafetensorError, KeyError, ValueError, TypeError, AttributeError) as error:
        raise CheckpointError(f"no checkpoint ({error})") from None


def agreed(checkpoint: Checkpoint | None, of_first: Callable[[bytes], bytes]) -> Checkpoint | None:
    """The checkpoint of the first of several machines, on all of them; `of_first` is that of `fitting.Replicas`."""
    content = of_first(checkpoint_bytes(checkpoint) if checkpoint else b"")
    return checkpoint_of(content) if content else None


def _hash(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=HASH_BYTES).digest()

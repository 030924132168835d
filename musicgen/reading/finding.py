"""Folders -> files: each that lies below them, music or not, once and in the order of names.

Conventions: a folder is walked without following links to folders, so the walk ends. A link to a file below one of the folders stands for
that file; any other link is found and refused, as are FIFOs and devices, so that what was found can be counted.
"""

import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from musicgen.reading.reasons import Reason, UnreadableFileError

MIDI_SUFFIXES = (".mid", ".midi")
MUSIC_SUFFIXES = (*MIDI_SUFFIXES, ".kar", ".rmi", ".musicxml", ".mxl", ".xml", ".abc", ".krn", ".zip")


class Found(NamedTuple):
    """Something below a folder that is no folder, or a folder that does not let itself be read."""

    path: Path
    refused: UnreadableFileError | None = None  # why it is not to be opened


def find_files(roots: Iterable[Path]) -> list[Path]:
    """The files that are called music by their names, and those named outright: what a person would count."""
    roots = list(roots)
    named = {root for root in roots if not root.is_dir()}
    return [path for path, refused in find_all(roots) if refused is None and (path in named or path.name.lower().endswith(MUSIC_SUFFIXES))]


def find_all(roots: Iterable[Path]) -> list[Found]:
    """All files below folders, and files named outright, each once, in the order of their names; what does not exist is passed over."""
    found: dict[Path, Found] = {}
    roots = list(roots)
    insides = [os.path.realpath(root) for root in roots if root.is_dir()]
    for root in roots:
        if root.is_dir():
            found.update((one.path, one) for one in sorted(_below(root, insides)) if one.path not in found)
        elif os.path.lexists(root):
            found.setdefault(root, Found(root, _refusal(root.stat().st_mode) if root.exists() else _vanished()))
    return list(found.values())


def _below(root: Path, insides: list[str]) -> Iterator[Found]:
    """What lies below a folder, in any order."""
    todo = [os.fspath(root)]
    while todo:
        folder = todo.pop()
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        todo.append(entry.path)
                    else:
                        yield Found(Path(entry.path), _refused_entry(entry, insides))
        except OSError as error:
            reason = Reason.NO_PERMISSION if isinstance(error, PermissionError) else Reason.VANISHED
            yield Found(Path(folder), UnreadableFileError(f"a folder that can't be opened ({error.strerror or error})", reason))


def _refused_entry(entry: os.DirEntry, insides: list[str]) -> UnreadableFileError | None:
    """Why an entry of a folder is not to be opened; None where it is a regular file, or a link to one below the folders."""
    if entry.is_file(follow_symlinks=False):
        return None
    if not entry.is_symlink():
        return UnreadableFileError("a FIFO, a device or a socket, not a regular file", Reason.NOT_A_FILE)
    target = os.path.realpath(entry.path)
    if not any(target.startswith(os.path.join(inside, "")) for inside in insides):
        return UnreadableFileError(f"a link that leads out of the folder, to {target!r}", Reason.LINK_OUT)
    try:
        return _refusal(os.stat(target).st_mode)
    except OSError:
        return _vanished()


def _refusal(mode: int) -> UnreadableFileError | None:
    if stat.S_ISREG(mode):
        return None
    if stat.S_ISDIR(mode):
        return UnreadableFileError("a link to a folder, whose files are found where they lie", Reason.NOT_A_FILE)
    return UnreadableFileError("a FIFO, a device or a socket, not a regular file", Reason.NOT_A_FILE)


def _vanished() -> UnreadableFileError:
    return UnreadableFileError("a link that leads to nothing", Reason.VANISHED)

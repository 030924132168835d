"""What was read before, kept on the disk: segments of records by content and settings, and for each list of folders what stood where.

Conventions: a folder of its own for each way of reading holds `*.segment` files, which never change and are called by a digest of what they hold, and
`*.folders` files, which are replaced. Every file appears whole, so any number of programs may use a cache at once, and the worst that can happen
is that two do the same work. A file is known again by its size, times and number on the disk, if it was last changed well before it was read;
else by its content. What is damaged is removed, and read again.
"""

import contextlib
import hashlib
import os
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

import numpy as np

import musicgen
from musicgen import __version__
from musicgen.arrays import DamagedArraysError, open_arrays, write_arrays
from musicgen.reading.segments import Segment
from musicgen.reading.selection import Selection

CODE = ("piece.py", "reading")  # of this package, by which files are read: what other code has read is not taken
VARIABLE = "MUSICGEN_CACHE"  # of the environment: the folder
QUICK = 2_000_000_000  # nanoseconds; a file that was changed so shortly before it was read may have changed again within the same tick of the clock
UNKNOWN = -1
MOST_BYTES = 20_000_000_000  # of all that is kept
MOST_UNUSED = 60 * 86400  # seconds after which a file that nobody opened is removed


def cache_folder() -> Path:
    """Where the platform keeps what can be made again; the variable MUSICGEN_CACHE names another folder."""
    if named := os.environ.get(VARIABLE):
        return Path(named)
    try:
        home = Path.home()
    except RuntimeError:  # nobody's
        return Path(tempfile.gettempdir()) / "musicgen"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local") / "musicgen" / "cache"
    if sys.platform == "darwin":
        return home / "Library" / "Caches" / "musicgen"
    return Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache") / "musicgen"


@cache
def code_digest(*names: str) -> str:
    """Of the source of modules and folders of this package, hexadecimal: another where anything of it was changed."""
    digest = hashlib.blake2b(__version__.encode(), digest_size=8)
    for name in names:
        place = Path(musicgen.__file__).parent / name
        for path in sorted(place.rglob("*.py")) if place.is_dir() else [place]:
            digest.update(path.read_bytes())
    return digest.hexdigest()


def stamps_of(paths: Sequence[Path]) -> np.ndarray:
    """(F, 4) size, time of change, time of change of the entry, and number on the disk; UNKNOWN for what can't be asked."""
    stamps = np.full((len(paths), 4), UNKNOWN, np.int64)
    for row, path in enumerate(paths):
        with contextlib.suppress(OSError, ValueError):
            found = os.stat(path)
            stamps[row] = found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino & 0x7FFFFFFFFFFFFFFF
    return stamps


class Cache:
    """One way of reading. Nothing that fails here stops a program: `trouble` says what did."""

    def __init__(self, selection: Selection, folder: Path | None = None) -> None:
        settings = f"{code_digest(*CODE)} {selection.of_reading()}"
        self.folder = (folder or cache_folder()) / hashlib.blake2b(settings.encode(), digest_size=8).hexdigest()
        self.trouble = ""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            self._fail(error)

    def segment(self, name: str) -> Segment | None:
        """A segment; None where it is gone or damaged, and then it is removed."""
        path = self.folder / f"{name}.segment"
        try:
            segment = Segment.open(path)
            os.utime(path)  # it was used
            return segment
        except FileNotFoundError:
            return None
        except DamagedArraysError:
            self._remove(path)
            return None
        except OSError as error:
            self._fail(error)
            return None

    def keep(self, segment: Segment) -> tuple[str, Segment]:
        """Write a segment; its name, and the segment as it lies on the disk, or as it was and no name where it can't be written."""
        digest = hashlib.blake2b(digest_size=16)
        for array in segment.arrays.values():
            digest.update(np.ascontiguousarray(array).data)
        name = digest.hexdigest()
        path = self.folder / f"{name}.segment"
        try:
            if not path.exists():
                segment.write(path)
            return name, Segment.open(path, check=False)
        except (OSError, DamagedArraysError) as error:
            self._fail(error)
            return "", segment

    def names(self) -> list[str]:
        """Of all segments."""
        return sorted(path.stem for path in self.folder.glob("*.segment"))

    def remember(
        self, roots: Iterable[Path], paths: Sequence[Path], stamps: np.ndarray, places: np.ndarray, names: Sequence[str], begun: int
    ) -> None:
        """Keep where the files below folders stand.

        Args:
            stamps: (F, 4), as `stamps_of` gives them before the files were read.
            places: (F, 2) the segment of each file and its number there, -1 for one that stands nowhere.
            names: of the segments, in the order that `places` counts.
            begun: nanoseconds since 1970, before the files were looked at.
        """
        stamps = stamps.copy()
        stamps[(stamps[:, 1:3].max(axis=1, initial=0) > begun - QUICK) | (places[:, 0] < 0)] = UNKNOWN
        written = b"\0".join(os.fsencode(path) for path in paths)
        arrays = {"paths": np.frombuffer(written, np.uint8), "stamps": stamps, "places": places}
        try:
            write_arrays(self._folders(roots), arrays, {"segments": list(names)})
            self._tidy()
        except OSError as error:
            self._fail(error)

    def remembered(self, roots: Iterable[Path]) -> tuple[list[bytes], np.ndarray, np.ndarray, list[str]]:
        """Paths, stamps, places and names of segments as `remember` was given them; nothing where there is nothing, or it is damaged."""
        path = self._folders(roots)
        try:
            arrays, about = open_arrays(path)
            paths = arrays["paths"].tobytes().split(b"\0")
            if not len(paths) == len(arrays["stamps"]) == len(arrays["places"]):
                raise DamagedArraysError("lists of different lengths")
            return paths, np.array(arrays["stamps"]), np.array(arrays["places"]), list(about["segments"])
        except (DamagedArraysError, KeyError, TypeError):
            self._remove(path)
        except OSError:
            pass
        return [], np.zeros((0, 4), np.int64), np.zeros((0, 2), np.int64), []

    def result(self, name: str) -> dict[str, np.ndarray] | None:
        """Arrays that were worked out of what was read; None where there are none, or they are damaged."""
        path = self.folder / f"{name}.result"
        try:
            arrays, _ = open_arrays(path)
            return arrays
        except DamagedArraysError:
            self._remove(path)
        except OSError:
            pass
        return None

    def keep_result(self, name: str, arrays: dict[str, np.ndarray]) -> None:
        """Keep arrays under the name that is a digest of what they were worked out of."""
        try:
            write_arrays(self.folder / f"{name}.result", arrays, {})
        except OSError as error:
            self._fail(error)

    def _folders(self, roots: Iterable[Path]) -> Path:
        written = b"\0".join(os.fsencode(os.path.abspath(root)) + b"\0" + os.fsencode(root) for root in roots)
        return self.folder / f"{hashlib.blake2b(written, digest_size=8).hexdigest()}.folders"

    def _remove(self, path: Path) -> None:
        with contextlib.suppress(OSError):
            path.unlink()

    def _fail(self, error: Exception) -> None:
        said = error.strerror if isinstance(error, OSError) else None
        self.trouble = self.trouble or f"what was read can't be kept in {self.folder.parent} ({said or error}): it will be read again the next time"

    def _tidy(self) -> None:
        """Remove what nobody has used for long, and of too much the oldest."""
        found, room = [], MOST_BYTES
        for path in self.folder.parent.glob("*/*"):
            with contextlib.suppress(OSError):
                status = path.stat()
                found.append((status.st_mtime, status.st_size, path))
        for used, size, path in sorted(found, reverse=True):
            room -= size
            if room < 0 or time.time() - used > MOST_UNUSED:
                self._remove(path)

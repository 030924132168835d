"""What is refused before it costs anything: limits on foreign files, each named in the message that it causes."""

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from musicgen.reading.reasons import Reason, UnreadableFileError

ZIP_SIGNATURE = b"PK\3\4"
DISK_REASONS: tuple[tuple[type[OSError], Reason], ...] = (
    (PermissionError, Reason.NO_PERMISSION),
    (FileNotFoundError, Reason.VANISHED),
    (NotADirectoryError, Reason.VANISHED),
    (IsADirectoryError, Reason.NOT_A_FILE),
)


class LimitOption(NamedTuple):
    """How a limit is called."""

    option: str  # of the command line, which sets it
    reason: Reason  # for which a file beyond it is refused
    what: str  # it counts


LIMIT_OPTIONS = {
    "file_bytes": LimitOption("--max-bytes", Reason.TOO_LARGE, "bytes"),
    "notes": LimitOption("--max-notes", Reason.TOO_MANY_NOTES, "notes"),
    "tracks": LimitOption("--max-tracks", Reason.TOO_MANY_TRACKS, "tracks"),
    "quarters": LimitOption("--max-quarters", Reason.TOO_LONG, "quarter notes"),
    "note_quarters": LimitOption("--max-note-quarters", Reason.TOO_LONG, "quarter notes in one note"),
    "changes": LimitOption("--max-changes", Reason.TOO_MANY_CHANGES, "changes of tempo, meter and key"),
    "members": LimitOption("--max-members", Reason.TOO_MANY_MEMBERS, "members of a zip file or tunes of a book"),
    "unzipped_bytes": LimitOption("--max-unzipped-bytes", Reason.TOO_LARGE, "bytes in a zip file, unzipped"),
    "seconds": LimitOption("--max-seconds", Reason.TIMEOUT, "seconds of the processor to read a score"),
    "memory_bytes": LimitOption("--max-memory-bytes", Reason.OUT_OF_MEMORY, "bytes of memory to read a score"),
}


@dataclass(frozen=True, slots=True)
class Limits:
    """The most that one file may hold, and cost; `LIMIT_OPTIONS` says what each field counts."""

    file_bytes: int = 20_000_000
    notes: int = 200_000  # of one piece, as are the next four
    tracks: int = 512
    quarters: int = 50_000
    note_quarters: int = 1_000
    changes: int = 100_000
    members: int = 100_000
    unzipped_bytes: int = 1_000_000_000
    seconds: int = 60
    memory_bytes: int = 2_000_000_000

    def check(self, name: str, found: int) -> None:
        """Raise UnreadableFileError where more was found than the field `name` allows."""
        if found > getattr(self, name):
            raise UnreadableFileError(self.said(name, f"{found:,}"), LIMIT_OPTIONS[name].reason)

    def said(self, name: str, found: str) -> str:
        """What a message says of a limit that is passed."""
        option, _, what = LIMIT_OPTIONS[name]
        return f"{found} {what}, where the limit is {getattr(self, name):,} ({option} sets it)"


def read_bytes(path: Path, limits: Limits) -> bytes:
    """The content of a regular file of bearable size. Raises UnreadableFileError otherwise."""
    try:
        # O_NONBLOCK: a FIFO must not hang the program before it is found to be one
        with open(path, "rb", opener=lambda name, flags: os.open(name, flags | getattr(os, "O_NONBLOCK", 0))) as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise UnreadableFileError("not a regular file", Reason.NOT_A_FILE)
            start = file.read(4)
            # a zip file is a folder of files, each of which has that limit
            most = "unzipped_bytes" if start == ZIP_SIGNATURE else "file_bytes"
            limits.check(most, status.st_size)
            return start + file.read(getattr(limits, most))
    except OSError as error:
        reason = next((reason for kind, reason in DISK_REASONS if isinstance(error, kind)), Reason.DISK)
        raise UnreadableFileError(error.strerror or str(error), reason) from None
    except ValueError as error:  # a name with a zero byte in it
        raise UnreadableFileError(str(error), Reason.VANISHED) from None


def shown(path: str | os.PathLike[str]) -> str:
    """A path as a message can show it on one line of any terminal: what cannot be printed is written as in Python."""
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape", "surrogatepass").decode("ascii") for character in os.fspath(path)
    )

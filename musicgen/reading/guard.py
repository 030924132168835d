"""What is refused before it costs anything: limits on foreign files, each named in the message that it causes."""

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from musicgen.reading.reasons import Reason, UnreadableFileError

ZIP_SIGNATURE = b"PK\3\4"
DISK_REASONS: tuple[tuple[type[OSError], Reason], ...] = (
    (PermissionError, Reason.NO_PERMISSION),
    (FileNotFoundError, Reason.VANISHED),
    (NotADirectoryError, Reason.VANISHED),
    (IsADirectoryError, Reason.NOT_A_FILE),
)
MAX_TICKS = 2**31
SYSTEM_DATA_BYTES = {0xF1: 1, 0xF2: 2, 0xF3: 1}


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
    "seconds": LimitOption("--max-seconds", Reason.TIMEOUT, "seconds to read a score"),
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

    def check(self, name: str, found: float) -> None:
        """Raise UnreadableFileError where more was found than the field `name` allows."""
        limit = getattr(self, name)
        if found > limit:
            option, reason, what = LIMIT_OPTIONS[name]
            raise UnreadableFileError(f"{found:,} {what}, where the limit is {limit:,} ({option} sets it)", reason)


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


def check_midi_header(content: bytes) -> None:
    """Refuse what the MIDI readers take for music without a word. Raises UnreadableFileError."""
    if not content:
        raise UnreadableFileError("an empty file", Reason.EMPTY)
    if content[:4] != b"MThd" or len(content) < 14:
        raise UnreadableFileError("no MIDI file (it does not begin with a MIDI header)", Reason.NOT_MUSIC)
    kind, claimed, division = (int.from_bytes(content[at : at + 2], "big") for at in (8, 10, 12))
    if kind > 2:
        raise UnreadableFileError(f"its header says format {kind}, where MIDI has the formats 0 to 2")
    if kind == 2 and claimed > 1:
        raise UnreadableFileError("its tracks are songs of their own (format 2), not parts of one piece")
    if division == 0:
        raise UnreadableFileError("its header says zero ticks to the quarter note")
    if division & 0x8000:
        raise UnreadableFileError("its time is counted in film frames (SMPTE), not in beats")
    found = len(midi_tracks(content))
    if found < claimed:
        raise UnreadableFileError(f"cut off: {found:,} of the tracks are whole, where its header counts {claimed:,}")


def check_midi_times(content: bytes) -> None:
    """Refuse tracks of 2**31 ticks and more: symusic counts them round, back to times that look right. Raises UnreadableFileError."""
    high = np.frombuffer(content, np.uint8) >= 0x80
    two = high[1:] & high[:-1]
    three = two[1:] & two[:-1]
    # a number is a row of up to three high bytes and a low one, 7 bits each; hardly any file comes near the limit by this estimate
    most = sum(int(np.count_nonzero(rows)) << 7 * size for size, rows in enumerate((~high, high, two, three), start=1))
    if most < MAX_TICKS:
        return
    for track in midi_tracks(content):
        try:
            ticks = _track_ticks(track)
        except IndexError:
            raise UnreadableFileError("a damaged MIDI file (an event goes on past the end of its track)") from None
        if ticks >= MAX_TICKS:
            raise UnreadableFileError(f"times that overflow (a track of {ticks:,} ticks)", Reason.TOO_LONG)


def midi_tracks(content: bytes) -> list[memoryview]:
    """The inside of every whole track chunk, as many as the header claims; other chunks are passed over."""
    claimed = int.from_bytes(content[10:12], "big")
    tracks: list[memoryview] = []
    at = 14
    while len(tracks) < claimed and at + 8 <= len(content):
        end = at + 8 + int.from_bytes(content[at + 4 : at + 8], "big")
        if end > len(content):
            break
        if content[at : at + 4] == b"MTrk":
            tracks.append(memoryview(content)[at + 8 : end])
        at = end
    return tracks


def _track_ticks(track: memoryview) -> int:
    """The sum of all delta times up to the end of track. Raises IndexError where an event is cut off."""
    at = ticks = running = 0
    while at < len(track):
        delta, at = variable_length(track, at)
        ticks += delta
        status = track[at]
        if status < 0x80:
            status = running
        else:
            at += 1
        if status in (0xF0, 0xF7, 0xFF):  # system exclusive and meta events say their length
            is_meta = status == 0xFF
            if is_meta and track[at] == 0x2F:
                break
            length, at = variable_length(track, at + is_meta)
            at += length
        elif status < 0xF0:
            running = status
            at += 1 if status & 0xF0 in (0xC0, 0xD0) else 2
        else:
            at += SYSTEM_DATA_BYTES.get(status, 0)
    return ticks


def variable_length(track: memoryview, at: int) -> tuple[int, int]:
    """The number of up to four bytes that begins at a place, and the place after it."""
    number = 0
    for after in range(at + 1, at + 5):
        number = number << 7 | track[after - 1] & 0x7F
        if track[after - 1] < 0x80:
            break
    return number, after

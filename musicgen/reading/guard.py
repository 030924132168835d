"""What is refused before it costs anything: limits on foreign files, each named in the message that it causes."""

import os
import stat
from dataclasses import dataclass
from pathlib import Path

import numpy as np

MAX_TICKS = 2**31
SYSTEM_DATA_BYTES = {0xF1: 1, 0xF2: 2, 0xF3: 1}


class UnreadableFileError(Exception):
    """A file that is not music, or not music that can be read; the message says what is wrong, without the file's name."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The most that one file may hold."""

    file_bytes: int = 20_000_000
    notes: int = 200_000
    tracks: int = 512
    quarters: int = 50_000  # length of the piece
    note_quarters: int = 1_000  # length of one note
    changes: int = 100_000  # of tempo, meter and key


def read_bytes(path: Path, limits: Limits) -> bytes:
    """The content of a regular file of bearable size. Raises UnreadableFileError otherwise."""
    try:
        # O_NONBLOCK: a FIFO must not hang the program before it is found to be one
        with open(path, "rb", opener=lambda name, flags: os.open(name, flags | getattr(os, "O_NONBLOCK", 0))) as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise UnreadableFileError("not a regular file")
            if status.st_size > limits.file_bytes:
                raise UnreadableFileError(f"{status.st_size:,} bytes, where the limit is {limits.file_bytes:,}")
            return file.read(limits.file_bytes)
    except OSError as error:
        raise UnreadableFileError(error.strerror or str(error)) from None


def check_midi_header(content: bytes) -> None:
    """Refuse what the MIDI readers take for music without a word. Raises UnreadableFileError."""
    if not content:
        raise UnreadableFileError("an empty file")
    if content[:4] != b"MThd" or len(content) < 14:
        raise UnreadableFileError("no MIDI file (it does not begin with a MIDI header)")
    kind, claimed, division = (int.from_bytes(content[at : at + 2], "big") for at in (8, 10, 12))
    if kind > 2:
        raise UnreadableFileError(f"its header says format {kind}, where MIDI has the formats 0 to 2")
    if kind == 2 and claimed > 1:
        raise UnreadableFileError("its tracks are songs of their own (format 2), not parts of one piece")
    if division == 0:
        raise UnreadableFileError("its header says zero ticks to the quarter note")
    if division & 0x8000:
        raise UnreadableFileError("its time is counted in film frames (SMPTE), not in beats")
    found = len(_midi_tracks(content))
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
    for track in _midi_tracks(content):
        try:
            ticks = _track_ticks(track)
        except IndexError:
            raise UnreadableFileError("a damaged MIDI file (an event goes on past the end of its track)") from None
        if ticks >= MAX_TICKS:
            raise UnreadableFileError(f"times that overflow (a track of {ticks:,} ticks)")


def _midi_tracks(content: bytes) -> list[memoryview]:
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
        delta, at = _variable_length(track, at)
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
            length, at = _variable_length(track, at + is_meta)
            at += length
        elif status < 0xF0:
            running = status
            at += 1 if status & 0xF0 in (0xC0, 0xD0) else 2
        else:
            at += SYSTEM_DATA_BYTES.get(status, 0)
    return ticks


def _variable_length(track: memoryview, at: int) -> tuple[int, int]:
    """The number of up to four bytes that begins at a place, and the place after it."""
    number = 0
    for after in range(at + 1, at + 5):
        number = number << 7 | track[after - 1] & 0x7F
        if track[after - 1] < 0x80:
            break
    return number, after

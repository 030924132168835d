"""The events of a MIDI track, one by one: the second reader's eyes, and those of who must know how long a track is.

Conventions: a status goes on running past meta and system exclusive events, as most programs let it. A data byte of 128 and more counts as 127.
mido, which could do this, loses the time before a meta event that it does not know, and refuses a whole file for one odd key signature.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from musicgen.reading.reasons import Reason, UnreadableFileError

META = 0xFF
TEXT, SET_NAME, END_OF_TRACK, SET_TEMPO, TIME_SIGNATURE, KEY_SIGNATURE = 0x01, 0x03, 0x2F, 0x51, 0x58, 0x59  # meta events
NOTE_OFF, NOTE_ON, CONTROL_CHANGE, PROGRAM_CHANGE, CHANNEL_PRESSURE = 0x80, 0x90, 0xB0, 0xC0, 0xD0  # with the channel in the lower half
SYSTEM_EXCLUSIVE = 0xF0
SYSTEM_DATA_BYTES = {0xF1: 1, 0xF2: 2, 0xF3: 1, 0xF6: 0, 0xF8: 0, 0xFA: 0, 0xFB: 0, 0xFC: 0, 0xFE: 0}
MAX_TICKS = 2**31 - 2**28  # of a track; what is left of 31 bits is for the time that `midi` adds


class Event(NamedTuple):
    tick: int
    status: int  # of a meta event META
    kind: int  # of a meta event, elsewhere 0
    data: bytes


def events(track: bytes) -> Iterator[Event]:
    """The events up to the end of track, with that one. Raises UnreadableFileError where one is cut off or none that MIDI knows."""
    at = tick = running = 0
    try:
        while at < len(track):
            delta, at = _variable_length(track, at)
            tick += delta
            status, kind = track[at], 0
            if status < 0x80:
                status = running
            else:
                at += 1
            if status in (0xF0, 0xF7, META):  # system exclusive and meta events say their length
                if status == META:
                    kind, at = track[at], at + 1
                length, at = _variable_length(track, at)
            elif status < 0xF0:
                running = status
                length = 1 if status & 0xF0 in (PROGRAM_CHANGE, CHANNEL_PRESSURE) else 2
            else:
                length = SYSTEM_DATA_BYTES.get(status, len(track))
            if not status or at + length > len(track):
                raise IndexError
            yield Event(tick, status, kind, track[at : at + length])
            at += length
            if status == META and kind == END_OF_TRACK:
                return
    except IndexError:
        raise UnreadableFileError("a damaged MIDI file (an event that is none, or goes on past the end of its track)") from None


def _variable_length(track: bytes, at: int) -> tuple[int, int]:
    """The number of up to four bytes that begins at a place, and the place after it."""
    number = 0
    for after in range(at + 1, at + 5):
        number = number << 7 | track[after - 1] & 0x7F
        if track[after - 1] < 0x80:
            return number, after
    raise IndexError


def text_of(data: bytes) -> str:
    """A text in UTF-8, or else in Latin-1 as it is written under Windows."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def check_times(tracks: tuple[bytes, ...]) -> None:
    """Refuse tracks of so many ticks that readers count them round, back to times that look right. Raises UnreadableFileError."""
    if _most_ticks(b"".join(tracks)) < MAX_TICKS:
        return
    for track in tracks:
        tick = 0
        for tick, *_ in events(track) if _most_ticks(track) >= MAX_TICKS else ():  # noqa: B007
            pass
        if tick >= MAX_TICKS:
            raise UnreadableFileError(f"times that overflow (a track of {tick:,} ticks)", Reason.TOO_LONG)


def _most_ticks(content: bytes) -> int:
    """At least what all times in these bytes can be together; hardly any file comes near the limit by this estimate."""
    each = np.frombuffer(content, np.uint8)
    # a number is a row of up to three high bytes and a low one, 7 bits each: how many bits are behind a byte, at most, is told by the rows
    one = each >= 0x80
    two = one & np.append(one[1:], False)
    three = two & np.append(two[1:], False)
    sevens = one.view(np.uint8) + two.view(np.uint8) + three.view(np.uint8)
    return sum(int((each[sevens == number] & 0x7F).sum(dtype=np.int64)) << 7 * number for number in range(4))

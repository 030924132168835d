"""Which channels of a MIDI file play drums, and from when on: the tenth, and what other standards than General MIDI make of a channel.

Sources: Roland GS ("use for rhythm part"), Yamaha XG (part mode; banks 126 and 127), General MIDI 2 (banks 120 and 121).
"""

import re
from bisect import bisect_right
from operator import itemgetter
from typing import TypeVar

from musicgen.reading.events import CONTROL_CHANGE, PROGRAM_CHANGE, SYSTEM_EXCLUSIVE, Event

Value = TypeVar("Value")
DRUM_CHANNEL = 9
BANK = 0  # controller
# within a system exclusive message: of a part, and whether it is a drum kit
GS_PART = re.compile(rb"\x41.\x42\x12\x40([\x10-\x1f])\x15(.).\xf7", re.DOTALL)
XG_PART = re.compile(rb"\x43[\x10-\x1f]\x4c\x08([\0-\x0f])\x07(.)\xf7", re.DOTALL)
GS_CHANNELS = (DRUM_CHANNEL, *range(9), *range(10, 16))  # of its parts
# a standard is switched on, and then these banks are drum kits or not
XG = re.compile(rb"\x43[\x10-\x1f]\x4c\0\0\x7e\0\xf7"), {126: True, 127: True}
GM2 = re.compile(rb"\x7e.\x09\x03\xf7", re.DOTALL), {120: True, 121: False}
MARKS = b"\x42\x12\x40", b"\x4c\x08", b"\x4c\0\0\x7e", b"\x09\x03\xf7"  # one of them is in all of these messages


def may_differ(tracks: tuple[bytes, ...]) -> bool:
    """Whether other channels than the tenth may play drums, or the tenth other things."""
    marked = [track for track in tracks if any(mark in track for mark in MARKS)]
    if any(part.search(track) for track in marked for part in (GS_PART, XG_PART)):
        return True
    banks = {bank for switch, drums in (XG, GM2) if any(map(switch.search, marked)) for bank in drums}
    # the tenth has a bank of drums in most files of XG, which changes nothing
    return any(re.search(rb"(?<!\xb9)\0[%s]" % re.escape(bytes(banks)), track) for track in tracks if banks) or (
        121 in banks and any(b"\xb9\0\x79" in track for track in tracks)
    )


class Kits:
    """What a song says of its channels; all events are heard before any question is asked."""

    def __init__(self, tracks: tuple[bytes, ...]) -> None:
        self._banks = {bank: is_drum for switch, drums in (XG, GM2) if any(map(switch.search, tracks)) for bank, is_drum in drums.items()}
        self._chosen: dict[int, int] = {}  # of each channel, the bank of its next program
        self._changes: list[tuple[int, int, bool]] = []  # channel, tick, whether it is drums from then on

    def end_track(self) -> None:
        """Events of another track follow, or none."""
        self._chosen = {}
        self._changes.sort(key=itemgetter(0, 1))

    def hear(self, event: Event) -> None:
        """An event of a track, in its order."""
        channel = event.status & 0x0F
        if event.status == SYSTEM_EXCLUSIVE:
            if part := GS_PART.search(event.data):
                self._changes.append((GS_CHANNELS[part[1][0] & 0x0F], event.tick, part[2] != b"\0"))
            elif part := XG_PART.search(event.data):
                self._changes.append((part[1][0], event.tick, part[2] != b"\0"))
        elif event.status & 0xF0 == CONTROL_CHANGE and event.data[0] == BANK:
            self._chosen[channel] = event.data[1]
        elif event.status & 0xF0 == PROGRAM_CHANGE and self._banks and channel in self._chosen:
            is_drum = self._banks.get(self._chosen[channel], channel == DRUM_CHANNEL)
            self._changes.append((channel, event.tick, is_drum))

    def is_drum(self, channel: int, tick: int) -> bool:
        """Whether a channel plays drums at a time."""
        return latest(self._changes, channel, tick, channel == DRUM_CHANNEL)


def latest(changes: list[tuple[int, int, Value]], channel: int, tick: int, usual: Value) -> Value:
    """What was last said of a channel up to a time: of changes (channel, tick, value), sorted by these two."""
    index = bisect_right(changes, (channel, tick), key=itemgetter(0, 1))
    return changes[index - 1][2] if index and changes[index - 1][0] == channel else usual

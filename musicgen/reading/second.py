"""The second reader of MIDI: slower, and exact where tracks share a channel, where notes lack their ends, and where symusic gives up.

Conventions: a note-off ends the oldest note of its pitch in its track and channel. Where notes of a pitch are left over so, each of them ends
where its pitch is struck again; what is left then is ended by a note-off for its channel that another track has left over, or never.
A note has the program that its own track gave to its channel, or else the one that any track did.
"""

from collections import defaultdict
from operator import itemgetter
from typing import NamedTuple

import numpy as np

from musicgen.reading.chunks import Song
from musicgen.reading.events import (
    CONTROL_CHANGE,
    KEY_SIGNATURE,
    META,
    NOTE_OFF,
    NOTE_ON,
    PROGRAM_CHANGE,
    SET_NAME,
    SET_TEMPO,
    TIME_SIGNATURE,
    events,
    text_of,
)
from musicgen.reading.kits import Kits, latest
from musicgen.reading.strands import Heard, Strand

SILENCES = (120, 123)  # controllers: all sound off, all notes off


class Stroke(NamedTuple):
    """A note-on, or with velocity 0 a note-off."""

    tick: int
    velocity: int
    program: int | None = None  # that the track gave to the channel before


class Sounding(NamedTuple):
    begin: Stroke
    end: int  # ticks


Place = tuple[int, int, int]  # index of the track, channel, pitch


def hear_again(song: Song) -> Heard:
    """All notes of a song, and its changes. Raises UnreadableFileError where a track is damaged."""
    heard = Heard([], [], [], [], 0)
    names: list[str] = []
    strokes: dict[Place, list[Stroke]] = defaultdict(list)
    silences: dict[int, list[int]] = defaultdict(list)  # channel -> ticks
    programs: list[tuple[int, int, int]] = []  # channel, tick, program, of all tracks
    kits = Kits(song.tracks)
    for index, track in enumerate(song.tracks):
        own: dict[int, int] = {}
        names.append("")
        for event in events(track):
            tick, status, kind, data = event
            kits.hear(event)
            channel, status = (0, status) if status >= 0xF0 else (status & 0x0F, status & 0xF0)
            if status == META and kind == SET_NAME:
                names[index] = text_of(data)
            elif status == META:
                _hear_change(heard, tick, kind, data)
            elif status == PROGRAM_CHANGE:
                own[channel] = min(data[0], 127)
                programs.append((channel, tick, own[channel]))
            elif status == CONTROL_CHANGE and data[0] in SILENCES:
                silences[channel].append(tick)
            elif status in (NOTE_ON, NOTE_OFF):
                pitch, velocity = (min(byte, 127) for byte in data)
                strokes[index, channel, pitch].append(Stroke(tick, velocity if status == NOTE_ON else 0, own.get(channel)))
        kits.end_track()
    sounding, num_endless = _paired(strokes, silences)
    return heard._replace(strands=_strands(sounding, names, sorted(programs, key=itemgetter(0, 1)), kits), num_endless=num_endless)


def _hear_change(heard: Heard, tick: int, kind: int, data: bytes) -> None:
    if kind == SET_TEMPO and len(data) >= 3:
        heard.tempos.append((tick, int.from_bytes(data[:3], "big")))
    elif kind == TIME_SIGNATURE and len(data) >= 2:
        heard.meters.append((tick, data[0], 1 << data[1]))
    elif kind == KEY_SIGNATURE and len(data) >= 2:
        heard.keys.append((tick, (data[0] + 128) % 256 - 128, data[1] == 1))


def _paired(strokes: dict[Place, list[Stroke]], silences: dict[int, list[int]]) -> tuple[dict[Place, list[Sounding]], int]:
    """The notes that end, and how many never do."""
    sounding: dict[Place, list[Sounding]] = {}
    endless: list[tuple[Place, Stroke]] = []
    releases: dict[tuple[int, int], list[int]] = defaultdict(list)  # left over: channel and pitch -> ticks
    for place, struck in strokes.items():
        sounding[place], still_open, unused = _by_age(struck)
        if still_open:
            sounding[place], still_open, unused = _by_strokes(struck)
        endless += [(place, stroke) for stroke in still_open]
        releases[place[1:]] += unused
    num_endless = 0
    for place, stroke in sorted(endless, key=lambda left: left[1].tick):
        own = releases[place[1:]]
        end = min((tick for tick in (*own, *silences[place[1]]) if tick > stroke.tick), default=None)
        if end is None:
            num_endless += 1
            continue
        sounding[place].append(Sounding(stroke, end))
        if end in own:
            own.remove(end)
    return sounding, num_endless


def _by_age(struck: list[Stroke]) -> tuple[list[Sounding], list[Stroke], list[int]]:
    """Each note-off ends the oldest note. The notes, those that are still open, and the note-offs that end nothing."""
    notes: list[Sounding] = []
    still_open: list[Stroke] = []
    unused: list[int] = []
    for stroke in struck:
        if stroke.velocity:
            still_open.append(stroke)
        elif still_open:
            notes.append(Sounding(still_open.pop(0), stroke.tick))
        else:
            unused.append(stroke.tick)
    return notes, still_open, unused


def _by_strokes(struck: list[Stroke]) -> tuple[list[Sounding], list[Stroke], list[int]]:
    """The same where each note also ends when its pitch is struck again; of two strokes at once the first counts."""
    notes: list[Sounding] = []
    still_open: list[Stroke] = []
    unused: list[int] = []
    for stroke in struck:
        if still_open and stroke.velocity and stroke.tick == still_open[0].tick:
            continue
        if still_open:
            notes.append(Sounding(still_open.pop(), stroke.tick))
        elif not stroke.velocity:
            unused.append(stroke.tick)
        if stroke.velocity:
            still_open.append(stroke)
    return notes, still_open, unused


def _strands(sounding: dict[Place, list[Sounding]], names: list[str], programs: list[tuple[int, int, int]], kits: Kits) -> list[Strand]:
    """By track, channel, program and whether these are drums, in this order."""
    gathered: dict[tuple[int, int, int, bool], list[tuple[int, int, int, int]]] = defaultdict(list)
    for (index, channel, pitch), notes in sounding.items():
        for (tick, velocity, own), end in notes:
            program = latest(programs, channel, tick, 0) if own is None else own
            gathered[index, channel, program, kits.is_drum(channel, tick)].append((tick, end - tick, pitch, velocity))
    return [Strand(names[index], program, is_drum, *np.array(rows, np.int64).T) for (index, _, program, is_drum), rows in sorted(gathered.items())]

"""MIDI file -> Piece, with symusic behind the guard, and with the second reader where symusic does not hear all.

What symusic does not say is found out by what is cheap. Each track gets an end of its own at which, long after all music, every pitch is
let go: a note that nobody ended is as long as nobody plays. And a channel that has its program from another track can be seen in the bytes.
"""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import symusic

from musicgen.piece import STEPS_PER_QUARTER, Piece
from musicgen.reading.chunks import END_OF_TRACK, Song, songs_in
from musicgen.reading.events import NOTE_OFF, NOTE_ON, check_times
from musicgen.reading.grid import Grid, check_heard, on_grid
from musicgen.reading.guard import Limits, read_bytes
from musicgen.reading.kits import may_differ
from musicgen.reading.readings import Reading, Refusal
from musicgen.reading.reasons import UnreadableFileError
from musicgen.reading.second import hear_again
from musicgen.reading.strands import Heard, Strand

AFTER_ALL = 2**27  # ticks from the last event of a track to the release of what still sounds
AFTER_ALL_DELTA = bytes([0xC0, 0x80, 0x80, 0x00])  # the same, as MIDI writes it
NO_TEXT = b"\xff\1\0"  # for the time at which a track ended
# with the end of a time before it, and after it two bytes
NOTE_ONS = re.compile(rb"(?<=[\0-\x7f])[\x90-\x9f](?=[\0-\x7f]{2})")
# with the end of a time before it, and after its one byte a time and another status; the same byte in a time hardly ever looks so
PROGRAM_CHANGES = re.compile(rb"(?<=[\0-\x7f])[\xc0-\xcf](?=[\0-\x7f][\x80-\xff]{0,3}[\0-\x7f][\x80-\xff])")
ALL_PITCHES = b"\0".join(bytes([pitch, 0]) for pitch in range(128))  # data of note-offs at once


def read_midi_file(path: Path, steps_per_quarter: int = STEPS_PER_QUARTER, limits: Limits = Limits()) -> Piece:
    """The piece in a file, titled by the file's name. Raises UnreadableFileError."""
    return read_midi(read_bytes(path, limits), steps_per_quarter, limits, title=path.stem)


def read_midi(content: bytes, steps_per_quarter: int = STEPS_PER_QUARTER, limits: Limits = Limits(), title: str = "") -> Piece:
    """The piece in the bytes of a MIDI file, the first that can be read where there are several. Raises UnreadableFileError."""
    results = read_songs(content, steps_per_quarter, limits, title)
    for result in results:
        if isinstance(result, Reading):
            return result.piece
    assert isinstance(results[0], Refusal)
    raise results[0].error


def read_songs(content: bytes, steps_per_quarter: int = STEPS_PER_QUARTER, limits: Limits = Limits(), title: str = "") -> list[Reading | Refusal]:
    """What the bytes of a MIDI file hold: one piece, or several where each track is a song of its own. Raises UnreadableFileError."""
    songs = songs_in(content, limits)
    if len(songs) == 1:
        return [_read(songs[0], steps_per_quarter, limits, title)]
    results: list[Reading | Refusal] = []
    for number, song in enumerate(songs, start=1):
        where = f"track {number}"
        try:
            results.append(replace(_read(song, steps_per_quarter, limits, f"{title} {number}".strip()), where=where))
        except UnreadableFileError as error:
            results.append(Refusal(where, error))
    return results


def _read(song: Song, steps_per_quarter: int, limits: Limits, title: str) -> Reading:
    check_times(song.tracks)
    heard, remarks = _hear(song)
    check_heard(heard, song.ticks_per_quarter, limits)
    if song.fixed_tempo is not None:
        heard = heard._replace(tempos=[(0, round(60e6 / song.fixed_tempo))])
    return on_grid(heard, Grid(song.ticks_per_quarter, steps_per_quarter), title, (*song.remarks, *remarks))


def _hear(song: Song) -> tuple[Heard, tuple[str, ...]]:
    """What the better reader hears: the second one where symusic refuses, or may not hear all. Raises UnreadableFileError."""
    heard, complaint = None, ""
    try:
        heard = _hear_with_symusic(song)
        if not _may_mishear(heard, song):
            return heard, ()
    except (RuntimeError, ValueError) as error:
        complaint = str(error).removeprefix("MiniMidi: ").removesuffix(": iostream error")
    try:
        again = hear_again(song)
    except UnreadableFileError:
        if heard is None:
            raise
        return heard, ()
    return again, (f"read by the second reader, for the first one found: {complaint}",) if heard is None else ()


def _hear_with_symusic(song: Song) -> Heard:
    """What symusic hears. Raises RuntimeError or ValueError, of which UnicodeDecodeError is one."""
    score = _parsed(tuple(map(_released, song.tracks)), song.ticks_per_quarter)
    tempos = score.tempos.numpy()
    strands, num_endless = [], 0
    for track in score.tracks:
        arrays = track.notes.numpy()
        notes = np.array([arrays[field] for field in ("time", "duration", "pitch", "velocity")], np.int64)  # (4, N)
        ends = notes[1] < AFTER_ALL
        num_endless += len(ends) - int(np.count_nonzero(ends))
        strands.append(Strand(track.name, track.program, track.is_drum, *notes[:, ends]))
    return Heard(
        strands,
        list(zip(tempos["time"].tolist(), tempos["mspq"].tolist(), strict=True)),
        [(meter.time, meter.numerator, meter.denominator) for meter in score.time_signatures],
        [(key.time, key.key, key.tonality == 1) for key in score.key_signatures],
        num_endless,
    )


def _parsed(tracks: tuple[bytes, ...], ticks_per_quarter: int) -> symusic.Score:
    header = b"MThd\0\0\0\6\0\1" + len(tracks).to_bytes(2, "big") + ticks_per_quarter.to_bytes(2, "big")
    content = b"".join([header, *(b"MTrk" + len(track).to_bytes(4, "big") + track for track in tracks)])
    # it reads the few bytes that an event at the very end lacks from beyond it: let there be zeros
    return symusic.Score.from_midi(content + bytes(8), sanitize_data=True)


def _released(track: bytes) -> bytes:
    """A track in which, after all else, every pitch is let go on each channel that may have notes."""
    channels = _channels(track) if track.endswith(END_OF_TRACK) else []
    if not channels:
        return track
    releases = b"\0".join(bytes([NOTE_OFF | channel]) + ALL_PITCHES for channel in channels)
    return b"".join([track[: -len(END_OF_TRACK)], NO_TEXT, AFTER_ALL_DELTA, releases, b"\0", END_OF_TRACK])


def _channels(track: bytes) -> list[int]:
    """The channels that may have notes: whose status is among the bytes, be it as another thing."""
    return [channel for channel in range(16) if NOTE_ON | channel in track]


def _may_mishear(heard: Heard, song: Song) -> bool:
    """Whether symusic may not have heard all, or a name of no UTF-8."""
    if heard.num_endless or not all(track.endswith(END_OF_TRACK) for track in song.tracks):
        return True
    return any("\ufffd" in strand.name for strand in heard.strands) or may_differ(song.tracks) or _borrows(heard, song)


def _borrows(heard: Heard, song: Song) -> bool:
    """Whether a track that gives its channel no program may play on one that has it from another track."""
    if all(strand.program for strand in heard.strands if len(strand.begin)):
        return False
    having = [{status & 0x0F for (status,) in PROGRAM_CHANGES.findall(track)} for track in song.tracks]
    given = set().union(*having)
    lacking = [(track, given - own) for track, own in zip(song.tracks, having, strict=True)]
    suspects = [track for track, without in lacking if without & {status & 0x0F for (status,) in NOTE_ONS.findall(track)}]
    return any(_parsed((_released(track),), song.ticks_per_quarter).note_num() for track in suspects)

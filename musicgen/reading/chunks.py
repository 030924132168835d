"""The bytes of a MIDI file -> the tracks in it, whatever its header says of them.

A MIDI file is a header chunk (its format, the number of tracks, the unit of time) and track chunks, each with its length. Programs that write
such files get all of these wrong; what can be read without a guess about the music is read, and said. Source: Standard MIDI Files 1.0, RP-029 (RMID).
"""

import re
from typing import NamedTuple

from musicgen.reading.guard import Limits
from musicgen.reading.reasons import Reason, UnreadableFileError

HEADER = re.compile(rb"MThd\0\0\0[\6-\xff]\0", re.DOTALL)
MOST_JUNK = 4096  # bytes before the header in which it is looked for: that of a MacBinary file has 128
CUT_OFF = "cut off in the midst of a track (the file has {:,} bytes of at least {:,})"
END_OF_TRACK = b"\xff\x2f\0"
CHUNK_NAME = re.compile(rb"[ -~]{4}")
FRAMES_A_SECOND = {24: 24.0, 25: 25.0, 29: 30_000 / 1001, 30: 30.0}  # what SMPTE time counts; 29 is thirty with drops
SMPTE_TEMPO = 120.0  # quarter notes a minute of a file that counts frames, not beats


class Song(NamedTuple):
    """The tracks that play together."""

    ticks_per_quarter: int  # 1..32,767
    tracks: tuple[bytes, ...]  # what is in the chunks
    fixed_tempo: float | None  # quarter notes a minute, where the file counts seconds; then its tempi mean nothing
    remarks: tuple[str, ...]


def is_midi(content: bytes) -> bool:
    """Whether these bytes hold a MIDI file, alone, in RIFF or behind a little of something else."""
    return content[:4] == b"MThd" or _header(content) is not None


def songs_in(content: bytes, limits: Limits) -> list[Song]:
    """The songs of a MIDI file: one, or one for each track of a file of format 2. Raises UnreadableFileError."""
    content, remarks = _unwrapped(content)
    kind, claimed, division = (int.from_bytes(content[at : at + 2], "big") for at in (8, 10, 12))
    if kind > 2:
        remarks.append(f"a header that says format {kind}, read as format 1")
    ticks_per_quarter, fixed_tempo = _time(division)
    if fixed_tempo is not None:
        remarks.append("time counted in film frames (SMPTE), read at 120 quarter notes a minute")
    tracks = _tracks(content, claimed, limits, remarks)
    if len(tracks) != claimed:
        remarks.append(f"a header that counts {claimed:,} tracks, where there are {len(tracks):,}")
    played = [(track,) for track in tracks] if kind == 2 and len(tracks) > 1 else [tuple(tracks)]
    return [Song(ticks_per_quarter, together, fixed_tempo, tuple(remarks)) for together in played]


def _header(content: bytes) -> re.Match[bytes] | None:
    """The header, wherever it is in a RIFF file, and near the beginning of any other."""
    return HEADER.search(content, 0, len(content) if content[:4] == b"RIFF" and content[8:12] == b"RMID" else MOST_JUNK)


def _unwrapped(content: bytes) -> tuple[bytes, list[str]]:
    """The content from the MIDI header on; what a RIFF file holds behind it is passed over as chunks that are no tracks."""
    if not content:
        raise UnreadableFileError("an empty file", Reason.EMPTY)
    header = _header(content)
    if header is None or len(content) < header.start() + 14:
        if content[:4] == b"MThd":
            raise UnreadableFileError("a damaged MIDI file (its header is cut off or of another length)")
        raise UnreadableFileError("no MIDI file (there is no MIDI header in it)", Reason.NOT_MUSIC)
    at = header.start()
    return content[at:], [f"{at:,} bytes before the MIDI header passed over"] if at and content[:4] != b"RIFF" else []


def _time(division: int) -> tuple[int, float | None]:
    """Ticks to the quarter note, and the tempo that makes them seconds where the file counts frames."""
    if not division & 0x8000:
        if not division:
            raise UnreadableFileError("a damaged MIDI file (its header says zero ticks to the quarter note, so nothing has a length)")
        return division, None
    frames, ticks = 256 - (division >> 8), division & 0xFF
    if frames not in FRAMES_A_SECOND or not ticks:
        raise UnreadableFileError(f"a damaged MIDI file (its header says {frames} film frames a second of {ticks} ticks)")
    ticks_a_second = FRAMES_A_SECOND[frames] * ticks
    ticks_per_quarter = round(ticks_a_second * 60 / SMPTE_TEMPO)
    return ticks_per_quarter, 60 * ticks_a_second / ticks_per_quarter


def _tracks(content: bytes, claimed: int, limits: Limits, remarks: list[str]) -> list[bytes]:
    """The inside of every track chunk; other chunks are passed over. Raises UnreadableFileError where one is cut off."""
    tracks: list[bytes] = []
    at = 8 + int.from_bytes(content[4:8], "big")
    if content[at : at + 4] != b"MTrk" == content[14:18]:
        at = 14  # a length of the header that is not true
    while 0 <= at <= len(content) - 8:
        if not CHUNK_NAME.match(content, at):
            at = content.find(b"MTrk", at)  # rubbish between the chunks
            continue
        if content[at : at + 4] == b"MThd":
            remarks.append("another MIDI file behind the first one, left out")
            break
        is_track, begin = content[at : at + 4] == b"MTrk", at + 8
        end = begin + int.from_bytes(content[at + 4 : begin], "big")
        is_whole = end == len(content) or (end < len(content) and (not is_track or CHUNK_NAME.match(content, end)))
        if is_track and not is_whole and not content.startswith(END_OF_TRACK, end - 3):
            found = _true_end(content, begin)
            if found is None and end > len(content):
                if len(tracks) < claimed:
                    raise UnreadableFileError(CUT_OFF.format(len(content), end))
                break  # rubbish behind the last track
            if found is not None:
                remarks.append("a track of another length than it says")
                end = found
        if is_track:
            tracks.append(content[begin:end])
            limits.check("tracks", len(tracks))
        at = end
    if len(tracks) < claimed and 0 < len(content) - at < 8:
        raise UnreadableFileError(CUT_OFF.format(len(content), at + 8))
    return tracks


def _true_end(content: bytes, begin: int) -> int | None:
    """Where a track ends whose length is not true: behind the last end of track before the next track, if there is one."""
    following = content.find(b"MTrk", begin)
    end = len(content) if following < 0 else following
    return end if content.endswith(END_OF_TRACK, begin, end) else None

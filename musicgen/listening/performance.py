"""Piece -> MIDI for a synthesizer: one stream of messages, in which every part has its instrument at every note, and the sound has time to die away.

Conventions: a tick is a step. Files for people are written by `midi.py`; these bytes are only ever heard. Format 0: Standard MIDI Files 1.0.
"""

from musicgen.piece import Piece

DRUM_CHANNEL = 9
CHANNELS = tuple(channel for channel in range(16) if channel != DRUM_CHANNEL)
FULL_VOLUME = 127  # of a channel; amplitudes go with its square
LAST_TEMPO = 500_000  # microseconds a quarter note while the sound dies away


def performance(piece: Piece, volume: int, tail: float) -> bytes:
    """The messages that play a piece.

    Args:
        volume: of all channels, 1..127; amplitudes are (volume / FULL_VOLUME)**2 of the full ones.
        tail: seconds after the last note.
    """
    events: list[tuple[int, int, bytes]] = [(0, 0, bytes((0xB0 | channel, 7, volume))) for channel in range(16)]
    events += [(tempo.onset, 1, _tempo(round(60e6 / tempo.quarters_per_minute))) for tempo in piece.tempos if tempo.onset < piece.end]
    events.append((piece.end, 1, _tempo(LAST_TEMPO)))
    notes = []
    for number, part in enumerate(piece.parts):
        channel = DRUM_CHANNEL if part.is_drum else CHANNELS[number % len(CHANNELS)]
        for onset, pitch, duration, velocity in part.notes:
            events.append((onset + duration, 2, bytes((0x80 | channel, pitch, 0))))
            notes.append((onset, channel, part.program, pitch, min(127, 4 * velocity + 3)))
    playing: dict[int, int] = {}  # channel -> program; parts that share a channel take turns
    for onset, channel, program, pitch, loudness in sorted(notes):
        if playing.get(channel) != program:
            playing[channel] = program
            events.append((onset, 3, bytes((0xC0 | channel, program))))
        events.append((onset, 3, bytes((0x90 | channel, pitch, loudness))))
    events.sort(key=lambda event: event[:2])  # what ends before what begins; else in the order in which they were found
    events.append((piece.end + round(tail * 1e6 / LAST_TEMPO * piece.steps_per_quarter) + 1, 4, b"\xff\x2f\x00"))
    return _file(events, piece.steps_per_quarter)


def _tempo(microseconds: int) -> bytes:
    return b"\xff\x51\x03" + microseconds.to_bytes(3, "big")


def _file(events: list[tuple[int, int, bytes]], ticks_per_quarter: int) -> bytes:
    track, before = bytearray(), 0
    for tick, _, message in events:
        track += _variable_length(tick - before) + message
        before = tick
    header = b"MThd" + (6).to_bytes(4, "big") + bytes((0, 0, 0, 1)) + ticks_per_quarter.to_bytes(2, "big")
    return header + b"MTrk" + len(track).to_bytes(4, "big") + bytes(track)


def _variable_length(number: int) -> bytes:
    """Seven bits a byte, the highest first; all bytes but the last have their top bit set."""
    last = bytes((number & 0x7F,))
    while number := number >> 7:
        last = bytes((0x80 | number & 0x7F,)) + last
    return last

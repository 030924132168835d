"""Pieces -> sounds of their instruments, so that a page can play them: a few notes of each instrument, recorded one after the other.

Conventions: a bank is a dictionary for JSON, from `name_of(program, is_drum)` to Ogg Vorbis in base64 and, for each note in it, pitch, begin and
length in seconds. Notes between are played faster or slower by the page, by few semitones. All are recorded at the MIDI velocity
`RECORDED_VELOCITY`.
"""

import base64
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np

from musicgen.listening.audio import SILENCE, encoded
from musicgen.listening.clips import seconds_at
from musicgen.listening.synthesizer import RATE
from musicgen.piece import Note, Part, Piece, Tempo

SPACING = 1  # more where there are very many
LONGEST, SHORTEST = 5.0, 0.8  # seconds of a recorded note
SPARE = 1.5  # times as long as the piece needs, so that it can be played more slowly
STROKE = 1.2  # seconds of a drum
RELEASE, GAP, FADE = 0.3, 0.9, 0.02  # seconds: kept after a note, silent before the next, faded at the end
MOST_SECONDS = 160.0  # of all recorded notes together
RECORDED_BIN = 24
RECORDED_VELOCITY = 4 * RECORDED_BIN + 3
GRID = 100  # steps a second


class Recorded(NamedTuple):
    """A note to record."""

    program: int
    is_drum: bool
    pitch: int
    seconds: float


def name_of(program: int, is_drum: bool) -> str:
    """Of an instrument in a bank."""
    return f"{'drums' if is_drum else 'program'}{program}"


def bank_of(pieces: Sequence[Piece], play: Callable[[Piece], np.ndarray], spacing: int = SPACING, longest: float = LONGEST) -> dict[str, dict]:
    """The sounds that pieces need.

    Args:
        play: makes sound of a piece, (N, 2) at RATE Hz; it may raise.
        spacing: semitones from a note to the nearest that is recorded.
        longest: seconds of a recorded note.
    """
    wanted = notes_to_record(pieces, spacing, longest)
    while sum(note.seconds for note in wanted) > MOST_SECONDS and spacing < 12:
        spacing *= 2
        wanted = notes_to_record(pieces, spacing, longest)
    if not wanted:
        return {}
    parts: list[Part] = []
    onsets: list[int] = []
    onset = 0
    for note in wanted:
        onsets.append(onset)
        parts.append(Part("", note.program, note.is_drum, (Note(onset, note.pitch, round(note.seconds * GRID), RECORDED_BIN),)))
        onset += round((note.seconds + GAP) * GRID)
    sound = play(Piece(tuple(_joined(parts)), tempos=(Tempo(0, 60.0),), steps_per_quarter=GRID)).mean(axis=1)  # (N,)
    bank: dict[str, dict] = {}
    for name in dict.fromkeys(name_of(note.program, note.is_drum) for note in wanted):
        own = [(note, onset) for note, onset in zip(wanted, onsets, strict=True) if name_of(note.program, note.is_drum) == name]
        bank[name] = _recording([(note.pitch, _cut(sound, onset, note.seconds)) for note, onset in own])
    return bank


def notes_to_record(pieces: Iterable[Piece], spacing: int = SPACING, longest: float = LONGEST) -> list[Recorded]:
    """Which notes of which instruments, and how long."""
    needed: dict[tuple[int, bool, int], float] = {}
    for piece in pieces:
        for part in piece.parts:
            times = seconds_at(piece, np.array([[note.onset, note.end] for note in part.notes]).reshape(-1, 2))
            for note, seconds in zip(part.notes, (times[:, 1] - times[:, 0]).tolist(), strict=True):
                key = part.program, part.is_drum, note.pitch
                needed[key] = max(needed.get(key, 0), STROKE if part.is_drum else min(longest, max(SHORTEST, SPARE * seconds)))
    found: list[Recorded] = []
    for (program, is_drum, pitch), seconds in sorted(needed.items()):
        last = found[-1] if found else None
        if last and not is_drum and (last.program, last.is_drum) == (program, False) and pitch - last.pitch <= spacing:
            found[-1] = last._replace(seconds=max(last.seconds, seconds))
        else:
            found.append(Recorded(program, is_drum, pitch if is_drum else min(127, pitch + spacing), seconds))
    return found


def _joined(parts: Iterable[Part]) -> list[Part]:
    """One part for each instrument."""
    joined: dict[tuple[int, bool], Part] = {}
    for part in parts:
        before = joined.get((part.program, part.is_drum))
        joined[part.program, part.is_drum] = Part("", part.program, part.is_drum, (*(before.notes if before else ()), *part.notes))
    return list(joined.values())


def _cut(sound: np.ndarray, onset: int, seconds: float) -> np.ndarray:
    """One note, without the silence after it, and faded."""
    begin = onset * RATE // GRID
    note = sound[begin : begin + round((seconds + RELEASE) * RATE)].copy()
    audible = np.flatnonzero(np.abs(note) > SILENCE)
    note = note[: int(audible[-1]) + 1 if len(audible) else 1]
    fade = min(len(note), round(FADE * RATE))
    note[len(note) - fade :] *= np.linspace(1, 0, fade, dtype=np.float32)
    return note


def _recording(notes: Sequence[tuple[int, np.ndarray]]) -> dict:
    lengths = [len(sound) / RATE for _, sound in notes]
    begins = np.cumsum([0.0, *lengths[:-1]]).tolist()
    audio = encoded(np.concatenate([sound for _, sound in notes])[:, None], "ogg")
    rows = [[pitch, round(begin, 4), round(length, 4)] for (pitch, _), begin, length in zip(notes, begins, lengths, strict=True)]
    return {"audio": base64.b64encode(audio).decode(), "notes": rows}

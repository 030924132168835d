"""Piece -> clip: a stretch of music as a page plays it.

Conventions: a clip is a dictionary for JSON, its times in seconds from its first note on, its notes [start, pitch, duration, loudness] with
loudness 0..1; `bars` are the seconds at which bars begin.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from musicgen.piece import VELOCITY_BINS, Piece, Tempo, canonical_tempo

MOST_NOTES = 4000  # of a clip


def excerpt(piece: Piece, first: int, num_bars: int) -> Piece:
    """The notes that begin in `num_bars` bars from bar number `first` (from 0) on, none longer than that; silent parts are left out."""
    lines = (*piece.bar_lines, piece.end)
    start, end = lines[first], lines[min(first + num_bars, len(lines) - 1)]
    cut = piece.between(start, end)
    parts = [
        replace(part, notes=tuple(note._replace(duration=min(note.duration, end - start - note.onset)) for note in part.notes))
        for part in cut.parts
        if part.notes
    ]
    return replace(cut, parts=tuple(parts))


def at_tempo(piece: Piece, quarters_per_minute: float) -> Piece:
    """The piece in one tempo throughout."""
    return replace(piece, tempos=(Tempo(0, canonical_tempo(quarters_per_minute)),))


def clip_of(piece: Piece, title: str, most_notes: int | None = MOST_NOTES) -> dict:
    """A piece as a page plays it; of more notes than `most_notes` the later ones are left out."""
    notes = sorted((note, number) for number, part in enumerate(piece.parts) for note in part.notes)[:most_notes]
    first = seconds_at(piece, np.array([notes[0][0].onset if notes else 0]))[0]
    rows: list[list[list[float]]] = [[] for _ in piece.parts]
    times = seconds_at(piece, np.array([[note.onset, note.end] for note, _ in notes]).reshape(-1, 2)) - first  # (N, 2)
    for (note, number), (start, end) in zip(notes, times.tolist(), strict=True):
        rows[number].append([round(start, 3), note.pitch, round(end - start, 3), round((note.velocity + 1) / VELOCITY_BINS, 2)])
    bars = seconds_at(piece, np.array(piece.bar_lines, np.int64)) - first
    parts = [
        {"name": part.name, "program": part.program, "drums": part.is_drum, "notes": own} for part, own in zip(piece.parts, rows, strict=True) if own
    ]
    seconds = float(times.max(initial=0))
    return {"title": title, "seconds": round(seconds, 3), "bars": [round(bar, 3) for bar in bars.tolist() if 0 <= bar < seconds], "parts": parts}


def seconds_at(piece: Piece, steps: ArrayLike) -> np.ndarray:
    """The seconds from step 0 to each step, (...)."""
    steps = np.asarray(steps)
    onsets = np.array([tempo.onset for tempo in piece.tempos])
    lengths = np.array([60 / (tempo.quarters_per_minute * piece.steps_per_quarter) for tempo in piece.tempos])  # seconds a step
    begun = np.append(0, np.cumsum(np.diff(onsets) * lengths[:-1]))
    tempo = np.searchsorted(onsets, steps, side="right") - 1
    return begun[tempo] + (steps - onsets[tempo]) * lengths[tempo]


def openings(pieces: Sequence[Piece], num_bars: int) -> list[Piece]:
    """The first bars of each piece that has a note in them."""
    return [cut for piece in pieces if (cut := excerpt(piece, 0, num_bars)).num_notes]


def blind_clips(pieces: Sequence[Piece], most: int, num_bars: int, tempo: float, rng: np.random.Generator) -> list[dict]:
    """Bars in a row from anywhere in the first pieces that are long enough, at most so many, all in one tempo (quarters a minute)."""
    long_enough = [piece for piece in pieces if len(piece.bar_lines) >= num_bars]
    cuts = [(excerpt(piece, int(rng.integers(len(piece.bar_lines) - num_bars + 1)), num_bars), piece.title) for piece in long_enough]
    return [clip_of(at_tempo(cut, tempo), title) for cut, title in cuts if cut.num_notes][:most]

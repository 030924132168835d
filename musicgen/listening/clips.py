"""Piece -> clip: a stretch of music as a page plays and shows it.

Conventions: a clip is a dictionary for JSON, its times in seconds from its first note on, its notes [start, pitch, duration, loudness] with
loudness 0..1; `bars` are the seconds at which bars begin. A roll is drawn in a box of ROLL_WIDTH x ROLL_HEIGHT units, time to the right and
pitch upwards, each part in a colour of its own; drums stand below.
"""

from collections.abc import Sequence
from dataclasses import replace
from html import escape

import numpy as np

from musicgen.piece import VELOCITY_BINS, Piece, Tempo, canonical_tempo

MOST_NOTES = 4000  # of a clip; the later ones are left out
ROLL_WIDTH, ROLL_HEIGHT = 600, 150
DRUM_ROWS = 6  # at the foot of a roll
FEWEST_ROWS = 24  # semitones that a roll shows
NUM_COLOURS = 6


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


def clip_of(piece: Piece, title: str) -> dict:
    """A piece as a page plays it."""
    notes = sorted((note, number) for number, part in enumerate(piece.parts) for note in part.notes)[:MOST_NOTES]
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


def seconds_at(piece: Piece, steps: np.ndarray) -> np.ndarray:
    """The seconds from step 0 to each step, (...)."""
    onsets = np.array([tempo.onset for tempo in piece.tempos])
    lengths = np.array([60 / (tempo.quarters_per_minute * piece.steps_per_quarter) for tempo in piece.tempos])  # seconds a step
    begun = np.append(0, np.cumsum(np.diff(onsets) * lengths[:-1]))
    tempo = np.searchsorted(onsets, steps, side="right") - 1
    return begun[tempo] + (steps - onsets[tempo]) * lengths[tempo]


def opening_clips(pieces: Sequence[Piece], num_bars: int) -> list[dict]:
    """The first bars of each piece."""
    return [clip_of(excerpt(piece, 0, num_bars), piece.title) for piece in pieces]


def blind_clips(pieces: Sequence[Piece], most: int, num_bars: int, tempo: float, rng: np.random.Generator) -> list[dict]:
    """Bars in a row from anywhere in the first pieces that are long enough, at most so many, all in one tempo (quarters a minute)."""
    long_enough = [piece for piece in pieces if len(piece.bar_lines) >= num_bars]
    cuts = [(excerpt(piece, int(rng.integers(len(piece.bar_lines) - num_bars + 1)), num_bars), piece.title) for piece in long_enough]
    return [clip_of(at_tempo(cut, tempo), title) for cut, title in cuts if cut.num_notes][:most]


def roll(clip: dict) -> str:
    """The clip as SVG, one path a part; the page moves the line `cursor` over it."""
    pitches = [note[1] for part in clip["parts"] if not part["drums"] for note in part["notes"]]
    low, high = min(pitches, default=60), max(pitches, default=60)
    spare = max(2, FEWEST_ROWS - (high - low))  # rows above and below
    drum_rows = DRUM_ROWS if any(part["drums"] for part in clip["parts"]) else 0
    top = high + spare // 2
    row = ROLL_HEIGHT / (top - low + spare // 2 + 1 + drum_rows)  # units
    second = ROLL_WIDTH / max(clip["seconds"], 1e-3)  # units
    shapes = [f'<path class="bar" d="{" ".join(f"M{bar * second:.1f} 0V{ROLL_HEIGHT}" for bar in clip["bars"])}"/>']
    for number, part in enumerate(clip["parts"]):
        boxes = []
        for start, pitch, duration, _ in part["notes"]:
            y = ROLL_HEIGHT - (pitch % DRUM_ROWS + 1) * row if part["drums"] else (top - pitch) * row
            boxes.append(f"M{start * second:.1f} {y:.1f}h{max(1, duration * second - 1):.1f}v{row:.1f}h-{max(1, duration * second - 1):.1f}z")
        shapes.append(f'<path class="part{number % NUM_COLOURS}" d="{"".join(boxes)}"/>')
    said = escape(f"Piano roll of {clip['title']}: {len(clip['bars'])} bars, {len(clip['parts'])} parts")
    return (
        f'<svg class="roll" viewBox="0 0 {ROLL_WIDTH} {ROLL_HEIGHT}" preserveAspectRatio="none" role="img" aria-label="{said}">'
        f'{"".join(shapes)}<line class="cursor" x1="0" x2="0" y1="0" y2="{ROLL_HEIGHT}"/></svg>'
    )

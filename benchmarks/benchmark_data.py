"""Benchmark data of music in frames: rolls or voices, read, checked and made pieces, and what a model without memory says of them.

Conventions: the data are gzipped JSON, {split: [piece: [frame: [MIDI pitches]]]}: 88-key rolls (a frame is the pitches that sound, rising), or voices
(each frame has the same number of pitches, SILENT where a voice is silent). Each run of a pitch, in a voice or in the roll, is one note.
"""

import gzip
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from musicgen.piece import Note, Part, Piece

LOWEST, HIGHEST = 21, 108  # MIDI pitches of the 88 keys
SILENT = -1
STEPS_PER_QUARTER = {"quarter": 1, "nottingham": 2, "16th": 4}  # by what the file's name says
LARGEST_FILE = 500_000_000  # bytes, unzipped


class DataError(Exception):
    """A file that is no benchmark data; the message says why."""


@dataclass(frozen=True)
class Data:
    """Benchmark data in one form."""

    splits: dict[str, list[list[list[int]]]]
    num_voices: int | None  # None: rolls

    def pieces(self, split: str, steps_per_quarter: int) -> list[Piece]:
        """The pieces of a split as notes. Raises DataError."""
        return [piece_of(frames, self.num_voices, steps_per_quarter) for frames in self.frames(split)]

    def frames(self, split: str) -> list[list[list[int]]]:
        """The frames of a split. Raises DataError."""
        if split not in self.splits:
            raise DataError(f"no split {split!r}: it has {', '.join(self.splits) or 'none'}")
        return self.splits[split]


def read_data(path: Path) -> Data:
    """Raises DataError."""
    try:
        with gzip.open(path) as file:
            content = file.read(LARGEST_FILE + 1)
        if len(content) > LARGEST_FILE:
            raise DataError(f"unzipped it is larger than the limit of {LARGEST_FILE:,} bytes")
        splits = json.loads(content)
    except (OSError, EOFError, ValueError, RecursionError) as error:
        raise DataError(f"expected gzipped JSON, {{split: [piece: [frame: [pitches]]]}} ({type(error).__name__}: {error})") from None
    if not isinstance(splits, dict) or not splits:
        raise DataError("expected an object of splits, like train, valid and test")
    every = []
    for name, pieces in splits.items():
        if not isinstance(pieces, list) or not pieces or not all(isinstance(frames, list) and frames for frames in pieces):
            raise DataError(f"the split {name!r} is no list of pieces that are lists of frames")
        every += [frame for frames in pieces for frame in frames]
    if not all(isinstance(frame, list) and all(type(pitch) is int for pitch in frame) for frame in every):
        raise DataError("a frame must be a list of whole numbers")
    outside = sorted({pitch for frame in every for pitch in frame if not LOWEST <= pitch <= HIGHEST and pitch != SILENT})
    if outside:
        raise DataError(f"the pitch {outside[0]} lies outside of {LOWEST}..{HIGHEST}")
    for name, pieces in splits.items():
        if not any(pitch != SILENT for frames in pieces for frame in frames for pitch in frame):
            raise DataError(f"the split {name!r} has empty frames only")
    lengths = {len(frame) for frame in every}
    is_roll = all(frame == sorted(set(frame)) and SILENT not in frame for frame in every)
    if not is_roll and len(lengths) != 1:
        raise DataError("its frames are neither rising pitches nor one pitch for each of the same voices")
    return Data(splits, None if is_roll else lengths.pop())


def steps_of(path: Path) -> int:
    """Frames to the quarter note, as far as the name of a file tells."""
    return next((steps for word, steps in STEPS_PER_QUARTER.items() if word in path.name.lower()), 4)


def piece_of(frames: list[list[int]], num_voices: int | None, steps_per_quarter: int) -> Piece:
    """One step a frame; each run of a pitch is a note. Voices are parts of their own, in their order."""
    parts = []
    for voice in range(num_voices or 1):
        begun: dict[int, int] = {}
        notes = []
        for step, frame in enumerate([*frames, []]):
            sounding = set(frame if num_voices is None else frame[voice : voice + 1]) - {SILENT}
            for pitch in [pitch for pitch in begun if pitch not in sounding]:
                onset = begun.pop(pitch)
                notes.append(Note(onset, pitch, step - onset))
            for pitch in sounding:
                begun.setdefault(pitch, step)
        parts.append(Part(f"voice {voice + 1}", voice, False, tuple(sorted(notes))))
    return Piece(tuple(parts), steps_per_quarter=steps_per_quarter)


def floor(data: Data, split: str) -> float:
    """Nats a frame of a model without memory, from the counts of `train`.

    For rolls 88 independent notes. For voices each voice stays on its pitch or else takes another, as often as its runs have it.
    """
    if data.num_voices is None:
        rolls = {name: [_roll(frames) for frames in data.frames(name)] for name in ("train", split)}
        chance = np.clip(np.concatenate(rolls["train"]).mean(axis=0), 1e-9, 1 - 1e-9)
        frames = np.concatenate(rolls[split])
        return float(-(frames * np.log(chance) + (1 - frames) * np.log1p(-chance)).sum(axis=1).mean())
    total = 0.0
    for voice in range(data.num_voices):
        lines = {name: [np.array([frame[voice] for frame in frames]) + 1 for frames in data.frames(name)] for name in ("train", split)}
        stays = np.concatenate([line[1:] == line[:-1] for line in lines["train"]]).mean()
        runs = np.concatenate([line[np.append(True, line[1:] != line[:-1])] for line in lines["train"]])
        frequency = (np.bincount(runs, minlength=HIGHEST + 2) + 1e-4) / (len(runs) + 1e-4 * (HIGHEST + 2))
        for line in lines[split]:
            others = (1 - stays) * frequency[line[1:]] / (1 - frequency[line[:-1]])
            total -= float(np.log(np.where(line[1:] == line[:-1], stays, others)).sum() + np.log(frequency[line[0]]))
    return total / sum(map(len, data.frames(split)))


def _roll(frames: list[list[int]]) -> np.ndarray:
    roll = np.zeros((len(frames), HIGHEST - LOWEST + 1))
    for step, frame in enumerate(frames):
        roll[step, np.array(frame, int) - LOWEST] = 1
    return roll

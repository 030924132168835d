"""The program in Python: models that compose, pieces that can be saved, notes as they come.

Conventions: keyword arguments are called as the options of `generate` are, with _ for -, and take what these take, or the numbers and objects that
it stands for. What can't be done raises ValueError (what was asked for), OSError (files), `UnreadableFileError` or `ModelFileError`, each with
one sentence. Times of streamed notes are quarter notes, velocities those of MIDI.
"""

import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NamedTuple

from musicgen.composing import wording
from musicgen.composing.attempts import Attempt
from musicgen.composing.composer import compose_each, stream
from musicgen.composing.controls import Density, Range
from musicgen.composing.record import Record, check
from musicgen.composing.request import Frame, Request
from musicgen.composing.seeds import Seed, bars_of, written_seed
from musicgen.files import write_whole
from musicgen.listening.midi import midi_bytes
from musicgen.model.file import Model, load_model
from musicgen.model.shelf import find_by_name, model_title
from musicgen.piece import Meter, Piece
from musicgen.reading.formats import read_music_file
from musicgen.reading.guard import UnreadableFileError

READERS = {  # of settings that can be written in words
    "temperature": wording.read_temperature,
    "rhythm_temperature": wording.read_temperature,
    "key": wording.read_key,
    "scale": wording.read_scale,
    "range": wording.read_range,
    "parts": wording.read_parts,
    "density": wording.read_density,
    "meter": wording.read_meter,
    "seed_bars": wording.read_bars,
}
PLAIN = ("bars", "top_k", "top_p", "min_p", "tempo", "drop_seed")
NAMES = (*READERS, *PLAIN, "seed", "end")
DRAWN_BELOW = 1_000_000


class StreamedNote(NamedTuple):
    """A note that has just been chosen."""

    onset: float  # quarter notes from the beginning of the piece
    part: str
    pitch: int  # MIDI note number, or the drum
    duration: float | None  # quarter notes; None: until its part begins another note, or the piece ends
    velocity: int  # of MIDI, 1 to 127


@dataclass(frozen=True, slots=True)
class Take(Piece):
    """A piece that was composed."""

    random_seed: int = field(default=0, compare=False)
    notices: tuple[str, ...] = field(default=(), compare=False)  # what the model hears differently from what the seed says
    record: str = field(default="", compare=False)  # how it was made, for `replay`

    @classmethod
    def of(cls, piece: Piece, random_seed: int, notices: tuple[str, ...] = (), record: str = "") -> "Take":
        """A piece with how it came about."""
        return cls(**{part.name: getattr(piece, part.name) for part in fields(Piece)}, random_seed=random_seed, notices=notices, record=record)

    @property
    def piece(self) -> Piece:
        """The music alone, which is equal to any other piece with the same notes."""
        return Piece(*(getattr(self, part.name) for part in fields(Piece)))

    def midi(self) -> bytes:
        """The piece as a MIDI file."""
        return midi_bytes(self, self.record)

    def save(self, path: str | Path) -> None:
        """Write the MIDI file whole or not at all."""
        write_whole(Path(path), self.midi())


class Composer:
    """A model that composes."""

    def __init__(self, model: Model, name: str = "") -> None:
        self.model, self.name = model, name
        _ = model.engine  # so that the first note need not wait for it

    @property
    def parts(self) -> tuple[str, ...]:
        """The names of the model's parts."""
        return self.model.configuration.vocabulary.part_names

    def compose(self, *, random_seed: int | None = None, **settings: Any) -> Take:
        """One piece; without a random seed one is drawn."""
        return self.compose_takes(1, random_seed=random_seed, **settings)[0]

    def compose_takes(self, number: int, *, random_seed: int | None = None, **settings: Any) -> list[Take]:
        """Several pieces at once, from this random seed on; each is what it would be alone."""
        if number < 1:
            raise ValueError(f"the number of takes must be at least 1, not {number}")
        first, request = _drawn(random_seed), self.request(**settings)
        notices = tuple(Frame(self.model, request).notices())
        random_seeds = range(first, first + number)
        pieces = compose_each(self.model, request, random_seeds)
        return [
            Take.of(piece, random_seed, notices, Record.of(piece, self.model, self.name, request, Attempt(random_seed)).to_text())
            for piece, random_seed in zip(pieces, random_seeds, strict=True)
        ]

    def stream(self, *, random_seed: int | None = None, **settings: Any) -> Iterator[StreamedNote]:
        """The notes of one piece as they are chosen, those of a seed left out: the last bars, which are played several times, come together."""
        request = self.request(**settings)
        steps, parts = self.model.configuration.vocabulary.steps_per_quarter, Frame(self.model, request).names
        for part, (onset, pitch, duration, velocity) in stream(self.model, request, _drawn(random_seed)):
            yield StreamedNote(onset / steps, parts[part], pitch, None if duration is None else duration / steps, min(127, 4 * velocity + 3))

    def request(self, **settings: Any) -> Request:
        """What the settings ask for. Raises ValueError, and TypeError for a setting that there is not."""
        for name in settings:
            if name not in NAMES:
                nearest = get_close_matches(name, NAMES, 1) or [", ".join(NAMES)]
                raise TypeError(f"there is no setting {name!r}: did you mean {nearest[0]}?")
        asked = {name: _read(name, value) for name, value in settings.items() if value is not None}
        seed, bars = asked.pop("seed", None), asked.pop("seed_bars", None)
        if seed is None and (bars or asked.get("drop_seed")):
            raise ValueError(f"{'seed_bars' if bars else 'drop_seed'} needs music to continue: give it as seed")
        if seed is not None:
            given, _ = open_seed(seed, bars, self.model, asked.get("meter"), asked.get("tempo"))
            asked |= {"seed": given.piece, "seed_end": given.end}
        asked |= {new: asked.pop(old) for old, new in (("range", "ranges"), ("end", "closes")) if old in asked}
        request = Request(**asked)
        check(request)
        return request


def load(model: str | Path = "chorales") -> Composer:
    """A model by its file, the folder of its run, or its name. Raises FileNotFoundError and ModelFileError."""
    path = find_by_name(model)
    return Composer(load_model(path), model_title(path))


def open_seed(
    seed: str | Path | Piece, bars: tuple[int, int | None] | None, model: Model, meter: Meter | None, tempo: float | None
) -> tuple[Seed, list[str]]:
    """The music to continue: a piece, what a file holds, or notes written out; or some bars of it. And what there is to say about it.

    Raises UnreadableFileError, SeedError, and RequestError for bars that it has not.
    """
    vocabulary, remarks = model.configuration.vocabulary, []
    if isinstance(seed, Piece):
        given = Seed(seed, seed.end)
    elif isinstance(seed, Path) or _is_file(seed):
        first, *others = read_music_file(Path(seed), vocabulary.steps_per_quarter)
        if others:
            remarks.append(f"{seed} holds {len(others) + 1} pieces: the first, {first.piece.title or first.where!r}, is continued")
        piece = first.piece if bars else first.piece.without_silent_bars()
        given = Seed(piece, piece.end)
    else:
        instruments = {name.casefold(): (part.program, part.is_drum) for name, part in zip(vocabulary.part_names, vocabulary.parts, strict=True)}
        signature = model.corpus.meter if meter is None else meter[1:]
        given = written_seed(seed, vocabulary.steps_per_quarter, signature, tempo or model.corpus.tempo, instruments)
    return bars_of(given.piece, *bars) if bars else given, remarks


def _is_file(seed: str) -> bool:
    """Whether a seed names a file. Raises UnreadableFileError where it can be nothing else, and there is none."""
    try:
        if Path(seed).exists():
            return True
    except OSError:  # too long to name one
        return False
    if "/" in seed.split(":")[0] or (re.fullmatch(r"\.[A-Za-z]\w*", Path(seed).suffix) and ":" not in seed):
        raise UnreadableFileError("there is no such file")
    return False


def _read(name: str, value: Any) -> Any:
    """The value of a setting, from words or as it is."""
    if name == "range":
        several = [value] if isinstance(value, str | Range) else value
        return tuple(wording.read_range(one) if isinstance(one, str) else Range(*one) for one in several)
    if isinstance(value, str) and name in READERS:
        return READERS[name](value)
    if name == "density" and isinstance(value, int | float):
        return Density(float(value), False)
    return tuple(value) if name == "parts" and isinstance(value, list) else value


def _drawn(random_seed: int | None) -> int:
    return secrets.randbelow(DRAWN_BELOW) if random_seed is None else random_seed

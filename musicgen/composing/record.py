"""How a piece was made, as a text that travels in its file: settings, random seed, model and version, so that it can be made again.

Conventions: the text is one JSON object in ASCII. What comes from a file is data, never trusted: each value must have its type and lie within its
bounds. The notes are told by a fingerprint of who plays what when; names, keys and tempi do not count.
"""

import hashlib
import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from musicgen import __version__
from musicgen.composing.attempts import WARMEST, Attempt
from musicgen.composing.controls import SCALES, Course
from musicgen.composing.plain import from_plain, to_plain
from musicgen.composing.request import Request
from musicgen.encoding.vocabulary import PITCH, TIME_SHIFT
from musicgen.model.file import Model
from musicgen.piece import Piece, canonical_tempo, enharmonic_fifths

LONGEST_NAME = 200  # characters
LARGEST_SEED = 2**33  # as `generate` takes them, and one for each of its takes
BOUNDS = {"bars": (1, 10_000), "top_k": (0, 2**31), "top_p": (1e-9, 1), "min_p": (0, 1)}
HOTTEST = 20  # what may be asked for, and warmer
LONGEST_SEED = 50_000  # quarters


class RecordError(ValueError):
    """A text that is no record of how a piece was made; the message says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Record:
    """How a piece was made."""

    request: Request
    attempt: Attempt
    model_name: str
    model_fingerprint: str
    notes_fingerprint: str
    version: str = __version__

    @classmethod
    def of(cls, piece: Piece, model: Model, model_name: str, request: Request, attempt: Attempt) -> "Record":
        """The record of a piece that was just composed."""
        return cls(request, attempt, model_name, model.fingerprint, fingerprint_of_notes(piece))

    @property
    def settings(self) -> dict[str, Any]:
        """What was asked for, as JSON says it."""
        heats = {name: to_plain(_number(getattr(self.request, name))) for name in ("temperature", "rhythm_temperature")}
        return {**to_plain(self.request), **heats}

    def to_text(self) -> str:
        """One line of ASCII."""
        document = {
            "musicgen": self.version,
            "model": {"name": self.model_name, "fingerprint": self.model_fingerprint},
            "random_seed": self.attempt.random_seed,
            "attempt": self.attempt.number,
            "warmer": self.attempt.warmer,
            "notes": self.notes_fingerprint,
            "settings": self.settings,
        }
        return json.dumps(document, separators=(",", ":"))

    @classmethod
    def from_text(cls, text: str) -> "Record":
        """Raises RecordError."""
        try:
            document = json.loads(text)
            if type(document) is not dict or "musicgen" not in document:
                raise ValueError("there is no musicgen in it")
            names = {"version": document["musicgen"], "notes": document["notes"], **{key: document["model"][key] for key in ("name", "fingerprint")}}
            for name in names.values():
                if type(name) is not str or not name.isprintable() or len(name) > LONGEST_NAME:
                    raise ValueError("names that can't be shown")
            numbers = [from_plain(document[name], int) for name in ("random_seed", "attempt", "warmer")]
            if not 0 <= numbers[0] <= LARGEST_SEED or not 0 <= numbers[1] <= 1000 or abs(numbers[2]) > WARMEST:
                raise ValueError("a random seed or a number of tries out of bounds")
            request = from_plain(document["settings"], Request)
            check(request)
        except KeyError as error:
            raise RecordError(f"there is no {error.args[0]} in it") from None
        except (ValueError, TypeError, RecursionError) as error:
            raise RecordError(str(error)[:200]) from None
        return cls(request, Attempt(*numbers), names["name"], names["fingerprint"], names["notes"], names["version"])


def find_record(texts: Iterable[str]) -> tuple[Record, str] | None:
    """The first record among the texts of a file, and its text; None where there is none. Raises RecordError for one that is damaged."""
    text = next((text for text in texts if text.startswith('{"musicgen":')), None)
    return None if text is None else (Record.from_text(text), text)


def check(request: Request) -> None:
    """Raises ValueError for a request that nobody could have made."""
    for name, (low, high) in BOUNDS.items():
        if not low <= getattr(request, name) <= high:
            raise ValueError(f"{name} must lie between {low} and {high}")
    heats = [heat for field in (PITCH, TIME_SHIFT) for heat in request.temperature_of(field)]
    if not all(0 <= heat <= HOTTEST for heat in heats):
        raise ValueError(f"temperatures must lie between 0 and {HOTTEST}")
    if request.tempo is not None:
        canonical_tempo(request.tempo)
    if request.density is not None and not 0 < request.density.amount < math.inf:
        raise ValueError("no such density")
    if request.scale not in (None, *SCALES):
        raise ValueError("no such scale")
    if request.key is not None and enharmonic_fifths(request.key.fifths) != request.key.fifths:
        raise ValueError("no such key")
    if request.seed is not None and request.seed.end > LONGEST_SEED * request.seed.steps_per_quarter:
        raise ValueError("a seed without end")
    if request.seed_end is not None and not (request.seed and 0 < request.seed_end <= LONGEST_SEED * request.seed.steps_per_quarter):
        raise ValueError("a continuation that begins nowhere")
    if request.seed is not None and not all(part.name.isprintable() for part in request.seed.parts):
        raise ValueError("names that can't be shown")
    if request.meter is not None and (not 1 <= request.meter.numerator <= 255 or request.meter.denominator not in (1, 2, 4, 8, 16, 32, 64)):
        raise ValueError("no such meter")


def fingerprint_of_notes(piece: Piece) -> str:
    """Of who plays what when. Hexadecimal."""
    notes = [(part.program, part.is_drum, part.notes) for part in piece.parts if part.notes]
    return hashlib.sha256(json.dumps(to_plain((piece.steps_per_quarter, *sorted(notes)))).encode()).hexdigest()[:16]


def _number(temperature: Course | float | None) -> Course | float | None:
    """A temperature that does not move, as the number it is."""
    return temperature.begin if isinstance(temperature, Course) and temperature.begin == temperature.end else temperature

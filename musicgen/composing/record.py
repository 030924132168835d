"""How a piece was made, as a text that travels in its file: settings, random seed, model and version, so that it can be made again.

Conventions: the text is one JSON object in ASCII. What comes from a file is data, never trusted: each value must have its type and lie within its
bounds. The notes are told by a fingerprint of who plays what when; names, keys and tempi do not count. Music that was given, a seed or a piece that
was rewritten, travels along.
"""

import hashlib
import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from musicgen import __version__
from musicgen.composing.attempts import WARMEST, Attempt, play_attempts
from musicgen.composing.controls import SCALES
from musicgen.composing.givens import KEEPS, Rewriting
from musicgen.composing.plain import from_plain, to_plain
from musicgen.composing.request import Request
from musicgen.composing.rewriting import rewrite
from musicgen.encoding.vocabulary import PITCH, TIME_SHIFT
from musicgen.model.file import Model
from musicgen.piece import Piece, canonical_tempo, enharmonic_fifths

LONGEST_NAME = 200  # characters
LARGEST_SEED = 2**33  # as `generate` takes them, and one for each of its takes
HEATS = ("temperature", "rhythm_temperature")
BOUNDS = {"bars": (1, 10_000), "top_k": (0, 2**31), "top_p": (1e-9, 1), "min_p": (0, 1)}
HOTTEST = 20  # what may be asked for, and warmer
LONGEST_SEED = 50_000  # quarters, of any music that is given
MOST_PARTICLES = 1024
ASKED = {"settings": Request, "rewriting": Rewriting}  # under which name a record says what was asked for


class RecordError(ValueError):
    """A text that is no record of how a piece was made; the message says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Record:
    """How a piece was made."""

    request: Request | Rewriting
    attempt: Attempt
    model_name: str
    model_fingerprint: str
    notes_fingerprint: str
    version: str = __version__

    @classmethod
    def of(cls, piece: Piece, model: Model, model_name: str, request: Request | Rewriting, attempt: Attempt) -> "Record":
        """The record of a piece that was just composed."""
        return cls(request, attempt, model_name, model.fingerprint, fingerprint_of_notes(piece))

    @property
    def settings(self) -> dict[str, Any]:
        """What was asked for, as JSON says it."""
        return {name: _number(value) if name in HEATS else value for name, value in to_plain(self.request).items()}

    @property
    def given(self) -> Piece | None:
        """The music that was given."""
        return self.request.piece if isinstance(self.request, Rewriting) else self.request.seed

    def play(self, model: Model) -> Piece:
        """The piece again, by a model. Raises RequestError."""
        if isinstance(self.request, Rewriting):
            return rewrite(model, self.request, self.attempt.random_seed).piece
        return play_attempts(model, self.request, [self.attempt])[0]

    def to_text(self) -> str:
        """One line of ASCII."""
        document = {
            "musicgen": self.version,
            "model": {"name": self.model_name, "fingerprint": self.model_fingerprint},
            "random_seed": self.attempt.random_seed,
            "attempt": self.attempt.number,
            "warmer": self.attempt.warmer,
            "notes": self.notes_fingerprint,
            next(name for name, kind in ASKED.items() if isinstance(self.request, kind)): self.settings,
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
            asked = "rewriting" if "rewriting" in document else "settings"
            request = from_plain(document[asked], ASKED[asked])
            check(request) if isinstance(request, Request) else check_rewriting(request)
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
    if request.seed is not None:
        _check_given(request.seed)
    if request.seed_end is not None and not (request.seed and 0 < request.seed_end <= LONGEST_SEED * request.seed.steps_per_quarter):
        raise ValueError("a continuation that begins nowhere")
    if request.meter is not None and (not 1 <= request.meter.numerator <= 255 or request.meter.denominator not in (1, 2, 4, 8, 16, 32, 64)):
        raise ValueError("no such meter")


def check_rewriting(rewriting: Rewriting) -> None:
    """Raises ValueError for one that nobody could have asked for."""
    _check_given(rewriting.piece)
    for index in (*(rewriting.parts or ()), *(() if rewriting.melody is None else (rewriting.melody,))):
        if not 0 <= index < len(rewriting.piece.parts) or not rewriting.piece.parts[index].notes:
            raise ValueError("a part that is not there")
    if not 0 <= rewriting.temperature <= HOTTEST or not 1 <= rewriting.particles <= MOST_PARTICLES or rewriting.keeps not in KEEPS:
        raise ValueError("a temperature, a number of particles or what is kept out of bounds")


def _check_given(piece: Piece) -> None:
    if piece.end > LONGEST_SEED * piece.steps_per_quarter:
        raise ValueError("music without end")
    if not all(part.name.isprintable() for part in piece.parts):
        raise ValueError("names that can't be shown")


def fingerprint_of_notes(piece: Piece) -> str:
    """Of who plays what when. Hexadecimal."""
    notes = [(part.program, part.is_drum, part.notes) for part in piece.parts if part.notes]
    return hashlib.sha256(json.dumps(to_plain((piece.steps_per_quarter, *sorted(notes)))).encode()).hexdigest()[:16]


def _number(temperature: list[float] | float | None) -> list[float] | float | None:
    """A temperature that does not move, as the number it is."""
    return temperature[0] if isinstance(temperature, list) and temperature[0] == temperature[1] else temperature

"""A take and the tries it took: each plays by random numbers of its own, and hotter or cooler than was asked for.

Conventions: try 0 plays by the random seed that was asked for; try n by another one, which follows from it and n alone. All temperatures that were
asked for are multiplied by STEP to the power of `warmer`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from musicgen.composing.composer import compose_each
from musicgen.composing.controls import Course
from musicgen.composing.request import Request
from musicgen.model.file import Model
from musicgen.piece import Piece

STEP = 1.1
WARMEST = 4  # steps, either way


@dataclass(frozen=True, slots=True)
class Attempt:
    """How a take is played, beside what is asked for."""

    random_seed: int
    number: int = 0  # of the try
    warmer: int = 0  # steps, -WARMEST..WARMEST

    @property
    def drawn_seed(self) -> int:
        """The random seed of the try itself."""
        return int(np.random.SeedSequence((self.random_seed, self.number)).generate_state(1)[0]) if self.number else self.random_seed

    def request(self, request: Request) -> Request:
        """What is asked for, at the temperature of this try."""

        def warmed(temperature: Course | float) -> Course | float:
            factor = STEP**self.warmer
            return Course(*(factor * end for end in temperature)) if isinstance(temperature, Course) else factor * temperature

        rhythm = request.rhythm_temperature
        if not self.warmer:
            return request
        return replace(request, temperature=warmed(request.temperature), rhythm_temperature=None if rhythm is None else warmed(rhythm))


def play_attempts(model: Model, request: Request, attempts: Sequence[Attempt]) -> list[Piece]:
    """The pieces of some attempts, those of one temperature at once, each titled by the random seed that was asked for. Raises RequestError."""
    pieces: dict[int, Piece] = {}
    for warmer in sorted({attempt.warmer for attempt in attempts}):
        some = [index for index, attempt in enumerate(attempts) if attempt.warmer == warmer]
        played = compose_each(model, attempts[some[0]].request(request), [attempts[index].drawn_seed for index in some])
        for index, piece in zip(some, played, strict=True):
            pieces[index] = replace(piece, title=f"{model.corpus.name} {attempts[index].random_seed}")
    return [pieces[index] for index in range(len(attempts))]

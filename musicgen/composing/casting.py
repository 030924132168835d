"""Who of a model plays what of a piece that is rewritten: the vocabulary's part for each of the piece's.

Conventions: parts are the vocabulary's unless they are called the piece's, which are indices of its parts. A part is played by one of the piece's if
that is rewritten; what is kept may share one.
"""

from dataclasses import dataclass, field

import numpy as np

from musicgen.composing.controls import RequestError
from musicgen.encoding.tokens import encode
from musicgen.encoding.vocabulary import Vocabulary
from musicgen.piece import Piece


@dataclass(frozen=True, slots=True)
class Cast:
    """The parts of one piece. Raises RequestError where the model can't play what it should."""

    matches: list[int | None]  # of each part of the piece's sequence, as `Vocabulary.match` counts them; None is not heard
    owners: dict[int, int]  # of each part that is rewritten the piece's, where it has one
    composed: frozenset[int]  # the parts that are new
    notices: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, piece: Piece, vocabulary: Vocabulary, named: tuple[int, ...] | None, melody: int | None) -> "Cast":
        """`named`: the piece's parts that are rewritten, None for all; `melody`: the piece's that is kept, while all others are new."""
        sequence = encode(piece)
        matches, numbers = vocabulary.match(sequence), {index: number for number, index in enumerate(sequence.indices)}
        singer = None if melody is None else _singer(melody, piece, vocabulary, matches, numbers)
        owners: dict[int, int] = {}
        silent: list[int] = []  # the piece's parts that nobody plays
        for index in range(len(piece.parts)) if named is None else named:
            part = matches[numbers[index]]
            if index == melody:
                continue
            if part is None or part in owners or part == singer:
                silent.append(index)
            else:
                owners[part] = index
        if silent and named is not None:
            raise RequestError(f"the model has no part left to play {_names(piece, silent)}: leave it out of --part")
        unheard = [index for index, number in numbers.items() if matches[number] in owners and index not in (*owners.values(), *silent)]
        for index in (*silent, *unheard):
            matches[numbers[index]] = None
        composed = frozenset(owners if singer is None else set(range(len(vocabulary.parts))) - {singer})
        notice = f"the model has no part left for {_names(piece, sorted({*silent, *unheard}))}: what nobody plays stays as it is, unheard"
        return cls(matches, owners, composed, [notice] if silent or unheard else [])


def _singer(melody: int, piece: Piece, vocabulary: Vocabulary, matches: list[int | None], numbers: dict[int, int]) -> int:
    """The part that the model hears the melody as: its highest, if the melody is the piece's highest."""
    own = matches[numbers[melody]]
    if len(vocabulary.parts) < 2:
        raise RequestError("the model plays one part alone, so there is nothing that it could add: take a model of several, --model chorales")
    if own is None:
        raise RequestError("the model knows no drums, so it can't harmonize them: name another part with --melody")
    if melody == highest_part(piece):
        tuned = [part for part, token in enumerate(vocabulary.parts) if not token.is_drum]
        highest = max(tuned, key=lambda part: (sum(vocabulary.ranges[part]), -part))
        matches[:] = [own if part == highest else part for part in matches]
        matches[numbers[melody]] = own = highest
    return own


def highest_part(piece: Piece) -> int | None:
    """The piece's part with the highest mean pitch, of those that are no drums; None where there is none."""
    heights = {index: np.mean([note.pitch for note in part.notes]) for index, part in enumerate(piece.parts) if part.notes and not part.is_drum}
    return max(heights, key=lambda index: (heights[index], -index)) if heights else None


def _names(piece: Piece, indices: list[int]) -> str:
    """The names of parts, or their numbers."""
    return ", ".join(piece.parts[index].name or f"part {index + 1}" for index in indices)

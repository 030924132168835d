"""Which of several endings a piece closes with.

A network looks back only, so the last bars are played several times, and notes that last to the end of the piece are drawn more often than it
would. Of these endings those come first that end as pieces do, on notes no shorter than usual, at a bar line or on longer ones; among them the one
counts most to which the network gives the most probability, of what the length rules out, of last notes beside how often they are drawn, and of the
end where it stands: importance weights, as in sequential Monte Carlo (Doucet, de Freitas and Gordon 2001), of which the greatest is taken. An
ending on the tonic of the piece so far, in the lowest note, gains TONIC nats: the key is what a network forgets over many bars.
"""

from collections.abc import Sequence

import numpy as np

from musicgen.composing.request import Frame, Played, ended
from musicgen.judging.key import estimate_key
from musicgen.piece import Note, Part, Piece

TONIC = 4.0  # nats
FEWEST_NOTES = 16  # before it is known how long notes usually are


def best_ending(frame: Frame, begun: list[list[Played]], endings: Sequence[list[list[Played]]], weights: Sequence[float]) -> int:
    """The place of the ending that is kept.

    Args:
        begun: the notes of each part of the vocabulary before the endings begin.
        endings: for each ending the notes of each part, those before it included.
    """
    tonic = _tonic(frame, begun)
    ranks = []
    for ending, weight in zip(endings, weights, strict=True):
        parts = [ended(part, frame.end) for part in ending]
        last = [(note, token.is_drum) for notes, token in zip(parts, frame.vocabulary.parts, strict=True) for note in _last(notes, _end(parts))]
        pitches = [note.pitch for note, is_drum in last if not is_drum]
        is_home = bool(pitches) and min(pitches) % 12 == tonic
        ranks.append((_is_close(parts, max((note.duration for note, _ in last), default=0), frame), weight + TONIC * is_home))
    return max(range(len(ranks)), key=ranks.__getitem__)


def _end(parts: Sequence[Sequence[Note]]) -> int:
    return max((note.end for notes in parts for note in notes), default=0)


def _last(notes: Sequence[Note], end: int) -> list[Note]:
    """The notes that end the piece."""
    return [note for note in notes if note.end == end]


def _is_close(parts: Sequence[Sequence[Note]], last: int, frame: Frame) -> bool:
    """Whether the last notes, which last so many steps, are no shorter than usual, and longer where the bar is not full."""
    durations = [note.duration for notes in parts for note in notes]
    if len(durations) < FEWEST_NOTES:
        return True
    usual = float(np.median(durations))
    return last >= usual if _end(parts) == frame.end else last > usual


def _tonic(frame: Frame, begun: list[list[Played]]) -> int | None:
    """The pitch class on which a piece that began so is at home."""
    keys = frame.header.keys
    if keys:
        return keys[-1].tonic
    until = max([frame.ending, *(note.onset + 1 for notes in begun for note in notes)])
    tokens = frame.vocabulary.parts
    parts = [Part("", token.program, token.is_drum, ended(notes, until)) for notes, token in zip(begun, tokens, strict=True)]
    piece = Piece((*frame.header.parts, *parts), steps_per_quarter=frame.vocabulary.steps_per_quarter)
    return estimate_key(piece).tonic if any(part.notes for part in piece.parts if not part.is_drum) else None

"""How surprised a model is by pieces, as a network hears them: nats per note, by field.

Conventions: a nat is the unit of -ln p. P pieces; nats per note is the sum over all fields of all notes and over the ends of the pieces, divided by
the number of notes: the figure that training gives for held-out pieces. What the vocabulary lacks is heard as the nearest that it has, and
counted; what fits nowhere, drums for a model that knows none, is left out, and counted too. `likelihood` spells such notes out instead.
"""

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from musicgen.encoding.context import context_of
from musicgen.encoding.hearing import Hearing, judged_as
from musicgen.encoding.tokens import TokenSequence, encode
from musicgen.encoding.vocabulary import DURATION, FIELDS, NAMES, PITCH, TIME_SHIFT, Vocabulary
from musicgen.judging.likelihood import interval
from musicgen.model.engine import Engine
from musicgen.piece import Piece

BATCH = 32  # pieces that are judged at once
MOST_DRAWN = 3_000_000  # pieces in all samples of a bootstrap together


class Surprise(NamedTuple):
    """Of one piece."""

    nats: np.ndarray  # (5,) float64, summed over the notes that are heard, and the end
    num_notes: int  # that are heard
    num_foreign: int  # notes that are left out, or heard as others


def surprises(engine: Engine, pieces: Sequence[Piece], hear: Hearing = judged_as) -> Iterator[Surprise]:
    """One for each piece, in order; `hear` is `heard_as` for what was composed. Raises ValueError for a piece on another grid than the engine's."""
    vocabulary, slots = engine.vocabulary, engine.configuration.slots
    for piece in pieces:
        if piece.steps_per_quarter != vocabulary.steps_per_quarter:
            raise ValueError(f"a piece is on a grid of {piece.steps_per_quarter} steps, the model on {vocabulary.steps_per_quarter}")
    for start in range(0, len(pieces), BATCH):
        some = pieces[start : start + BATCH]
        heard = [hear(encode(piece), vocabulary) for piece in some]
        ids = [vocabulary.ids(sequence, matches) for sequence, matches in heard]
        contexts = [context_of(rows, piece.meters, vocabulary, slots) for rows, piece in zip(ids, some, strict=True)]
        for (sequence, matches), rows, nats in zip(heard, ids, engine.nats(ids, contexts), strict=True):
            foreign = len(sequence.notes) - _num_known(sequence, matches, rows, vocabulary)
            yield Surprise(nats.sum(axis=0, dtype=np.float64), len(rows) - 1, foreign)


def _num_known(sequence: TokenSequence, matches: list[int | None], ids: np.ndarray, vocabulary: Vocabulary) -> int:
    """How many notes are heard as they are, whoever plays them and however loud."""
    matched = np.array([match is not None for match in matches], bool)
    heard = matched[sequence.notes[:, 1]] if len(matched) else np.zeros(0, bool)
    said = sequence.notes[heard].copy()
    said[:, TIME_SHIFT] = np.diff(sequence.onsets[heard], prepend=0)
    known = np.ones(len(said), bool)
    for field in (TIME_SHIFT, PITCH, DURATION):
        same = vocabulary.steps(field, ids[:-1, field]) == said[:, field]
        known &= same | (ids[:-1, field] == vocabulary.held) if field == DURATION else same
    return int(known.sum())


def figures(found: Sequence[Surprise], active: Sequence[int], rng: np.random.Generator) -> dict:
    """Nats per note with its 95 % interval over pieces, nats of each field, and perplexity; None where there is nothing to divide by.

    Args:
        active: the fields that the model predicts, as indices of FIELDS.
    """
    totals = np.array([one.nats for one in found]).reshape(len(found), len(FIELDS))
    notes = np.array([one.num_notes for one in found], float)
    num_notes, num_foreign = int(notes.sum()), sum(one.num_foreign for one in found)
    per_field = totals.sum(axis=0) / num_notes if num_notes else np.full(len(FIELDS), np.nan)
    per_note = float(per_field[list(active)].sum())
    told = notes > 0
    samples = max(100, min(10_000, MOST_DRAWN // max(1, len(found))))
    return {
        "nats_per_note": finite(per_note),
        "nats_per_note_interval": list(interval(totals.sum(axis=1)[told], notes[told], rng, samples)) if told.sum() > 1 else None,
        "nats_per_field": {NAMES[field]: finite(per_field[field]) for field in active},
        "perplexity": finite(math.exp(per_note)) if per_note < 700 else None,
        "pieces": len(found),
        "notes": num_notes,
        "foreign_notes": num_foreign,
    }


def finite(value: float) -> float | None:
    """The number, or None where it is none that JSON could say."""
    return float(value) if math.isfinite(value) else None

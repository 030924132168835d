"""Figures of sets of pieces as plain dictionaries of finite numbers, ready for JSON.

Conventions: shares lie in 0..1. A figure that cannot be had, because a set is empty or too small, is None.
"""

from collections.abc import Sequence

import numpy as np

from musicgen.encoding.vocabulary import Vocabulary
from musicgen.judging.counterpoint import RULES, craft_of
from musicgen.judging.distributions import Agreement
from musicgen.judging.faults import FAULTS, Facts, find_faults
from musicgen.judging.originality import MIN_NOTES, CorpusIndex, UsualCopying, usual_copying
from musicgen.judging.statistics import Comparison
from musicgen.judging.twins import TWINS, find_twins
from musicgen.piece import Piece

Range = tuple[int, int] | None  # lowest and highest MIDI note number, None for drums


def of_measures(comparisons: Sequence[Comparison]) -> list[dict]:
    """Means of both sets, a number or a list each, how alike they are, and the ceiling: one half of the corpus against the other."""
    return [
        {
            "name": one.measure.name,
            "unit": one.measure.unit,
            "source": one.measure.source,
            "takes": _mean(one.pieces_mean),
            "corpus": _mean(one.corpus_mean),
            **_agreement(one.agreement),
            "ceiling": None if one.ceiling is None else _agreement(one.ceiling),
        }
        for one in comparisons
    ]


def _mean(mean: np.ndarray) -> float | list[float]:
    return float(mean[0]) if len(mean) == 1 else mean.tolist()


def _agreement(agreement: Agreement | None) -> dict[str, float | None]:
    if agreement is None:
        return {"overlapped_area": None, "divergence": None}
    return {"overlapped_area": agreement.overlapped_area, "divergence": agreement.divergence}


def of_faults(takes: Sequence[Piece], corpus: Sequence[Piece], vocabulary: Vocabulary, num_bars: int) -> dict[str, dict]:
    """Of each fault, and of "any", the share of the takes and of the corpus' pieces that have it.

    A take is to fill `num_bars` bars with at least as many parts as the corpus' smallest piece has, each in its part's range.
    """
    fewest = min((sum(bool(part.notes) for part in piece.parts) for piece in corpus), default=None)
    ours = [{found.fault for found in find_faults(take, Facts(num_bars, fewest, ranges_of(take, vocabulary)))} for take in takes]
    theirs = [{found.fault for found in find_faults(piece)} for piece in corpus]
    rows = [(fault.name, fault.meaning) for fault in FAULTS]
    figures = {name: {"meaning": meaning, "takes": _share(name, ours), "corpus": _share(name, theirs)} for name, meaning in rows}
    return {"any": {"meaning": "at least one of these faults", "takes": _share(None, ours), "corpus": _share(None, theirs)}, **figures}


def _share(name: str | None, found: Sequence[set[str]]) -> float | None:
    """Of the pieces, those that have a fault, any fault for None."""
    return sum(bool(faults) if name is None else name in faults for faults in found) / len(found) if found else None


def ranges_of(take: Piece, vocabulary: Vocabulary) -> tuple[Range, ...]:
    """Of each part of a take the range of the vocabulary's part that played it.

    A part that rests throughout is not in the take. Where it cannot be told from another of its name and instrument, both ranges count together.
    """
    ranges: list[Range] = [None if token.is_drum else own for token, own in zip(vocabulary.parts, vocabulary.ranges, strict=True)]
    if len(take.parts) == len(ranges):
        return tuple(ranges)
    named = list(zip(vocabulary.part_names, vocabulary.parts, ranges, strict=True))
    same = [
        [limits for name, token, limits in named if limits and (name, token.program, token.is_drum) == (part.name, part.program, part.is_drum)]
        for part in take.parts
    ]
    return tuple((min(low for low, _ in limits), max(high for _, high in limits)) if limits else None for limits in same)


def of_twins(takes: Sequence[Piece]) -> dict:
    """Takes that are as good as identical."""
    pairs = find_twins(takes)
    twins = {number for pair in pairs for number in (pair.first, pair.second)}
    return {"least_share": TWINS, "pairs": len(pairs), "share_of_takes": len(twins) / len(takes) if takes else None}


def of_copies(takes: Sequence[Piece], held_out: Sequence[Piece], learned: Sequence[Piece]) -> dict:
    """How much of the takes, and of held-out pieces, stands in the pieces that were learned."""
    index = CorpusIndex.of(learned)
    return {"pieces": len(learned), "least_notes": MIN_NOTES, "takes": _copying(takes, index), "held_out": _copying(held_out, index)}


def _copying(pieces: Sequence[Piece], index: CorpusIndex) -> dict | None:
    usual = usual_copying(pieces, index)
    return of_usual_copying(usual) if usual else None


def of_usual_copying(usual: UsualCopying) -> dict:
    """Notes of the longest run and passage, share of copied notes: the median and the 90th percentile of some pieces."""
    figures = {"longest_run": usual.num_notes, "copied_share": usual.share, "longest_passage": usual.passage}
    return {name: {"median": median, "percentile_90": high} for name, (median, high) in figures.items()}


def of_craft(takes: Sequence[Piece], held_out: Sequence[Piece]) -> dict | None:
    """Breaches of each rule in a hundred chords, and how pieces end; None where no take or no held-out piece is made of voices."""
    ours, theirs = craft_of(takes), craft_of(held_out)
    if not ours.num_pieces or not theirs.num_pieces:
        return None
    return {
        "pieces": {"takes": ours.num_pieces, "held_out": theirs.num_pieces},
        "chords": {"takes": ours.num_chords, "held_out": theirs.num_chords},
        "per_hundred_chords": {
            rule.name: {"takes": ours.per_hundred_chords[rule.name], "held_out": theirs.per_hundred_chords[rule.name]} for rule in RULES
        },
        "endings": {name: {"takes": share, "held_out": theirs.endings[name]} for name, share in ours.endings.items()},
    }

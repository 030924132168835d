"""What pieces have in common, measured, and how alike two sets of pieces are by each measure.

Conventions: a measure takes a piece and returns a number or an array of fixed size; histograms sum to one. Where there is nothing to
measure (no notes, no second bar) it is 0 throughout. Drums are left out wherever a pitch or a duration is meant. Lengths are counted
from the first onset to the end of the last note, so the silent beginning of an upbeat's bar is no silence. Places in a bar are steps of
the piece's grid, so pieces of different grids differ in groove.

Sources: Yang and Lerch 2018, "On the evaluation of generative models in music" (the comparison and most histograms); Mogren 2016,
"C-RNN-GAN" (scale consistency, polyphony); Wu and Yang 2020, "The Jazz Transformer on the front line" (entropy, groove); Dong et al. 2020,
"MusPy" (the same for whole pieces and for neighbouring bars, as here).
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import NamedTuple

import numpy as np

from musicgen.judging.distributions import Agreement, agreement, distances
from musicgen.judging.key import estimate_key
from musicgen.piece import Piece, bars_at

MAJOR_SCALE = (0, 2, 4, 5, 7, 9, 11)  # semitones above the tonic; the natural minor scales are the same twelve sets
DURATION_EDGES = (3, 4, 6, 8, 9, 12, 18, 24, 36, 48)  # twelfths of a quarter note; bucket i holds edge i-1 <= duration < edge i
WIDEST_STEP = 12  # semitones; wider melodic intervals share the first bucket (down) and the last (up)
BAR_DISTANCES = range(1, 17)  # bars
ONSET, PITCH, DURATION = range(3)  # columns of the arrays of notes


def notes_of(piece: Piece, *, with_drums: bool = False) -> np.ndarray:
    """The notes of all parts, part after part, (N, 3): onset, pitch, duration."""
    notes = chain.from_iterable(part.notes for part in piece.parts if with_drums or not part.is_drum)
    return np.fromiter(chain.from_iterable(notes), dtype=np.int64).reshape(-1, 4)[:, :3]


def histogram(buckets: np.ndarray, size: int) -> np.ndarray:
    """Share of the samples in each bucket, (size,); all 0 where there is no sample."""
    return np.bincount(buckets, minlength=size) / max(1, len(buckets))


def pitch_classes(piece: Piece) -> np.ndarray:
    """Share of the notes of each pitch class from C on, (12,), however long they last."""
    return histogram(notes_of(piece)[:, PITCH] % 12, 12)


def scale_degrees(piece: Piece) -> np.ndarray:
    """Share of the notes that lie 0..11 semitones above the tonic of the estimated key, (12,)."""
    return np.roll(pitch_classes(piece), -estimate_key(piece).tonic)


def note_durations(piece: Piece) -> np.ndarray:
    """Share of the notes in each bucket of `DURATION_EDGES`, (11,)."""
    twelfths = notes_of(piece)[:, DURATION] * 12 // piece.steps_per_quarter
    return histogram(np.searchsorted(DURATION_EDGES, twelfths, side="right"), len(DURATION_EDGES) + 1)


def melodic_intervals(piece: Piece) -> np.ndarray:
    """Share of the intervals below -12, of -12..12, and above 12 semitones, (27,).

    Intervals lead from one onset of a part to its next, whatever rests between, and of notes that begin together the highest counts.
    """
    lines = [{note.onset: note.pitch for note in part.notes} for part in piece.parts if not part.is_drum]  # rising pitches: the last stays
    intervals = np.concatenate([np.zeros(0, np.int64), *(np.diff(list(line.values())).astype(np.int64) for line in lines)])
    return histogram(np.clip(intervals, -WIDEST_STEP - 1, WIDEST_STEP + 1) + WIDEST_STEP + 1, 2 * WIDEST_STEP + 3)


def pitch_class_entropy(piece: Piece) -> float:
    """Entropy of `pitch_classes`, 0..3.585 bits."""
    shares = pitch_classes(piece)
    return float(-(shares * np.log2(np.where(shares > 0, shares, 1))).sum()) + 0.0  # no -0.0


def scale_consistency(piece: Piece) -> float:
    """Share of the notes in the major or natural minor scale that holds most of them."""
    shares = pitch_classes(piece)
    return float(max(shares[np.add(MAJOR_SCALE, tonic) % 12].sum() for tonic in range(12)))


def groove_consistency(piece: Piece) -> float:
    """Share of the places in a bar where this bar and the next both have an onset (of any part, drums too) or both have none.

    The mean over all neighbouring bars of equal length; where the length changes, two bars are not compared.
    """
    bar, place, lengths = _bars(piece, with_drums=True)
    stride = lengths.max(initial=0)
    onsets = np.unique(bar * stride + place)
    is_common = np.isin(onsets + stride, onsets)
    counts = np.bincount(onsets // max(1, stride), minlength=len(lengths))
    common = np.bincount(onsets[is_common] // max(1, stride), minlength=len(lengths))
    is_comparable = lengths[:-1] == lengths[1:]
    differences = (counts[:-1] + counts[1:] - 2 * common[:-1]) / lengths[:-1]
    return float(1 - differences[is_comparable].mean()) if is_comparable.any() else 0.0


def self_similarity(piece: Piece) -> np.ndarray:
    """Share of the onsets that recur, at the same place and pitch, 1..16 bars later or earlier, (16,).

    With S(b) the set of (place in the bar, pitch) that begin in bar b, at distance d: the sum of 2 |S(b) & S(b + d)| over the sum of
    |S(b)| + |S(b + d)|, over all b (Dice's coefficient); 0 at distances that the piece is too short for.
    """
    bar, place, lengths = _bars(piece)
    stride = lengths.max(initial=0) * 128
    onsets = np.unique(bar * stride + place * 128 + notes_of(piece)[:, PITCH])
    before = np.concatenate([[0], np.cumsum(np.bincount(onsets // max(1, stride), minlength=len(lengths)))])  # onsets in the bars before
    shared = [2 * np.isin(onsets + distance * stride, onsets).sum() for distance in BAR_DISTANCES]
    whole = [before[-1 - distance] + before[-1] - before[distance] if distance < len(lengths) else 0 for distance in BAR_DISTANCES]
    return np.array(shared) / np.maximum(1, whole)


def _bars(piece: Piece, *, with_drums: bool = False) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of each note its bar (N,) and its place in the bar (N,), and of each bar its length (bars,); all but bars in steps."""
    onsets = notes_of(piece, with_drums=with_drums)[:, ONSET]
    lines = np.array(piece.bar_lines, np.int64)
    bar = np.searchsorted(lines, onsets, side="right") - 1
    lengths = np.diff(lines, append=lines[-1:] + bars_at(lines[-1:], piece.meters, piece.steps_per_quarter)[1])
    return bar, onsets - lines[bar], lengths


def _spans(notes: np.ndarray) -> tuple[int, int]:
    """Steps from the first onset to the last end, and how many of them are silent."""
    if not len(notes):
        return 0, 0
    notes = notes[np.argsort(notes[:, ONSET])]
    reached = np.maximum.accumulate(notes[:, ONSET] + notes[:, DURATION])
    return int(reached[-1] - notes[0, ONSET]), int(np.maximum(0, notes[1:, ONSET] - reached[:-1]).sum())


def polyphony(piece: Piece) -> float:
    """Mean number of notes that sound while any sounds, at least 1."""
    notes = notes_of(piece)
    steps, silent = _spans(notes)
    return float(notes[:, DURATION].sum() / max(1, steps - silent))


def note_density(piece: Piece) -> float:
    """Notes (drums too) begun in a quarter note's time."""
    notes = notes_of(piece, with_drums=True)
    return len(notes) * piece.steps_per_quarter / max(1, _spans(notes)[0])


def pitch_range(piece: Piece) -> float:
    """Semitones from the lowest note to the highest."""
    return float(np.ptp(notes_of(piece)[:, PITCH])) if len(notes_of(piece)) else 0.0


def silence(piece: Piece) -> float:
    """Share of the time in which nothing sounds, drums neither."""
    steps, silent = _spans(notes_of(piece, with_drums=True))
    return silent / max(1, steps)


class Measure(NamedTuple):
    """A row of the table that all else follows from."""

    name: str
    unit: str
    size: int  # 1 for a number
    function: Callable[[Piece], float | np.ndarray]
    source: str


YANG_LERCH, MOGREN, MUSPY = "Yang and Lerch 2018", "Mogren 2016", "Wu and Yang 2020; Dong et al. 2020"
MEASURES = (
    Measure("pitch classes", "share of notes", 12, pitch_classes, YANG_LERCH),
    Measure("scale degrees", "share of notes", 12, scale_degrees, f"{YANG_LERCH}, above the tonic"),
    Measure("note durations", "share of notes", len(DURATION_EDGES) + 1, note_durations, YANG_LERCH),
    Measure("melodic intervals", "share of intervals", 2 * WIDEST_STEP + 3, melodic_intervals, YANG_LERCH),
    Measure("pitch-class entropy", "bits", 1, pitch_class_entropy, MUSPY),
    Measure("scale consistency", "share of notes", 1, scale_consistency, MOGREN),
    Measure("groove consistency", "share of places", 1, groove_consistency, MUSPY),
    Measure("polyphony", "notes", 1, polyphony, MOGREN),
    Measure("note density", "notes a quarter", 1, note_density, YANG_LERCH),
    Measure("pitch range", "semitones", 1, pitch_range, YANG_LERCH),
    Measure("silence", "share of time", 1, silence, "Dong et al. 2018, empty bars, by steps"),
    Measure("self-similarity", "share of onsets", len(BAR_DISTANCES), self_similarity, "Dice 1945, of bars at a distance"),
)


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """Two sets by one measure. Distances are Euclidean, in the unit of the measure; each pair within a set counts in both directions."""

    measure: Measure
    pieces_mean: np.ndarray  # (size,), 0 for an empty set
    corpus_mean: np.ndarray  # (size,)
    within_pieces: np.ndarray  # (P * (P - 1),) distances
    within_corpus: np.ndarray  # (C * (C - 1),)
    between: np.ndarray  # (P * C,), less the pieces that are in both sets
    agreement: Agreement | None  # of `within_corpus` and `between`; None where one of them is empty
    ceiling: Agreement | None  # the same where one random half of the corpus stands for the pieces and the other for the corpus


def compare(pieces: Sequence[Piece], corpus: Sequence[Piece], rng: np.random.Generator, max_pieces: int = 400) -> tuple[Comparison, ...]:
    """Two sets of any sizes by all `MEASURES`, in their order; of a set with more than `max_pieces` that many are drawn.

    A piece that is in both sets is not compared with itself, so a set compared with itself has area 1 and divergence 0. No result
    is NaN: sets too small for a pair have the agreement None, and distances that do not vary are a point mass.
    """
    pieces, corpus = (_drawn(group, rng, max_pieces) for group in (pieces, corpus))
    first, second = np.array_split(rng.permutation(len(corpus)), 2)
    differ = _differ(pieces, corpus)
    comparisons = []
    for measure in MEASURES:
        ours, theirs = values(pieces, measure), values(corpus, measure)
        among_corpus = distances(theirs, theirs)
        within, between = _off_diagonal(among_corpus), distances(ours, theirs)[differ]
        comparisons.append(
            Comparison(
                measure,
                ours.sum(axis=0) / max(1, len(ours)),
                theirs.sum(axis=0) / max(1, len(theirs)),
                _off_diagonal(distances(ours, ours)),
                within,
                between,
                agreement(within, between),
                agreement(_off_diagonal(among_corpus[np.ix_(first, first)]), among_corpus[np.ix_(second, first)].ravel()),
            )
        )
    return tuple(comparisons)


def values(pieces: Sequence[Piece], measure: Measure) -> np.ndarray:
    """A measure of each piece, (pieces, size)."""
    return np.array([measure.function(piece) for piece in pieces], float).reshape(len(pieces), measure.size)


def _drawn(pieces: Sequence[Piece], rng: np.random.Generator, number: int) -> list[Piece]:
    chosen = np.sort(rng.choice(len(pieces), number, replace=False)) if len(pieces) > number else range(len(pieces))
    return [pieces[index] for index in chosen]


def _off_diagonal(matrix: np.ndarray) -> np.ndarray:
    """(N, N) -> (N * (N - 1),)."""
    return matrix[~np.eye(len(matrix), dtype=bool)]


def _differ(pieces: Sequence[Piece], corpus: Sequence[Piece]) -> np.ndarray:
    """False where a piece meets itself in the corpus, each piece of the corpus at most once, (pieces, corpus)."""
    places = defaultdict(list)
    for column, piece in enumerate(corpus):
        places[piece].append(column)
    differ = np.ones((len(pieces), len(corpus)), bool)
    for row, piece in enumerate(pieces):
        if places[piece]:
            differ[row, places[piece].pop()] = False
    return differ

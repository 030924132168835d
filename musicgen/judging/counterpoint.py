"""How well voices are led: breaches of the rules of four-part writing in a hundred chords.

Conventions: `musicgen.judging.voices` says what voices, moments and chords are, and which pieces have them. C moments, V voices; intervals
are semitones. Pitches have no spelling: an augmented fourth and a diminished fifth are one. The rules look from each moment to the next, so
what passing notes stand between is not found, and a rest between two moments absolves.

Sources: Fux 1725, Gradus ad Parnassum; Aldwell and Schachter, Harmony and Voice Leading; Kostka and Payne, Tonal Harmony.
Deviations: the textbooks' exceptions (new phrases, sequences, leaps that turn back) are breaches here, so good music's figures are small but
not zero, and a corpus's figures are the measure. Phrases are not told apart: only the end of a piece is judged as a cadence.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np

from musicgen.judging.voices import Chords, applies, chords_of
from musicgen.piece import Piece

SATB_RANGES = ((60, 79), (55, 74), (48, 67), (40, 60))  # C4-G5, G3-D5, C3-G4, E2-C4
WHOLE_TONE, TRITONE, FIFTH, OCTAVE = 2, 6, 7, 12
SEVENTHS = (10, 11)
PERFECT = (0, FIFTH)  # octaves and fifths, octaves apart
DISSONANT = (1, 2, 5, 6, 10, 11)  # above the bass, octaves apart
LOWERED_SIXTH, LEADING_TONE = 8, 11  # above the tonic
DOMINANT, DOMINANT_SEVENTH = {7, 11}, {7, 11, 2, 5}  # the least and the most of a dominant, above the tonic
TRIADS = ({0, 4, 7}, {0, 3, 7})  # above the root
ENDINGS = ("tonic", "dominant", "other triad", "no root position")


class Moves(NamedTuple):
    """Pairs of voices from each moment to the next, (C - 1, pairs). A voice that rests at either moment does not move."""

    before: np.ndarray  # 0..11 between the voices, octaves apart
    after: np.ndarray
    upper: np.ndarray  # semitones up
    lower: np.ndarray

    @property
    def are_similar(self) -> np.ndarray:
        return self.upper * self.lower > 0

    @property
    def are_contrary(self) -> np.ndarray:
        return self.upper * self.lower < 0


def motion(chords: Chords) -> np.ndarray:
    """Semitones up from each moment to the next, 0 where the voice rests at either, (C - 1, V)."""
    return np.where(chords.sounds[:-1] & chords.sounds[1:], np.diff(chords.pitches, axis=0), 0)


def moves(chords: Chords) -> Moves:
    """Of all pairs of voices."""
    upper, lower = np.triu_indices(chords.pitches.shape[1], 1)
    intervals = np.abs(chords.pitches[:, upper] - chords.pitches[:, lower]) % 12
    return Moves(intervals[:-1], intervals[1:], motion(chords)[:, upper], motion(chords)[:, lower])


def _placed(chords: Chords) -> np.ndarray:
    """Whether two neighbouring voices sound and one of them begins a note, (C, V - 1)."""
    sounds, begins = chords.sounds, chords.begins
    return sounds[:, :-1] & sounds[:, 1:] & (begins[:, :-1] | begins[:, 1:])


def parallel_fifths(chords: Chords) -> int:
    """Two voices move in the same direction from a perfect fifth to a perfect fifth."""
    pairs = moves(chords)
    return int((pairs.are_similar & (pairs.before == FIFTH) & (pairs.after == FIFTH)).sum())


def parallel_octaves(chords: Chords) -> int:
    """Two voices move in the same direction from an octave or unison to an octave or unison."""
    pairs = moves(chords)
    return int((pairs.are_similar & (pairs.before == 0) & (pairs.after == 0)).sum())


def contrary_parallels(chords: Chords) -> int:
    """Two voices move in contrary motion from a fifth to a fifth, or from an octave or unison to an octave or unison."""
    pairs = moves(chords)
    return int((pairs.are_contrary & (pairs.before == pairs.after) & np.isin(pairs.after, PERFECT)).sum())


def direct_fifths_and_octaves(chords: Chords) -> int:
    """The outer voices move in the same direction into a fifth or octave from another interval, and the upper one leaps."""
    pair = moves(chords._replace(pitches=chords.pitches[:, [0, -1]]))
    is_direct = pair.are_similar & (pair.before != pair.after) & np.isin(pair.after, PERFECT)
    return int((is_direct & (np.abs(pair.upper) > WHOLE_TONE)).sum())


def crossings(chords: Chords) -> int:
    """A voice stands above its upper neighbour, when one of the two begins a note."""
    return int((_placed(chords) & (chords.pitches[:, :-1] < chords.pitches[:, 1:])).sum())


def overlaps(chords: Chords) -> int:
    """A voice moves beyond where its neighbour was the moment before, without a crossing."""
    pitches, go_on = chords.pitches, chords.sounds[:-1] & chords.sounds[1:]
    upper, lower = pitches[:, :-1], pitches[:, 1:]
    passes = (lower[1:] > upper[:-1]) | (upper[1:] < lower[:-1])
    in_order = upper >= lower
    return int((passes & go_on[:, :-1] & go_on[:, 1:] & in_order[:-1] & in_order[1:]).sum())


def wide_spacings(chords: Chords) -> int:
    """More than an octave between neighbours other than the lowest pair, when one of the two begins a note."""
    return int((_placed(chords) & (chords.pitches[:, :-1] - chords.pitches[:, 1:] > OCTAVE))[:, :-1].sum())


def out_of_range(chords: Chords) -> int:
    """A note outside of its voice's range: C4-G5, G3-D5, C3-G4, E2-C4. Only pieces of four voices are judged."""
    if chords.pitches.shape[1] != len(SATB_RANGES):
        return 0
    low, high = np.transpose(SATB_RANGES)
    return int((chords.begins & ((chords.pitches < low) | (chords.pitches > high))).sum())


def unresolved_leading_tones(chords: Chords) -> int:
    """From a dominant (seventh) to a tonic triad, a leading tone does not rise a semitone; an inner one may also fall to the fifth."""
    degrees = (chords.pitches - chords.tonic) % 12
    sets = [set(row[sounds].tolist()) for row, sounds in zip(degrees, chords.sounds, strict=True)]
    from_dominant = np.array([DOMINANT <= degree_set <= DOMINANT_SEVENTH for degree_set in sets], bool)
    to_tonic = np.array([{0} < degree_set and any(degree_set <= triad for triad in TRIADS) for degree_set in sets], bool)
    is_leading = chords.sounds[:-1] & chords.sounds[1:] & (degrees[:-1] == LEADING_TONE) & (from_dominant[:-1] & to_tonic[1:])[:, None]
    resolves = motion(chords) == 1
    resolves[:, 1:-1] |= motion(chords)[:, 1:-1] == FIFTH - LEADING_TONE
    return int((is_leading & ~resolves).sum())


def augmented_leaps(chords: Chords) -> int:
    """A voice leaps a tritone, or the augmented second between the lowered sixth degree and the leading tone."""
    degrees, sizes = (chords.pitches - chords.tonic) % 12, np.abs(motion(chords))
    is_between = np.sort([degrees[:-1], degrees[1:]], axis=0) == np.array([LOWERED_SIXTH, LEADING_TONE])[:, None, None]
    return int(((sizes == TRITONE) | ((sizes == LEADING_TONE - LOWERED_SIXTH) & is_between.all(axis=0))).sum())


def wide_leaps(chords: Chords) -> int:
    """A voice leaps a seventh, or more than an octave."""
    sizes = np.abs(motion(chords))
    return int((np.isin(sizes, SEVENTHS) | (sizes > OCTAVE)).sum())


def free_dissonances(chords: Chords) -> int:
    """A second, fourth, tritone or seventh above the lowest voice, placed on a strong beat, that is neither prepared nor resolved.

    Prepared: the upper note stays (held or repeated) from the moment before, where the two voices were consonant. Resolved: the next other
    pitch of the upper voice, or of the lowest where its note stays, is a step away, with no rest before it.
    """
    pitches, sounds, begins = chords.pitches, chords.sounds, chords.begins
    sound = sounds[:, :-1] & sounds[:, -1:]
    dissonant = sound & np.isin((pitches[:, :-1] - pitches[:, -1:]) % 12, DISSONANT)
    stays, consonant_before = np.zeros_like(sounds), np.zeros_like(sound)
    stays[1:], consonant_before[1:] = np.diff(pitches, axis=0) == 0, (sound & ~dissonant)[:-1]
    resolved = _left_by_step(pitches)
    is_free = ~(consonant_before & stays[:, :-1]) & ~resolved[:, :-1] & ~(resolved & stays)[:, -1:]
    return int((dissonant & is_free & (begins[:, :-1] | begins[:, -1:]) & chords.is_strong[:, None]).sum())


def _left_by_step(pitches: np.ndarray) -> np.ndarray:
    """Whether the next other pitch of the voice is a step away, (C, V); the last pitch is not left."""
    following = pitches.copy()
    for row in range(len(pitches) - 2, -1, -1):
        following[row] = np.where(pitches[row + 1] == pitches[row], following[row + 1], pitches[row + 1])
    sizes = np.abs(following - pitches)
    return (following >= 0) & (sizes > 0) & (sizes <= WHOLE_TONE)


class Rule(NamedTuple):
    """A row of the table that all else follows from."""

    name: str
    breaches: Callable[[Chords], int]
    source: str

    @property
    def meaning(self) -> str:
        """What is counted."""
        return (self.breaches.__doc__ or "").strip()


FUX, ALDWELL, KOSTKA = "Fux 1725", "Aldwell and Schachter, Harmony and Voice Leading", "Kostka and Payne, Tonal Harmony"
RULES = (
    Rule("parallel fifths", parallel_fifths, FUX),
    Rule("parallel octaves", parallel_octaves, FUX),
    Rule("fifths and octaves by contrary motion", contrary_parallels, KOSTKA),
    Rule("direct fifths and octaves", direct_fifths_and_octaves, KOSTKA),
    Rule("crossings", crossings, KOSTKA),
    Rule("overlaps", overlaps, ALDWELL),
    Rule("wide spacings", wide_spacings, KOSTKA),
    Rule("notes out of range", out_of_range, KOSTKA),
    Rule("unresolved leading tones", unresolved_leading_tones, ALDWELL),
    Rule("augmented leaps", augmented_leaps, ALDWELL),
    Rule("wide leaps", wide_leaps, FUX),
    Rule("free dissonances", free_dissonances, FUX),
)


def ending(chords: Chords) -> str:
    """One of `ENDINGS`: whether the last chord is a major or minor triad over its root (thirds and fifths may lack), and on which degree."""
    rows = np.flatnonzero(chords.are_chords)
    last = chords.pitches[rows[-1] if len(rows) else 0]
    root = last[last >= 0].min()
    above_root = {int(pitch - root) % 12 for pitch in last[last >= 0]}
    if not any(above_root <= triad for triad in TRIADS):
        return "no root position"
    degree = (root - chords.tonic) % 12
    return "tonic" if degree == 0 else "dominant" if degree == FIFTH and above_root <= TRIADS[0] else "other triad"


class Craft(NamedTuple):
    """One piece."""

    num_chords: int
    breaches: dict[str, int]  # by the names of the rules
    ending: str


class CraftOfSet(NamedTuple):
    """Many pieces; all shares and figures are 0 where there is no piece or no chord."""

    num_pieces: int
    num_left_out: int  # pieces that are not made of voices
    num_chords: int
    per_hundred_chords: dict[str, float]  # by the names of the rules
    endings: dict[str, float]  # share of the pieces, by the names of the endings


def craft(piece: Piece) -> Craft:
    """Breaches of each rule. Raises NotVoicesError."""
    chords = chords_of(piece)
    return Craft(int(chords.are_chords.sum()), {rule.name: rule.breaches(chords) for rule in RULES}, ending(chords))


def craft_of(pieces: Iterable[Piece]) -> CraftOfSet:
    """All chords of all pieces together; pieces that are not made of voices are left out and counted."""
    pieces = list(pieces)
    judged = [craft(piece) for piece in pieces if applies(piece)]
    num_chords = sum(one.num_chords for one in judged)
    endings = Counter(one.ending for one in judged)
    return CraftOfSet(
        len(judged),
        len(pieces) - len(judged),
        num_chords,
        {rule.name: 100 * sum(one.breaches[rule.name] for one in judged) / max(1, num_chords) for rule in RULES},
        {name: endings[name] / max(1, len(judged)) for name in ENDINGS},
    )

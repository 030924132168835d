"""What may come next in a piece: the rules that every piece on the grid keeps, given the notes so far.

Conventions: masks are bool, over parts (P) and the vocabulary's pitches (V). A note comes after the one before in the order (onset, part, pitch),
does not begin while the same pitch sounds in its part, and its part does not sound too many notes at once. A held note ends where its part
begins another, so it is in nobody's way but at its own onset.
"""

import numpy as np

from musicgen.encoding.context import UNKNOWN, RunningContext, Sounding
from musicgen.encoding.contexts import NUM_END, NUM_PART, NUM_PITCH, NUM_UNTIL, Contexts
from musicgen.encoding.tokens import TokenSequence, held
from musicgen.encoding.vocabulary import DURATION, FIELDS, PART, PITCH, TIME_SHIFT, Vocabulary
from musicgen.piece import NUM_PITCHES

NEVER = 1 << 40  # steps


class Grammar:
    """The rules of one vocabulary."""

    def __init__(self, vocabulary: Vocabulary, playable: np.ndarray, most_at_once: np.ndarray) -> None:
        """
        Args:
            playable: (P, V) the pitches that each part can play.
            most_at_once: (P,) notes that each part can sound together.
        """
        self.vocabulary, self.playable, self.most_at_once = vocabulary, playable, most_at_once
        self.pitches = np.array(vocabulary.values[PITCH])
        self._from = np.tri(len(playable), dtype=bool).T  # (P, P) for each part itself and those after it
        self._above = np.tri(len(self.pitches), k=-1, dtype=bool).T  # (V, V) for each pitch those above it

    @classmethod
    def of_corpus(cls, vocabulary: Vocabulary) -> "Grammar":
        """What the parts of the corpus play."""
        playable = np.array([np.isin(vocabulary.values[PITCH], pitches) for pitches in vocabulary.pitches])
        return cls(vocabulary, playable, np.array(vocabulary.most_at_once))

    @classmethod
    def of_all(cls, vocabulary: Vocabulary, most_at_once: int = NUM_PITCHES) -> "Grammar":
        """What any piece may have."""
        parts = len(vocabulary.parts)
        return cls(vocabulary, np.ones((parts, len(vocabulary.values[PITCH])), bool), np.full(parts, most_at_once))

    def free(self, shift: int, running: RunningContext) -> np.ndarray:
        """(P, V) what each part may begin `shift` steps from now."""
        free = self.playable.copy()
        counts = np.zeros(len(free), np.int32)
        onset, lowest = running.onset + shift, int(self.pitches[0])
        for part, pitch, begun, end, *_ in running.notes:
            if begun == onset if end == UNKNOWN else end > onset:
                counts[part] += 1
                if 0 <= pitch - lowest < len(self.pitches):
                    free[part, pitch - lowest] = False
        free[counts >= self.most_at_once] = False
        if shift == 0 and running.notes:
            part, pitch, *_ = running.notes[0]
            free[:part] = False
            free[part, : max(0, pitch + 1 - lowest)] = False
        return free

    def earliest(self, running: RunningContext, wanted: int = 0) -> int | None:
        """The first shift, `wanted` or later, at which some part may begin a note."""
        ends = sorted(note.end - running.onset for note in running.notes if note.end != UNKNOWN)
        shifts = (wanted, max(1, wanted), *(end for end in ends if end > wanted))
        return next((shift for shift in shifts if self.free(shift, running).any()), None)

    def free_of(self, shift: np.ndarray, contexts: Contexts) -> np.ndarray:
        """(B, P, V) `free` of many pieces, each so many steps (B,) from its latest onset."""
        pieces, parts = len(contexts), len(self.playable)
        free = self.playable[None].repeat(pieces, axis=0)
        row, slot = (contexts.notes[..., NUM_UNTIL] > (contexts.onset + shift)[:, None]).nonzero()
        lowest = int(self.pitches[0])
        if len(row):
            note = contexts.notes[row, slot]
            free[row, note[:, NUM_PART], note[:, NUM_PITCH] - lowest] = False
            counts = np.bincount(row * parts + note[:, NUM_PART], minlength=pieces * parts).reshape(pieces, parts)
            free &= (counts < self.most_at_once)[..., None]
        row = ((shift == 0) & (contexts.count > 0)).nonzero()[0]
        if len(row):
            latest = contexts.notes[row, 0]
            own = latest[:, NUM_PART]
            free[row] &= self._from[own, :, None]
            free[row, own] &= self._above[latest[:, NUM_PITCH] - lowest]
        return free

    def earliest_of(self, contexts: Contexts, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(B,) `earliest` of many pieces, each from `wanted` (B,) on, NEVER where no part may ever begin a note; and what is free then, (B, P, V)."""
        shift, following = wanted, np.maximum(1, wanted)
        while True:
            free = self.free_of(shift, contexts)
            is_free = np.logical_or.reduce(free.reshape(len(contexts), -1), axis=1)
            if (is_free | (shift == NEVER)).all():
                return np.where(is_free, shift, NEVER), free
            shift = np.where(is_free, shift, following)
            ends = contexts.notes[..., NUM_END] - contexts.onset[:, None]
            following = np.where(ends > shift[:, None], ends, NEVER).min(axis=1)


def possible(sequence: TokenSequence, grammar: Grammar, running: RunningContext, repeats: bool = True) -> list[np.ndarray | None]:
    """For each field the values that each row of a piece could have had, so that `encode` would have written the rows.

    Beyond the rules of the grammar: a note that ends where its part next begins another is held, so a part begins none where one of its
    latest ends that has a duration, and a piece does not end while a note is held.

    Args:
        running: of the piece, before its first note.
        repeats: whether a pitch may begin where the same pitch of its part has ended; where it may not, a run of a pitch is one note.

    Returns:
        For each of FIELDS (N, V) bool, or None where any value is possible; of `time_shift` (N + 1, V), the last row the end.
    """
    vocabulary, columns = grammar.vocabulary, sequence.notes.T
    is_held = held(sequence.onsets, columns[PART], columns[DURATION]).tolist()
    shifts: list[np.ndarray] = []
    parts: list[np.ndarray] = []
    pitches: list[np.ndarray] = []
    before: list[Sounding] = []  # what sounded when the moment began
    latest: dict[int, int] = {}  # onset of each part's latest notes then
    for onset, (shift, number, pitch, duration, _), goes_on in zip(sequence.onsets.tolist(), sequence.notes.tolist(), is_held, strict=True):
        part = vocabulary.parts.index(sequence.parts[number])
        if shift or not running.notes:
            before, latest = running.notes, latest | {note.part: running.onset for note in running.notes if note.onset == running.onset}
        free = grammar.free(shift, running)
        free[[note.part for note in before if note.end == onset and note.onset == latest[note.part]]] = False
        if not repeats:
            for note in before:
                if note.end in (onset, UNKNOWN):
                    free[note.part, grammar.pitches == note.pitch] = False
        shifts.append(_shifts(grammar, running))
        parts.append(np.any(free, axis=1))
        pitches.append(free[part, :])
        running.add(shift, part, pitch, None if goes_on else duration)
    shifts.append(_shifts(grammar, running))
    masks = {TIME_SHIFT: shifts, PART: parts, PITCH: pitches}
    return [np.array(masks[field]) if field in masks else None for field in range(len(FIELDS))]


def _shifts(grammar: Grammar, running: RunningContext) -> np.ndarray:
    """(V,) the time shifts that can follow, the end of the piece included."""
    known, earliest = np.array(grammar.vocabulary.values[TIME_SHIFT]), grammar.earliest(running)
    begins = known >= earliest if earliest is not None else np.zeros(len(known), bool)
    return np.append(begins, not any(note.end == UNKNOWN for note in running.notes))

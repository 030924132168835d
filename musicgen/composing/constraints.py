"""What may come next: masks over the ids of each field, so that every choice is music that decodes and fits the request.

Conventions: B takes, P parts; masks are (B, V) bool, no row of them empty. What is music at all, `encoding.grammar` says. Where no value of the
vocabulary fits in time, the nearest is offered, and `shift` says what it comes to; where no note fits, the piece ends. What is said of a note
that is none, because the piece has ended, does not matter: then all is allowed.
"""

import numpy as np

from musicgen.encoding.contexts import Contexts
from musicgen.encoding.grammar import Grammar
from musicgen.encoding.vocabulary import DURATION, TIME_SHIFT, Vocabulary
from musicgen.model.engine import log_sum_exp


class Constraints:
    """What holds for all takes of a request, each of which is to fill the bars up to a given step."""

    def __init__(self, alphabet: Vocabulary, playable: np.ndarray, first: int, last_bar: int, end: int) -> None:
        """
        Args:
            playable: (P, V) the pitches that each part may play, at least one in all.
            first: no new note begins before this step.
            last_bar: the piece may end when something sounds after this step.
            end: nothing sounds after this step.
        """
        self.vocabulary = alphabet
        self.first, self.last_bar, self.end = first, last_bar, end
        self.values = [np.array(values) for values in alphabet.values]
        self.grammar = Grammar(alphabet, playable, np.array(alphabet.most_at_once))


class Turn:
    """The next note of each take: what it may be, field by field.

    Attributes:
        shift: (B,) steps to its onset, once it is chosen.
    """

    def __init__(self, constraints: Constraints, contexts: Contexts) -> None:
        self._constraints, self._contexts = constraints, contexts
        self._latest = constraints.end - 1 - contexts.onset  # shift at which a note still fits in
        wanted = np.maximum(0, constraints.first - contexts.onset)
        self._first, self._free = constraints.grammar.earliest_of(contexts, wanted)
        self._earliest = np.minimum(self._first, self._latest + 1)

    def shifts(self) -> np.ndarray:
        """The mask of `time_shift`."""
        vocabulary, known = self._constraints.vocabulary, self._constraints.values[TIME_SHIFT]
        allowed = np.empty((len(self._contexts), len(known) + 1), bool)
        allowed[:, :-1] = (known >= self._earliest[:, None]) & (known <= self._latest[:, None])
        allowed[:, -1] = self._contexts.sounds_until > self._constraints.last_bar
        can_go_on = allowed.any(axis=1)
        if not can_go_on.all():
            stuck = np.flatnonzero(~can_go_on)
            fits = self._earliest[stuck] <= self._latest[stuck]
            allowed[stuck, np.where(fits, vocabulary.nearest(TIME_SHIFT, self._earliest[stuck]), vocabulary.end)] = True
        return allowed

    def ending(self, logits: np.ndarray, allowed: np.ndarray) -> np.ndarray:
        """The logits (B, V) of `time_shift`, where what would begin after the end of the piece ends it, if it may end here.

        Without that the network, which would go on in the next bar, had to squeeze notes in before the end.
        """
        if not allowed[:, -1].any():
            return logits
        beyond = self._constraints.values[TIME_SHIFT] > self._latest[:, None]
        ends = log_sum_exp(np.concatenate((np.where(beyond, logits[:, :-1], -np.inf), logits[:, -1:]), axis=1))
        return np.concatenate((logits[:, :-1], np.where(allowed[:, -1], ends, logits[:, -1])[:, None]), axis=1)

    def choose_shift(self, ids: np.ndarray) -> None:
        """The ids (B,) of `time_shift` are chosen."""
        vocabulary = self._constraints.vocabulary
        self.has_ended = ids == vocabulary.end
        shift = np.minimum(np.maximum(vocabulary.steps(TIME_SHIFT, ids), self._earliest), self._latest)
        self.shift = np.where(self.has_ended, 0, shift)
        onset = self._contexts.onset + self.shift
        self._room = self._constraints.end - onset
        self._may_be_last = (onset >= self._constraints.last_bar) & ~self.has_ended
        if not (self.shift == self._first).all():
            self._free = self._constraints.grammar.free_of(self.shift, self._contexts)
        self._free[self.has_ended] = True

    def parts(self) -> np.ndarray:
        """The mask of `part`."""
        return np.logical_or.reduce(self._free, axis=2)

    def pitches(self, parts: np.ndarray) -> np.ndarray:
        """The mask of `pitch` for the parts (B,) that are chosen."""
        return self._free[self._contexts.rows, parts]

    def durations(self) -> np.ndarray:
        """The mask of `duration`."""
        allowed = np.ones((len(self.shift), self._constraints.vocabulary.sizes[DURATION]), bool)
        allowed[:, :-1] = (self._constraints.values[DURATION] <= self._room[:, None]) | self.has_ended[:, None]
        return allowed

    def last(self) -> np.ndarray:
        """(B, V) which `duration` lets the note last to the end of the piece, if it may be one of the last."""
        last = np.zeros((len(self.shift), self._constraints.vocabulary.sizes[DURATION]), bool)
        last[:, :-1] = (self._constraints.values[DURATION] == self._room[:, None]) & self._may_be_last[:, None]
        return last

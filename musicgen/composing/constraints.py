"""What may come next: masks over the ids of each field, so that every choice is music that decodes and fits the request.

Conventions: masks are (V,) bool and never empty. What is music at all, `encoding.grammar` says. Where no value of the vocabulary fits in time,
the nearest is offered, and `shift` and `duration` say what it comes to; where no note fits, the piece ends.
"""

from collections.abc import Callable
from copy import copy
from typing import Any

import numpy as np

from musicgen.encoding import vocabulary
from musicgen.encoding.context import RunningContext
from musicgen.encoding.grammar import Grammar
from musicgen.encoding.vocabulary import DURATION, PART, TIME_SHIFT, Vocabulary


class Constraints:
    """The masks of one take, which grows by the notes chosen with them and is to fill the bars up to a given step."""

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
        self._known: dict[tuple[str, int], Any] = {}  # what was found of the note that is being chosen
        self._count = -1  # of the notes before it

    def again(self) -> "Constraints":
        """The same, for a take that goes on otherwise."""
        other = copy(self)
        other._known = {}
        return other

    def allowed(self, field: int, note: np.ndarray, running: RunningContext) -> np.ndarray:
        """The mask of one field, given the earlier fields in note (5,)."""
        match field:
            case vocabulary.TIME_SHIFT:
                return self._shifts(running)
            case vocabulary.PART:
                return np.any(self._free(self.shift(note, running), running), axis=1)
            case vocabulary.PITCH:
                return self._free(self.shift(note, running), running)[note[PART]]
            case vocabulary.DURATION:
                return np.append(self.values[DURATION] <= self.end - running.onset - self.shift(note, running), True)
        return np.ones(self.vocabulary.sizes[field], bool)

    def shift(self, note: np.ndarray, running: RunningContext) -> int:
        """Steps to the onset of a note (5,) that is not the end."""
        earliest, latest = self._window(running)
        return int(min(max(self.values[TIME_SHIFT][note[TIME_SHIFT]], earliest), latest))

    def duration(self, note: np.ndarray) -> int | None:
        """Steps that a note (5,) sounds, None where it is held."""
        return None if note[DURATION] == self.vocabulary.held else int(self.values[DURATION][note[DURATION]])

    def _shifts(self, running: RunningContext) -> np.ndarray:
        earliest, latest = self._window(running)
        known = self.values[TIME_SHIFT]
        allowed = np.append((known >= earliest) & (known <= latest), running.sounds_until > self.last_bar)
        if not allowed.any():
            allowed[self.vocabulary.nearest(TIME_SHIFT, np.array(earliest)) if earliest <= latest else self.vocabulary.end] = True
        return allowed

    def _free(self, shift: int, running: RunningContext) -> np.ndarray:
        """(P, V) what each part may begin then."""
        return self._once(("free", shift), running, lambda: self.grammar.free(shift, running))

    def _window(self, running: RunningContext) -> tuple[int, int]:
        """The first shift at which some part may begin a note, and the last at which one still fits in."""
        latest = self.end - 1 - running.onset
        wanted = max(0, self.first - running.onset)
        earliest = self._once(("earliest", wanted), running, lambda: self.grammar.earliest(running, wanted))
        return latest + 1 if earliest is None else earliest, latest

    def _once(self, key: tuple[str, int], running: RunningContext, find: Callable[[], Any]) -> Any:
        """What is asked for several times while a note is chosen, and found once."""
        if running.count != self._count:
            self._known, self._count = {}, running.count
        if key not in self._known:
            self._known[key] = find()
        return self._known[key]

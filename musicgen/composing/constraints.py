"""What may come next: masks over the ids of each field, so that every choice is music that decodes and fits the request.

Conventions: masks are (V,) bool and never empty. A note must come after the one before in the order (onset, part, pitch), must not begin
while the same pitch sounds in its part, and its part must not sound more notes at once than it ever does in the corpus. Where no value of
the vocabulary fits in time, the nearest is offered, and `shift` and `duration` say what it comes to; where no note fits, the piece ends.
A held note ends where its part begins another, so it is in nobody's way but at its own onset.
"""

import numpy as np

from musicgen.encoding import vocabulary
from musicgen.encoding.context import UNKNOWN, RunningContext
from musicgen.encoding.vocabulary import DURATION, PART, PITCH, TIME_SHIFT, Vocabulary


class Constraints:
    """The masks of one take that is to fill the bars up to a given step."""

    def __init__(self, alphabet: Vocabulary, first: int, last_bar: int, end: int) -> None:
        """
        Args:
            first: no new note begins before this step.
            last_bar: the piece may end when something sounds after this step.
            end: nothing sounds after this step.
        """
        self.vocabulary = alphabet
        self.first, self.last_bar, self.end = first, last_bar, end
        self.values = [np.array(values) for values in alphabet.values]
        self.playable = np.array([np.isin(self.values[PITCH], pitches) for pitches in alphabet.pitches])

    def allowed(self, field: int, note: np.ndarray, running: RunningContext) -> np.ndarray:
        """The mask of one field, given the earlier fields in note (5,)."""
        match field:
            case vocabulary.TIME_SHIFT:
                return self._shifts(running)
            case vocabulary.PART:
                return np.array([pitches.any() for pitches in self.free(self.shift(note, running), running)])
            case vocabulary.PITCH:
                return self.free(self.shift(note, running), running)[note[PART]]
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

    def free(self, shift: int, running: RunningContext) -> np.ndarray:
        """(parts, pitches) what each part may begin `shift` steps from now."""
        free = self.playable.copy()
        counts = [0] * len(free)
        lowest = self.values[PITCH][0]
        onset = running.onset + shift
        for part, pitch, begun, end, _ in running.notes:
            if begun == onset if end == UNKNOWN else end > onset:
                free[part, pitch - lowest] = False
                counts[part] += 1
        free[np.array(counts) >= self.vocabulary.most_at_once] = False
        if shift == 0 and running.notes:
            part, pitch, *_ = running.notes[0]
            free[:part] = False
            free[part, : pitch + 1 - lowest] = False
        return free

    def _shifts(self, running: RunningContext) -> np.ndarray:
        earliest, latest = self._window(running)
        known = self.values[TIME_SHIFT]
        allowed = np.append((known >= earliest) & (known <= latest), running.sounds_until > self.last_bar)
        if not allowed.any():
            allowed[self.vocabulary.nearest(TIME_SHIFT, np.array(earliest)) if earliest <= latest else self.vocabulary.end] = True
        return allowed

    def _window(self, running: RunningContext) -> tuple[int, int]:
        """The first shift at which some part may begin a note, and the last at which one still fits in."""
        wanted = max(0, self.first - running.onset)
        latest = self.end - 1 - running.onset
        ends = sorted(note.end - running.onset for note in running.notes if note.end != UNKNOWN)
        for shift in (wanted, max(1, wanted), *(end for end in ends if end > wanted)):
            if self.free(shift, running).any():
                return shift, latest
        return latest + 1, latest

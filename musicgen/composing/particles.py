"""One piece so far, of many that are played at once and weighed."""

from dataclasses import dataclass, replace

from musicgen.composing.givens import Group
from musicgen.composing.playing import History
from musicgen.composing.request import Played
from musicgen.encoding.context import RunningContext


@dataclass(slots=True)
class Particle:
    """One piece so far."""

    running: RunningContext
    dues: dict[int, int]  # by which step a part must begin
    begun: dict[int, int]  # of the groups whose pitches are kept, how many of each part
    placed: int = 0  # of the given notes
    rest: Group = ()  # of the group that is being placed
    history: History = ()
    weight: float = 0.0  # ln
    ahead: float = 0.0  # ln, what of the weight is a guess at what comes, to be taken back
    nats: float = 0.0  # -ln of the probability of all choices
    has_ended: bool = False

    def copy(self) -> "Particle":
        """The same so far; what happens to one does not happen to the other."""
        return replace(self, running=self.running.copy(), dues=self.dues.copy(), begun=self.begun.copy())

    def played(self) -> list[tuple[int, Played]]:
        """The notes that were chosen, each with its part, in order."""
        notes, history = [], self.history
        while history:
            history, part, note = history
            notes.append((part, note))
        return notes[::-1]

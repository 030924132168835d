"""Takes that are judged: played many at once, tried again where they have faults, and ranked.

Conventions: a take with a fault is tried again until it has none, a bounded number of times: each time by other random numbers, and hotter or cooler
by a step where its faults ask for it, hotter for what repeats itself and cooler for what strays. What a try gives depends on the random seed of its
take alone, so that a take among others is the same as the take alone; but for one that is as good as an earlier take, which no take alone can be. Of
tries that all have faults the one with the fewest is kept, of those the one with the shortest copy where copies are limited. Of a seed nothing is
judged: only what was composed after it. Pitches that a part repeats are no fault while nine in ten pieces of the corpus repeat one as often: an
accompaniment does what none of four singing voices would.

Ranks: takes without faults come first, then those whose longest copy is not longer than that of nine in ten held-out pieces, then those that the
model finds about as surprising as held-out music of its corpus.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from musicgen.composing.attempts import WARMEST, Attempt, play_attempts
from musicgen.composing.request import Frame, Request
from musicgen.encoding.hearing import heard_as
from musicgen.judging.faults import FAULTS, Facts, Finding, find_faults
from musicgen.judging.originality import Copied, CorpusIndex, copied
from musicgen.judging.summary import ranges_of
from musicgen.judging.surprise import surprises
from musicgen.judging.twins import Seen
from musicgen.model.engine import Engine
from musicgen.model.file import Model
from musicgen.piece import Piece

TRIES = 12  # after the first
AT_ONCE, BARS_AT_ONCE = 64, 4096  # takes, and bars of all of them together, that are played at once: memory does not grow with their number
WARMER = {  # steps that a fault asks for; others ask for other random numbers alone
    **dict.fromkeys(("one note", "stuck", "held", "loop", "same bars", "twin", "copy"), 1),
    **dict.fromkeys(("silence", "crossing", "idle", "off the eighths", "off the beat"), -1),
}
MEANINGS = {
    **{fault.name: fault.meaning for fault in FAULTS},
    "twin": "as good as identical to an earlier take",
    "copy": "a longer run stands in the corpus than was allowed",
}


@dataclass(frozen=True, slots=True)
class Take:
    """A take as it was kept."""

    piece: Piece
    attempt: Attempt
    faults: tuple[Finding, ...] = ()
    copied: Copied | None = None  # None without an index
    nats_per_note: float | None = None
    rejected: tuple[tuple[str, ...], ...] = ()  # of each try before, its faults

    @property
    def names(self) -> tuple[str, ...]:
        """Its faults, each once."""
        return tuple(dict.fromkeys(fault.fault for fault in self.faults))

    @property
    def copy_length(self) -> int:
        """Notes of a copy that is longer than was allowed, as it is in each of its tries; 0 where there is none."""
        return max((int(fault.amount) for fault in self.faults if fault.fault == "copy"), default=0)


class Judge:
    """What is wrong with takes of one request. Raises RequestError."""

    def __init__(self, model: Model, request: Request, index: CorpusIndex | None = None, max_copy: int | None = None) -> None:
        frame = Frame(model, request)
        self.model, self.request, self.index, self.max_copy = model, request, index, max_copy
        self.given = 0 if request.drop_seed else frame.first_line  # step of the bar line before what is composed
        self._given_bars = 0 if request.seed is None or request.drop_seed else frame.full_bars
        self._fewest = _fewest_parts(index, int(frame.guide.playable.any(axis=1).sum()))
        self._usual = _usual_repeats(index)

    @cached_property
    def engine(self) -> Engine:
        """For figures, which are the same to the bit for a take alone and among others."""
        return self.model.engine

    def faults(self, piece: Piece) -> tuple[Finding, ...]:
        """All that is wrong with what was composed."""
        moved = piece.between(self.given) if self.given else piece
        numbers = [number for number, part in enumerate(moved.parts) if part.notes]
        ours = replace(moved, parts=tuple(moved.parts[number] for number in numbers))
        ranges = ranges_of(ours, self.model.configuration.vocabulary) if self.request.seed is None else ()
        facts = Facts(self.request.bars - self._given_bars, self._fewest, ranges, self.request.closes, self._usual)
        found = [
            fault._replace(bar=None if fault.bar is None else fault.bar + self._given_bars, part=None if fault.part is None else numbers[fault.part])
            for fault in find_faults(ours, facts)
        ]
        if self.index is not None and self.max_copy is not None and (notes := copied(ours, self.index).num_notes) > self.max_copy:
            found.append(Finding("copy", notes, None, None))
        return tuple(found)


def play_takes(judge: Judge, random_seeds: Sequence[int], tries: int = TRIES) -> Iterator[Take]:
    """A take for each random seed, in order."""
    if not judge.request.has_chance:
        tries = 0  # another try would be the same
    seen = Seen()
    size = max(1, min(AT_ONCE, BARS_AT_ONCE // judge.request.bars))
    for start in range(0, len(random_seeds), size):
        takes = _tried(judge, [Take(Piece(()), Attempt(random_seed)) for random_seed in random_seeds[start : start + size]], tries)
        yield from _told(judge, [_unlike(judge, take, seen, tries) for take in takes])


def _tried(judge: Judge, takes: list[Take], tries: int) -> list[Take]:
    """Takes of which the tries are not played yet, each tried until it has no fault."""
    best: dict[int, Take] = {}
    waiting = dict(enumerate(takes))
    while waiting:
        pieces = play_attempts(judge.model, judge.request, [take.attempt for take in waiting.values()])
        again: dict[int, Take] = {}
        for (number, take), piece in zip(waiting.items(), pieces, strict=True):
            played = replace(take, piece=piece, faults=judge.faults(piece))
            if number not in best or _badness(played) < _badness(best[number]):
                best[number] = played
            if played.faults and played.attempt.number < tries:
                again[number] = _again(played)
        waiting = again
    return [best[number] for number in range(len(takes))]


def _badness(take: Take) -> tuple[int, int]:
    """What the tries of a take are compared by: how many faults it has, and how long the copy is that is one of them."""
    return len(take.names), take.copy_length


def _again(take: Take) -> Take:
    """The next try of a take with faults."""
    asked = sum(WARMER.get(name, 0) for name in take.names)
    warmer = int(np.clip(take.attempt.warmer + np.sign(asked), -WARMEST, WARMEST))
    return replace(take, attempt=Attempt(take.attempt.random_seed, take.attempt.number + 1, warmer), rejected=(*take.rejected, take.names))


def _unlike(judge: Judge, take: Take, seen: Seen, tries: int) -> Take:
    """The take, or the first of its further tries that no earlier take is like."""
    share = seen.share(take.piece)
    while share is not None and take.attempt.number < tries:
        (take,) = _tried(judge, [_again(_twin(take, share))], tries)
        share = seen.share(take.piece)
    seen.add(take.piece)
    return take if share is None else _twin(take, share)


def _twin(take: Take, share: float) -> Take:
    return replace(take, faults=(*take.faults, Finding("twin", share, None, None)))


def _told(judge: Judge, takes: list[Take]) -> Iterator[Take]:
    """The takes with their figures."""
    found = surprises(judge.engine, [take.piece for take in takes], heard_as)
    for take, surprise in zip(takes, found, strict=True):
        nats = float(surprise.nats.sum()) / surprise.num_notes if surprise.num_notes else None
        yield replace(take, nats_per_note=nats, copied=copied(take.piece, judge.index) if judge.index else None)


def ranks(takes: Iterable[Take], model: Model, index: CorpusIndex | None) -> list[int]:
    """The place of each take, from 1 for the best."""
    usual = index.usual.num_notes[1] if index is not None and index.usual is not None else np.inf

    def key(take: Take) -> tuple:
        odd = abs((take.nats_per_note or np.inf) - model.held_out_nats_per_note)
        return len(take.names), (take.copied.num_notes if take.copied else 0) > usual, odd, take.attempt.random_seed

    every = list(takes)
    order = sorted(range(len(every)), key=lambda number: key(every[number]))
    return [order.index(number) + 1 for number in range(len(every))]


def _usual_repeats(index: CorpusIndex | None) -> dict[str, float]:
    """Of the faults that are pitches repeated, how much nine in ten pieces of the corpus have at most."""
    repeats = np.ones((0, 2)) if index is None else index.lines.of_one_pitch()
    return dict(zip(("one note", "stuck"), np.percentile(repeats, 90, axis=0).tolist(), strict=True)) if len(repeats) else {}


def _fewest_parts(index: CorpusIndex | None, playing: int) -> int | None:
    """Parts that the smallest piece of the corpus has, of those that may play."""
    if index is None or not len(index.lines.owners):
        return None
    return min(playing, int(np.unique(index.lines.owners[:, 0], return_counts=True)[1].min()))

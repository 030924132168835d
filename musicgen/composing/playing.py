"""Takes of one request that are played together, note by note.

Conventions: B takes. A take draws its random numbers from a generator of its own, one number a field, and no row of any array depends on the
others: so a take among others is the same as the take alone.
"""

from dataclasses import dataclass, replace

import numpy as np

from musicgen.composing.constraints import Turn
from musicgen.composing.density import factors, mean_shift, with_mean_shift
from musicgen.composing.request import Frame, Played
from musicgen.composing.sampling import sample
from musicgen.encoding.context import BEFORE, NOTHING, Context
from musicgen.encoding.contexts import Contexts
from musicgen.encoding.vocabulary import DURATION, PART, PITCH, TIME_SHIFT, VELOCITY
from musicgen.model.engine import Engine, State, log_sum_exp

CLOSING = 4.0  # nats that a note gains in an ending if it lasts to the end of the piece; its take loses them
History = tuple  # (History, part, Played): the latest note and all before it; () before the first


@dataclass(slots=True)
class Takes:
    """Takes while they are played."""

    randoms: list[np.random.Generator]
    histories: list[History]
    numbers: np.ndarray  # (B,) rising, by which the takes are known
    contexts: Contexts
    state: State
    previous: np.ndarray  # (B, 5) the note before
    weight: np.ndarray  # (B,) ln of how much probability the network gave to what the constraints left
    quarters: np.ndarray  # (B,) that the network, at each note, meant to wait for it
    has_ended: np.ndarray  # (B,) bool

    @classmethod
    def begin(cls, randoms: list[np.random.Generator], contexts: Contexts, state: State, previous: np.ndarray) -> "Takes":
        """As many takes as there are generators, which all begin alike: the contexts, state and previous note are those of one."""
        rows = np.zeros(len(randoms), np.int64)
        numbers, zeros = np.arange(len(rows)), np.zeros(len(rows))
        histories: list[History] = [() for _ in rows]
        heard = contexts.select(rows), [array[rows] for array in state], previous[rows]
        return cls(randoms, histories, numbers, *heard, zeros, zeros, rows > 0)

    def __len__(self) -> int:
        return len(self.numbers)

    def select(self, rows: np.ndarray) -> "Takes":
        """Some of them, or the same several times; those then share their generators."""
        return Takes(
            [self.randoms[row] for row in rows],
            [self.histories[row] for row in rows],
            self.numbers[rows],
            self.contexts.select(rows),
            [array[rows] for array in self.state],
            self.previous[rows],
            self.weight[rows],
            self.quarters[rows],
            self.has_ended[rows],
        )

    @staticmethod
    def joined(several: list["Takes"]) -> "Takes":
        """All of several, by their numbers."""
        columns = ([getattr(one, name) for one in several] for name in ("numbers", "previous", "weight", "quarters", "has_ended"))
        numbers, *arrays = (np.concatenate(column) for column in columns)
        state = [np.concatenate(arrays) for arrays in zip(*(one.state for one in several), strict=True)]
        contexts = Contexts.joined([one.contexts for one in several])
        randoms = [random for one in several for random in one.randoms]
        whole = Takes(randoms, [history for one in several for history in one.histories], numbers, contexts, state, *arrays)
        return whole.select(numbers.argsort(kind="stable"))

    def again(self, randoms: list[np.random.Generator]) -> "Takes":
        """Each take several times, one after the other, to go on by these random numbers; they are known by new numbers, and weigh nothing yet."""
        several = self.select(np.repeat(np.arange(len(self)), len(randoms) // len(self)))
        return replace(several, randoms=randoms, numbers=np.arange(len(randoms)), weight=np.zeros(len(randoms)))


class Player:
    """Lets takes of one request go on."""

    def __init__(self, engine: Engine, frame: Frame) -> None:
        self.engine, self.frame, self.vocabulary = engine, frame, engine.vocabulary
        self._constraints = frame.constraints()
        self._heard = 0  # notes of the seed

    def begin(self, randoms: list[np.random.Generator]) -> Takes:
        """Takes that have heard the seed's notes that the model can hear."""
        frame, vocabulary, one = self.frame, self.vocabulary, np.ones(1, np.int64)
        contexts = Contexts(frame.header.meters, vocabulary, self.engine.configuration.slots, 1)
        state, previous = self.engine.start(1), np.array([vocabulary.sizes])
        for row, onset, duration in frame.heard():
            state = self.engine.step(state, previous, _before(contexts))
            pitch = vocabulary.values[PITCH][row[PITCH]]
            contexts.add(*(number * one for number in (onset - int(contexts.onset[0]), int(row[PART]), pitch, duration)))
            previous = row[None]
        self._heard = int(contexts.count[0])
        if frame.request.drop_seed:
            contexts.sounds_until[:] = 0  # what is left out fills no bar
        return Takes.begin(randoms, contexts, state, previous)

    def play(self, takes: Takes, until: int, weighs: bool = False) -> Takes:
        """Let each take go on until its latest onset is `until` or later, or it ends."""
        stopped: list[Takes] = []
        while len(takes):
            stops = takes.has_ended | (takes.contexts.onset >= until)
            if stops.any():
                stopped.append(takes.select(stops.nonzero()[0]))
                takes = takes.select((~stops).nonzero()[0])
            if len(takes):
                self.step(takes, weighs)
        return Takes.joined(stopped)

    def step(self, takes: Takes, weighs: bool = False) -> None:
        """One more note of every take, none of which has ended, or its end; `weighs` keeps the weights."""
        contexts = takes.contexts
        now = _before(contexts)
        takes.state = self.engine.step(takes.state, takes.previous, now)
        turn = Turn(self._constraints, contexts)
        note = self._choose(takes, turn, now, weighs)
        takes.previous, takes.has_ended = note, turn.has_ended
        pitch, duration, velocity = (self.vocabulary.steps(field, note[:, field]) for field in (PITCH, DURATION, VELOCITY))
        contexts.add(turn.shift, note[:, PART], pitch, duration)  # what that makes of a take that has ended, nobody asks
        columns = (turn.has_ended, note[:, PART], contexts.onset, pitch, duration, velocity)
        for row, (ended, part, onset, *said) in enumerate(zip(*(column.tolist() for column in columns), strict=True)):
            if not ended:
                takes.histories[row] = takes.histories[row], part, Played(onset, said[0], said[1] or None, said[2])

    def _choose(self, takes: Takes, turn: Turn, now: Context, weighs: bool) -> np.ndarray:
        """The next note of every take, (B, 5)."""
        engine, guide, request, contexts = self.engine, self.frame.guide, self.frame.request, takes.contexts
        note = np.zeros((len(takes), len(self.vocabulary.sizes)), np.int64)
        features, places = engine.features(takes.state), self.frame.places(contexts.onset) if guide.warms else None
        uniforms = np.array([random.random(len(self.vocabulary.active)) for random in takes.randoms])
        for column, field in enumerate(self.vocabulary.active):
            if field == PART:
                place, bar = contexts.place_at(contexts.onset + turn.shift)
                now = now._replace(next_place=place, next_bar=bar)
            elif column and self.vocabulary.active[column - 1] <= PART:  # all that is known of a note before its pitch is
                now = Context(*now[: len(BEFORE)], *contexts.at(turn.shift, note[:, PART]))
            allowed = self._allowed(field, turn, note)
            if field > TIME_SHIFT and not weighs and np.count_nonzero(allowed) == len(takes):
                note[:, field] = allowed.argmax(axis=1)  # each take has one choice
                continue
            logits = engine.logits(field, features, note, now)
            total = log_sum_exp(logits) if weighs else 0.0
            if field == TIME_SHIFT:
                said, logits = logits[:, -1], turn.ending(logits, allowed)
                to_end = said - logits[:, -1]  # ln of how much of that the end itself is
            if field == DURATION and weighs:
                last = turn.last()
                logits = logits + CLOSING * last
            if weighs:
                takes.weight += log_sum_exp(np.where(allowed, logits, -np.inf)) - total
            if (bias := guide.bias(field, note[:, PART])) is not None:
                logits = logits + bias
            if field == TIME_SHIFT and request.density is not None:
                logits = self._dense(logits, allowed, takes)
            filters = {"top_k": request.top_k, "top_p": request.top_p, "min_p": request.min_p}
            note[:, field] = sample(logits, allowed, uniforms[:, column], temperature=guide.temperatures(field, places), **filters)
            if field == DURATION and weighs:
                takes.weight -= CLOSING * last[contexts.rows, note[:, DURATION]]
            if field == TIME_SHIFT:
                turn.choose_shift(note[:, TIME_SHIFT])
                if turn.has_ended.any():
                    takes.weight += np.where(turn.has_ended, to_end, 0)
        return note

    def _allowed(self, field: int, turn: Turn, note: np.ndarray) -> np.ndarray:
        if field == TIME_SHIFT:
            return turn.shifts()
        if field == PART:
            return turn.parts()
        if field == PITCH:
            return turn.pitches(note[:, PART])
        if field == DURATION:
            return turn.durations()
        return np.ones((len(note), self.vocabulary.sizes[field]), bool)

    def _dense(self, logits: np.ndarray, allowed: np.ndarray, takes: Takes) -> np.ndarray:
        """The logits (B, V) of time_shift with the density that is asked for."""
        density, shifts = self.frame.request.density, self.frame.quarters
        assert density is not None
        own = mean_shift(logits, allowed, shifts)
        takes.quarters = takes.quarters + own
        if density.is_relative:
            return with_mean_shift(logits, allowed, shifts, own / density.amount)
        played = takes.contexts.count - self._heard
        left = self.frame.quarters_left(takes.contexts.onset)
        return with_mean_shift(logits, allowed, shifts, own / factors(self.frame.notes_wanted - played, left, takes.quarters / (played + 1)))


def _before(contexts: Contexts) -> Context:
    """What is known before anything is said of a note."""
    return Context(*contexts.before(), *[np.full(len(contexts), NOTHING)] * (len(Context._fields) - len(BEFORE)))

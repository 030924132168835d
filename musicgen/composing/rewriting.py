"""A piece of which some is kept -> the same with the rest new: a particle filter over the network's states.

Conventions: N particles play at once, each a piece so far. The target is the Feynman-Kac measure (Del Moral 2004) of a sequence model M and
potentials G. M draws a field from what the network says, within what may stand there (`masks`), by temperature; G is the share of the
network's probability, at temperature 1, that lies on what may stand there. What is given is the one thing that may stand there when its turn has
come, and until then nothing that would come later may: so G is what the network gives to the kept notes, and to there being no others before them.
At temperature 1 the measure is the network's own posterior given what is kept, and the mean weight an unbiased estimate of the evidence.

Particles are not compared at equal numbers of notes but at the same place in the piece: when all given notes of an onset have been played (with
pitches to be placed, from beat to beat). Then, if the effective sample size is below half of N, they are resampled systematically. That each
particle comes to that place by a number of steps of its own does no harm to the estimate (Chen, Xie and Liu 2005, Stopping-time resampling).

Sources: Doucet and Johansen 2009, A tutorial on particle filtering and smoothing; Chopin and Papaspiliopoulos 2020, An introduction to sequential
Monte Carlo; Lew et al. 2023, Sequential Monte Carlo steering of large language models.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from musicgen.composing.givens import Givens, Rewriting
from musicgen.composing.masks import Rules, Turn
from musicgen.composing.particles import Particle
from musicgen.composing.sampling import sample
from musicgen.encoding.context import BEFORE, Context, RunningContext, stacked
from musicgen.encoding.vocabulary import PART, PITCH, TIME_SHIFT
from musicgen.model.engine import Engine, State, log_sum_exp
from musicgen.model.file import Model
from musicgen.piece import Piece

LEAST_EFFECTIVE = 0.5  # of the particles, before they are resampled


class Checkpoint(NamedTuple):
    """A place where particles are compared."""

    onset: int  # steps
    effective: float  # sample size, 1..N
    is_resampled: bool


class Place(NamedTuple):
    """A place that every particle comes to."""

    onset: int  # steps
    placed: int  # given notes that have been played there
    ends: bool = False  # the piece has ended

    def is_reached(self, particle: Particle) -> bool:
        if particle.has_ended:
            return True
        return not self.ends and particle.placed >= self.placed and particle.running.onset >= self.onset


@dataclass(frozen=True, slots=True)
class Rewritten:
    """What came of it."""

    piece: Piece
    num_new: int  # notes that were chosen
    num_as_before: int  # of them, those that turned out as they were
    checkpoints: tuple[Checkpoint, ...]
    log_evidence: float  # ln of how probable the network finds what is kept, an estimate
    nats: float  # -ln of the probability of all that was played from the region's beginning on, kept notes included
    notices: tuple[str, ...]


def rewrite(model: Model, rewriting: Rewriting, random_seed: int, progress: Callable[[list[Place]], Iterable[Place]] = list) -> Rewritten:
    """Play the piece with what is new in it. Raises RequestError."""
    givens = Givens(model, rewriting)
    swarm = Swarm(model.engine, givens, rewriting.particles, np.random.default_rng(random_seed))
    for place in progress(swarm.places()):
        swarm.play(place)
    chosen = swarm.draw()
    played = chosen.played()
    after = givens.rewritten(played)
    as_before = givens.num_as_before(after)
    return Rewritten(after, len(played), as_before, tuple(swarm.checkpoints), float(swarm.log_evidence), chosen.nats, tuple(givens.notices))


class Swarm:
    """The particles, and the engine's state of each."""

    def __init__(self, engine: Engine, givens: Givens, particles: int, rng: np.random.Generator, least_effective: float = LEAST_EFFECTIVE) -> None:
        """`least_effective`: with 0 the particles are never resampled, so that each plays by itself."""
        self.engine, self.givens, self.rules, self.rng, self.least_effective = engine, givens, Rules(givens), rng, least_effective
        self.checkpoints: list[Checkpoint] = []
        state, previous, running = self._hear()
        first = Particle(running, givens.dues.copy(), dict.fromkeys(givens.queues, 0))
        first.ahead = first.weight = self.rules.ahead(first)
        self.particles = [first.copy() for _ in range(particles)]
        self.log_evidence = -first.weight
        self.state, self.previous = [np.repeat(array, particles, 0) for array in state], np.repeat(previous, particles, 0)

    def _hear(self) -> tuple[State, np.ndarray, RunningContext]:
        """The state, the last note (1, 5) and the context after the notes before the region."""
        vocabulary, configuration = self.givens.vocabulary, self.engine.configuration
        running = RunningContext(self.givens.piece.meters, vocabulary, configuration.slots)
        state, previous = self.engine.start(1), np.array([vocabulary.sizes], np.int32)
        for given in self.givens.heard:
            state = self.engine.step(state, previous, _now([running]))
            shift = given.onset - running.onset
            running.add(shift, given.part, vocabulary.values[PITCH][given.ids[PITCH]], given.duration)
            previous = given.ids[None].copy()
            previous[0, TIME_SHIFT] = self.rules.nearest(shift)
        return state, previous, running

    def places(self) -> list[Place]:
        """Where particles are compared."""
        givens = self.givens
        onsets = [given.onset for given in givens.given]
        beats = range(givens.start, givens.end, givens.piece.steps_per_quarter)[1:] if givens.queues else ()
        places = [Place(onset, int(np.searchsorted(onsets, onset, side="right"))) for onset in sorted({*onsets, *beats})]
        return [*places, *([Place(givens.end, len(onsets), True)] if givens.closes else [])]

    def play(self, place: Place) -> None:
        """Let every particle come to a place, and compare them there."""
        self._play(place)
        for particle in self.particles:
            ahead = self.rules.ahead(particle)
            particle.weight += ahead - particle.ahead
            particle.ahead = ahead
        weights = np.array([particle.weight for particle in self.particles])
        shares = np.exp(weights - weights.max())
        shares /= shares.sum()
        effective = float(1 / (shares**2).sum())
        is_resampled = effective < self.least_effective * len(weights)
        self.checkpoints.append(Checkpoint(place.onset, effective, is_resampled))
        if is_resampled:
            self.log_evidence += log_mean_exp(weights)
            self._resample(systematic(shares, self.rng.random()))

    def _resample(self, ancestors: np.ndarray) -> None:
        self.particles = [self.particles[ancestor].copy() for ancestor in ancestors]
        for particle in self.particles:
            particle.weight = 0.0
        self.state, self.previous = [array[ancestors] for array in self.state], self.previous[ancestors]

    def _play(self, place: Place) -> None:
        rows = np.array([row for row, particle in enumerate(self.particles) if not place.is_reached(particle)], np.int64)
        while len(rows):
            playing = [self.particles[row] for row in rows]
            now = _now([particle.running for particle in playing])
            state = self.engine.step([array[rows] for array in self.state], self.previous[rows], now)
            turns = [Turn(self.rules, particle) for particle in playing]
            notes = self._choose(turns, state, now)
            for array, stepped in zip(self.state, state, strict=True):
                array[rows] = stepped
            self.previous[rows] = notes
            for turn, note in zip(turns, notes, strict=True):
                if note[TIME_SHIFT] == self.givens.vocabulary.end:
                    turn.particle.has_ended = True
                else:
                    turn.add(note)
            rows = rows[[not place.is_reached(particle) for particle in playing]]

    def _choose(self, turns: list[Turn], state: State, now: Context) -> np.ndarray:
        """The next note of particles, (B, 5), and what it does to their weights."""
        vocabulary = self.engine.vocabulary
        notes = np.zeros((len(turns), len(vocabulary.sizes)), np.int32)
        features = self.engine.features(state)
        lost, nats = np.zeros(len(turns)), np.zeros(len(turns))
        goes_on = np.ones(len(turns), bool)
        for column, field in enumerate(vocabulary.active):
            if column and vocabulary.active[column - 1] <= PART:  # its onset, and then its part, is known now
                at = zip(*(turn.running.at(turn.shift, int(note[PART])) for turn, note in zip(turns, notes, strict=True)), strict=True)
                now = Context(*now[: len(BEFORE)], *(np.array(values) for values in at))
            logits = self.engine.logits(field, features, notes, now).astype(np.float64)
            allowed = np.ones(logits.shape, bool)
            for row in np.flatnonzero(goes_on):
                allowed[row] = turns[row].allowed(field, notes[row])
            notes[:, field] = sample(logits, allowed, self.rng.random(len(turns)), temperature=self.givens.rewriting.temperature)
            total = log_sum_exp(logits)
            lost += total - log_sum_exp(np.where(allowed, logits, -np.inf))
            nats += (total - np.take_along_axis(logits, notes[:, field, None], axis=1)[:, 0]) * goes_on
            if field == TIME_SHIFT:
                goes_on = notes[:, TIME_SHIFT] != vocabulary.end
                for row in np.flatnonzero(goes_on):
                    turns[row].choose_shift(int(notes[row, TIME_SHIFT]))
        for turn, off, surprise in zip(turns, lost.tolist(), nats.tolist(), strict=True):
            turn.particle.weight -= off
            turn.particle.nats += surprise
        return notes

    def draw(self) -> Particle:
        """One particle, by its weight."""
        weights = np.array([particle.weight for particle in self.particles])
        self.log_evidence += log_mean_exp(weights)
        shares = np.exp(weights - weights.max())
        return self.particles[int(systematic(shares / shares.sum(), self.rng.random())[self.rng.integers(len(shares))])]


def _now(contexts: list[RunningContext]) -> Context:
    """A row for each particle, nothing being said of the next note yet."""
    return stacked([(*context.before(), *context.at(0, 0)) for context in contexts], contexts[0].slots)


def systematic(shares: np.ndarray, uniform: float) -> np.ndarray:
    """(N,) the ancestors of N particles, each as often as its share (N,) of them, rounded up or down (Kitagawa 1996)."""
    count = len(shares)
    return np.minimum(np.searchsorted(np.cumsum(shares), (np.arange(count) + uniform) / count, side="right"), count - 1)


def log_mean_exp(logs: np.ndarray) -> float:
    """ln of the mean of numbers given as ln."""
    return float(log_sum_exp(logs[None])[0]) - float(np.log(len(logs)))

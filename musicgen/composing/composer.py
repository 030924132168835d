"""Model -> pieces: the loop that plays, note by note, any number of takes at once.

Conventions: take i of a request draws its random numbers from random seed + i, one number a field, so that a take among others is the same
as the take alone. A seed's notes are heard by the network as the nearest its vocabulary has, and stand in the result as they are.

A piece of a given length is to close there, not to be cut off. A network looks back only, so the last bars are played several times, and of these
endings the one is kept to which the network gives the most probability, of what the length rules out and of the end where it stands: importance
weights, as in sequential Monte Carlo (Doucet, de Freitas and Gordon 2001), of which the greatest is taken.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from musicgen.composing.constraints import Constraints
from musicgen.composing.density import factors, mean_shift, with_mean_shift
from musicgen.composing.request import Frame, Played, Request
from musicgen.composing.sampling import sample
from musicgen.encoding.context import BEFORE, Context, RunningContext, stacked
from musicgen.encoding.vocabulary import DURATION, PART, PITCH, TIME_SHIFT, VELOCITY, Vocabulary
from musicgen.model.engine import Engine, State, log_sum_exp
from musicgen.model.file import Model
from musicgen.piece import Piece

ENDINGS = 32  # of each take
CLOSED_AT_ONCE = 16  # takes, so that memory does not grow with their number


@dataclass(slots=True)
class _Take:
    """One take while it is played."""

    random_seed: int
    random: np.random.Generator
    running: RunningContext
    constraints: Constraints
    notes: list[list[Played]]  # of each part of the vocabulary
    weight: float = 0.0  # ln of how much probability the network gave to what the constraints left
    quarters: float = 0.0  # that the network, at each note, meant to wait for it
    has_ended: bool = False

    @classmethod
    def new(cls, random_seed: int, running: RunningContext, constraints: Constraints) -> "_Take":
        """A take before its first note."""
        return cls(random_seed, np.random.default_rng(random_seed), running, constraints, [[] for _ in constraints.vocabulary.parts])

    def add(self, row: np.ndarray, vocabulary: Vocabulary) -> None:
        """A note (5,) has been chosen."""
        shift = self.constraints.shift(row, self.running)
        duration = self.constraints.duration(row)
        pitch, velocity = vocabulary.values[PITCH][row[PITCH]], vocabulary.values[VELOCITY][row[VELOCITY]]
        self.running.add(shift, int(row[PART]), pitch, duration)
        self.notes[row[PART]].append(Played(self.running.onset, pitch, duration, velocity))

    def again(self, number: int) -> "_Take":
        """A take that begins like this one and goes on by other random numbers, those of its number."""
        random = np.random.default_rng((self.random_seed, number))
        return replace(
            self,
            random=random,
            running=self.running.copy(),
            constraints=self.constraints.again(),
            notes=[list(part) for part in self.notes],
            weight=0.0,
        )


def compose(model: Model, request: Request, random_seed: int, takes: int = 1) -> list[Piece]:
    """Play takes of a request, from this random seed on. Raises RequestError."""
    return compose_each(model, request, range(random_seed, random_seed + takes))


def compose_each(model: Model, request: Request, random_seeds: Sequence[int]) -> list[Piece]:
    """Play a take of a request for each random seed, all at once. Raises RequestError."""
    engine, frame = model.engine(), Frame(model, request)
    heard, last, running = _hear(frame, engine)
    takes = len(random_seeds)
    every = [_Take.new(random_seed, running.copy(), frame.constraints()) for random_seed in random_seeds]
    state, previous = [np.repeat(array, takes, 0) for array in heard], np.repeat(last, takes, 0)
    if request.closes and request.has_chance:
        state, previous = _play(engine, every, state, previous, frame, frame.ending)
        closed = []
        for start in range(0, takes, CLOSED_AT_ONCE):
            some = slice(start, start + CLOSED_AT_ONCE)
            closed += _closed(engine, every[some], [array[some] for array in state], previous[some], frame, frame.end)
        every = closed
    else:
        _play(engine, every, state, previous, frame, frame.end)
    return [frame.piece(take.notes, f"{model.corpus.name} {take.random_seed}") for take in every]


def _closed(engine: Engine, takes: list[_Take], state: State, previous: np.ndarray, frame: Frame, end: int) -> list[_Take]:
    """For each take the likeliest of several endings. The arguments are those of `_play`."""
    endings = [[take.again(number) for number in range(ENDINGS)] for take in takes]
    state, previous = [np.repeat(array, ENDINGS, 0) for array in state], np.repeat(previous, ENDINGS, 0)
    _play(engine, [ending for several in endings for ending in several], state, previous, frame, end, weighs=True)
    return [max(several, key=lambda ending: ending.weight) for several in endings]


def _play(
    engine: Engine, takes: list[_Take], state: State, previous: np.ndarray, frame: Frame, until: int, weighs: bool = False
) -> tuple[State, np.ndarray]:
    """Let each take go on until its latest onset is `until` or later, or it ends.

    Returns:
        The engine's state and the note before (B, 5) of each take, then.
    """
    vocabulary = engine.vocabulary
    after, last = [array.copy() for array in state], previous.copy()
    rows = np.array([row for row, take in enumerate(takes) if take.running.onset < until and not take.has_ended], np.int64)
    while len(rows):
        playing = [takes[row] for row in rows]
        now = _now([take.running for take in playing])
        state = engine.step([array[rows] for array in after], last[rows], now)
        note = _choose(engine, playing, state, now, frame, weighs)
        goes_on = note[:, TIME_SHIFT] != vocabulary.end
        for array, stepped in zip(after, state, strict=True):
            array[rows] = stepped
        last[rows] = note
        for take, row, on in zip(playing, note, goes_on, strict=True):
            if on:
                take.add(row, vocabulary)
            else:
                take.has_ended = True
        rows = rows[goes_on & np.array([take.running.onset < until for take in playing])]
    return after, last


def _now(contexts: list[RunningContext]) -> Context:
    """A row for each take, nothing being said of the next note yet."""
    return stacked([(*context.before(), *context.at(0, 0)) for context in contexts], contexts[0].slots)


def _choose(engine: Engine, playing: list[_Take], state: State, now: Context, frame: Frame, weighs: bool) -> np.ndarray:
    """The next note of every take, (B, 5); `weighs` keeps the weights of the takes."""
    vocabulary: Vocabulary = engine.vocabulary
    note = np.zeros((len(playing), len(vocabulary.sizes)), np.int32)
    features = engine.features(state)
    guide, request = frame.guide, frame.request
    settings = {"top_k": request.top_k, "top_p": request.top_p, "min_p": request.min_p}
    places = np.array([frame.place(take.running.onset) for take in playing])
    for field in vocabulary.active:
        if field > TIME_SHIFT:
            at = zip(*(_at(take, row, vocabulary) for take, row in zip(playing, note, strict=True)), strict=True)
            now = Context(*now[: len(BEFORE)], *(np.array(column) for column in at))
        logits = engine.logits(field, features, note, now)
        allowed = np.array([_allowed(take, field, row, vocabulary) for take, row in zip(playing, note, strict=True)])
        uniforms = np.array([take.random.random() for take in playing])
        if weighs:
            for take, lost in zip(playing, log_sum_exp(logits) - log_sum_exp(np.where(allowed, logits, -np.inf)), strict=True):
                take.weight -= float(lost)
        if (bias := guide.bias(field, note[:, PART])) is not None:
            logits = logits + bias
        if field == TIME_SHIFT and request.density is not None:
            logits = _dense(logits, allowed, playing, frame)
        note[:, field] = sample(logits, allowed, uniforms, temperature=guide.temperatures(field, places), **settings)
    return note


def _dense(logits: np.ndarray, allowed: np.ndarray, playing: list[_Take], frame: Frame) -> np.ndarray:
    """The logits (B, V) of time_shift with the density that is asked for."""
    density, shifts = frame.request.density, frame.quarters
    assert density is not None
    own = mean_shift(logits, allowed, shifts)
    for take, quarters in zip(playing, own, strict=True):
        take.quarters += quarters
    if density.is_relative:
        return with_mean_shift(logits, allowed, shifts, own / density.amount)
    played = np.array([sum(map(len, take.notes)) for take in playing])
    usual = np.array([take.quarters for take in playing]) / (played + 1)
    left = np.array([frame.quarters_left(take.running.onset) for take in playing])
    return with_mean_shift(logits, allowed, shifts, own / factors(frame.notes_wanted - played, left, usual))


def _at(take: _Take, row: np.ndarray, vocabulary: Vocabulary) -> tuple:
    """What the context says of a note (5,) whose onset is chosen."""
    shift = 0 if row[TIME_SHIFT] == vocabulary.end else take.constraints.shift(row, take.running)
    return take.running.at(shift, int(row[PART]))


def _allowed(take: _Take, field: int, row: np.ndarray, vocabulary: Vocabulary) -> np.ndarray:
    """The mask of a field; what is said of a note that is none, because the piece has ended, does not matter."""
    if field > TIME_SHIFT and row[TIME_SHIFT] == vocabulary.end:
        return np.ones(vocabulary.sizes[field], bool)
    return take.constraints.allowed(field, row, take.running)


def _hear(frame: Frame, engine: Engine) -> tuple[State, np.ndarray, RunningContext]:
    """The engine's state, the last note (1, 5) and the context after the seed's notes that the model can hear."""
    running = RunningContext(frame.header.meters, frame.vocabulary, engine.configuration.slots)
    state, previous = engine.start(1), np.array([frame.vocabulary.sizes], np.int32)
    onsets = frame.sequence.onsets.tolist()
    notes = [(onset, *row) for onset, row in zip(onsets, frame.sequence.notes.tolist(), strict=True) if frame.matches[row[PART]] is not None]
    for row, (onset, _, _, _, duration, _) in zip(frame.vocabulary.ids(frame.sequence, frame.matches, frame.first), notes, strict=True):
        state = engine.step(state, previous, _now([running]))
        held = row[DURATION] == frame.vocabulary.held and onset + duration < frame.first
        pitch = frame.vocabulary.values[PITCH][row[PITCH]]
        running.add(onset - running.onset, int(row[PART]), pitch, None if held else duration)
        previous = row[None]
    if frame.request.drop_seed:
        running.sounds_until = 0  # what is left out fills no bar
    return state, previous, running

"""Model -> pieces: the loop that plays, note by note, any number of takes at once.

Conventions: take i of a request draws its random numbers from random seed + i, one number a field, so that a take among others is the same
as the take alone. A seed's notes are heard by the network as the nearest its vocabulary has, and stand in the result as they are.
"""

from bisect import bisect_right
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from musicgen.composing.constraints import Constraints
from musicgen.composing.sampling import sample
from musicgen.encoding.context import BEFORE, Context, RunningContext, stacked
from musicgen.encoding.tokens import PartToken, TokenSequence, encode
from musicgen.encoding.vocabulary import DURATION, PART, PITCH, TIME_SHIFT, VELOCITY, Vocabulary
from musicgen.judging.key import estimate_key
from musicgen.model.engine import Engine, State
from musicgen.model.file import Model
from musicgen.piece import Meter, Note, Part, Piece, Tempo, bars_at, canonical_tempo


class RequestError(ValueError):
    """The model and the request do not fit; the message says what would."""


@dataclass(frozen=True, slots=True)
class Request:
    """What to play."""

    bars: int = 16  # of the piece, the seed included
    seed: Piece | None = None  # the music to continue
    temperature: float = 0.95
    top_k: int = 0
    top_p: float = 0.98
    min_p: float = 0.0
    tempo: float | None = None  # quarters a minute, else the seed's or the corpus'
    drop_seed: bool = False  # leave the seed out of the result; `bars` then counts the continuation alone


class Played(NamedTuple):
    """A note that was chosen."""

    onset: int
    pitch: int
    duration: int | None  # None: it is held until its part begins another
    velocity: int


@dataclass(slots=True)
class _Take:
    """One take while it is played."""

    random: np.random.Generator
    running: RunningContext
    constraints: Constraints
    notes: list[list[Played]]  # of each part of the vocabulary

    def add(self, row: np.ndarray, vocabulary: Vocabulary) -> None:
        """A note (5,) has been chosen."""
        shift = self.constraints.shift(row, self.running)
        duration = self.constraints.duration(row)
        pitch, velocity = vocabulary.values[PITCH][row[PITCH]], vocabulary.values[VELOCITY][row[VELOCITY]]
        self.running.add(shift, int(row[PART]), pitch, duration)
        self.notes[row[PART]].append(Played(self.running.onset, pitch, duration, velocity))


def compose(model: Model, request: Request, random_seed: int, takes: int = 1) -> list[Piece]:
    """Play takes of a request. Raises RequestError."""
    vocabulary, engine = model.configuration.vocabulary, model.engine()
    seed = _Seed(model, request)
    heard, last, running = seed.hear(engine)
    every = [
        _Take(np.random.default_rng(random_seed + take), deepcopy(running), seed.constraints(), [[] for _ in vocabulary.parts])
        for take in range(takes)
    ]
    playing, state, previous = list(every), [np.repeat(array, takes, 0) for array in heard], np.repeat(last, takes, 0)
    while playing:
        now = _now([take.running for take in playing])
        state = engine.step(state, previous, now)
        note = _choose(engine, playing, state, now, request)
        goes_on = note[:, TIME_SHIFT] != vocabulary.end
        playing = [take for take, on in zip(playing, goes_on, strict=True) if on]
        state, previous = [array[goes_on] for array in state], note[goes_on]
        for take, row in zip(playing, previous, strict=True):
            take.add(row, vocabulary)
    return [seed.piece(take.notes, f"{model.corpus.name} {random_seed + number}") for number, take in enumerate(every)]


def _now(contexts: list[RunningContext]) -> Context:
    """A row for each take, nothing being said of the next note yet."""
    return stacked([(*context.before(), *context.at(0, 0)) for context in contexts], contexts[0].slots)


def _choose(engine: Engine, playing: list[_Take], state: State, now: Context, request: Request) -> np.ndarray:
    """The next note of every take, (B, 5)."""
    vocabulary: Vocabulary = engine.vocabulary
    note = np.zeros((len(playing), len(vocabulary.sizes)), np.int32)
    features = engine.features(state)
    settings = {"temperature": request.temperature, "top_k": request.top_k, "top_p": request.top_p, "min_p": request.min_p}
    for field in vocabulary.active:
        if field > TIME_SHIFT:
            at = zip(*(_at(take, row, vocabulary) for take, row in zip(playing, note, strict=True)), strict=True)
            now = Context(*now[: len(BEFORE)], *(np.array(column) for column in at))
        logits = engine.logits(field, features, note, now)
        allowed = np.array([_allowed(take, field, row, vocabulary) for take, row in zip(playing, note, strict=True)])
        uniforms = np.array([take.random.random() for take in playing])
        note[:, field] = sample(logits, allowed, uniforms, **settings)
    return note


def _at(take: _Take, row: np.ndarray, vocabulary: Vocabulary) -> tuple:
    """What the context says of a note (5,) whose onset is chosen."""
    shift = 0 if row[TIME_SHIFT] == vocabulary.end else take.constraints.shift(row, take.running)
    return take.running.at(shift, int(row[PART]))


def _allowed(take: _Take, field: int, row: np.ndarray, vocabulary: Vocabulary) -> np.ndarray:
    """The mask of a field; what is said of a note that is none, because the piece has ended, does not matter."""
    if field > TIME_SHIFT and row[TIME_SHIFT] == vocabulary.end:
        return np.ones(vocabulary.sizes[field], bool)
    return take.constraints.allowed(field, row, take.running)


class _Seed:
    """The music to continue, seen by the model, and the frame of the piece that it begins."""

    def __init__(self, model: Model, request: Request) -> None:
        self.model, self.request = model, request
        self.vocabulary = model.configuration.vocabulary
        piece = request.seed or Piece((), (Meter(0, *model.corpus.meter),), (Tempo(0, model.corpus.tempo),), (), self.vocabulary.steps_per_quarter)
        if piece.steps_per_quarter != self.vocabulary.steps_per_quarter:
            raise RequestError(f"the seed is on a grid of {piece.steps_per_quarter} steps, the model on {self.vocabulary.steps_per_quarter}")
        if request.tempo is not None:
            piece = replace(piece, tempos=(Tempo(0, canonical_tempo(request.tempo)),))
        self.header = piece
        self.sequence: TokenSequence = encode(piece)
        self.matches = self.vocabulary.match(self.sequence)
        bars = _bar_lines(piece.meters, piece.steps_per_quarter)
        lines = [next(bars)]
        while lines[-1] < piece.end:
            lines.append(next(bars))
        begun = len(lines) - 1  # bars that the seed fills or begins
        full = begun if lines[-1] == piece.end else begun - 1
        self.first_line = lines[full]
        total = request.bars + full if request.drop_seed else request.bars
        while len(lines) <= total:
            lines.append(next(bars))
        self.last_bar, self.end = lines[total - 1], lines[total]
        if self.end <= piece.end:
            raise RequestError(f"the seed already fills {begun} bars: ask for more, --bars {begun + 8} for example")

    def hear(self, engine: Engine) -> tuple[State, np.ndarray, RunningContext]:
        """The engine's state, the last note (1, 5) and the context after the seed's notes that the model can hear."""
        running = RunningContext(self.header.meters, self.vocabulary, self.model.configuration.slots)
        state, previous = engine.start(1), np.array([self.vocabulary.sizes], np.int32)
        onsets = self.sequence.onsets.tolist()
        notes = [(onset, *row) for onset, row in zip(onsets, self.sequence.notes.tolist(), strict=True) if self.matches[row[PART]] is not None]
        for row, (onset, _, _, _, duration, _) in zip(self.vocabulary.ids(self.sequence, ends=False), notes, strict=True):
            state = engine.step(state, previous, _now([running]))
            held = row[DURATION] == self.vocabulary.held and onset + duration < self.header.end
            pitch = self.vocabulary.values[PITCH][row[PITCH]]
            running.add(onset - running.onset, int(row[PART]), pitch, None if held else duration)
            previous = row[None]
        if self.request.drop_seed:
            running.sounds_until = 0  # what is left out fills no bar
        return state, previous, running

    def constraints(self) -> Constraints:
        """On what follows."""
        return Constraints(self.vocabulary, self.header.end, self.last_bar, self.end)

    def piece(self, played: list[list[Played]], title: str) -> Piece:
        """The seed and its continuation: a part that the seed has goes on in it, the others join."""
        parts = list(self.header.parts)
        notes = [_ended(part, self.end) for part in played]
        taken: set[int] = set()
        for number, match in enumerate(self.matches):
            if match is not None and match not in taken:
                taken.add(match)
                index = self.sequence.indices[number]
                parts[index] = replace(parts[index], notes=(*parts[index].notes, *notes[match]))
        for number, token in enumerate(self.vocabulary.parts):
            if number not in taken:
                parts.append(Part(self.vocabulary.part_names[number], token.program, token.is_drum, notes[number]))
        whole = replace(self.header, parts=tuple(parts), title=title)
        if self.request.drop_seed and self.request.seed:
            whole = _without(whole, self.header.end, self.first_line)
        whole = replace(whole, parts=tuple(part for part in whole.parts if part.notes))
        return whole if whole.keys else replace(whole, keys=(estimate_key(whole),))

    def notices(self) -> list[str]:
        """What the model hears differently from what the seed says, in words."""
        said = []
        for number, match in enumerate(self.matches):
            part, token = self.header.parts[self.sequence.indices[number]], self.sequence.parts[number]
            name = part.name or "without a name"
            if match is None:
                said.append(
                    f"the model knows {'no' if part.is_drum else 'nothing but'} drums: the seed's {name!r} stays as it is and is not continued"
                )
            elif self.vocabulary.parts[match] != token:
                own = self.vocabulary.parts[match]
                heard = f"the model's {self.vocabulary.part_names[match]!r} ({_instrument(own)})"
                said.append(f"the model does not know the seed's part {name!r} ({_instrument(token)}): it goes on as {heard}")
        return said


def _instrument(token: PartToken) -> str:
    """Who plays, in words."""
    return f"{'kit' if token.is_drum else 'program'} {token.program}" + (f", number {token.rank + 1}" if token.rank else "")


def seed_notices(model: Model, request: Request) -> list[str]:
    """What the model hears differently from what the seed says, in words. Raises RequestError as `compose` does."""
    return _Seed(model, request).notices()


def _ended(played: list[Played], end: int) -> tuple[Note, ...]:
    """The notes of one part, those held until the part begins another, or to the end."""
    onsets = [note.onset for note in played]
    notes = []
    for onset, pitch, duration, velocity in played:
        following = bisect_right(onsets, onset)
        until = onset + duration if duration is not None else onsets[following] if following < len(onsets) else end
        notes.append(Note(onset, pitch, until - onset, velocity))
    return tuple(notes)


def _without(piece: Piece, first: int, line: int) -> Piece:
    """The notes that begin at `first` or later, from the bar line `line` on."""
    parts = tuple(replace(part, notes=tuple(note for note in part.notes if note.onset >= first)) for part in piece.parts)
    return replace(piece, parts=parts).between(line)


def _bar_lines(meters: tuple[Meter, ...], steps_per_quarter: int) -> Iterator[int]:
    """All bar lines, without end."""
    step = 0
    while True:
        yield step
        start, length = bars_at(np.array([step]), meters, steps_per_quarter)
        following = next((meter.onset for meter in meters if meter.onset > step), None)
        step = int(start[0] + length[0])
        step = step if following is None else min(step, following)

"""Model -> pieces: any number of takes at once.

Conventions: take i of a request draws its random numbers from random seed + i. A seed's notes are heard by the network as the nearest its
vocabulary has, and stand in the result as they are.

A piece of a given length is to close there, not to be cut off: its last bars are played several times, and `endings` says which of them is kept.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from musicgen.composing.endings import best_ending
from musicgen.composing.playing import History, Player, Takes
from musicgen.composing.request import Frame, Played, Request
from musicgen.model.file import Model
from musicgen.piece import Piece

ENDINGS = 32  # of each take
CLOSED_AT_ONCE = 16  # takes, so that memory does not grow with their number


def compose(model: Model, request: Request, random_seed: int, takes: int = 1) -> list[Piece]:
    """Play takes of a request, from this random seed on. Raises RequestError."""
    return compose_each(model, request, range(random_seed, random_seed + takes))


def compose_each(model: Model, request: Request, random_seeds: Sequence[int]) -> list[Piece]:
    """Play a take of a request for each random seed, all at once. Raises RequestError."""
    frame = Frame(model, request)
    player = Player(model.engine, frame)
    takes = player.begin([np.random.default_rng(random_seed) for random_seed in random_seeds])
    if request.closes and request.has_chance:
        takes = player.play(takes, frame.ending)
        histories = []
        for start in range(0, len(takes), CLOSED_AT_ONCE):
            some = range(start, min(start + CLOSED_AT_ONCE, len(takes)))
            histories += _closed(player, takes.select(np.array(some)), random_seeds[some[0] : some[-1] + 1])
    else:
        histories = player.play(takes, frame.end).histories
    return [
        frame.piece(_by_part(history, player), f"{model.corpus.name} {random_seed}")
        for history, random_seed in zip(histories, random_seeds, strict=True)
    ]


def stream(model: Model, request: Request, random_seed: int) -> Iterator[tuple[int, Played]]:
    """The notes of the piece that `compose` gives, each with its part of the vocabulary, as they are chosen. Raises RequestError."""
    frame = Frame(model, request)
    player = Player(model.engine, frame)
    takes, history = player.begin([np.random.default_rng(random_seed)]), ()
    closes = request.closes and request.has_chance
    until = frame.ending if closes else frame.end
    while not takes.has_ended[0] and takes.contexts.onset[0] < until:
        player.step(takes)
        yield from _since(history, takes.histories[0])
        if closes:
            history = takes.histories[0]
        else:  # nobody asks for it any more, and it would grow with the piece
            takes.histories[0] = ()
    if closes:
        yield from _since(history, _closed(player, takes, [random_seed])[0])


def _since(earlier: History, history: History) -> list[tuple[int, Played]]:
    """The notes of a history after those of an earlier one, the earliest first."""
    notes = []
    while history is not earlier:
        history, part, played = history
        notes.append((part, played))
    return notes[::-1]


def _closed(player: Player, takes: Takes, random_seeds: Sequence[int]) -> list[History]:
    """Each take with the best of several endings."""
    randoms = [np.random.default_rng((random_seed, number)) for random_seed in random_seeds for number in range(ENDINGS)]
    begun, endings = takes.histories, player.play(takes.again(randoms), player.frame.end, weighs=True)
    closed = []
    for take, history in enumerate(begun):
        some = slice(take * ENDINGS, (take + 1) * ENDINGS)
        histories, weights = endings.histories[some], endings.weight[some].tolist()
        best = best_ending(player.frame, _by_part(history, player), [_by_part(one, player) for one in histories], weights)
        closed.append(histories[best])
    return closed


def _by_part(history: History, player: Player) -> list[list[Played]]:
    """The notes of each part of the vocabulary, the earliest first."""
    notes: list[list[Played]] = [[] for _ in player.vocabulary.parts]
    for part, played in _since((), history):
        notes[part].append(played)
    return notes

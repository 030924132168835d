"""Many pieces at once are what each is alone: their context and what may come next, row for row, also after rows were left out and put together."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny import bands, chorales, tunes

from musicgen.encoding.context import RunningContext
from musicgen.encoding.contexts import NUM_PART, Contexts
from musicgen.encoding.grammar import NEVER, Grammar
from musicgen.encoding.tokens import encode
from musicgen.encoding.vocabulary import DURATION, PITCH, TIME_SHIFT, Vocabulary

CORPORA = {"tunes": tunes(), "chorales": chorales(), "bands": bands()}
PIECES = 5


def assert_equal(contexts: Contexts, alone: list[RunningContext], grammar: Grammar, random: np.random.Generator) -> None:
    parts = len(grammar.playable)
    shift, part, wanted = random.integers(0, 20, len(alone)), random.integers(0, parts, len(alone)), random.integers(0, 9, len(alone))
    shift[random.random(len(alone)) < 0.5] = 0
    together = (*contexts.before(), *contexts.at(shift, part))
    free, (earliest, free_then) = grammar.free_of(shift, contexts), grammar.earliest_of(contexts, wanted)
    for row, running in enumerate(alone):
        for ours, theirs in zip(together, (*running.before(), *running.at(int(shift[row]), int(part[row]))), strict=True):
            np.testing.assert_array_equal(ours[row], theirs)
        np.testing.assert_array_equal(free[row], grammar.free(int(shift[row]), running))
        found = grammar.earliest(running, int(wanted[row]))
        assert earliest[row] == (NEVER if found is None else found)
        np.testing.assert_array_equal(free_then[row], False if found is None else grammar.free(found, running))
        assert (contexts.onset[row], contexts.sounds_until[row], contexts.count[row]) == (running.onset, running.sounds_until, running.count)


@given(st.sampled_from(sorted(CORPORA)), st.integers(0, 10_000))
@settings(max_examples=12, deadline=None)
def test_pieces_together_are_what_each_is_alone(corpus, random_seed):
    random = np.random.default_rng(random_seed)
    vocabulary, meters = Vocabulary.of(map(encode, CORPORA[corpus])), CORPORA[corpus][0].meters
    grammar = Grammar.of_corpus(vocabulary)
    contexts, alone = Contexts(meters, vocabulary, 3, PIECES), [RunningContext(meters, vocabulary, 3) for _ in range(PIECES)]
    for step in range(24):
        assert_equal(contexts, alone, grammar, random)
        few = random.choice([2, 12], len(alone))  # so that some things come again
        shift = vocabulary.steps(TIME_SHIFT, random.integers(0, np.minimum(few, vocabulary.end)))
        part = random.integers(0, len(vocabulary.parts), len(alone))
        pitch = vocabulary.steps(PITCH, random.integers(0, np.minimum(few, vocabulary.sizes[PITCH])))
        duration = vocabulary.steps(DURATION, random.integers(0, vocabulary.held, len(alone))) * (random.random(len(alone)) < 0.5)
        contexts.add(shift, part, pitch, duration)
        for running, *note in zip(alone, shift.tolist(), part.tolist(), pitch.tolist(), duration.tolist(), strict=True):
            running.add(*note[:3], note[3] or None)
        if step % 5 == 4:  # some go on, the others wait and join them again
            rows = random.permutation(len(alone))[: random.integers(1, len(alone))]
            others = np.setdiff1d(np.arange(len(alone)), rows)
            some = contexts.select(rows)
            some.add(shift[rows], part[rows], pitch[rows], duration[rows])
            for row in rows:
                alone[row].add(int(shift[row]), int(part[row]), int(pitch[row]), int(duration[row]) or None)
            contexts = Contexts.joined([some, contexts.select(others)])
            alone = [alone[row] for row in (*rows, *others)]


def test_what_is_selected_twice_goes_on_by_itself():
    vocabulary = Vocabulary.of(map(encode, CORPORA["tunes"]))
    contexts = Contexts(CORPORA["tunes"][0].meters, vocabulary, 3, 1)
    one = np.array([1])
    contexts.add(0 * one, 0 * one, 70 * one, 12 * one)
    twice = contexts.select(np.array([0, 0]))
    twice.add(np.array([12, 24]), np.array([0, 0]), np.array([71, 72]), np.array([0, 6]))

    assert (contexts.onset.tolist(), (contexts.notes[0, :, NUM_PART] >= 0).tolist()) == ([0], [True, False, False, False])
    assert twice.onset.tolist() == [12, 24]
    assert twice.before()[6][:, 0].sum(axis=1).tolist() == [2, 2]


@pytest.mark.parametrize("notes", [300, 700])
def test_the_memory_does_not_grow_for_ever(notes, monkeypatch):
    monkeypatch.setattr("musicgen.encoding.contexts.REMEMBERED", 100)
    monkeypatch.setattr("musicgen.encoding.memory.REMEMBERED", 100)
    vocabulary = Vocabulary.of(map(encode, CORPORA["tunes"]))
    meters = CORPORA["tunes"][0].meters
    contexts, running, one = Contexts(meters, vocabulary, 3, 1), RunningContext(meters, vocabulary, 3), np.array([1])
    random = np.random.default_rng(0)
    for _ in range(notes):
        shift, pitch = int(random.integers(1, 3)), int(random.integers(70, 72))
        contexts.add(shift * one, 0 * one, pitch * one, 1 * one)
        running.add(shift, 0, pitch, 1)
        for ours, theirs in zip(contexts.before()[-2:], running.before()[-2:], strict=True):
            np.testing.assert_array_equal(ours[0], theirs)
    assert contexts._equal.shape[1] <= 100 + 1 + 256

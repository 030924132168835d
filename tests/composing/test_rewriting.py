"""What is kept stays to the note, and the particle filter finds the network's own posterior."""

from collections import Counter
from functools import cache
from itertools import groupby, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import pieces
from tiny import BAR, bands, chorales, random_model, tunes

from musicgen.composing.controls import RequestError
from musicgen.composing.givens import KEEPS, Givens, Rewriting
from musicgen.composing.rewriting import Swarm, rewrite, systematic
from musicgen.encoding.context import context_of
from musicgen.model.file import Model
from musicgen.piece import Note, Part, Piece

CORPORA = {"tunes": tunes, "chorales": chorales, "bands": bands}


@cache
def model_of(corpus: str) -> Model:
    return random_model(CORPORA[corpus]())


def notes_of(part: Part, start: int, end: int, inside: bool) -> list[Note]:
    """The notes that begin in a region, or outside of it."""
    return [note for note in part.notes if (start <= note.onset < end) == inside]


def pitches_in_order(notes: list[Note]) -> list[list[tuple[int, int]]]:
    """Pitches and loudness of what begins together."""
    return [[(note.pitch, note.velocity) for note in chord] for _, chord in groupby(notes, key=lambda note: note.onset)]


def rhythm(notes: list[Note]) -> list[tuple[int, int]]:
    return sorted((note.onset, note.duration) for note in notes)


def assert_kept(piece: Piece, after: Piece, rewritten: set[int], region: tuple[int, int], keeps: str) -> None:
    """Only what was to be rewritten has changed, and of it only what may."""
    assert (after.meters, after.tempos, after.keys, after.title) == (piece.meters, piece.tempos, piece.keys, piece.title)
    for index, part in enumerate(piece.parts):
        new = after.parts[index]
        if index not in rewritten:
            assert new == part
            continue
        assert (new.name, new.program, new.is_drum) == (part.name, part.program, part.is_drum)
        assert notes_of(new, *region, inside=False) == notes_of(part, *region, inside=False)
        before, now = notes_of(part, *region, inside=True), notes_of(new, *region, inside=True)
        assert max((note.end for note in now), default=0) <= max((region[1], *(note.end for note in before)))
        if keeps == "rhythm":
            assert rhythm(now) == rhythm(before)
        if keeps == "pitches":
            assert pitches_in_order(now) == pitches_in_order(before)


@settings(max_examples=25, deadline=None)
@given(pieces(grids=(12,), max_notes=8), st.sampled_from((None, None, "chorales", "bands")), st.sampled_from(KEEPS), st.data())
def test_what_is_kept_stays_to_the_note(piece, corpus, keeps, data):
    lines = (*piece.bar_lines, piece.end)
    first = data.draw(st.integers(1, len(lines) - 1))
    last = data.draw(st.integers(first, min(first + 3, len(lines) - 1)))
    named = data.draw(st.sets(st.sampled_from(range(len(piece.parts))), min_size=1))
    model = model_of(corpus) if corpus else random_model((piece,))
    try:
        result = rewrite(model, Rewriting(piece, (first, last), tuple(sorted(named)), keeps, particles=3), 0)
    except RequestError:
        return
    assert_kept(piece, result.piece, named, (lines[first - 1], lines[last]), keeps)
    assert len(result.piece.parts) == len(piece.parts)


# The algorithm, where all pieces can be counted


def duet(*lower: tuple[int, int, int]) -> Piece:
    """Two notes above, one after the other, and what is given below: onset, pitch, duration."""
    upper = Part("Upper", 0, False, (Note(0, 72, 12), Note(12, 74, 12)))
    return Piece((upper, Part("Lower", 40, False, tuple(Note(*note) for note in lower))))


@cache
def small_model() -> Model:
    """It knows two onsets, three pitches below, and notes of one or two quarters."""
    return random_model((duet((0, 60, 12), (12, 61, 12)), duet((0, 62, 24)), duet((0, 60, 12))), 3)


@cache
def every_duet() -> dict[tuple, float]:
    """Of all that can stand below the two notes the probability, by the network note by note."""
    model = small_model()
    engine, vocabulary = model.engine, model.configuration.vocabulary
    durations = (*vocabulary.values[3], None)
    voices = [()]
    for onset in (0, 12):
        voices = [(*voice, *note) for voice in voices for note in [(), *(((onset, *one),) for one in product((60, 61, 62), durations))]]
    chances = {}
    for voice in voices:
        if any(onset + (length or 0) > 24 for onset, _, length in voice) or (len(voice) == 2 and (voice[0][2] or 0) > 12):
            continue  # beyond the end, or two notes at once
        notes = sorted([(0, 0, 72, None), (12, 0, 74, 12), *((onset, 1, pitch, length) for onset, pitch, length in voice)], key=lambda note: note[:2])
        ids = np.zeros((len(notes) + 1, 5), np.int32)
        for row, (_, part, pitch, length) in zip(ids, notes, strict=False):
            row[:4] = 0, part, vocabulary.values[2].index(pitch), vocabulary.held if length is None else vocabulary.values[3].index(length)
        ids[:-1, 0] = np.diff([note[0] for note in notes], prepend=0) > 0
        ids[-1, 0] = vocabulary.end
        (nats,) = engine.nats([ids], [context_of(ids, duet((0, 60, 12)).meters, vocabulary, model.configuration.slots)])
        chances[voice] = float(np.exp(-nats.sum()))
    return chances


def swarm_of(particles: int, random_seed: int) -> Swarm:
    """Has played the upper notes and what it likes below."""
    model = small_model()
    swarm = Swarm(model.engine, Givens(model, Rewriting(duet((0, 60, 12)), melody=0, temperature=1)), particles, np.random.default_rng(random_seed))
    for place in swarm.places():
        swarm.play(place)
    return swarm


def test_the_estimate_of_the_evidence_is_unbiased():
    estimates = []
    for random_seed in range(60):
        swarm = swarm_of(4, random_seed)
        swarm.draw()
        estimates.append(np.exp(swarm.log_evidence))
    ratios = np.array(estimates) / sum(every_duet().values())
    deviation = ratios.std() / np.sqrt(len(ratios))

    assert deviation < 0.3
    assert abs(ratios.mean() - 1) < 3 * deviation


def test_many_particles_have_the_networks_own_posterior():
    swarm = swarm_of(1000, 0)
    weights = np.exp([particle.weight for particle in swarm.particles])
    found: Counter[tuple] = Counter()
    for particle, share in zip(swarm.particles, weights / weights.sum(), strict=True):
        found[tuple(note[:3] for _, note in particle.played())] += share
    total = sum(every_duet().values())

    assert set(found) <= set(every_duet())
    assert sum(abs(chance / total - found[voice]) for voice, chance in every_duet().items()) / 2 < 0.1


# The same again, and what can't be


def test_the_same_random_seed_gives_the_same_piece():
    (piece,) = chorales(1)
    rewriting = Rewriting(piece, (2, 3), (1,), particles=8)
    first, again, other = (rewrite(model_of("chorales"), rewriting, seed) for seed in (1, 1, 2))

    same = set(piece.parts[1].notes) & set(first.piece.parts[1].notes)
    assert first.num_as_before == sum(BAR <= note.onset < 3 * BAR for note in same)
    assert first == again
    assert first.piece != other.piece


def test_resampling_keeps_each_particle_as_often_as_its_share():
    shares = np.array([0.5, 0, 0.26, 0.24])

    assert systematic(shares, 0.0).tolist() == [0, 0, 2, 2]
    for uniform in np.linspace(0, 1, 20, endpoint=False):
        counts = np.bincount(systematic(shares, uniform), minlength=4)
        assert np.all(np.abs(counts - 4 * shares) < 1)


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        ({}, "nothing of the piece would be kept"),
        ({"bars": (3, 9)}, "the piece has bars 1 to 4"),
        ({"bars": (5, 5)}, "no such place as bar 5"),
    ],
)
def test_what_can_not_be_is_said(asked, reason):
    (piece,) = chorales(1)
    with pytest.raises(RequestError, match=reason):
        rewrite(model_of("chorales"), Rewriting(piece, **asked, particles=2), 0)


def test_a_model_of_one_part_can_not_harmonize():
    (piece,) = tunes(1)
    with pytest.raises(RequestError, match="one part alone"):
        rewrite(model_of("tunes"), Rewriting(piece, melody=0, particles=2), 0)


def test_a_melody_is_heard_as_the_highest_part_and_the_others_join():
    (tune,) = tunes(1)
    result = rewrite(model_of("chorales"), Rewriting(tune, melody=0, particles=4), 0)

    assert result.piece.parts[0] == tune.parts[0]
    assert {part.name for part in result.piece.parts[1:]} <= {"Alto", "Tenor", "Bass"}
    assert result.num_new == sum(len(part.notes) for part in result.piece.parts[1:]) > 0
    assert result.piece.end <= tune.end

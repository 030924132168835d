"""Takes that are judged: what is faulty is tried again, by nothing but its own random seed, and the best come first."""

from dataclasses import replace

import pytest
from tiny import chorales, random_model

from musicgen.composing.attempts import WARMEST, Attempt, play_attempts
from musicgen.composing.request import Request
from musicgen.composing.takes import MEANINGS, WARMER, Judge, Take, _again, play_takes, ranks
from musicgen.judging.faults import Finding
from musicgen.judging.originality import Copied, CorpusIndex, Run
from musicgen.judging.twins import Seen
from musicgen.piece import Piece

MODEL = random_model(chorales())
REQUEST = Request(bars=2, closes=False)


def finding(name: str) -> Finding:
    return Finding(name, 1, None, None)


def test_a_take_among_others_is_the_take_alone_and_plays_again():
    judge = Judge(MODEL, REQUEST, CorpusIndex.of(chorales()), max_copy=1)
    takes = list(play_takes(judge, range(7, 10), tries=2))

    for take in takes:
        assert [take] == list(play_takes(judge, [take.attempt.random_seed], tries=2))
        assert [take.piece] == play_attempts(MODEL, REQUEST, [take.attempt])
        assert take.faults == judge.faults(take.piece)
        assert len(take.rejected) == take.attempt.number <= 2
        assert take.nats_per_note > 0
    assert any(take.attempt.number or take.faults for take in takes)


def test_of_faulty_tries_the_one_with_the_fewest_faults_is_kept():
    judge = Judge(MODEL, REQUEST)
    for first, best in zip(play_takes(judge, range(4), tries=0), play_takes(judge, range(4), tries=3), strict=True):
        assert len(best.names) <= len(first.names)
        assert first.attempt == Attempt(first.attempt.random_seed)


def test_what_has_no_chance_is_not_tried_again():
    (take,) = play_takes(Judge(MODEL, replace(REQUEST, temperature=0)), [3], tries=5)

    assert (take.attempt, take.rejected) == (Attempt(3), ())


def test_a_take_like_an_earlier_one_is_tried_again_or_named():
    judge = Judge(MODEL, REQUEST)
    first, second = play_takes(judge, [7, 7], tries=3)
    named = list(play_takes(judge, [7, 7], tries=0))

    assert Seen().share(first.piece) is None
    assert second.piece != first.piece
    assert second.rejected[len(first.rejected)][-1] == "twin"
    assert [take.faults[-1:] == (Finding("twin", 1.0, None, None),) for take in named] == [False, True]


def test_too_long_copies_are_faults():
    (piece,) = play_attempts(MODEL, REQUEST, [Attempt(1)])
    index = CorpusIndex.of([piece])

    assert "copy" in {fault.fault for fault in Judge(MODEL, REQUEST, index, max_copy=2).faults(piece)}
    assert "copy" not in {fault.fault for fault in Judge(MODEL, REQUEST, index, max_copy=1000).faults(piece)}


def test_pitches_repeated_as_in_the_corpus_are_no_fault():
    def drone(bars: int) -> Piece:
        (first, *_) = chorales()
        notes = tuple(first.parts[0].notes[0]._replace(onset=12 * beat, duration=12) for beat in range(4 * bars))
        return replace(first, parts=(replace(first.parts[0], notes=notes),))

    found = {
        corpus: {fault.fault for fault in Judge(MODEL, Request(bars=8), CorpusIndex.of(corpus)).faults(drone(8))} & {"one note", "stuck"}
        for corpus in ((drone(8),), (drone(7),), tuple(chorales()))
    }

    assert list(found.values()) == [set(), {"one note", "stuck"}, {"one note", "stuck"}]


@pytest.mark.parametrize("drop_seed", [False, True])
def test_of_a_seed_nothing_is_judged(drop_seed):
    stuck = replace(chorales()[0], parts=tuple(replace(part, notes=part.notes[:1]) for part in chorales()[0].parts))
    seed = replace(stuck, parts=tuple(replace(part, notes=(part.notes[0]._replace(duration=6 * 48),)) for part in stuck.parts))
    request = Request(bars=4 if drop_seed else 10, seed=seed, closes=False, drop_seed=drop_seed)
    judge = Judge(MODEL, request)
    (take,) = play_takes(judge, [1], tries=0)

    assert not {"held", "early end"} & set(take.names)
    assert all(fault.bar is None or (fault.bar > 6) != drop_seed for fault in take.faults)


@pytest.mark.parametrize(
    ("faults", "before", "after"),
    [(("loop",), 0, 1), (("silence",), 0, -1), (("mid-bar",), 2, 2), (("loop", "silence"), 0, 0), (("loop", "one note"), WARMEST, WARMEST)],
)
def test_the_temperature_moves_where_the_faults_ask_for_it(faults, before, after):
    take = Take(Piece(()), Attempt(7, 1, before), tuple(map(finding, faults)))

    assert _again(take) == replace(take, attempt=Attempt(7, 2, after), rejected=(faults,))
    assert set(WARMER) <= set(MEANINGS)


def test_the_best_come_first():
    index = CorpusIndex.of(chorales()[:2], chorales()[2:])
    usual = int(index.usual.num_notes[1])
    copies = [Copied(Run(number, 0, 0, 0, "", 0, 1), None, 0, 1) for number in (usual, usual + 1)]
    good = Take(Piece(()), Attempt(0), (), copies[0], MODEL.held_out_nats_per_note)
    takes = [
        replace(good, faults=(finding("loop"), finding("held"))),
        replace(good, copied=copies[1]),
        replace(good, nats_per_note=9.0),
        good,
        replace(good, faults=(finding("loop"),)),
    ]

    assert ranks(takes, MODEL, index) == [5, 3, 2, 1, 4]

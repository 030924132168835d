"""Playing: whatever the network says, the result is music that fits the request, and the same request plays the same music."""

import time
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from strategies import pieces
from tiny import BAR, bands, chorales, random_model, tunes

from musicgen.composing.composer import compose
from musicgen.composing.controls import RequestError
from musicgen.composing.request import ENDING_BARS, Frame, Request
from musicgen.composing.seeds import parse_notes, written_seed
from musicgen.encoding.context import MEMORY
from musicgen.encoding.tokens import part_tokens
from musicgen.encoding.vocabulary import PITCH
from musicgen.judging.key import estimate_key
from musicgen.model.configuration import EMBEDDING_UNITS
from musicgen.model.file import Model
from musicgen.piece import Key, Meter, Note, Part, Piece, Tempo

CORPORA = {"tunes": tunes, "chorales": chorales, "bands": bands}
MELODY = "C5:1 D5:1/2 E5:1/2 F5:1"


@cache
def model_of(corpus: str, random_seed: int = 0, **settings) -> Model:
    return random_model(CORPORA[corpus](), random_seed, **settings)


def play(model: Model, random_seed: int = 0, **request) -> Piece:
    """One take, cut off where its bars are full, unless it is asked to close."""
    (piece,) = compose(model, Request(**{"closes": False, **request}), random_seed)
    return piece


def sounds(piece: Piece) -> list[tuple]:
    """Who plays what when."""
    return sorted((token, note) for token, part in zip(part_tokens(piece.parts), piece.parts, strict=True) for note in part.notes)


# The frame


@pytest.mark.parametrize("corpus", CORPORA)
@pytest.mark.parametrize("bars", [1, 2, 7])
@pytest.mark.parametrize("temperature", [0, 0.95, 10])
def test_there_are_as_many_bars_as_were_asked_for(corpus, bars, temperature):
    model = model_of(corpus)
    for random_seed in range(3):
        piece = play(model, random_seed, bars=bars, temperature=temperature)
        assert len(piece.bar_lines) == bars


# The end


@pytest.mark.parametrize("corpus", CORPORA)
@pytest.mark.parametrize("bars", [1, 6])
def test_what_closes_has_as_many_bars_and_begins_as_what_is_cut_off(corpus, bars):
    model = model_of(corpus)
    for random_seed in range(2):
        cut, closed = (play(model, random_seed, bars=bars, closes=closes) for closes in (False, True))
        line = max(0, bars - ENDING_BARS) * cut.meters[0].bar_steps(12)

        assert len(closed.bar_lines) == bars
        begin, begun = ({(part.name, *note[:2]) for part in piece.parts for note in part.notes if note.onset < line} for piece in (cut, closed))
        assert begin == begun


def test_of_several_endings_the_likeliest_is_taken():
    model = model_of("tunes", cell="rnn", activation="relu")
    vocabulary = model.configuration.vocabulary
    # all is equally likely, but a piece ends after its highest pitch alone
    weights = {name: np.zeros_like(array) for name, array in model.weights.items()}
    highest, end = len(vocabulary.values[PITCH]) - 1, vocabulary.end
    weights["previous_pitch/embeddings"][highest, 0] = 1
    weights["recurrent_0/kernel"][EMBEDDING_UNITS["time_shift"], 0] = 1
    weights["time_shift_state/kernel"][0, 0] = 1
    weights["time_shift_logits/kernel"][0, end], weights["time_shift_logits/bias"][end] = 40, -20
    model = replace(model, weights=weights)

    def pieces_that_end_high(closes: bool) -> int:
        played = [play(model, random_seed, bars=3, closes=closes, top_p=1.0) for random_seed in range(8)]
        return sum(piece.parts[0].notes[-1].pitch == vocabulary.values[PITCH][highest] for piece in played)

    assert pieces_that_end_high(False) <= 2
    assert pieces_that_end_high(True) >= 5


def test_takes_that_close_are_the_same_alone_and_among_others():
    model = model_of("chorales")

    assert compose(model, Request(bars=4), 5, 3) == [play(model, random_seed, bars=4, closes=True) for random_seed in (5, 6, 7)]


@pytest.mark.parametrize("meter", [(3, 4), (6, 8), (1, 8), (7, 4), (5, 16)])
def test_the_bars_are_those_of_the_corpus_meter(meter):
    model = model_of("tunes")
    model = replace(model, corpus=replace(model.corpus, meter=meter, tempo=72.0))
    piece = play(model, bars=5)

    assert piece.meters == (Meter(0, *meter),)
    assert piece.tempos == (Tempo(0, 72.0),)
    assert len(piece.bar_lines) == 5


def test_the_tempo_is_the_one_asked_for_else_that_of_the_seed_else_that_of_the_corpus():
    model, seed = model_of("tunes"), replace(parse_notes(MELODY, 12), tempos=(Tempo(0, 60.0), Tempo(12, 66.0)))

    assert play(model, bars=2).tempos == (Tempo(0, 120.0),)
    assert play(model, bars=4, seed=seed).tempos == seed.tempos
    assert play(model, bars=4, seed=seed, tempo=333.3333333).tempos == (Tempo(0, 333.333),)


def test_the_key_is_that_of_the_seed_else_what_it_sounds_like():
    model, seed = model_of("tunes"), replace(parse_notes(MELODY, 12), keys=(Key(0, 3, True),))
    piece = play(model, bars=4)

    assert play(model, bars=4, seed=seed).keys == seed.keys
    assert piece.keys == (estimate_key(piece),)


# What is played


@pytest.mark.parametrize("corpus", CORPORA)
@pytest.mark.parametrize("random_seed", range(3))
def test_parts_stay_in_their_ranges_and_play_no_more_at_once_than_in_the_corpus(corpus, random_seed):
    model = model_of(corpus, random_seed)
    vocabulary = model.configuration.vocabulary
    piece = play(model, random_seed, bars=8, temperature=2.0, top_p=1.0)
    indices = {
        (name, token.program, token.is_drum): index for index, (name, token) in enumerate(zip(vocabulary.part_names, vocabulary.parts, strict=True))
    }

    assert piece.num_notes > 8
    for part in piece.parts:
        index = indices[part.name, part.program, part.is_drum]
        low, high = vocabulary.ranges[index]
        assert all(low <= note.pitch <= high for note in part.notes)
        at_once = [sum(other.onset <= note.onset < other.end for other in part.notes) for note in part.notes]
        assert max(at_once) <= vocabulary.most_at_once[index]


def test_one_part_and_one_velocity_play_a_single_line():
    model = model_of("tunes")
    assert model.configuration.vocabulary.most_at_once == (1,)

    (part,) = play(model, bars=8, temperature=2.0).parts
    assert (part.name, part.program, {note.velocity for note in part.notes}) == ("Flute", 73, {20})
    assert all(note.end <= later.onset for note, later in zip(part.notes, part.notes[1:], strict=False))


def test_drums_play_where_the_corpus_has_them():
    piece = play(model_of("bands"), bars=8, temperature=2.0)

    (drums,) = (part for part in piece.parts if part.is_drum)
    assert (drums.name, drums.program) == ("Drums", 0)
    assert len(drums.notes) > 8
    assert len({note.velocity for part in piece.parts for note in part.notes}) > 3


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_every_kind_of_cell_plays(cell):
    assert len(play(model_of("chorales", cell=cell, layers=2), bars=4).bar_lines) == 4


def test_a_note_longer_than_the_network_remembers_still_keeps_its_pitch():
    drone = Part("Drone", 0, False, (Note(0, 40, 2 * MEMORY),))
    fast = Part("Fast", 40, False, tuple(Note(step, 60 + step % 12, 1) for step in range(2 * MEMORY)))
    model = random_model((Piece((drone, fast)),))
    weights = {name: np.zeros_like(array) for name, array in model.weights.items()}
    # the drone says of itself that it is long, the other part that it is short
    weights["duration_given_part/embeddings"][[0, 1], [0, 1]] = 1
    weights["duration_logits/kernel"][[0, 1], [1, 0]] = 50
    piece = play(replace(model, weights=weights), bars=16, top_p=1.0)

    held, short = (part.notes for part in piece.parts)
    assert held[0].duration == 2 * MEMORY
    assert sum(held[0].onset < note.onset < held[0].end for note in short) > MEMORY
    assert len(piece.bar_lines) == 16


@pytest.mark.parametrize("corpus", CORPORA)
def test_it_ends_soon_at_the_wildest(corpus):
    begin = time.monotonic()
    piece = play(model_of(corpus, random_seed=5), bars=16, temperature=10, top_p=1.0)

    assert len(piece.bar_lines) == 16
    assert time.monotonic() - begin < 20


@pytest.mark.parametrize(
    "notes",
    [
        (Note(0, 60, 12),),  # nothing but one note
        (Note(0, 60, 12), Note(0, 64, 12), Note(0, 67, 12)),  # everything at once: no time ever passes
        (Note(0, 60, 5000), Note(0, 61, 5000)),  # nothing fits
        (Note(0, 60, 1), Note(5000, 60, 1)),  # silences longer than the piece
    ],
)
def test_a_corpus_of_next_to_nothing_plays_all_the_same(notes):
    model = random_model((Piece((Part("", 0, False, notes),)),))
    for bars in (1, 3):
        assert len(play(model, bars=bars).bar_lines) == bars


# The same again


@pytest.mark.parametrize("corpus", CORPORA)
def test_the_same_random_seed_plays_the_same_and_another_does_not(corpus):
    model = model_of(corpus)

    assert play(model, 3, bars=4) == play(model, 3, bars=4)
    assert play(model, 3, bars=4) != play(model, 4, bars=4)


@pytest.mark.parametrize("corpus", CORPORA)
@pytest.mark.parametrize("seed", [None, MELODY])
def test_a_take_among_others_is_the_take_alone(corpus, seed):
    model = model_of(corpus, layers=2)
    request = Request(bars=6, seed=seed and parse_notes(seed, 12), closes=False)

    together = compose(model, request, 10, takes=5)
    assert together == [compose(model, request, 10 + take)[0] for take in range(5)]
    assert [piece.title for piece in together] == [f"tiny {10 + take}" for take in range(5)]


def test_at_temperature_zero_chance_has_no_say():
    model = model_of("chorales")

    first, *others = compose(model, Request(bars=4, temperature=0), 0, takes=3)
    assert all(other == first for other in others)


# With a seed


@given(pieces(grids=(12,), max_parts=3, max_notes=5), st.integers(1, 3), st.sampled_from(sorted(CORPORA)))
@settings(max_examples=40, deadline=None)
def test_the_seed_stands_in_the_result_note_for_note(seed, more, corpus):
    bars = len(seed.bar_lines) + more
    piece = play(model_of(corpus), more, bars=bars, seed=seed)

    before = [replace(part, notes=tuple(note for note in part.notes if note.onset < seed.end)) for part in piece.parts]
    assert tuple(part for part in before if part.notes) == seed.parts
    assert (piece.meters, piece.tempos) == (seed.meters, seed.tempos)
    assert piece.keys[: len(seed.keys)] == seed.keys
    assert len(piece.bar_lines) == bars


@given(pieces(grids=(12,), max_parts=3, max_notes=5), st.integers(1, 3), st.sampled_from(sorted(CORPORA)))
@settings(max_examples=40, deadline=None)
def test_without_the_seed_its_continuation_stands_alone(seed, bars, corpus):
    model = model_of(corpus)
    alone = play(model, 7, bars=bars, seed=seed, drop_seed=True)
    begun = len(seed.bar_lines)
    ends_at_bar_line = seed.end in replace(seed, parts=(Part("", 0, False, (Note(0, 60, seed.end + 1),)),)).bar_lines
    whole = play(model, 7, bars=begun + bars if ends_at_bar_line else begun + bars - 1, seed=seed)

    assert len(alone.bar_lines) == bars
    assume(bars > 1 or ends_at_bar_line)  # else the seed alone fills its last bar, and nothing need follow
    line = whole.end - alone.end
    continuation = replace(whole, parts=tuple(replace(part, notes=tuple(n for n in part.notes if n.onset >= seed.end)) for part in whole.parts))
    assert [part.notes for part in alone.parts] == [part.notes for part in continuation.between(line).parts if part.notes]


@pytest.mark.parametrize(
    ("text", "bars"),
    [
        (MELODY, 1),  # ends in the middle of the first bar, which is filled
        (MELODY, 4),
        ("C5:4 C5:4", 3),  # ends at a bar line
        ("C5:1 D5:18", 6),  # the last note goes on for bars
        ("R:3 C5:1 | D5:4", 4),  # an upbeat
        ("R:11 C5:1", 5),  # silent bars
        ("C-1:1 G9:1", 2),  # higher and lower than the corpus
        ("[C5 E5 G5]:1/3 F5:1/4", 2),  # more at once, and lengths that the corpus lacks
    ],
)
@pytest.mark.parametrize("corpus", CORPORA)
def test_written_seeds_are_continued(text, bars, corpus):
    seed = parse_notes(text, 12)
    for random_seed in range(2):
        piece = play(model_of(corpus), random_seed, bars=bars, seed=seed)
        melody = piece.parts[0]
        assert melody.notes[: seed.num_notes] == seed.parts[0].notes
        assert (melody.name, melody.program) == ("Melody", 0)
        assert all(note.onset >= seed.end for part in piece.parts for note in part.notes if note not in seed.parts[0].notes)
        assert len(piece.bar_lines) == bars


def test_the_seeds_parts_go_on_and_the_models_others_join():
    model = model_of("chorales")
    piece = play(model, bars=6, seed=parse_notes("C5:1 D5:1", 12), temperature=1.0, top_p=1.0)

    assert {part.name for part in piece.parts} == {"Melody", "Alto", "Tenor", "Bass"}
    assert len(piece.parts[0].notes) > 2


def test_drums_that_the_model_lacks_stay_and_are_not_continued():
    seed = Piece((Part("Kit", 8, True, (Note(0, 36, 3), Note(BAR, 38, 3))), Part("Flute", 73, False, (Note(0, 72, 12),))), (Meter(0, 3, 4),))
    model = model_of("tunes")
    piece = play(model, bars=5, seed=seed)

    assert piece.parts[0] == seed.parts[0]
    assert len(piece.parts[1].notes) > 1
    assert Frame(model, Request(bars=5, seed=seed)).notices() == [
        "the model knows no drums: the seed's part 'Kit' stays as it is and is not continued"
    ]
    only_drums = play(model, bars=3, seed=replace(seed, parts=seed.parts[:1]))
    assert only_drums.parts[0] == seed.parts[0]
    assert len(only_drums.bar_lines) == 3


def test_parts_that_the_model_lacks_are_named():
    model = model_of("tunes")
    seed = Piece((Part("", 40, False, (Note(0, 72, 12),)), Part("Flute", 73, False, (Note(0, 74, 12),))), (Meter(0, 3, 4),))

    assert Frame(model, Request(seed=seed)).notices() == [
        "the model does not know the seed's part without a name (program 40): it goes on as the model's 'Flute' (program 73)"
    ]
    assert Frame(model, Request(seed=replace(seed, parts=seed.parts[1:]))).notices() == []
    assert Frame(model, Request()).notices() == []


def test_what_the_model_never_heard_is_said():
    model = model_of("tunes")
    seed = Piece((Part("Flute", 73, False, (Note(0, 72, 12), Note(12, 40, 7), Note(19, 72, 5))),), (Meter(0, 5, 4),))

    assert Frame(model, Request(seed=seed)).notices() == [
        "the model has never heard 5/4: it counts the bars as they are, and knows 3/4 best",
        "1 of the seed's 3 notes begin at times that the model has never heard: it hears the nearest that it knows",
        "1 of the seed's 3 notes have pitches that the model has never heard: it hears the nearest that it knows",
    ]


def test_parts_go_on_as_those_of_their_names():
    seed = written_seed("Bass: C3:2 ; Soprano: C5:2", 12, instruments={"bass": (52, False), "soprano": (52, False)})
    frame = Frame(model_of("chorales"), Request(seed=seed.piece, seed_end=seed.end))

    assert [frame.names[match] for match in frame.matches] == ["Soprano", "Bass"]
    assert frame.matches == [0, 3]
    assert frame.notices() == []


@pytest.mark.parametrize(("text", "rest"), [("C5:1 D5:1 R:2", 24), ("C5:4 R:4", 48)])
def test_the_continuation_begins_after_the_rests_of_a_seed(text, rest):
    seed = written_seed(text, 12)
    piece = play(model_of("tunes"), bars=5, seed=seed.piece, seed_end=seed.end)

    assert all(note.onset >= seed.piece.end + rest for part in piece.parts for note in part.notes[seed.piece.num_notes :])


def test_what_sounds_over_the_end_of_a_seed_stays_and_ends_with_the_piece():
    seed = Piece((Part("Flute", 73, False, (Note(0, 70, 24), Note(24, 72, 500))),), (Meter(0, 3, 4),))
    piece = play(model_of("tunes"), bars=4, seed=seed, seed_end=36)

    assert piece.parts[0].notes == (Note(0, 70, 24), Note(24, 72, 4 * 36 - 24))
    assert len(piece.bar_lines) == 4


def test_two_parts_for_one_of_the_models_both_stay_and_one_goes_on():
    seed = Piece((Part("A", 0, False, (Note(0, 72, 12),)), Part("B", 0, False, (Note(0, 72, 12),))))
    piece = play(model_of("tunes"), bars=4, seed=seed)

    assert [part.name for part in piece.parts] == ["A", "B"]
    assert sorted(len(part.notes) > 1 for part in piece.parts) == [False, True]


@pytest.mark.parametrize(("text", "bars", "advice"), [("C5:4", 1, "--bars 9"), ("C5:16 C5:1", 4, "--bars 13"), ("C5:18", 2, "--bars 13")])
def test_a_seed_that_fills_all_bars_is_refused(text, bars, advice):
    seed, model = parse_notes(text, 12), model_of("chorales")
    for ask in (compose, Frame):
        with pytest.raises(RequestError, match=f"already fills .* bars?: ask for more, {advice} for example"):
            ask(*((model, Request(bars=bars, seed=seed), 0)[: 3 if ask is compose else 2]))
    assert len(play(model, bars=bars, seed=seed, drop_seed=True).bar_lines) == bars


def test_a_bar_that_the_dropped_seed_began_is_filled_by_what_follows():
    for corpus in CORPORA:
        piece = play(model_of(corpus), bars=1, seed=parse_notes("C5:1", 12), drop_seed=True)
        assert len(piece.bar_lines) == 1
        assert min(part.notes[0].onset for part in piece.parts) >= 12


def test_a_seed_on_another_grid_is_refused():
    with pytest.raises(RequestError, match="the seed is on a grid of 24 steps, the model on 12"):
        play(model_of("tunes"), seed=parse_notes(MELODY, 24))


def test_the_seed_matters():
    model = model_of("chorales")
    one, other = (play(model, 1, bars=5, seed=parse_notes(text, 12), drop_seed=True) for text in ("C5:4", "G5:1 D5:1 A4:2"))

    assert sounds(one) != sounds(other)


def test_a_seed_without_notes_is_no_seed():
    model = model_of("tunes")
    empty = Piece((), (Meter(0, 3, 4),), (Tempo(0, 120.0),))

    assert sounds(play(model, 2, bars=4, seed=empty)) == sounds(play(model, 2, bars=4))


def test_a_model_whose_numbers_are_large_still_plays():
    model = model_of("bands")
    loud = replace(model, weights={name: np.float32(30) * array for name, array in model.weights.items()})

    assert len(play(loud, bars=4).bar_lines) == 4

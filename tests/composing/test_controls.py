"""What a person turns: whatever is asked for together, the piece obeys all of it or a sentence says why not, and each formula is what it says."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny import bands, chorales, random_model, tunes

from musicgen.composing.composer import compose
from musicgen.composing.controls import OF_KEY, OUT_OF_KEY, SCALES, Controls, Course, Density, Guide, Range, RequestError
from musicgen.composing.density import mean_shift, with_mean_shift
from musicgen.composing.request import Frame, Request
from musicgen.composing.seeds import written_seed
from musicgen.composing.wording import (
    WordingError,
    read_bars,
    read_density,
    read_key,
    read_meter,
    read_parts,
    read_range,
    read_scale,
    read_temperature,
)
from musicgen.encoding.vocabulary import DURATION, PITCH, TIME_SHIFT, VELOCITY
from musicgen.piece import Key, Meter, Piece

MODELS = {name: random_model(pieces()) for name, pieces in (("tunes", tunes), ("chorales", chorales), ("bands", bands))}
SEEDS = {None: None, "melody": written_seed("G4:1 | C5:1 D5:1/2 E5 F5:1 R:1", 12), "long": written_seed("Bass: C3:4 ; Piano: [C4 E4]:3", 12)}
TEMPERATURES = st.builds(Course, st.floats(0, 3), st.floats(0, 3)) | st.sampled_from((0.0, 0.95, 10.0))


def names_of(model) -> list[str]:
    return list(dict.fromkeys(model.configuration.vocabulary.part_names))


@st.composite
def requests(draw) -> tuple[str, Request]:
    """A model's name, and anything that can be asked of it together."""
    name = draw(st.sampled_from(sorted(MODELS)))
    parts = st.sampled_from((*names_of(MODELS[name]), "1"))
    low = draw(st.integers(36, 80))
    seed = SEEDS[draw(st.sampled_from(sorted(SEEDS, key=str)))]
    return name, Request(
        bars=draw(st.integers(2, 4)),
        seed=seed and seed.piece,
        seed_end=seed and seed.end,
        drop_seed=seed is not None and draw(st.booleans()),
        closes=draw(st.sampled_from((False, False, True))),
        meter=draw(st.none() | st.sampled_from((Meter(0, 3, 4), Meter(0, 7, 8), Meter(0, 1, 8)))),
        tempo=draw(st.none() | st.just(90.0)),
        temperature=draw(TEMPERATURES),
        rhythm_temperature=draw(st.none() | TEMPERATURES),
        top_k=draw(st.sampled_from((0, 1, 3))),
        top_p=draw(st.sampled_from((1.0, 0.9, 0.01))),
        min_p=draw(st.sampled_from((0.0, 0.1, 1.0))),
        key=draw(st.none() | st.builds(Key, st.just(0), st.integers(-5, 6), st.booleans())),
        scale=draw(st.none() | st.sampled_from(sorted(SCALES))),
        ranges=tuple(draw(st.lists(st.builds(Range, parts, st.just(low), st.integers(low, low + 20)), max_size=2))),
        parts=draw(st.none() | st.integers(1, 4) | st.lists(parts, min_size=1, max_size=2).map(tuple)),
        density=draw(st.none() | st.builds(Density, st.floats(0.1, 60), st.booleans())),
    )


@given(requests(), st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_a_piece_obeys_all_controls_or_a_sentence_says_why_not(asked, random_seed):
    name, request = asked
    model, vocabulary = MODELS[name], MODELS[name].configuration.vocabulary
    try:
        frame = Frame(model, request)
    except RequestError:
        return
    (piece,) = compose(model, request, random_seed)

    assert len(piece.bar_lines) == request.bars
    first = 0 if request.drop_seed else frame.first
    own = {(part.name, part.program, part.is_drum): part for part in piece.parts}
    matched = {match: frame.header.parts[index] for match, index in zip(frame.matches, frame.sequence.indices, strict=True)}
    for index, token in enumerate(vocabulary.parts):
        part = matched.get(index)
        key = (part.name, part.program, part.is_drum) if part else (vocabulary.part_names[index], token.program, token.is_drum)
        if key in own:
            playable = frame.guide.pitches[frame.guide.playable[index]]
            assert {note.pitch for note in own[key].notes if note.onset >= first} <= set(playable.tolist())
    for wanted in request.ranges:
        for index, part_name in enumerate(vocabulary.part_names):
            if part_name == wanted.part and frame.guide.playable[index].any():
                assert all(wanted.low <= pitch <= wanted.high for pitch in frame.guide.pitches[frame.guide.playable[index]])


@pytest.mark.parametrize("scale", SCALES)
def test_a_scale_is_all_that_is_played(scale):
    model = MODELS["bands"]
    (piece,) = compose(model, Request(bars=3, key=Key(0, 1), scale=scale, temperature=3.0, top_p=1.0, closes=False), 1)

    played = {(note.pitch - 7) % 12 for part in piece.parts if not part.is_drum for note in part.notes}
    assert played <= set(SCALES[scale])
    assert any(part.is_drum for part in piece.parts)
    assert piece.keys == (Key(0, 1),)


def test_a_scale_stands_on_the_tonic_of_the_seed_where_no_key_is_asked_for():
    seed = Piece(SEEDS["melody"].piece.parts, keys=(Key(0, -1),))
    frame = Frame(MODELS["tunes"], Request(bars=4, seed=seed, scale="major-pentatonic"))

    assert {pitch % 12 for pitch in frame.guide.pitches[frame.guide.playable.any(axis=0)].tolist()} == {5, 7, 9, 0, 2}


def test_parts_are_chosen_by_name_by_number_or_how_many():
    for parts, expected in ((("Soprano", "bass"), {"Soprano", "Bass"}), (("3",), {"Tenor"}), (2, {"Soprano", "Alto"})):
        (piece,) = compose(MODELS["chorales"], Request(bars=3, parts=parts, closes=False), 1)
        assert {part.name for part in piece.parts} == expected


def test_what_is_out_of_the_key_loses_its_nats():
    guide = Guide(Controls(key=Key(0, 0)), MODELS["bands"].configuration.vocabulary)
    drums, piano = (next(n for n, token in enumerate(guide.vocabulary.parts) if token.is_drum == is_drum) for is_drum in (True, False))
    bias = guide.bias(PITCH, np.array([drums, piano]))

    in_key = np.isin(guide.pitches % 12, OF_KEY[False])
    assert not bias[0].any()
    assert (bias[1] == np.where(in_key, 0, -OUT_OF_KEY)).all()
    assert guide.bias(TIME_SHIFT, np.array([piano])) is None


def test_temperatures_move_over_the_piece_and_rhythm_has_its_own():
    guide = Guide(Controls(temperature=Course(0.5, 1.5), rhythm_temperature=0.2), MODELS["tunes"].configuration.vocabulary)
    places = np.array([0, 0.25, 1])

    assert guide.temperatures(PITCH, places).tolist() == guide.temperatures(VELOCITY, places).tolist() == [0.5, 0.75, 1.5]
    assert guide.temperatures(TIME_SHIFT, places) == guide.temperatures(DURATION, places) == 0.2


@given(st.integers(0, 999), st.floats(0.3, 3))
@settings(max_examples=20, deadline=None)
def test_a_density_brings_the_mean_shift_to_what_is_wanted(random_seed, factor):
    random = np.random.default_rng(random_seed)
    quarters = np.array([0, 0.25, 0.5, 1, 1.5, 2, 4, 8])
    logits, allowed = random.normal(0, 2, (3, 9)), random.random((3, 9)) < 0.8
    allowed[:, [0, 7]] = True
    own = mean_shift(logits, allowed, quarters)
    wanted = np.minimum(own / factor, 7.5)
    dense = with_mean_shift(logits, allowed, quarters, wanted)

    np.testing.assert_allclose(mean_shift(dense, allowed, quarters), wanted, rtol=1e-6)
    assert (np.isfinite(dense[:, :-1]) == allowed[:, :-1]).all()

    def ends(logits: np.ndarray) -> np.ndarray:
        masked = np.where(allowed, logits, -np.inf)
        return np.exp(masked[:, -1]) / np.exp(masked).sum(axis=1)

    np.testing.assert_allclose(ends(dense), ends(logits), rtol=1e-6)  # the end stays as likely as it is


def test_more_notes_come_where_more_are_asked_for():
    def notes(density: Density) -> int:
        return sum(piece.num_notes for piece in compose(MODELS["tunes"], Request(bars=8, density=density, closes=False), 1, 4))

    for few, many in itertools.pairwise(Density(amount, True) for amount in (0.5, 1, 2)):
        assert notes(few) < notes(many)
    assert notes(Density(1, False)) < 4 * 8 * 2 < notes(Density(6, False))


# What is written


@pytest.mark.parametrize(
    ("read", "text", "expected"),
    [
        (read_key, "G major", Key(0, 1)),
        (read_key, "g", Key(0, 1)),
        (read_key, "Bb minor", Key(0, -5, True)),
        (read_key, "F#m", Key(0, 3, True)),
        (read_key, "b minor", Key(0, 2, True)),
        (read_key, "Cb major", Key(0, 5)),
        (read_scale, "Harmonic minor", "harmonic-minor"),
        (read_scale, "off", None),
        (read_range, "Soprano=C4-G5", Range("Soprano", 60, 79)),
        (read_range, "Violin 1 = C-1 - G5", Range("Violin 1", 0, 79)),
        (read_range, "Bass=C2..C3", Range("Bass", 36, 48)),
        (read_parts, "Soprano, Bass", ("Soprano", "Bass")),
        (read_parts, "2", 2),
        (read_meter, " 6/8", Meter(0, 6, 8)),
        (read_temperature, "0.9", Course(0.9, 0.9)),
        (read_temperature, "0.7..1.1", Course(0.7, 1.1)),
        (read_density, "24", Density(24, False)),
        (read_density, "1.5x", Density(1.5, True)),
        (read_bars, "5-8", (5, 8)),
        (read_bars, "5", (5, 5)),
        (read_bars, "5-", (5, None)),
    ],
)
def test_words_are_read(read, text, expected):
    assert read(text) == expected


@pytest.mark.parametrize(
    ("read", "text"),
    [
        *((read_key, text) for text in ("", "H", "major", "C# lydian", "12")),
        *((read_scale, text) for text in ("", "nice")),
        *((read_range, text) for text in ("", "C4-G5", "Soprano=", "Soprano=C4", "Soprano=G5-C4", "Soprano=C4-G10", "=C4-G5")),
        *((read_parts, text) for text in ("", " , ")),
        *((read_meter, text) for text in ("", "4", "0/4", "4/3", "4/0", "256/4", "-3/4", "4/4/4")),
        *((read_temperature, text) for text in ("", "hot", "-1", "0.7..", "..1", "0.5..11", "nan", "inf", "1..2..3")),
        *((read_density, text) for text in ("", "x", "0", "-3", "nan", "infx", "1e9")),
        *((read_bars, text) for text in ("", "0-3", "8-5", "a-b", "-3", "1-2-3", "9" * 5000)),
    ],
)
def test_what_can_t_be_read_is_said(read, text):
    with pytest.raises(WordingError, match=r"expected|lies outside|write|count from 1"):
        read(text)

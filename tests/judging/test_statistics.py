"""Measures of music whose values can be counted by hand, and comparisons of sets whose likeness is known."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from strategies import pieces as any_pieces
from tiny import BAR, bands, chorales, line, tunes

from musicgen.composing.seeds import parse_notes
from musicgen.judging import statistics
from musicgen.judging.distributions import Agreement, agreement, bandwidth, density
from musicgen.judging.key import estimate_key
from musicgen.judging.statistics import MEASURES, Measure, compare, values
from musicgen.piece import Meter, Note, Part, Piece

SILENT = (Piece(()), Piece((Part("Tacet", 0),)))
DRUMS = Piece((Part("Kit", 0, True, (Note(0, 36, 12), Note(24, 38, 12))),))
HISTOGRAMS = [measure for measure in MEASURES if measure.unit.startswith("share") and measure.size > 1 and measure.name != "self-similarity"]
UNMOVED = [measure for measure in MEASURES if measure.name != "pitch classes"]


def tune(text: str, meter: tuple[int, int] = (4, 4)) -> Piece:
    return parse_notes(text, 12, meter)


def measured(name: str, piece: Piece) -> np.ndarray:
    (measure,) = (measure for measure in MEASURES if measure.name == name)
    return values([piece], measure)[0]


def shares(size: int, **counted: float) -> list[float]:
    """A histogram by the numbers of its buckets: _3=0.5."""
    return [counted.get(f"_{bucket}", 0) for bucket in range(size)]


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("pitch classes", "D4:1 D5:2 A4:4 F#4", shares(12, _2=0.5, _9=0.25, _6=0.25)),
        ("scale degrees", "D4:4 D5 A4:1 F#4", shares(12, _0=0.5, _7=0.25, _4=0.25)),
        ("note durations", "C4:1/6 C4:1/4 C4:1/3 C4:5/12 C4:9", shares(11, _0=0.2, _1=0.2, _2=0.4, _10=0.2)),
        ("note durations", "C4:1/2 C4:1 C4:3/2 C4:2", shares(11, _3=0.25, _6=0.25, _7=0.25, _8=0.25)),
        ("melodic intervals", "C4 G4 G4 [C4 E4] R C5 C6 C#4", shares(27, _20=1 / 6, _13=1 / 6, _10=1 / 6, _21=1 / 6, _25=1 / 6, _0=1 / 6)),
        ("pitch-class entropy", "C4 E4 G4 B4", 2),
        ("pitch-class entropy", "C4 C5 G4:8 G4", 1),
        ("scale consistency", "C4 D4 E4 F4 G4 A4 B4 C5", 1),
        ("scale consistency", "C4 D4 E4 F4 G4 A4 B4 C#5", 7 / 8),
        ("groove consistency", "C4:1 C4 C4 C4 C4 C4 C4:2", 47 / 48),
        ("groove consistency", "C4:1 D4 E4 F4 E4 D4 C4 G4", 1),
        ("polyphony", "[C4 E4 G4]:1 C4 R:2 [C4 E4 G4 C5]:2", 3),
        ("note density", "R:3 C4:1 [C4 E4]:2 R:1 G4:1", 4 / 5),
        ("pitch range", "C4 G3 C5", 17),
        ("silence", "R:3 C4:1 R:1 C4:2", 1 / 4),
    ],
)  # fmt: skip
def test_counted_by_hand(name, text, expected):
    assert measured(name, tune(text)) == pytest.approx(np.atleast_1d(expected))


def test_polyphony_counts_overlaps_of_parts():
    piece = Piece((Part("", 0, False, (Note(0, 60, 24),)), Part("", 0, False, (Note(12, 60, 24),)), *DRUMS.parts))

    assert measured("polyphony", piece) == pytest.approx(48 / 36)


def test_bars_of_different_lengths_have_no_common_groove():
    notes = tuple(Note(onset, 60, 3) for onset in (0, 48, 84, 102))  # bars of 4/4, 3/4, 3/4 and no other
    piece = Piece((Part("", 0, False, notes),), (Meter(0, 4, 4), Meter(48, 3, 4)))

    assert measured("groove consistency", piece) == pytest.approx(35 / 36)


def test_self_similarity_is_the_share_of_onsets_that_recur():
    piece = tune("C4 D4 E4 F4 | C4 D4 E4 G4 | C4 D4 E4 F4 | R:1 C4:3")

    assert measured("self-similarity", piece) == pytest.approx(
        [2 * (3 + 3 + 0) / (8 + 8 + 5), 2 * (4 + 0) / (8 + 5), 0, *[0] * 13],
    )


@pytest.mark.parametrize("bars", [2, 5, 20])
def test_equal_bars_are_similar_at_every_distance(bars):
    expected = [1.0] * min(16, bars - 1)

    assert measured("self-similarity", tune("C4:1 [D4 F4] R C4 " * bars)).tolist() == expected + [0.0] * (16 - len(expected))


def test_self_similarity_does_not_depend_on_the_direction():
    bars = ["C4 D4 E4 F4", "C4 R E4 G4", "D4 D4 E4 F4", "R C4 R G4", "C4 D4 R F4"]

    assert measured("self-similarity", tune(" ".join(bars))) == pytest.approx(measured("self-similarity", tune(" ".join(reversed(bars)))))


@pytest.mark.parametrize("measure", MEASURES, ids=lambda measure: measure.name)
@pytest.mark.parametrize("piece", [*SILENT, DRUMS, tune("C4:1"), tune("R:9 C4:1/12"), replace(tune("C4"), meters=(Meter(0, 4, 4), Meter(5, 3, 8)))])
def test_the_smallest_pieces_have_figures(measure, piece):
    found = values([piece], measure)

    assert found.shape == (1, measure.size)
    assert np.isfinite(found).all()
    assert not found.any() or piece not in SILENT


@settings(max_examples=40)
@given(any_pieces(max_parts=3, max_notes=8))
def test_every_piece_has_figures_in_their_ranges(piece):
    plays = any(not part.is_drum for part in piece.parts)
    for measure in MEASURES:
        found = values([piece], measure)
        assert np.isfinite(found).all()
        assert (found >= 0).all()
        assert not measure.unit.startswith("share") or (found <= 1 + 1e-12).all()
        if measure in HISTOGRAMS and measure.name != "melodic intervals":
            assert found.sum() == pytest.approx(float(plays))
    assert measured("melodic intervals", piece).sum() == pytest.approx(
        float(any(len({note.onset for note in part.notes}) > 1 for part in piece.parts if not part.is_drum))
    )


@settings(max_examples=40)
@given(st.integers(0, 999), st.integers(-12, 12))
def test_only_pitch_classes_depend_on_the_key(seed, semitones):
    piece = Piece((Part("", 0, False, line(np.random.default_rng(seed), 50, 80, 4 * BAR)),))
    moved = piece.transposed(semitones)
    assume(estimate_key(moved).tonic == (estimate_key(piece).tonic + semitones) % 12)  # two keys may fit equally well

    for measure in UNMOVED:
        assert values([moved], measure) == pytest.approx(values([piece], measure))
    assert measured("pitch classes", moved) == pytest.approx(np.roll(measured("pitch classes", piece), semitones))


def test_a_density_is_the_sum_of_gaussians_of_scotts_width():
    samples = np.array([1.0, 2.0, 4.0])
    grid, width = np.linspace(-20, 20, 1024), samples.std(ddof=1) * 3**-0.2
    expected = np.exp(-0.5 * ((grid[:, None] - samples) / width) ** 2).sum(axis=1)

    assert bandwidth(samples) == pytest.approx(width)
    assert density(samples, -20, 20) == pytest.approx(expected / expected.sum(), abs=1e-5)


def test_two_normal_distributions_agree_as_they_should():
    rng = np.random.default_rng(0)
    found = agreement(rng.normal(0, 1, 20_000), rng.normal(2, 1, 20_000))

    assert found is not None
    assert found.overlapped_area == pytest.approx(0.3173, abs=0.02)  # twice the normal distribution function at -1
    assert found.divergence == pytest.approx(2, abs=0.1)  # half the square of the difference of the means


@given(st.lists(st.floats(0, 100), min_size=1, max_size=20), st.lists(st.floats(0, 100), min_size=1, max_size=20))
def test_agreement_lies_in_its_range(first, second):
    found, same = agreement(np.array(first), np.array(second)), agreement(np.array(first), np.array(first))

    assert found is not None
    assert 0 <= found.overlapped_area <= 1
    assert 0 <= found.divergence < 28
    assert same == pytest.approx(Agreement(1, 0))


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ([], [1.0], None),
        ([1.0], [], None),
        ([1.0], [1.0, 1.0], Agreement(1, 0)),
        ([0.1 + 0.2], [0.3], Agreement(1, 0)),  # equal but for rounding
        ([0.0, 0.0], [0.0], Agreement(1, 0)),
        ([0.0, 0.0], [5.0, 5.0], Agreement(0, np.log(1e12))),  # two point masses
    ],
)
def test_samples_that_do_not_vary(first, second, expected):
    assert agreement(np.array(first), np.array(second)) == (expected and pytest.approx(expected, abs=1e-6))


def test_a_set_agrees_with_itself_and_less_with_another():
    same = compare(tunes(6), tunes(6), np.random.default_rng(0))
    other = compare(chorales(6), tunes(6), np.random.default_rng(0))

    assert [comparison.measure for comparison in same] == list(MEASURES)
    for comparison in same:
        assert comparison.agreement == pytest.approx(Agreement(1, 0))
        assert np.sort(comparison.between) == pytest.approx(np.sort(comparison.within_corpus))
    areas = {comparison.measure.name: comparison.agreement.overlapped_area for comparison in other if comparison.agreement}
    assert areas["polyphony"] < 0.1
    assert areas["pitch range"] < 0.5


def test_distances_means_and_the_ceiling_written_out(monkeypatch):
    monkeypatch.setattr(statistics, "MEASURES", (Measure("notes", "notes", 1, lambda piece: float(piece.num_notes), ""),))
    corpus = [tune("C4 " * number) for number in (1, 2, 4, 8)]
    (found,) = compare([tune("C4 D4"), tune("C4")], corpus, np.random.default_rng(0))

    assert (found.pieces_mean.tolist(), found.corpus_mean.tolist()) == ([1.5], [3.75])
    assert found.within_pieces.tolist() == [1, 1]
    assert sorted(found.within_corpus) == sorted([1, 3, 7, 2, 6, 4] * 2)
    assert found.between.tolist() == [1, 0, 2, 6, 1, 3, 7]  # C4 is in both sets
    assert found.ceiling is not None


@pytest.mark.parametrize(
    ("pieces", "corpus"), [((), ()), (tunes(1), ()), ((), tunes(2)), (tunes(1), tunes(1)), (SILENT, DRUMS.parts and (DRUMS,) * 3)]
)
def test_the_smallest_sets_have_figures(pieces, corpus):
    for comparison in compare(pieces, corpus, np.random.default_rng(0)):
        arrays = (comparison.pieces_mean, comparison.corpus_mean, comparison.within_pieces, comparison.within_corpus, comparison.between)
        assert all(np.isfinite(array).all() for array in arrays)
        assert comparison.agreement is None or np.isfinite(comparison.agreement).all()
        assert (comparison.agreement is None) == (len(pieces) == 0 or len(corpus) < 2)
        assert (comparison.ceiling is None) == (len(corpus) < 3)


def test_the_generator_decides_what_is_drawn_and_nothing_else_does():
    first, again = (compare(bands(4), chorales(8), np.random.default_rng(5), max_pieces=3) for _ in range(2))

    assert [(one.agreement, one.ceiling) for one in first] == [(one.agreement, one.ceiling) for one in again]
    assert {(len(one.within_corpus), len(one.between)) for one in first} == {(6, 9)}


@settings(max_examples=10)
@given(st.lists(any_pieces(max_parts=2, max_notes=4), max_size=4))
def test_every_set_agrees_with_itself(pieces):
    for comparison in compare(pieces, pieces, np.random.default_rng(0)):
        assert comparison.agreement == (pytest.approx(Agreement(1, 0)) if len(pieces) > 1 else None)

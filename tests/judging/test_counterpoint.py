"""Rules of voice leading, each broken once and then kept; the voices are written out, the highest first."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from strategies import pieces as any_pieces
from tiny import BAR, bands, chorales, line

from musicgen.composing.seeds import parse_notes
from musicgen.judging.counterpoint import ENDINGS, RULES, TRIADS, craft, craft_of
from musicgen.judging.key import estimate_key
from musicgen.judging.voices import NotVoicesError, applies, chords_of
from musicgen.piece import Meter, Note, Part, Piece

RANGES = "notes out of range"


def voices(*lines: str, meter: tuple[int, int] = (4, 4)) -> Piece:
    """A piece whose voices are written out."""
    parts = tuple(replace(parse_notes(text, 12).parts[0], name=str(index)) for index, text in enumerate(lines))
    return Piece(parts, (Meter(0, *meter),))


def breaches(*lines: str, meter: tuple[int, int] = (4, 4)) -> dict[str, int]:
    """The rules that are broken, and how often."""
    return {name: count for name, count in craft(voices(*lines, meter=meter)).breaches.items() if count}


def random_voices(seed: int, number: int) -> Piece:
    random = np.random.default_rng(seed)
    return Piece(tuple(Part(str(low), 52, False, line(random, low, low + 20, 3 * BAR)) for low in range(60, 60 - 7 * number, -7)))


def test_a_parallel_fifth_written_as_notes_is_found_once():
    upper = Part("", 0, False, (Note(0, 67, 12), Note(12, 69, 12)))  # G4 A4
    lower = Part("", 0, False, (Note(0, 60, 12), Note(12, 62, 12)))  # C4 D4

    found = craft(Piece((lower, upper)))

    assert found.num_chords == 2
    assert {name: count for name, count in found.breaches.items() if count} == {"parallel fifths": 1}


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (("G4 A4", "C4 D4"), {"parallel fifths": 1}),
        (("G5 A5", "C4 D4"), {"parallel fifths": 1}),  # an octave and a fifth
        (("G4 R A4", "C4 R D4"), {}),  # a rest absolves
        (("G4 G4", "C4 C4"), {}),  # the same fifth again moves nowhere
        (("G4:2", "C4:1 C4"), {}),
        (("F#4 G4", "C4 C4"), {}),
        (("F#4 G4", "B3 C4"), {"parallel fifths": 1}),
        (("G4 D5", "C4 G3"), {"fifths and octaves by contrary motion": 1}),
        (("F4 G4", "B3 C4"), {}),  # a diminished fifth before
        (("G4 Ab4", "C4 D4"), {}),  # or after
        (("C5 D5", "C4 D4"), {"parallel octaves": 1}),
        (("C4 D4", "C4 D4"), {"parallel octaves": 1, "overlaps": 1}),
        (("C5 C5", "C4 C4"), {}),
        (("E4 C5", "A3 C3"), {}),  # contrary motion into an octave
        (("E4 A4", "C4 D4"), {"direct fifths and octaves": 1}),
        (("E4 G4", "C4 G3"), {}),
        (("G4 A4", "Bb3 D4"), {}),  # the upper voice steps
    ],
)
def test_fifths_and_octaves(lines, expected):
    assert breaches(*lines) == expected


def test_inner_voices_may_move_into_fifths_but_not_in_parallel():
    assert breaches("C5 C5", "E4 A4", "C4 D4", "C3 F3") == {}
    assert breaches("E5 D5", "G4 A4", "C4 D4", "C3 F3")["parallel fifths"] == 1


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (("C5 E4 C5", "E4 G4 E4"), {"crossings": 1}),
        (("C5 E4 D4 C5", "E4 G4:2 E4:1"), {"crossings": 2}),
        (("C5 E4 C5", "R E4 E4"), {}),  # a unison crosses nothing
        (("E4 A4", "C4 F4"), {"overlaps": 1}),
        (("A4 E4", "F4 C4"), {"overlaps": 1}),
        (("E4 G4", "C4 E4"), {}),
        (("C6 C6", "B4 C5", "E4 E4"), {"wide spacings": 1}),
        (("E4 E4", "C4 C3", "A3 A2"), {"overlaps": 1, "wide spacings": 1}),
        (("C5 C5", "E4 E4", "C3 C3"), {}),  # the lowest pair may be wide
        (("C6", "C4"), {}),
    ],
)
def test_crossings_overlaps_and_spacings(lines, expected):
    found = breaches(*lines)

    assert {name: found.get(name, 0) for name in ("crossings", "overlaps", "wide spacings")} == {
        name: expected.get(name, 0) for name in ("crossings", "overlaps", "wide spacings")
    }


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (("G5", "D5", "G4", "C4"), 0),
        (("C4", "G3", "C3", "E2"), 0),
        (("A5", "E5", "A4", "D4"), 4),
        (("B3 C4", "F3 G3", "B2 C3", "D2 D2"), 5),
        (("A5", "E5", "A4"), 0),
    ],
)
def test_ranges_are_those_of_four_voices(lines, expected):
    assert craft(voices(*lines)).breaches[RANGES] == expected


@pytest.mark.parametrize(
    ("soprano", "alto", "tenor", "expected"),
    [
        ("G4 B4 C5 C5", "E4 G4 G4 G4", "C4 D4 E4 E4", 0),
        ("G4 B4 G4 E4", "E4 G4 E4 G4", "C4 D4 C4 C4", 1),  # an outer voice falls
        ("E5 D5 C5 C5", "G4 B4 G4 E4", "C4 G4 E4 G4", 0),  # an inner voice falls to the fifth
        ("E5 D5 C5 C5", "G4 B4 E4 G4", "C4 G4 E4 G4", 1),  # elsewhere
        ("G4 B4 A4 G4", "E4 G4 E4 G4", "C4 D4 C4 C4", 0),  # no tonic triad follows
    ],
)
def test_leading_tones(soprano, alto, tenor, expected):
    assert craft(voices(soprano, alto, tenor, "C3 G3 C3:2")).breaches["unresolved leading tones"] == expected


@pytest.mark.parametrize(
    ("melody", "rule", "expected"),
    [
        ("F4 B4", "augmented leaps", 1),
        ("B4 F4", "augmented leaps", 1),
        ("F4 R:1/2 B4:1/2", "augmented leaps", 0),
        ("F4 C5", "augmented leaps", 0),
        ("C4 C5", "wide leaps", 0),
        ("C4 Bb4", "wide leaps", 1),
        ("C5 Db4", "wide leaps", 1),
        ("C4 Db5", "wide leaps", 1),
        ("C4 A4", "wide leaps", 0),
    ],
)
def test_leaps(melody, rule, expected):
    assert craft(voices(melody, "C3:2")).breaches[rule] == expected


@pytest.mark.parametrize(("last", "expected"), [("F4 G#4", 1), ("G#4 F4", 1), ("A4 C5", 0), ("D4 F4", 0)])
def test_an_augmented_second_is_known_by_the_key(last, expected):
    assert craft(voices(f"A4:1 A4 E4 C4 A4 E4 {last}", "A3:8")).breaches["augmented leaps"] == expected


@pytest.mark.parametrize(
    ("upper", "lower", "meter", "expected"),
    [
        ("E4 G4 F4 A4", "C3:4", (4, 4), 1),  # leapt into, leapt from, on the third beat
        ("E4 G4 F4 E4", "C3:4", (4, 4), 0),  # left by step
        ("E4 F4 A4 G4", "C3:4", (4, 4), 0),  # on a weak beat
        ("E4 G4 F4 A4", "C3:4", (3, 4), 0),
        ("E4 G4 E4 F4 A4:2", "C3:6", (3, 4), 1),
        ("E4 F4:2 C4:1", "C3 D3 G3 A3", (4, 4), 0),  # held over from a third
        ("E4 F4 F4 C4", "C3 D3 G3 A3", (4, 4), 0),  # repeated
        ("E4 A4 F4 C4", "C3 D3 G3 A3", (4, 4), 1),  # leapt into, and the step of the bass is no help
        ("E4 E4 G4 E4", "C3 F3 F3 E3", (4, 4), 0),  # the lowest note was there before
        ("E4 F4 R:1/2 F4:1/2 C4:1", "C3 D3 G3 A3", (4, 4), 0),  # enters after the beat
    ],
)
def test_dissonances(upper, lower, meter, expected):
    assert craft(voices(upper, lower, meter=meter)).breaches["free dissonances"] == expected


@pytest.mark.parametrize(
    ("last", "expected"),
    [
        (("C5", "E4", "G3", "C3"), "tonic"),
        (("C5", "Eb4", "G3", "C3"), "tonic"),
        (("C5", "C4", "C4", "C3"), "tonic"),
        (("D5", "B4", "G3", "G2"), "dominant"),
        (("D5", "Bb4", "G3", "G2"), "other triad"),
        (("C5", "A4", "F3", "F2"), "other triad"),
        (("C5", "E4", "G3", "E3"), "no root position"),
        (("B4", "F4", "D4", "G3"), "no root position"),
    ],
)
def test_endings(last, expected):
    in_c_major = ("C5 B4 C5:8", "E4 F4 E4:8", "G4 D4 G4:8", "C4 G3 C4:8")

    assert craft(voices(*(f"{line} {note}:1" for line, note in zip(in_c_major, last, strict=True)))).ending == expected
    assert expected in ENDINGS


def test_voices_are_ordered_by_pitch_and_moments_need_two_of_them():
    chords = chords_of(voices("C3 R C3 C3:2", "R C4:2 G4:1 A4"))

    assert chords.pitches.tolist() == [[-1, 48], [60, -1], [60, 48], [67, 48], [69, 48]]
    assert chords.begins.tolist() == [[False, True], [True, False], [False, True], [True, True], [True, False]]
    assert chords.is_strong.tolist() == [True, False, True, False, True]
    assert chords.are_chords.tolist() == [False, False, True, True, True]


def test_strong_beats_follow_the_meters():
    piece = replace(voices("C5:1/2 " * 20, "C4:10"), meters=(Meter(0, 4, 4), Meter(48, 3, 4), Meter(84, 6, 8)))

    assert [6 * row for row, is_strong in enumerate(chords_of(piece).is_strong) if is_strong] == [0, 24, 48, 84]


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        ((), "found 0"),
        ((Part("One", 0, False, (Note(0, 60, 1),)), Part("Tacet", 0)), "found 1"),
        ((Part("One", 0, False, (Note(0, 60, 1),)), Part("Kit", 0, True, (Note(0, 36, 1),))), "found 1"),
        ((Part("One", 0, False, (Note(0, 60, 1),)), Part("Two", 0, False, (Note(0, 60, 3), Note(2, 64, 1)))), "'Two' sounds two notes at once"),
    ],
)
def test_what_has_no_voices_is_said(parts, reason):
    assert not applies(Piece(parts))
    with pytest.raises(NotVoicesError, match=reason):
        craft(Piece(parts))


def test_a_set_adds_its_pieces_and_leaves_out_what_has_no_voices():
    fifths, calm = voices("G4 A4", "C4 D4"), voices("E5 D5 E5", "C4 B3 C4")

    found = craft_of([fifths, calm, *bands(1)])

    assert found[:3] == (2, 1, 5)
    assert found.per_hundred_chords["parallel fifths"] == pytest.approx(100 / 5)
    assert sum(found.endings.values()) == pytest.approx(1)
    assert set(found.per_hundred_chords) == {rule.name for rule in RULES}


def test_an_empty_set_has_figures():
    assert craft_of([])[:3] == (0, 0, 0)
    assert not any(craft_of([]).per_hundred_chords.values())
    assert not any(craft_of([]).endings.values())


def test_voices_that_never_meet_break_nothing():
    assert breaches("C5 R", "R C4") == {}


@settings(max_examples=40)
@given(st.integers(0, 999), st.integers(2, 5), st.integers(-12, 12))
def test_all_but_ranges_stays_when_a_piece_is_moved(seed, number, semitones):
    piece = random_voices(seed, number)
    moved = piece.transposed(semitones)
    assume(estimate_key(moved).tonic == (estimate_key(piece).tonic + semitones) % 12)  # two keys may fit equally well
    here, there = craft(piece), craft(moved)

    assert here._replace(breaches=here.breaches | {RANGES: 0}) == there._replace(breaches=there.breaches | {RANGES: 0})


@settings(max_examples=40)
@given(st.integers(0, 999), st.permutations(range(4)))
def test_the_order_of_the_parts_does_not_matter(seed, order):
    piece = random_voices(seed, 4)

    assert craft(replace(piece, parts=tuple(piece.parts[index] for index in order))) == craft(piece)


@settings(max_examples=40)
@given(any_pieces(max_parts=4, max_notes=6))
def test_every_piece_is_judged_or_refused(piece):
    if applies(piece):
        assert all(count >= 0 for count in craft(piece).breaches.values())
    else:
        with pytest.raises(NotVoicesError):
            chords_of(piece)


def test_every_rule_says_what_it_counts_and_whence():
    assert all(rule.meaning and rule.source for rule in RULES)
    assert len({rule.name for rule in RULES}) == len(RULES)
    assert sum(craft_of(chorales()).per_hundred_chords.values()) > 0  # random voices break rules
    assert all(0 in triad for triad in TRIADS)

"""Faults: for each a take that has it and one that just has not, and laws that hold for all pieces."""

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import pieces

from musicgen.composing.seeds import parse_notes
from musicgen.judging.faults import FAULTS, Facts, Finding, find_faults
from musicgen.judging.originality import top_line
from musicgen.judging.twins import Twins, find_twins
from musicgen.piece import Meter, Note, Part, Piece, Tempo

WALTZ, JIG = (Meter(0, 3, 4),), (Meter(0, 6, 8),)
# one bar of 4/4 each
TUNE = "C4:1 D4 E4 C4 E4:1 F4 G4:2 G4:1/2 A4 G4 F4 E4:1 C4 D4:2 G3 C4:4 "
WALK = "C4:1 D4 E4 F4 G4 F4 E4 D4 C4 D4 E4 F4 G4 F4 E4 "  # 15 quarter notes


def melody(text: str, meters: tuple[Meter, ...] = (Meter(0, 4, 4),)) -> Piece:
    """Notes as `generate --seed` takes them, in any meter."""
    return replace(parse_notes(text, 12), meters=meters)


def together(*texts: str, program: int = 52) -> Piece:
    """A part for each text."""
    return Piece(tuple(Part(f"Voice {number}", program, False, parse_notes(text, 12).parts[0].notes) for number, text in enumerate(texts)))


def later(piece: Piece, steps: int) -> Piece:
    """The same notes, so many steps later."""
    parts = (replace(part, notes=tuple(note._replace(onset=note.onset + steps) for note in part.notes)) for part in piece.parts)
    return replace(piece, parts=tuple(parts))


def test_a_tune_has_no_fault():
    assert find_faults(melody(TUNE), Facts(num_bars=5, num_parts=1, ranges=((55, 69),))) == []


@pytest.mark.parametrize(
    ("piece", "facts", "expected"),
    [
        (Piece(()), Facts(), [Finding("nothing", 1, None, None)]),
        (Piece((Part("Tacet", 0),)), Facts(num_bars=2), [Finding("nothing", 1, None, None), Finding("early end", 2, None, None)]),
        (melody("C4:2 R:8 D4:2"), Facts(), [Finding("silence", 2, 1, None)]),
        (melody("C4:2 R:7 D4:3"), Facts(), []),
        (melody("R:8 D4:4"), Facts(), [Finding("silence", 2, 1, None)]),
        (melody("C4:4 D4:4"), Facts(num_bars=3), [Finding("early end", 1, None, None)]),
        (melody("C4:4 D4:1"), Facts(num_bars=2), []),
        (melody("C4:4 [D4 F4]:6"), Facts(num_bars=2), [Finding("overhang", 2, 3, None)]),
        (melody("C4:4 D4:4 E4:4 F4:4"), Facts(num_bars=2), [Finding("overhang", 2, 3, None)]),
        (melody("G4:4 " + "C4:1 " * 12 + "D4:4"), Facts(), [Finding("one note", 12, 2, 0)]),
        (melody("G4:4 " + "C4:1 " * 11 + "D4:1"), Facts(), []),
        (melody("[C4 E4]:1 [D4 F4] " * 6), Facts(num_bars=3), []),  # three bars of a figure are music
        (melody("D4:1 " + "[C4 G4]:1 [E4 G4] " * 6 + "D4:3"), Facts(), [Finding("one note", 12, 1, 0)]),  # the top line
        (melody("D4:4 " + "C4:8 " * 3 + "D4:4"), Facts(), [Finding("stuck", 6, 2, 0)]),
        (melody("D4:4 " + "C4:8 " * 2 + "C4:7 D4:1"), Facts(), []),
        (melody("D4:3 " + "C4:6 " * 3 + "D4:3", WALTZ), Facts(), [Finding("stuck", 6, 2, 0)]),
        (together("D4:4 C4:20 D4:4", TUNE), Facts(), [Finding("held", 5, 2, 0)]),
        (together("D4:4 C4:19 D4:4", TUNE), Facts(), []),
        (melody(TUNE), Facts(ranges=((57, 67),)), [Finding("out of range", 2, 3, 0)]),
        (melody(TUNE), Facts(ranges=(None,)), []),
        (melody(TUNE), Facts(num_parts=2), [Finding("idle", 1, None, None)]),
        (together(TUNE, TUNE + "E4:16", "C3:4"), Facts(), [Finding("idle", 8 / 9, None, 2)]),
        (Piece((Part("Kit", 0, True, tuple(Note(12 * beat, 36, 12) for beat in range(96))),)), Facts(), []),
    ],
)
def test_a_fault_is_found_where_it_is(piece, facts, expected):
    assert find_faults(piece, facts) == expected


def test_a_figure_for_ever_is_a_loop():
    six_bars = "C4:1 E4:1/2 G4 C5:1 G4 " * 6
    other_notes = "C4:1 E4:1/2 G4 C5:1 A4 " * 3 + "C4:1 E4:1/2 G4 C5:1 G4 " * 3

    assert find_faults(melody("D4:4 " + six_bars)) == [Finding("loop", 6, 2, 0), Finding("same bars", 6, 2, None)]
    assert find_faults(together("D4:4 " + six_bars, TUNE + "D4:4 E4")) == [Finding("loop", 6, 2, 0)]  # the other part goes on
    assert find_faults(melody("D4:4 " + other_notes)) == []
    # as often, but for less than four bars
    assert find_faults(melody("D4:4 " + "C4:1/2 E4 G4 E4 " * 7 + "C4:4")) == []


def test_bars_for_ever_are_a_loop_however_many_they_are():
    two_bars = "C4:1 E4 G4:1/2 F4 E4 D4 C4:1 G3:3 "

    assert find_faults(melody(two_bars * 3)) == []
    assert find_faults(melody(two_bars * 4)) == [Finding("same bars", 8, 1, None)]


@pytest.mark.parametrize(("bars", "expected"), [(1, []), (2, [Finding("crossing", 2, 2, 0)])])
def test_voices_that_stay_crossed(bars, expected):
    high, low = ("G4:2 A4 ", "B4:4 ", "F4:4 ", "A4:1 G4 F4 E4 "), ("C4:2 D4 ", "G3:4 ", "A3:4 ", "C4:1 B3 C4 D4 ")
    upper, lower = high[0] + "".join(low[:bars] + high) + "C5:4", low[0] + "".join(high[:bars] + low) + "C3:4"

    piece = together(upper, lower)

    assert find_faults(piece) == expected
    assert find_faults(replace(piece, parts=(piece.parts[0], replace(piece.parts[1], program=0)))) == []  # not of one instrument


def test_where_notes_begin_in_the_bar():
    quarters, eighths = melody(TUNE), melody("C4:1/2 D4 E4 C4 D4 E4 F4:1 G4:1/2 F4 E4 G4 F4 D4 C4:3/2 D4:1/2 E4 C4:3/2", JIG)

    assert find_faults(quarters) == find_faults(eighths) == []
    assert find_faults(later(melody(WALK + "C4:1"), 6)) == [Finding("off the beat", 1, None, None)]
    assert [finding.fault for finding in find_faults(later(quarters, 3))] == ["off the eighths", "off the beat"]


def test_what_is_the_style_of_a_corpus_is_no_fault():
    piece = melody("G4:4 " + "C4:1 " * 12 + "D4:4")

    assert find_faults(piece, Facts(usual={"one note": 12.0})) == []
    assert find_faults(piece, Facts(usual={"one note": 11.9, "stuck": 100.0})) == [Finding("one note", 12, 2, 0)]


def test_faults_of_endings():
    assert find_faults(melody(WALK + "C4:1")) == []
    assert find_faults(melody(WALK + "C4:1/2")) == [Finding("short end", 2, 4, None), Finding("mid-bar", 6, 4, None)]
    assert find_faults(melody(WALK + "D4:1 C4")) == []  # a bar line is a good place for a last note
    assert find_faults(melody(WALK + "D4:1 C4 D4")) == [Finding("mid-bar", 24, 5, None)]
    for cut_off in (WALK + "C4:1/2", WALK + "D4:1 C4 D4"):
        assert find_faults(melody(cut_off), Facts(closes=False)) == []
    assert find_faults(melody(WALK + "D4:1 C4:2")) == []  # a long note is an end
    assert find_faults(later(melody(WALK + "C4:1"), 36)) == []  # an upbeat of a quarter note, and a last bar of three


def test_facts_must_be_about_the_parts():
    with pytest.raises(ValueError, match="a range for each of the 1 parts, received 2"):
        find_faults(melody(TUNE), Facts(ranges=((0, 127), None)))


def test_the_table_has_every_fault_once():
    assert all(count == 1 for count in Counter(fault.name for fault in FAULTS).values())
    assert all(fault.least > 0 and fault.meaning and fault.unit for fault in FAULTS)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_the_order_of_the_parts_does_not_matter(data):
    piece = data.draw(pieces(grids=(12,), max_parts=4, max_notes=12))
    order = data.draw(st.permutations(range(len(piece.parts))))
    ranges = tuple(data.draw(st.sampled_from((None, (60, 64)))) for _ in piece.parts)
    moved = replace(piece, parts=tuple(piece.parts[number] for number in order))

    found = find_faults(moved, Facts(4, 5, tuple(ranges[number] for number in order)))

    def by_whom(findings: list[Finding], played: Piece) -> Counter:
        """Parts may play the same; so they are named by what they play."""
        lines = [(part.program, top_line(part)) for part in played.parts]
        return Counter((finding._replace(part=None), None if finding.part is None else lines[finding.part]) for finding in findings)

    assert by_whom(found, moved) == by_whom(find_faults(piece, Facts(4, 5, ranges)), piece)


@settings(max_examples=40, deadline=None)
@given(pieces(grids=(12,), max_parts=3, max_notes=12))
def test_tempo_and_loudness_are_no_faults(piece):
    parts = tuple(replace(part, notes=tuple(note._replace(velocity=31) for note in part.notes)) for part in piece.parts)

    assert find_faults(replace(piece, parts=parts, tempos=(Tempo(0, 33.0),))) == find_faults(piece)


def test_hundreds_of_parts():
    piece = together(*[TUNE] * 300)

    assert find_faults(piece, Facts(num_bars=5)) == []


def test_takes_that_are_as_good_as_identical():
    other = melody("E4:1 D4 C4 " * 6)
    nearly = melody(TUNE.replace("G3 C4:4", "G3 C4:3"))  # one of 16 notes is shorter
    louder = replace(melody(TUNE), parts=(replace(melody(TUNE).parts[0], program=7, name="Clavinet"),), tempos=(Tempo(0, 60.0),))
    takes = [melody(TUNE), other, melody(TUNE).transposed(5), louder, Piece(()), Piece(())]

    assert find_twins(takes) == [Twins(0, 2, 1.0), Twins(0, 3, 1.0), Twins(2, 3, 1.0), Twins(4, 5, 1.0)]
    assert find_twins([melody(TUNE), nearly]) == [Twins(0, 1, 15 / 16)]
    assert find_twins([melody(TUNE), nearly], least=0.95) == []
    assert find_twins([melody(TUNE), parse_notes(TUNE, 24)], least=0.01) == []
    assert find_twins([]) == []


def test_what_is_transposed_in_drums_is_another_drum():
    kits = [Piece((Part("Kit", 0, True, tuple(Note(12 * beat, drum, 12) for beat in range(16))),)) for drum in (36, 38, 36)]

    assert find_twins(kits) == [Twins(0, 2, 1.0)]


@settings(max_examples=40, deadline=None)
@given(pieces(grids=(12,), max_parts=3, max_notes=8), st.lists(pieces(grids=(12,), max_parts=3, max_notes=8), max_size=3))
def test_a_take_is_its_own_twin(piece, others):
    again = replace(piece, parts=piece.parts[::-1])

    assert Twins(0, len(others) + 1, 1.0) in find_twins([piece, *others, again])

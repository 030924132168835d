"""Copies: golden runs, the index against a brute force, and what damaged arrays say."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import pieces

from musicgen.composing.seeds import parse_notes
from musicgen.judging.originality import CorpusIndex, Run, UsualCopying, copied, texture, top_line, usual_copying
from musicgen.judging.runs import sorted_suffixes
from musicgen.piece import Meter, Note, Part, Piece, Tempo, without_overlaps

CORPUS = [
    replace(parse_notes("C4:1 D4 E4 F4 G4:4", 12), title="up"),
    replace(parse_notes("R:4 G4:1/2 A4 B4 C5:1 B4:1/2 A4 G4:2 E4:1 E4 E4", 12), title="arch"),
]


def small_pieces() -> st.SearchStrategy[Piece]:
    """Few values, so that runs meet; chords and drums among them."""
    drawn = st.tuples(st.sampled_from((3, 6, 6, 0)), st.sampled_from((60, 62, 64)), st.sampled_from((3, 6)))

    def part(events: list[tuple[int, int, int]], is_drum: bool) -> Part:
        onsets = np.cumsum([gap for gap, _, _ in events]).tolist()
        return Part("", 0, is_drum, without_overlaps(Note(at, pitch, length) for at, (_, pitch, length) in zip(onsets, events, strict=True)))

    parts = st.builds(part, st.lists(drawn, max_size=12), st.sampled_from((False, False, False, True)))
    return st.lists(parts, max_size=3).map(lambda parts: Piece(tuple(parts)))


def lines_of(piece: Piece) -> list[tuple[Note, ...]]:
    return [top_line(part) for part in piece.parts]


def brute_runs(lines: list[tuple[Note, ...]], corpus: list[tuple[Note, ...]]) -> list[tuple[int, int, int]]:
    """(line, first note, number of notes) of the longest run from every note, by comparing with every note of the corpus."""
    found = []
    for number, ours in enumerate(lines):
        for first in range(len(ours)):
            best = 0
            for theirs in corpus:
                for place in range(len(theirs)):
                    length = 0
                    for a, b in zip(ours[first:], theirs[place:], strict=False):
                        moved = (a.onset - ours[first].onset, a.pitch - ours[first].pitch, a.duration)
                        if moved != (b.onset - theirs[place].onset, b.pitch - theirs[place].pitch, b.duration):
                            break
                        length += 1
                    best = max(best, length)
            found.append((number, first, best if best > 1 else 0))
    return found


@settings(max_examples=80, deadline=None)
@given(small_pieces(), st.lists(small_pieces(), min_size=1, max_size=3), st.integers(2, 5))
def test_what_is_found_is_what_a_brute_force_finds(piece, corpus, min_notes):
    runs = brute_runs(lines_of(piece), [line for other in corpus for line in lines_of(other)])
    longest = max((length for _, _, length in runs), default=0)
    inside = {(part, first + step) for part, first, length in runs if length >= min_notes for step in range(length)}

    found = copied(piece, CorpusIndex.of(corpus), min_notes)

    assert (found.num_notes, found.num_copied, found.num_compared) == (longest, len(inside), len(runs))
    if found.longest:
        part, first, _ = next(run for run in runs if run[2] == longest)
        assert (found.longest.part, found.longest.onset) == (part, top_line(piece.parts[part])[first].onset)
        theirs = corpus[found.longest.corpus_piece]
        bars = np.searchsorted(theirs.bar_lines, [note.onset for note in top_line(theirs.parts[found.longest.corpus_part])], side="right")
        assert found.longest.corpus_bar in bars

    notes = texture(piece)
    of_all = brute_runs([notes], [texture(other) for other in corpus])
    longest = max((length for _, _, length in of_all), default=0)
    assert (found.passage.num_notes if found.passage else 0) == longest
    if found.passage:
        first = next(first for _, first, length in of_all if length == longest)
        assert (found.passage.onset, found.passage.part) == (notes[first].onset, None)


@settings(max_examples=40, deadline=None)
@given(st.lists(pieces(grids=(12,), max_notes=8, max_parts=3), min_size=1, max_size=3), st.integers(-127, 127), st.data())
def test_a_piece_of_the_corpus_is_a_copy_in_whatever_key(corpus, semitones, data):
    piece = data.draw(st.sampled_from(corpus))
    pitches = [note.pitch for part in piece.parts if not part.is_drum for note in part.notes] or [60]
    moved = piece.transposed(max(-min(pitches), min(127 - max(pitches), semitones)))
    lines = [len(top_line(part)) for part in piece.parts]
    index = CorpusIndex.of(corpus)

    found = copied(moved, index, min_notes=2)

    assert found == copied(piece, index, min_notes=2)
    assert found.num_notes == max((length for length in lines if length > 1), default=0)
    assert found.num_copied == sum(length for length in lines if length > 1)


@settings(max_examples=40, deadline=None)
@given(st.lists(pieces(grids=(12,), max_notes=6, max_parts=3), min_size=1, max_size=3), small_pieces())
def test_an_index_comes_back_from_its_arrays(corpus, piece):
    index = CorpusIndex.of(corpus, held_out=[piece])
    arrays = index.to_arrays()
    again = CorpusIndex.from_arrays(arrays)

    assert (again.titles, again.steps_per_quarter, again.usual) == (index.titles, index.steps_per_quarter, index.usual)
    assert all(np.array_equal(array, again.to_arrays()[name]) for name, array in arrays.items())
    assert copied(piece, again) == copied(piece, index)
    assert copied(corpus[0], again, 2) == copied(corpus[0], index, 2)


def test_a_run_is_named_by_where_it_stands():
    # a fourth higher, after two notes of its own: the arch from its second note on, which the corpus has in bar 2
    piece = parse_notes("C4:1 C5 D5:1/2 E5 F5:1 E5:1/2 D5 C5:2 C5:4", 12)

    found = copied(piece, CorpusIndex.of(CORPUS), min_notes=6)

    assert found.longest == Run(num_notes=6, part=0, onset=24, corpus_piece=1, corpus_title="arch", corpus_part=0, corpus_bar=2)
    assert (found.num_copied, found.num_compared, found.share) == (6, 9, 6 / 9)
    assert copied(piece, CorpusIndex.of(CORPUS), min_notes=7).share == 0


@pytest.mark.parametrize(
    ("text", "num_notes"),
    [
        ("D4:1 E4 F#4 G4 A4:4", 5),  # in another key
        ("C4:1 D4 E4 F4 G4:2", 4),  # the last note is shorter
        ("C4:2 D4:1 E4 F4 G4:4", 4),  # the first is longer
        ("C4:1 D4 E4 F#4 G4:4", 3),
        ("C4:1 D4 R:1 E4 F4 G4:4", 3),  # a rest between
        ("E4:1 E4 E4 E4 E4", 3),
        ("C4:1", 0),  # one note is no run
        ("C4:1/4 D4 E4 F4 G4:1", 0),  # four times as quick
    ],
)
def test_how_long_a_copy_is(text, num_notes):
    assert copied(parse_notes(text, 12), CorpusIndex.of(CORPUS)).num_notes == num_notes


def test_a_run_stops_where_the_line_of_the_corpus_stops():
    phrase, other = parse_notes("C4:1 D4 E4", 12), parse_notes("F4:1 G4 A4", 12)

    assert copied(parse_notes("C4:1 D4 E4 F4 G4 A4", 12), CorpusIndex.of([phrase, other])).num_notes == 3


def test_of_chords_the_top_line_counts_and_drums_do_not():
    chords = parse_notes("[E3 C4]:1 [D3 F3 D4] [A2 E4] [C3 F4] [B2 G4]:4", 12)
    drums = Piece((replace(CORPUS[0].parts[0], is_drum=True),))

    assert copied(chords, CorpusIndex.of(CORPUS)).num_notes == 5
    assert (copied(drums, CorpusIndex.of(CORPUS)).num_compared, copied(drums, CorpusIndex.of([drums])).longest) == (0, None)


def test_tempo_and_place_in_the_bar_do_not_matter():
    piece = replace(CORPUS[0], tempos=(Tempo(0, 33.0),), meters=(Meter(0, 7, 8),))
    late = replace(piece, parts=(replace(piece.parts[0], notes=tuple(note._replace(onset=note.onset + 5) for note in piece.parts[0].notes)),))

    assert copied(late, CorpusIndex.of(CORPUS)).num_notes == 5


@pytest.mark.parametrize("piece", [Piece(()), Piece((Part("", 0),)), parse_notes("C4:1", 12)])
def test_what_has_no_run_copies_nothing(piece):
    assert (copied(piece, CorpusIndex.of(CORPUS)).share, copied(CORPUS[0], CorpusIndex.of([piece])).longest) == (0, None)


def test_hundreds_of_parts_and_an_endless_repetition():
    part = Part("", 0, False, tuple(Note(12 * step, 60, 12) for step in range(40)))
    index = CorpusIndex.of([Piece((part,) * 300)])

    assert (copied(Piece((part,) * 2), index).longest, len(index.lines.owners)) == (Run(40, 0, 0, 0, "", 0, 1), 300)


def test_pitches_in_a_row_are_counted_with_the_bars_that_they_begin_in():
    texts = ("C4:1 D4 D4 E4 | E4:1 E4 E4 E4 | F4", "A: C4:4 | C4 | C4 ; B: C5:1 D5 E5 F5 | G5", "C4:1 D4", "C4:4")

    index = CorpusIndex.of([parse_notes(text, 12) for text in texts])

    assert index.lines.of_one_pitch().tolist() == [[5, 2], [3, 3], [1, 1]]  # one note is no line
    assert CorpusIndex.of([parse_notes("C4:1", 12)]).lines.of_one_pitch().shape == (0, 2)


def test_what_is_usual():
    corpus = CorpusIndex.of(CORPUS)
    texts = ("C4:1 C4 D4", "C4:1 C4 C4", "C4:1 D4 E4 F4 C4", "C4:1 D4 E4 F4 G4:4")  # longest runs 2, 3, 4, 5

    usual = usual_copying([parse_notes(text, 12) for text in texts], corpus, min_notes=4)

    assert usual == UsualCopying(num_notes=(3.5, pytest.approx(4.7)), share=(0.4, pytest.approx(0.94)), passage=(0, 0))  # shares 0, 0, 0.8, 1
    assert usual_copying([], corpus) is None


def test_different_grids_are_an_error():
    fine = parse_notes("C4:1 D4", 24)

    with pytest.raises(ValueError, match="24 steps per quarter note, but the corpus has 12"):
        copied(fine, CorpusIndex.of(CORPUS))
    with pytest.raises(ValueError, match=r"on one grid, but these have \[12, 24\]"):
        CorpusIndex.of([*CORPUS, fine])
    with pytest.raises(ValueError, match="these have no steps"):
        CorpusIndex.of([])
    with pytest.raises(ValueError, match="at least 2 notes"):
        copied(CORPUS[0], CorpusIndex.of(CORPUS), min_notes=1)


def test_arrays_are_small():
    notes = tuple(Note(12 * step, 48 + step * step % 24, 12) for step in range(4000))
    arrays = CorpusIndex.of([Piece((Part("", 0, False, notes),))]).to_arrays()

    assert sum(array.nbytes for array in arrays.values()) < 5 * len(notes)


@pytest.mark.parametrize(
    ("name", "damaged", "message"),
    [
        ("lines/tokens", np.zeros(3), "tokens must be whole numbers"),
        ("lines/rows", np.zeros((2, 3), int), "rows must be whole numbers of shape"),
        ("lines/tokens", np.full(14, 99), "tokens"),
        ("passages/tokens", np.arange(14) % 5, "tokens"),
        ("lines/rows", np.zeros((10, 4), int), "rows"),
        ("lines/bars", np.zeros(14, int), "bars"),
        ("passages/bars", np.ones(3, int), "bars"),
        ("lines/owners", np.array([[0, 0], [7, 0]]), "owners"),
        ("lines/owners", np.zeros((1, 2), int), "owners"),
        ("titles", np.frombuffer(b"[1, 2]", np.uint8), "titles"),
        ("titles", np.frombuffer(b'["\\u001b"]', np.uint8), "titles"),
        ("titles", np.frombuffer(b"\xff", np.uint8), "titles"),
        ("titles", np.frombuffer(b"[" * 100_000, np.uint8), "titles"),
        ("steps_per_quarter", np.array([0]), "below zero"),
        ("held_out", np.full((1, 4), -1), "below zero"),
    ],
)
def test_damaged_arrays_are_refused(name, damaged, message):
    with pytest.raises(ValueError, match=message):
        CorpusIndex.from_arrays({**CorpusIndex.of(CORPUS).to_arrays(), name: damaged})


@pytest.mark.parametrize("name", CorpusIndex.of(CORPUS).to_arrays())
def test_missing_arrays_are_refused(name):
    arrays = CorpusIndex.of(CORPUS).to_arrays()
    del arrays[name]

    with pytest.raises(ValueError, match="there is no array"):
        CorpusIndex.from_arrays(arrays)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 2), max_size=40), st.sampled_from((1, 2**30)))
def test_suffixes_are_in_order(tokens, factor):
    order = sorted_suffixes(np.array(tokens, np.int64) * factor)  # of large tokens a number holds one

    assert order.tolist() == sorted(range(len(tokens)), key=lambda start: tokens[start:])


def test_a_passage_is_all_parts_together():
    voices = [parse_notes(text, 12).parts[0] for text in ("E4:1 F4 G4 E4:2", "C4:2 B3:1 C4:2")]
    corpus = replace(CORPUS[0], parts=tuple(voices), title="duet")
    higher = replace(corpus, parts=tuple(voices[::-1])).transposed(5)

    found = copied(higher, CorpusIndex.of([CORPUS[0], corpus]))

    assert found.passage == Run(num_notes=7, part=None, onset=0, corpus_piece=1, corpus_title="duet", corpus_part=None, corpus_bar=1)
    assert (found.num_notes, copied(CORPUS[0], CorpusIndex.of(CORPUS)).passage) == (4, None)

"""The alphabet of a corpus: what it holds comes back exactly, what it lacks is heard as the nearest that it has."""

import copy
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import pieces
from tiny import bands, chorales, tunes

from musicgen.encoding.tokens import PartToken, encode, held
from musicgen.encoding.vocabulary import DURATION, FIELDS, MOST_VALUES, PART, PITCH, TIME_SHIFT, VELOCITY, Vocabulary
from musicgen.piece import Note, Part, Piece

CORPORA = {"tunes": tunes, "chorales": chorales, "bands": bands}


def vocabulary_of(*corpus: Piece) -> Vocabulary:
    return Vocabulary.of(encode(piece) for piece in corpus)


def part(*notes: Note, program: int = 0, is_drum: bool = False, name: str = "") -> Part:
    return Part(name, program, is_drum, notes)


def notes_at(pitches: list[int], length: int = 12) -> tuple[Note, ...]:
    return tuple(Note(length * index, pitch, length) for index, pitch in enumerate(pitches))


# What the corpus has


@given(st.lists(pieces(grids=(12,), max_parts=4, max_notes=8), min_size=1, max_size=3))
@settings(max_examples=30, deadline=None)
def test_ids_say_exactly_what_the_corpus_says(corpus):
    vocabulary = vocabulary_of(*corpus)
    for piece in corpus:
        sequence = encode(piece)
        ids = vocabulary.ids(sequence)

        said = np.column_stack([vocabulary.steps(field, ids[:-1, field]) for field in range(len(FIELDS))])
        parts = np.array([vocabulary.parts.index(token) for token in sequence.parts])
        np.testing.assert_array_equal(said[:, PART], parts[sequence.notes[:, PART]])
        is_held = ids[:-1, DURATION] == vocabulary.held
        np.testing.assert_array_equal(is_held, held(sequence.onsets, *sequence.notes.T[[PART, DURATION]]))
        said[is_held, DURATION] = sequence.notes[is_held, DURATION]
        np.testing.assert_array_equal(np.delete(said, PART, axis=1), np.delete(sequence.notes, PART, axis=1))
        assert ids[-1].tolist() == [vocabulary.end, 0, 0, 0, 0]
        assert (ids < np.array(vocabulary.sizes)).all()


def test_the_vocabulary_of_a_small_corpus():
    first = Piece((part(Note(0, 60, 12), Note(12, 64, 24), name="A"), part(Note(0, 36, 3, 25), program=8, is_drum=True, name="Kit")))
    second = Piece((part(Note(0, 67, 12), Note(6, 72, 12), name="B"),))
    vocabulary = vocabulary_of(first, second, second)

    assert vocabulary.steps_per_quarter == 12
    assert vocabulary.parts == (PartToken(False, 0, 0), PartToken(True, 8, 0))
    assert vocabulary.part_names == ("B", "Kit")
    assert vocabulary.ranges == ((60, 72), (36, 36))
    assert vocabulary.pitches == (tuple(range(60, 73)), (36,))
    assert vocabulary.most_at_once == (2, 1)
    assert vocabulary.values == ((0, 6, 12), (0, 1), tuple(range(36, 73)), (3, 12, 24), (20, 25))
    assert vocabulary.sizes == (4, 2, 37, 4, 2)
    assert (vocabulary.end, vocabulary.held) == (3, 3)
    assert vocabulary.active == (TIME_SHIFT, PART, PITCH, DURATION, VELOCITY)


def test_a_field_of_one_value_is_not_predicted():
    vocabulary = vocabulary_of(Piece((part(*notes_at([60, 62])),)))

    assert vocabulary.active == (TIME_SHIFT, PITCH, DURATION)
    assert vocabulary_of(Piece((part(Note(0, 60, 12)),))).active == (
        TIME_SHIFT,
        DURATION,
    )  # these have always two: there is the end, and what is held


def test_a_beginning_leaves_its_last_notes_held():
    melody, bass = part(Note(0, 60, 12), Note(12, 62, 6), Note(24, 64, 12)), part(Note(0, 40, 36), program=1)
    vocabulary = vocabulary_of(Piece((melody, bass)))
    piece = Piece((melody, bass))
    sequence = encode(piece)

    assert vocabulary.steps(DURATION, np.arange(vocabulary.held)).tolist() == [6, 12, 36]
    # the notes: 60, 40, 62, 64; 62 ends before a rest
    assert vocabulary.ids(sequence)[:-1, DURATION].tolist() == [vocabulary.held, 2, 0, 1]
    assert vocabulary.ids(sequence, goes_on=piece.end)[:, DURATION].tolist() == [vocabulary.held, vocabulary.held, 0, vocabulary.held]


@pytest.mark.parametrize(
    ("notes", "most"),
    [
        (notes_at([60, 62, 64]), 1),
        ((Note(0, 60, 12), Note(0, 64, 12), Note(12, 67, 12)), 2),
        ((Note(0, 60, 48), Note(12, 64, 12), Note(24, 67, 12), Note(24, 69, 1)), 3),
    ],
)
def test_notes_that_sound_at_once_are_counted(notes, most):
    assert vocabulary_of(Piece((part(*notes),))).most_at_once == (most,)


def test_a_corpus_needs_notes_on_one_grid():
    note = part(Note(0, 60, 12))
    for corpus in ((), (Piece((part(),)),), (Piece((note,)), Piece((note,), steps_per_quarter=24))):
        with pytest.raises(ValueError, match="a vocabulary needs notes, all on one grid"):
            vocabulary_of(*corpus)


# What the corpus lacks


@pytest.mark.parametrize(
    ("lengths", "asked", "heard"),
    [
        ((6, 12, 24), [1, 6, 8, 9, 10, 12, 18, 19, 24, 99_999], [6, 6, 6, 6, 12, 12, 12, 24, 24, 24]),
        ((12,), [1, 12, 99], [12, 12, 12]),
        ((6, 12), [1, 9, 10, 99], [6, 6, 12, 12]),
    ],
)
def test_the_nearest_duration_and_of_two_the_shorter(lengths, asked, heard):
    vocabulary = vocabulary_of(*(Piece((part(Note(0, 60, length)),)) for length in lengths))

    assert vocabulary.steps(DURATION, vocabulary.nearest(DURATION, np.array(asked))).tolist() == heard


def test_a_pitch_out_of_range_is_heard_in_its_nearest_octave():
    vocabulary = vocabulary_of(Piece((part(*notes_at([60, 79])),)))
    piece = Piece((part(*notes_at([59, 36, 0, 80, 127, 72])),))

    assert vocabulary.steps(PITCH, vocabulary.ids(encode(piece))[:-1, PITCH]).tolist() == [71, 60, 60, 68, 79, 72]


def test_of_more_than_the_most_values_the_commonest_stay():
    longer = [Note(0, 60, length) for length in range(1, MOST_VALUES + 101)]
    corpus = [Piece((part(note),)) for note in longer] + [Piece((part(note),)) for note in longer[100:]]
    vocabulary = vocabulary_of(*corpus)

    assert vocabulary.values[DURATION] == tuple(range(101, MOST_VALUES + 101))
    ids = vocabulary.ids(encode(corpus[0]))  # a note of one step
    assert vocabulary.steps(DURATION, ids[:1, DURATION]).tolist() == [101]


def test_a_melody_for_the_piano_is_heard_as_the_nearest_voice_of_a_choir():
    vocabulary = vocabulary_of(*chorales())

    assert vocabulary.part_names == ("Soprano", "Alto", "Tenor", "Bass")
    for low, expected in ((64, 0), (46, 3)):
        melody = Piece((part(*notes_at([low, low + 6, low + 10])),))
        assert vocabulary.match(encode(melody)) == [expected]
        assert vocabulary.ids(encode(melody))[:-1, PART].tolist() == [expected] * 3


def test_parts_that_match_exactly_come_first_and_none_is_taken_twice_where_another_is_free():
    vocabulary = vocabulary_of(*chorales())
    piece = Piece((part(*notes_at([72, 74]), program=73), part(*notes_at([65, 67]), program=52), part(*notes_at([72, 74]), program=73)))
    sequence = encode(piece)

    matches = vocabulary.match(sequence)
    assert sequence.parts == (PartToken(False, 52, 0), PartToken(False, 73, 0), PartToken(False, 73, 1))
    assert matches[0] == 0
    assert sorted(matches) == [0, 1, 2]


def test_two_parts_that_are_alike_share_the_only_one_there_is():
    vocabulary = vocabulary_of(*tunes())
    piece = Piece((part(Note(0, 72, 12)), part(Note(0, 72, 12))))

    assert vocabulary.match(encode(piece)) == [0, 0]


def test_an_instrument_of_the_same_family_is_nearer_than_one_of_the_same_range():
    corpus = Piece((part(*notes_at([72, 74]), program=73), part(*notes_at([40, 42]), program=41)))  # a flute and a viola

    assert vocabulary_of(corpus).match(encode(Piece((part(*notes_at([72]), program=40),)))) == [0]  # a violin, as high as the flute


def test_drums_without_drums_are_left_out_and_their_time_is_not():
    vocabulary = vocabulary_of(*tunes())
    piece = Piece((part(Note(0, 36, 3), Note(6, 36, 3), is_drum=True), part(Note(0, 72, 12), Note(12, 74, 12))))
    ids = vocabulary.ids(encode(piece))

    assert vocabulary.match(encode(piece)) == [0, None]
    assert vocabulary.steps(TIME_SHIFT, ids[:-1, TIME_SHIFT]).tolist() == [0, 12]
    only_drums = encode(Piece((part(Note(0, 36, 3), is_drum=True),)))
    assert vocabulary.ids(only_drums).tolist() == [[vocabulary.end, 0, 0, 0, 0]]
    assert vocabulary.ids(only_drums, goes_on=0).shape == (0, 5)
    assert vocabulary.ids(encode(Piece(()))).tolist() == [[vocabulary.end, 0, 0, 0, 0]]


def test_a_melody_never_becomes_drums():
    drums = vocabulary_of(Piece((part(Note(0, 36, 3), Note(6, 38, 3), is_drum=True),)))

    assert drums.match(encode(Piece((part(Note(0, 60, 12)),)))) == [None]
    assert drums.match(encode(Piece((part(Note(0, 42, 3), program=25, is_drum=True),)))) == [0]


# As JSON


@pytest.mark.parametrize("corpus", CORPORA)
def test_a_vocabulary_comes_back_from_json(corpus):
    vocabulary = vocabulary_of(*CORPORA[corpus]())

    assert Vocabulary.from_json(json.loads(json.dumps(vocabulary.to_json()))) == vocabulary


DOCUMENT = json.loads(json.dumps(vocabulary_of(*bands()).to_json()))
DAMAGE = [
    None,
    True,
    "",
    "x",
    -1,
    0,
    1,
    2.5,
    1 << 70,
    float("inf"),
    float("nan"),
    [],
    [None],
    [[1, 2, 3, 4]],
    [[0, 1]] * 3,
    [["a", "b", "c"]] * 3,
    {},
    {"a": 1},
]


def places(document) -> list[tuple]:
    """The path to everything in a JSON document."""
    below = document.items() if isinstance(document, dict) else enumerate(document[:3]) if isinstance(document, list) else ()
    return [path for key, value in below for path in [(key,), *((key, *rest) for rest in places(value))]]


def damaged(document: dict, path: tuple, value) -> dict:
    """The document with one thing changed."""
    other = copy.deepcopy(document)
    inside = other
    for key in path[:-1]:
        inside = inside[key]
    inside[path[-1]] = value
    return other


@pytest.mark.parametrize("path", places(DOCUMENT), ids=str)
def test_a_damaged_document_is_refused_or_makes_a_vocabulary_that_holds(path):
    for value in DAMAGE:
        try:
            vocabulary = Vocabulary.from_json(damaged(DOCUMENT, path, value))
        except (KeyError, TypeError, ValueError):
            continue
        for sequence in map(encode, bands()):
            ids = vocabulary.ids(sequence)
            assert (ids >= 0).all()
            assert (ids < np.array(vocabulary.sizes)).all()


@pytest.mark.parametrize("key", DOCUMENT)
def test_a_document_with_something_missing_is_refused(key):
    with pytest.raises(KeyError, match=key):
        Vocabulary.from_json({name: value for name, value in DOCUMENT.items() if name != key})


@pytest.mark.parametrize("document", [None, [], "text", 3, {}])
def test_what_is_no_document_is_refused(document):
    with pytest.raises((KeyError, TypeError)):
        Vocabulary.from_json(document)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("steps_per_quarter",), 0),
        (("steps_per_quarter",), 97),
        (("steps_per_quarter",), 12.0),
        (("parts",), []),
        (("parts", 0, 1), 128),
        (("parts", 0, 2), -1),
        (("parts", 1), [False, 0, 0]),  # twice the same
        (("pitches", 0), [60, 50]),
        (("pitches", 0), [0, 127]),  # beyond the pitches
        (("pitches", 0), []),
        (("most_at_once", 0), 0),
        (("part_names", 0), "\x1b[31m"),
        (("part_names", 0), 3),
        (("values", TIME_SHIFT), []),
        (("values", TIME_SHIFT), [0, 12, 6]),
        (("values", TIME_SHIFT, 0), -1),
        (("values", PART), [1, 2, 3]),
        (("values", PITCH), [28, 80]),  # not one after the other
        (("values", DURATION, 0), 0),
        (("values", DURATION), [1, 1 << 25]),
        (("values", VELOCITY), [0, 32]),
        (("values",), [[0], [0]]),
    ],
)
def test_a_contradictory_document_is_refused(path, value):
    with pytest.raises((TypeError, ValueError)):
        Vocabulary.from_json(damaged(DOCUMENT, path, value))

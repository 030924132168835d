"""Scores: what is written reads back as the same notes, and looks as musicians expect it."""

import re
from dataclasses import replace
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from scores import notes_by_music21, notes_in, notes_of
from strategies import pieces
from tiny import bands, chorales, tunes

from musicgen.listening.notation.engraving import Layout, engrave, one_picture
from musicgen.listening.notation.musicxml import abbreviated, musicxml
from musicgen.listening.notation.score import score_of
from musicgen.listening.notation.spelling import Accidentals, spelled
from musicgen.listening.notation.staves import clef_of, hands
from musicgen.piece import Key, Meter, Note, Part, Piece


def shorter(piece: Piece) -> Piece:
    """No note longer than five quarter notes: long ones only make more bars."""
    most = 5 * piece.steps_per_quarter
    parts = (replace(part, notes=tuple(note._replace(duration=min(most, note.duration)) for note in part.notes)) for part in piece.parts)
    return replace(piece, parts=tuple(parts))


def tune(*notes: Note, meter: tuple[int, int] = (4, 4), program: int = 73, **fields) -> Piece:
    return Piece((Part("", program, False, notes),), (Meter(0, *meter),), **fields)


def written(piece: Piece) -> ElementTree.Element:
    return ElementTree.fromstring(musicxml(score_of(piece)))


@settings(max_examples=25, deadline=None)
@given(pieces(max_parts=3, max_notes=6).map(shorter))
def test_what_is_written_reads_back_as_the_same_notes(piece):
    for on_two_staves in (False, True):
        assert notes_in(musicxml(score_of(piece, on_two_staves))) == notes_of(piece)


@pytest.mark.parametrize(
    "piece", [tunes()[0], chorales()[0], bands()[0], tune(Note(42, 60, 30), Note(72, 62, 24))], ids=["tune", "chorale", "band", "upbeat"]
)
def test_music21_reads_the_same_notes(piece):
    assert notes_by_music21(musicxml(score_of(piece))) == notes_of(piece)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*does not map to a valid instrument")
@settings(max_examples=15, deadline=None)
@given(pieces(max_parts=2, max_notes=5).map(shorter))
def test_music21_reads_any_piece_as_the_same_notes(piece):
    assert notes_by_music21(musicxml(score_of(piece))) == notes_of(piece)


@pytest.mark.parametrize(
    ("key", "pitches", "letters"),
    [
        (Key(0, 0), (60, 61, 65, 66, 70), "C C# F F# Bb"),
        (Key(0, -3), (60, 63, 65, 68, 71), "C Eb F Ab B"),
        (Key(0, 2, True), (58, 59, 61, 65, 66), "A# B C# E# F#"),
        (Key(0, -2, True), (65, 66, 61, 63), "F F# C# Eb"),
        (Key(0, -5), (59, 60, 66), "Cb C Gb"),
    ],
)
def test_pitches_are_spelled_as_their_key_has_them(key, pitches, letters):
    notes = [spelled(pitch, key) for pitch in pitches]
    assert [note.pitch for note in notes] == list(pitches)
    assert " ".join(note.letter + {-1: "b", 0: "", 1: "#"}[note.alter] for note in notes) == letters


def test_accidentals_are_printed_where_something_else_is_in_force():
    accidentals = Accidentals()
    c, sharp, flat = (spelled(pitch, Key(0, fifths)) for pitch, fifths in ((60, 0), (61, 1), (63, -2)))
    accidentals.begin_bar(Key(0, 0))
    assert [accidentals.needed([(note, False)])[0] for note in (c, sharp, sharp, c, flat)] == [None, "sharp", None, "natural", "flat"]
    accidentals.begin_bar(Key(0, -2))
    assert accidentals.needed([(sharp, True), (flat, False)]) == [None, None]
    assert accidentals.needed([(c, False), (sharp, False)]) == ["natural", "sharp"]


def test_an_upbeat_is_bar_zero():
    first, second = list(written(tune(Note(36, 67, 12), Note(48, 72, 48))).iter("measure"))
    assert (first.get("number"), first.get("implicit"), second.get("number")) == ("0", "yes", "1")
    assert [note.findtext("duration") for note in first.iter("note")] == ["48"]
    assert [measure.get("number") for measure in written(tune(Note(12, 67, 36))).iter("measure")] == ["1"]


def test_a_note_over_a_bar_line_is_tied_and_a_triplet_has_a_bracket():
    root = written(tune(Note(0, 60, 4), Note(4, 62, 4), Note(8, 64, 4), Note(12, 65, 48)))
    ties = [[tie.get("type") for tie in note.iter("tied")] for note in root.iter("note") if note.find("rest") is None]
    assert ties == [[], [], [], ["start"], ["stop"]]
    assert [(tuplet.get("type"), tuplet.get("bracket")) for tuplet in root.iter("tuplet")] == [("start", "yes"), ("stop", None)]


@pytest.mark.parametrize(
    ("program", "pitches", "clef"),
    [
        (73, (60, 84), ("G", 0)),
        (42, (36, 55), ("F", 0)),
        (41, (52, 70), ("C", 0)),
        (52, (50, 66), ("G", -1)),
        (24, (40, 64), ("G", -1)),
        (33, (28, 43), ("F", -1)),
    ],
)
def test_clefs_are_those_that_players_read(program, pitches, clef):
    found = clef_of([Note(0, pitch, 12) for pitch in pitches], program)
    assert (found.sign, found.octaves) == clef


def test_a_piano_has_two_staves_and_what_is_one_line_has_one():
    notes = tuple(Note(onset, pitch, 12) for onset in range(0, 96, 12) for pitch in (36, 48, 67, 72))
    assert [len(player.staves) for player in score_of(tune(*notes, program=0)).players] == [2]
    assert [[note.pitch for note in hand[:2]] for hand in hands(notes)] == [[67, 72], [36, 48]]
    assert [len(player.staves) for player in score_of(tune(*notes[2::4], program=0)).players] == [1]


def test_parts_share_staves_as_in_a_hymn_book():
    score = score_of(chorales()[0], on_two_staves=True)
    assert [[part.name for part in player.parts] for player in score.players] == [["Soprano", "Alto"], ["Tenor", "Bass"]]
    assert [player.staves[0].clef.sign for player in score.players] == ["G", "F"]
    assert all(len(voices) == 2 for player in score.players for voices in player.staves[0].bars)


def test_drums_have_heads_and_no_lengths_of_their_own():
    root = written(Piece((Part("Drums", 0, True, (Note(0, 36, 1), Note(0, 42, 1), Note(6, 42, 1), Note(12, 38, 40))),)))
    notes = [note for note in root.iter("note") if note.find("unpitched") is not None]
    assert [(note.findtext("unpitched/display-step"), note.findtext("notehead"), note.findtext("type")) for note in notes] == [
        ("G", "x", "eighth"),
        ("G", "x", "eighth"),
        ("C", None, "quarter"),
        ("F", None, "quarter"),
    ]
    assert root.findtext(".//clef/sign") == "percussion"


def test_titles_and_names_with_markup_are_words():
    piece = replace(tune(Note(0, 60, 12), title="</work-title> & \x01\ud800"), parts=(Part("<script>", 0, False, (Note(0, 60, 12),)),))
    root = written(piece)
    assert root.findtext("work/work-title") == "</work-title> & "
    assert root.findtext(".//part-name") == "<script>"
    assert "<script" not in engrave(musicxml(score_of(piece)))[0]
    assert abbreviated("Violin I") == "Vln. I"


def test_an_empty_piece_is_a_bar_of_rest():
    root = written(Piece((Part("Flute", 73),)))
    assert [note.find("rest").get("measure") for note in root.iter("note")] == ["yes"]
    assert not list(written(Piece(())).iter("part"))


def test_equal_scores_give_equal_pictures_and_all_notes_are_in_them():
    content = musicxml(score_of(chorales()[0]))
    pages = engrave(content, Layout(300, 40, 500), prefix="a")
    assert pages == engrave(content, Layout(300, 40, 500), prefix="a")
    picture = one_picture(pages)
    assert len(pages) > 1
    assert set(re.findall(r'<note id="(\w+-\w+)"', content.decode())) == {name[1:] for name in re.findall(r'id="(an\d+-\d+)"', picture)}

import subprocess
import sys

import pytest

from musicgen.listening.midi import midi_bytes
from musicgen.piece import Key, Meter, Piece
from musicgen.reading import builtin
from musicgen.reading.midi import read_midi


def result_of(corpus: str, title: str) -> Piece | builtin.Skipped:
    return builtin._read(corpus, next(source for source in builtin.sources(corpus) if source.title == title))


def read(corpus: str, title: str) -> Piece:
    result = result_of(corpus, title)
    assert isinstance(result, Piece)
    return result


def read_abc(music: str, header: str = "M:2/4\nL:1/8\nK:G\n") -> Piece | builtin.Skipped:
    source = next(iter(builtin.sources("folk")))
    return builtin._read("folk", source._replace(abc=f"X:1\nT:A Tune\n{header}{music}\n"))


def melody(piece: Piece | builtin.Skipped) -> list[tuple[int, int, int]]:
    assert isinstance(piece, Piece)
    return [note[:3] for note in piece.parts[0].notes]


def test_the_table_and_the_sources_need_no_music21():
    program = (
        "import sys; from musicgen.reading.builtin import BUILTIN_CORPORA, sources; "
        "assert all(len(sources(name)) == corpus.num_sources for name, corpus in BUILTIN_CORPORA.items()); "
        "assert 'music21' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.parametrize("corpus", builtin.BUILTIN_CORPORA)
def test_titles_are_unique_and_fit_for_file_names(corpus):
    titles = [source.title for source in builtin.sources(corpus)]
    assert len(set(titles)) == len(titles)
    assert all(title.replace("-", "").isalnum() and title.isascii() and title == title.lower() for title in titles)


def test_aus_meines_herzens_grunde_begins_with_an_upbeat():
    piece = read("bach-chorales", "bwv269")
    assert [(part.name, part.program, part.is_drum) for part in piece.parts] == [(name, 52, False) for name in ("Soprano", "Alto", "Tenor", "Bass")]
    assert piece.meters == (Meter(0, 3, 4),)
    assert piece.keys == (Key(0, 1, is_minor=False),)
    first_bars = [[note[:3] for note in part.notes if note.onset < 72] for part in piece.parts]
    assert first_bars == [
        [(24, 67, 12), (36, 67, 24), (60, 74, 12)],
        [(24, 62, 12), (36, 62, 12), (48, 64, 12), (60, 62, 12)],
        [(24, 59, 12), (36, 59, 12), (48, 60, 6), (54, 59, 6), (60, 57, 12)],
        [(24, 43, 12), (36, 55, 12), (48, 52, 12), (60, 54, 12)],
    ]


def test_a_bar_that_is_truly_short_has_its_own_meter():
    assert read("bach-chorales", "bwv4-8").meters == (Meter(0, 4, 4), Meter(192, 3, 4), Meter(228, 4, 4))


@pytest.mark.parametrize(
    ("corpus", "title", "reason"),
    [
        ("bach-chorales", "bwv1-6", "5 parts that are not the four voices of a chorale"),
    ],
)
def test_a_score_that_is_no_such_piece_is_skipped(corpus, title, reason):
    assert result_of(corpus, title) == builtin.Skipped(title, reason)


def test_a_tune_of_oneill():
    piece = read("folk", "oneill-0002-fare-you-well")
    assert piece.parts[0].name == "Melody"
    assert piece.meters == (Meter(0, 2, 4),)
    assert piece.keys == (Key(0, 2),)
    assert melody(piece)[:6] == [(18, 78, 3), (21, 79, 3), (24, 81, 9), (33, 83, 3), (36, 79, 9), (45, 81, 3)]


@pytest.mark.parametrize(
    ("music", "notes"),
    [
        ('"Em"G2 {a}B2', [(0, 67, 12), (12, 71, 12)]),  # neither chord symbols nor grace notes
        ("^CC CC|C4", [(0, 61, 6), (6, 61, 6), (12, 61, 6), (18, 61, 6), (24, 60, 24)]),  # an accidental holds to the bar line
        ("G4-|G4|", [(0, 67, 48)]),  # a tie
        ("G4-|A4|", [(0, 67, 24), (24, 69, 24)]),  # a slur
        ("G>(A G>-A)", [(0, 67, 9), (9, 69, 3), (12, 67, 9), (21, 69, 3)]),  # a broken rhythm under a slur
        ("(3GAB c2", [(0, 67, 4), (4, 69, 4), (8, 71, 4), (12, 72, 12)]),
        ("G4:|1A4:|2B4|", [(0, 67, 24), (24, 71, 24)]),  # the second ending
        ("A3G::B4:|", [(0, 69, 18), (18, 67, 6), (24, 71, 24)]),
    ],
)
def test_abc(music, notes):
    assert melody(read_abc(music)) == notes


def test_an_upbeat_moves_the_tune_into_a_bar_and_a_cut_bar_is_one():
    piece = read_abc("A|G4|G3:|A|B4|")
    assert isinstance(piece, Piece)
    assert piece.meters == (Meter(0, 2, 4),)
    assert [note.onset for note in piece.parts[0].notes] == [18, 24, 48, 66, 72]


@pytest.mark.parametrize(("key", "expected"), [("Ador", Key(0, 1, True)), ("Dmix", Key(0, 1)), ("Gm", Key(0, -2, True)), ("C#", Key(0, -5))])
def test_modes(key, expected):
    piece = read_abc("G4|", f"M:2/4\nL:1/8\nK:{key}\n")
    assert isinstance(piece, Piece)
    assert piece.keys == (expected,)


@pytest.mark.parametrize(
    ("header", "music", "reason"),
    [
        ("L:1/8\nK:G\n", "G4|", "no meter"),
        ("M:2/4\nL:1/8\nK:Bn\n", "G4|", "a key that cannot be read: Bn"),
        ("M:2/4\nL:1/8\nK:G\n", "z4|", "no notes in it"),
        ("M:2/4\nL:1/8\nK:G\n", "G4*|", "a sign that cannot be read: *"),
    ],
)
def test_a_tune_that_cannot_be_read_says_why(header, music, reason):
    result = read_abc(music, header)
    assert isinstance(result, builtin.Skipped)
    assert result.reason == reason


def test_of_two_encodings_and_of_two_pieces_with_the_same_notes_the_first_is_kept():
    piece = read_abc("G4|A4|")
    assert isinstance(piece, Piece)
    first, again, higher = (builtin.Source(title, work, builtin.Path()) for title, work in (("a", "1"), ("b", "1"), ("c", "2")))
    results = list(builtin._without_duplicates([first, again, higher], [piece, piece, piece.transposed(2)]))
    assert results == [piece, builtin.Skipped("b", "another encoding of a"), builtin.Skipped("c", "the same notes as a")]


@pytest.mark.slow
@pytest.mark.parametrize("corpus", builtin.BUILTIN_CORPORA)
def test_every_piece_survives_its_midi_file(corpus):
    results = list(builtin.pieces(corpus))
    read = [result for result in results if isinstance(result, Piece)]
    assert len(read) == builtin.BUILTIN_CORPORA[corpus].num_pieces
    assert [piece.title for piece in read if read_midi(midi_bytes(piece)) != piece] == []


@pytest.mark.slow
def test_the_number_of_workers_changes_nothing():
    assert list(builtin.pieces("bach-chorales", num_workers=1)) == list(builtin.pieces("bach-chorales", num_workers=3))

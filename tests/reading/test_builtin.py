import subprocess
import sys
from pathlib import Path

import pytest

from musicgen.listening.midi import midi_bytes
from musicgen.piece import Key, Meter, Piece, Tempo
from musicgen.reading import builtin, ensembles
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


def read_score(tmp_path: Path, violin: list, cello: list | None = None, bars: tuple = (0, None)) -> Piece | builtin.Skipped:
    """A quartet in 2/4 and G major from MusicXML. A bar holds a clef, an ending's number or stop, and (pitch, steps, tie or else) of notes."""
    parts = [violin, cello or violin, cello or violin, cello or violin]
    names = ("1st Violin", "Violin II.", "Viola", "Cello")
    score = "".join(f'<score-part id="P{index}"><part-name>{name}</part-name></score-part>' for index, name in enumerate(names))
    score = f'<score-partwise version="3.1"><part-list>{score}</part-list>'
    for index, part in enumerate(parts):
        score += f'<part id="P{index}">'
        for number, bar in enumerate(part):
            key_and_meter = "<key><fifths>1</fifths></key><time><beats>2</beats><beat-type>4</beat-type></time>" if not number else ""
            score += f'<measure number="{number + 1}"><attributes><divisions>24</divisions>{key_and_meter}</attributes>'
            score += "".join(map(_xml, bar)) + "</measure>"
        score += "</part>"
    path = tmp_path / "score.xml"
    path.write_text(score + "</score-partwise>", encoding="utf-8")
    return builtin._read("quartets", builtin.Source("score", "score", path, bars=bars))


def _xml(thing: str | tuple) -> str:
    if thing == "G":
        return "<attributes><clef><sign>G</sign><line>2</line></clef></attributes>"
    if thing == "stop":
        return '<barline location="right"><ending number="" type="stop"/></barline>'
    if isinstance(thing, str):
        return f'<barline location="left"><ending number="{thing}" type="start"/></barline>'
    (letter, octave), steps, *more = thing
    extent = f"<duration>{int(2 * steps)}</duration>" if steps else ""
    before = ("<chord/>" if "chord" in more else "") + ("" if steps else "<grace/>")
    tie = "".join(f'<tie type="{way}"/>' for way in more if way in ("start", "stop"))
    hidden = ' print-object="no"' if "hidden" in more else ""
    return f"<note{hidden}>{before}<pitch><step>{letter}</step><octave>{octave}</octave></pitch>{extent}{tie}</note>"


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
        ("quartets", "mozart-k545-movement1-exposition", "2 parts that are not two violins, a viola and a cello"),
        ("quartets", "haydn-opus1no1-movement2", "bar lines that differ between the voices"),
    ],
)
def test_a_score_that_is_no_such_piece_is_skipped(corpus, title, reason):
    assert result_of(corpus, title) == builtin.Skipped(title, reason)


def test_haydns_first_quartet():
    piece = read("quartets", "haydn-opus1no1-movement1")
    assert [(part.name, part.program, part.is_drum) for part in piece.parts] == [
        ("Violin I", 40, False),
        ("Violin II", 40, False),
        ("Viola", 41, False),
        ("Violoncello", 42, False),
    ]
    assert piece.meters == (Meter(0, 6, 8),)  # its last bar is short, and silent ones follow it in the file
    assert piece.keys == (Key(0, -2),)
    assert piece.tempos == (Tempo(0, 240.0),)
    call = [(30, 58, 6), (36, 58, 12), (48, 62, 6), (54, 62, 12), (66, 65, 6)]
    first_bars = [[note[:3] for note in part.notes if note.onset < 72] for part in piece.parts]
    assert first_bars == [call, call, call, [(onset, pitch - 12, duration) for onset, pitch, duration in call]]


@pytest.mark.parametrize(
    ("violin", "notes"),
    [
        ([[("G4", 24)], [("A4", 12), ("B4", 12)]], [(0, 67, 24), (24, 69, 12), (36, 71, 12)]),
        ([[("G4", 0), ("A4", 24)]], [(0, 69, 24)]),  # a grace note
        ([[("G4", 24), ("D5", 24, "hidden")]], [(0, 67, 24)]),
        ([[("G4", 24, "start"), ("D5", 24, "chord")], [("G4", 24, "stop"), ("D5", 24, "chord")]], [(0, 67, 48), (0, 74, 24), (24, 74, 24)]),
        ([[("G4", 8), ("A4", 8), ("B4", 8)]], [(0, 67, 8), (8, 69, 8), (16, 71, 8)]),
        ([[("G4", 21), ("A4", 1.5), ("B4", 1.5)]], [(0, 67, 21), (21, 69, 2), (23, 71, 1)]),  # a 32nd note goes to the nearest step
        ([["1", ("G4", 24), "stop"], ["2", ("A4", 24), "stop"], [("B4", 24)]], [(0, 69, 24), (24, 71, 24)]),  # the second ending
        ([["1", ("G4", 24), "stop"], [("A4", 24)], ["2", ("B4", 24), "stop"]], [(0, 71, 24)]),  # a bracket over a part of the first
        ([[("G4", 24)], [("A4", 24), "stop"], ["2", ("B4", 24), "stop"]], [(0, 67, 24), (24, 71, 24)]),  # a bracket without beginning
        ([["1", ("G4", 24), "stop"], [("A4", 24)]], [(0, 67, 24), (24, 69, 24)]),  # no second ending
    ],
)
def test_the_score_of_a_quartet(tmp_path, violin, notes):
    piece = read_score(tmp_path, violin)
    assert melody(piece) == notes
    assert isinstance(piece, Piece)
    assert piece.meters == (Meter(0, 2, 4),)
    assert piece.tempos == (Tempo(0, ensembles.QUARTET.tempo),)


def test_movements_of_a_file_are_pieces_with_what_is_in_force_there(tmp_path):
    bars = [[("G4", 24)], [("A4", 24)], [("B4", 6)], [("C5", 24)]]
    first, second = (read_score(tmp_path, bars, bars=bars_of_movement) for bars_of_movement in ((0, 2), (2, None)))
    assert melody(first) == [(0, 67, 24), (24, 69, 24)]
    assert melody(second) == [(18, 71, 6), (24, 72, 24)]
    assert isinstance(second, Piece)
    assert (second.meters, second.keys) == ((Meter(0, 2, 4),), (Key(0, 1),))


def test_a_bar_is_as_long_as_its_notes_in_all_parts(tmp_path):
    assert read_score(tmp_path, [[("G4", 24)], [("A4", 18)]], cello=[[("G2", 24)], [("A2", 24)]]) == builtin.Skipped("score", ensembles.UNEQUAL_BARS)


def test_the_treble_clef_of_a_cello_is_an_octave_too_high(tmp_path):
    piece = read_score(tmp_path, [["G", ("G4", 24)], [("A4", 24)]], cello=[[("C3", 24)], ["G", ("C5", 24)]])
    assert isinstance(piece, Piece)
    assert [[note.pitch for note in part.notes] for part in (piece.parts[0], piece.parts[3])] == [[67, 69], [48, 60]]


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
def test_the_movements_of_a_file():
    movements = [read("quartets", f"beethoven-opus18no3-movement{number}") for number in (1, 2, 3, 4)]
    assert [len(piece.bar_lines) for piece in movements] == [269, 151, 169, 364]
    assert [piece.tempos for piece in movements] == [(Tempo(0, tempo),) for tempo in (170.0, 50.0, 145.0, 120.0)]


@pytest.mark.slow
def test_the_number_of_workers_changes_nothing():
    assert list(builtin.pieces("bach-chorales", num_workers=1)) == list(builtin.pieces("bach-chorales", num_workers=3))

"""Tunes in ABC as they sound: pitches as letters, an octave for those from c on in small ones, as ABC itself has them."""

import pytest

from musicgen.reading.formats import read_music

SCALE = dict(zip([60, 62, 64, 65, 67, 69, 71, 72, 74, 76, 77, 79, 81, 83], "CDEFGABcdefgab", strict=True))


def played(abc: str) -> list[str]:
    """The pitches of each part, in order."""
    (reading,) = read_music(f"X:1\nM:2/4\nL:1/4\n{abc}\n".encode(), "tune.abc")
    return ["".join(SCALE.get(note.pitch, f"<{note.pitch}>") for note in part.notes) for part in reading.piece.parts]


@pytest.mark.parametrize(
    ("music", "heard"),
    [
        ("CD|EF:|GA|Bc:|", "CDEFCDEFGABcGABc"),
        ("CD|[1EF:|[2GA|]", "CDEFCDGA"),
        ("CD|1EF:|2GA||Bc|]", "CDEFCDGABc"),  # the line before a second ending is no double bar
        ("|:CD|[1EF|GA|Bc:|[2cd|ef||gg:|", "CDEFGABcCDcdefgggg"),
        ("|:CD|[1EF:|[2GA|Bc|de:|", "CDEFCDGABcdeBcde"),
        ("CDE|F:|GA|]", "CDEFCDEFGA"),  # a bar that is too long
        ("CD|:EF:||GA|]", "CDEFEFGA"),
        ("CD||:EF: |[|:GA:|]", "CDEFEFGAGA"),
        ("CD||\\\n:EF|G[|]:|", "CDEFGEFG"),
        ("CC||DD|EE:|FF|]", "CCDDEEDDEEFF"),
        ("|:CD|[1EF:|[2GA:|[3Bc|]", "CDEFCDGACDBc"),
        ("|:CD|1EF:|2GA:|3Bc|]", "CDEFCDGACDBc"),
        ("|:CD|[1,3EF|EE:|[2GA:|[4cc|]", "CDEFEECDGACDEFEECDcc"),
        ("|:CD|1-3EF:|4GA|]", "CDEFCDEFCDEFCDGA"),
        ("|::CD|EF::|GA|]", "CDEFCDEFCDEFGA"),
        ("|:CD|EF:|3GA|]", "CDEFCDEFCDEFGA"),
    ],
)
def test_repeats_and_endings(music, heard):
    assert played(f"K:C\n{music}") == [heard]


@pytest.mark.parametrize(
    ("music", "heard"),
    [
        ("CD|EF!fine!|GA!D.C.!|]", "CDEFGACDEF"),
        ("CD|EF !fine! |GA| !D.C.!", "CDEFGACDEF"),
        ("CD|!segno!EF|GA!D.S.!|]", "CDEFGAEFGA"),
        ("CD|SEF|GA+D.S.+|]", "CDEFGAEFGA"),
        ("CD|!segno!EF!coda!|GA|Bc!D.S.alcoda!|!coda!de|]", "CDEFGABcEFde"),
        ("CD|EF|!dacoda!GA|Bc!D.C.alcoda!|\nO de|]", "CDEFGABcCDEFGAde"),
        ('CD|"^Fine"EF|"_D.C. al Fine"GA|]', "CDEFGACDEF"),
        ('CD|"Segno"EF:|GA " D.S."|]', "CDEFCDEFGAEFGA"),
        ('"Dm"CD|"D.C. Miller"EF|]', "CDEF"),  # words of another sort
        ("C>!fine!D|EF!D.C.!|]", "CDEFCD"),
    ],
)
def test_jumps(music, heard):
    assert played(f"K:C\n{music}") == [heard]


@pytest.mark.parametrize(
    ("music", "notes"),
    [
        ("CD&EF|GA|]", [(0, "C"), (0, "E"), (12, "D"), (12, "F"), (24, "G"), (36, "A")]),
        ("CD|G2&E2&C2|A2|]", [(0, "C"), (12, "D"), (24, "C"), (24, "E"), (24, "G"), (48, "A")]),
        ("&CD|G2|]", [(0, "C"), (12, "D"), (24, "G")]),
        ("CD|E2&[GB]2|C2|]", [(0, "C"), (12, "D"), (24, "E"), (24, "G"), (24, "B"), (48, "C")]),
    ],
)
def test_voices_that_are_laid_over_a_bar(music, notes):
    (reading,) = read_music(f"X:1\nM:2/4\nL:1/4\nK:C\n{music}\n".encode(), "tune.abc")

    assert [(note.onset, SCALE[note.pitch]) for note in reading.piece.parts[0].notes] == notes


def test_changes_take_place_where_they_stand():
    (reading,) = read_music(b"X:1\nM:2/4\nL:1/4\nQ:1/4=60\nK:C\nCD|EF|\nM:3/4\nK:G\nEFG|E[Q:1/4=90]F[K:C]F|]\n", "tune.abc")
    piece = reading.piece

    assert [note.pitch for note in piece.parts[0].notes] == [60, 62, 64, 65, 64, 66, 67, 64, 66, 65]
    assert [meter[:3] for meter in piece.meters] == [(0, 2, 4), (48, 3, 4)]
    assert [key[:2] for key in piece.keys] == [(0, 0), (48, 1), (108, 0)]
    assert piece.tempos == ((0, 60.0), (96, 90.0))


@pytest.mark.parametrize(
    ("written", "heard"),
    [
        ("m: ~G2 = {A}G{F}G\nK:C\n~GG|~G2|]", "GGGG"),
        ("m: ~n2 = n{o}m\nK:C\n~G2|~c2|", "GFcB"),
        ("K:C\nCD|\n%%begintext\nX:2\nK:C\nAA|\n%%endtext\n%%text A B|\nEF|]\n\nwords at the end", "CDEF"),
        ("K:C\n\nCD|EF|\n\nGA|", "CDEFGA"),  # empty lines that should not be there
    ],
)
def test_macros_and_words(written, heard):
    assert played(written) == [heard]


@pytest.mark.parametrize(
    ("tune", "heard"),
    [
        ("V:1\nV:2\nK:C\nV:1\nCD|EF|\nV:2\ncd|ef|\nV:1\nGG|]\nV:2\ngg|]", ["CDEFGG", "cdefgg"]),  # system by system
        ("K:C\n[V:T] CD|EF|\n[V:B clef=bass] cd|ef|\n[V:T] GG|]\n[V:B] gg|]", ["CDEFGG", "<48><50><52><53><55><55>"]),
        ("K:C\nV:S\nL:1/8\nCDEF|GABc|\nV:B\nCD|EF|]", ["CDEFGABc", "CDEF"]),  # a field holds in its voice
        ("K:C\nV:1 octave=1\nCD|EF|\nV:2 clef=treble-8\ncd|ef|]", ["cdef", "CDEF"]),
        ("K:C bass\nC,D,|E,F,|]", ["<48><50><52><53>"]),
        ("K:C\n%%MIDI transpose -12\ncd|ef|]", ["CDEF"]),
        ("P:ABA\nK:C\nP:A\nCD|EF|\nP:B\nGG|AA|]", ["CDEFGGAACDEF"]),
        ("P:A(BA)2\nK:C\nP:A\nCD|\nP:B\nL:1/8\nGGAA|]", ["CDGGAACDGGAACD"]),
        ("P:ABA\nK:C\nP:A\nCD::\nP:B\nEF|GG||", ["CDCDEFGGCDCD"]),
        ("P:ABA\nK:C\nP:A\nCD::\nP:B\nEF:|", ["CDCDEFEFCDCD"]),
        ("P:AB\nK:C\nP:A\nCD|\nP:A\nEF|\nP:B\nGG|]", ["CDEFGG"]),  # an order that leaves music out is none
        ("K:C\n^F4 F4 ^F4 F4 |]", ["<66>F<66>F"]),  # without bars an accidental is for its note
        ("K:C\n^FF|F2|]", ["<66><66>F"]),
        ("K:HP\nCF|", ["<61><66>"]),
        ("K:D =c\nCcF|^CC|C|", ["Cc<66><61><61>C"]),
        ("K:C exp _b ^f\nfb|=ff|]", ["<78><82>ff"]),
        ("K:C\nCD|Z2|EF|X|GG|]", ["CDEFGG"]),
    ],
)
def test_voices_sections_and_where_they_sound(tune, heard):
    assert played(tune) == heard


def test_rests_of_whole_bars_take_their_time():
    (reading,) = read_music(b"X:1\nM:3/4\nL:1/8\nK:C\nC6|Z2|C6|]\n", "tune.abc")

    assert [note.onset for note in reading.piece.parts[0].notes] == [0, 108]


def test_each_voice_has_its_name_and_instrument():
    (reading,) = read_music(
        b'X:1\nM:2/4\nL:1/4\nK:C\nV:1 name="Air"\n%%MIDI program 40\nCD|]\nV:2 nm="Drone"\n%%MIDI program 1 109\nC2|]\n', "tune.abc"
    )

    assert [(part.name, part.program) for part in reading.piece.parts] == [("Air", 40), ("Drone", 109)]


def test_chords_are_tied_as_a_whole_or_in_part():
    (reading,) = read_music(b"X:1\nM:2/4\nL:1/4\nK:C\n[CE]-[CE]|[C-E][CE]|C-|C|]\n", "tune.abc")

    assert [note[:3] for note in reading.piece.parts[0].notes] == [(0, 60, 24), (0, 64, 24), (24, 60, 24), (24, 64, 12), (36, 64, 12), (48, 60, 24)]

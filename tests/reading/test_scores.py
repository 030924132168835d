"""Scores by music21 in a child process: what sounds is read, and what would fill, hang or crash a reader costs only itself."""

import io
import sys
import zipfile

import pytest
from hostile import zipped
from tiny import bands, chorales, tunes

from musicgen.listening.midi import midi_bytes
from musicgen.listening.notation.musicxml import musicxml
from musicgen.listening.notation.score import score_of
from musicgen.piece import Key, Meter, Note, Piece, Tempo
from musicgen.reading.formats import read_each, read_music
from musicgen.reading.guard import Limits
from musicgen.reading.readings import Reading, Refusal
from musicgen.reading.reasons import Reason, UnreadableFileError
from musicgen.reading.score_reader import ScoreReader, score_reader

PITCH = "<pitch><step>{}</step><octave>4</octave></pitch>"


def xml(*measures: str, part: str = "<part-name>Flute</part-name>") -> bytes:
    """A score of one part with four divisions to the quarter note."""
    bars = "".join(f'<measure number="{number}">{measure}</measure>' for number, measure in enumerate(measures, start=1))
    listed = f'<part-list><score-part id="P1">{part}</score-part></part-list>'
    return f'<?xml version="1.0"?><score-partwise>{listed}<part id="P1">{bars}</part></score-partwise>'.encode()


def attributes(beats: int = 4, more: str = "") -> str:
    return (
        f"<attributes><divisions>4</divisions><key><fifths>1</fifths></key><time><beats>{beats}</beats><beat-type>4</beat-type></time>"
        f"{more}</attributes>"
    )


def note(step: str, divisions: int, more: str = "", start: str = "") -> str:
    return f"<note>{start}{PITCH.format(step)}<duration>{divisions}</duration>{more}</note>"


def piece_in(content: bytes) -> Piece:
    (reading,) = read_music(content, "file.xml")
    return reading.piece


def notes_in(content: bytes) -> list[tuple[int, int, int]]:
    """Onset, pitch and duration of the notes of the only part."""
    (part,) = piece_in(content).parts
    return [found[:3] for found in part.notes]


def outcome(content: bytes, limits: Limits = Limits()) -> Reason | None:
    (result,) = read_each(content, "file", limits=limits)
    return result.error.reason if isinstance(result, Refusal) else None


WHOLE = note("C", 16)
SCALE = "".join(note(step, 4) for step in "CDEF")


def sounding(piece: Piece) -> list[tuple]:
    """Who plays what; a score does not say how long drums are."""
    return sorted((part.is_drum, [found[: 2 if part.is_drum else 3] for found in part.notes]) for part in piece.parts)


@pytest.mark.parametrize("piece", [tunes()[0], chorales()[0], bands()[0]], ids=["tune", "chorale", "band"])
def test_a_score_that_was_written_reads_back(piece):
    read = piece_in(musicxml(score_of(piece)))

    assert sounding(read) == sounding(piece)
    assert read.meters == piece.meters
    assert [tempo.quarters_per_minute for tempo in read.tempos] == pytest.approx([tempo.quarters_per_minute for tempo in piece.tempos], abs=0.01)


def test_chords_ties_tuplets_voices_and_grace_notes():
    triplet = "<time-modification><actual-notes>3</actual-notes><normal-notes>2</normal-notes></time-modification>"
    first = note("E", 8) + note("G", 8, start="<chord/>") + note("C", 8, '<tie type="start"/>') + "<backup><duration>16</duration></backup>"
    below = note("A", 16, "<voice>2</voice>")
    second = note("C", 4, '<tie type="stop"/>') + f"<note><grace/>{PITCH.format('B')}</note>" + note("D", 12)
    (reading,) = read_music(xml(attributes() + first + below, second))
    assert [found[:3] for found in reading.piece.parts[0].notes] == [(0, 64, 24), (0, 67, 24), (0, 69, 48), (24, 60, 36), (60, 62, 36)]
    assert reading.remarks == ("grace notes, left out: 1",)
    three = "".join(f"<note>{PITCH.format(step)}<duration>4</duration>{triplet}</note>" for step in "CDE")
    thirds = xml(attributes(1).replace("<divisions>4", "<divisions>12") + three)
    assert notes_in(thirds) == [(0, 60, 4), (4, 62, 4), (8, 64, 4)]


def test_two_voices_that_hold_the_same_note_hold_it():
    def bar(tie: str) -> str:
        return (
            note("A", 16, f'<tie type="{tie}"/>') + "<backup><duration>16</duration></backup>" + note("A", 16, f'<tie type="{tie}"/><voice>2</voice>')
        )

    assert notes_in(xml(attributes() + bar("start"), bar("stop"))) == [(0, 69, 96)]


def test_what_is_written_for_a_transposing_instrument_is_heard_where_it_sounds():
    clarinet = attributes(more="<transpose><diatonic>-1</diatonic><chromatic>-2</chromatic></transpose>")

    assert notes_in(xml(clarinet + WHOLE)) == [(0, 58, 48)]
    other = attributes(more="<transpose><diatonic>-2</diatonic><chromatic>-3</chromatic></transpose>")
    assert [pitch for _, pitch, _ in notes_in(xml(clarinet + WHOLE, WHOLE, other + WHOLE, WHOLE))] == [58, 58, 57, 57]  # from B flat to A
    assert piece_in(xml(clarinet + WHOLE)).keys == (Key(0, -1),)  # G major as it is written


def test_each_instrument_that_a_player_takes_up_is_a_part():
    names = "".join(
        f'<score-instrument id="I{n}"><instrument-name>{name}</instrument-name></score-instrument>' for n, name in ((1, "Flute"), (2, "Piccolo"))
    )
    programs = "".join(f'<midi-instrument id="I{n}"><midi-program>{program}</midi-program></midi-instrument>' for n, program in ((1, 74), (2, 73)))
    up = attributes(more="<transpose><diatonic>0</diatonic><chromatic>0</chromatic><octave-change>1</octave-change></transpose>")
    flute, piccolo = (f'<instrument id="I{n}"/>' for n in (1, 2))
    chord = note("D", 16, flute) + note("F", 16, piccolo, start="<chord/>")
    piece = piece_in(
        xml(attributes() + note("C", 16, flute), chord, up + note("E", 16, piccolo), part=f"<part-name>Woodwind</part-name>{names}{programs}")
    )

    assert [(part.name, part.program, [found[:3] for found in part.notes]) for part in piece.parts] == [
        ("Flute", 73, [(0, 60, 48), (48, 62, 48)]),
        ("Piccolo", 72, [(48, 65, 48), (96, 76, 48)]),
    ]


def test_a_program_that_changes_on_the_way_is_a_part():
    first, second = (f'<midi-instrument id="I1"><midi-program>{program}</midi-program></midi-instrument>' for program in (41, 72))
    listed = f'<part-name>Lead</part-name><score-instrument id="I1"><instrument-name/></score-instrument>{first}'
    piece = piece_in(xml(attributes() + WHOLE, f"<sound>{second}</sound>{WHOLE}", part=listed))

    assert [(part.name, part.program, [found[:3] for found in part.notes]) for part in piece.parts] == [
        ("Lead", 40, [(0, 60, 48)]),
        ("Lead", 71, [(48, 60, 48)]),
    ]


def test_repeats_are_played_and_an_upbeat_is_one():
    ends = '<barline location="right"><repeat direction="backward"/></barline>'
    piece = piece_in(xml(attributes() + note("G", 4), SCALE + ends, WHOLE))

    assert [found.onset for found in piece.parts[0].notes] == [36, 48, 60, 72, 84, 96, 108, 120, 132, 144, 156]
    assert piece.meters[0] == Meter(0, 4, 4)


SOUND = "<direction><direction-type/><sound {}/></direction>"


@pytest.mark.parametrize(
    ("marks", "heard"),
    [
        (["", 'fine="yes"', "", 'dacapo="yes"'], [60, 62, 64, 65, 60, 62]),
        (["", 'segno="s"', "", 'dalsegno="s"'], [60, 62, 64, 65, 62, 64, 65]),
        (['tocoda="c"', "", 'dacapo="yes"', 'coda="c"'], [60, 62, 64, 60, 65]),
    ],
)
def test_jumps_that_a_player_alone_is_told(marks, heard):
    bars = [note(step, 16) + (SOUND.format(mark) if mark else "") for step, mark in zip("CDEF", marks, strict=True)]
    assert [pitch for _, pitch, _ in notes_in(xml(attributes() + bars[0], *bars[1:]))] == heard
    said = bars[3].replace("<direction-type/>", "<direction-type><words>D.C.</words></direction-type>")
    if "dacapo" in marks[3]:
        assert [pitch for _, pitch, _ in notes_in(xml(attributes() + bars[0], *bars[1:3], said))] == heard


def test_bars_that_repeat_those_before_are_played_and_cues_are_not():
    again = '<attributes><measure-style><measure-repeat type="{}">{}</measure-repeat></measure-style></attributes>'
    rest = "<note><rest/><duration>16</duration></note>"
    bars = [attributes() + WHOLE, note("D", 16), again.format("start", 2) + rest, rest, again.format("stop", "") + rest, WHOLE]
    assert [pitch for _, pitch, _ in notes_in(xml(*bars))] == [60, 62, 60, 62, 60]
    cues = note("C", 8, start="<cue/>") + note("E", 8, start="<cue/><chord/>")
    assert notes_in(xml(attributes() + cues + note("D", 8))) == [(24, 62, 24)]


def test_a_tempo_that_is_about_a_number():
    mark = (
        "<direction><direction-type><metronome><beat-unit>quarter</beat-unit><per-minute>c. 96</per-minute></metronome></direction-type></direction>"
    )
    assert piece_in(xml(attributes() + mark + WHOLE)).tempos == (Tempo(0, 96.0),)


def test_an_ending_of_three_bars_is_left_out_whole():
    ending = '<barline location="{}"><ending number="{}" type="{}"/>{}</barline>'
    back = '<repeat direction="backward"/>'
    bars = [note(step, 16) for step in "CDEFG"]
    bars[1] = ending.format("left", 1, "start", "") + bars[1]
    bars[3] += ending.format("right", 1, "stop", back)
    bars[4] = ending.format("left", 2, "start", "") + bars[4] + ending.format("right", 2, "stop", "")

    assert [pitch for _, pitch, _ in notes_in(xml(attributes() + bars[0], *bars[1:]))] == [60, 62, 64, 65, 60, 67]


def test_tempo_key_dynamics_program_and_drums():
    marks = (
        "<direction><direction-type><metronome><beat-unit>quarter</beat-unit><per-minute>90</per-minute></metronome></direction-type>"
        '<sound tempo="90"/></direction><direction><direction-type><dynamics><ff/></dynamics></direction-type></direction>'
    )
    violin = '<part-name>Violin</part-name><score-instrument id="I1"><instrument-name>Violin</instrument-name></score-instrument>'
    piece = piece_in(xml(attributes() + marks + WHOLE, part=violin))
    assert (piece.tempos, piece.keys, piece.parts[0].program) == ((Tempo(0, 90.0),), (Key(0, 1),), 40)
    assert piece.parts[0].notes[0].velocity > Note(0, 60, 1).velocity
    drum = "<note><unpitched><display-step>C</display-step><display-octave>5</display-octave></unpitched><duration>16</duration></note>"
    (part,) = piece_in(xml(attributes() + drum)).parts
    assert part.is_drum


def test_bar_by_bar_scores_and_other_encodings():
    partwise = xml(attributes() + WHOLE, SCALE).decode()
    timewise = partwise.replace("score-partwise", "score-timewise").replace('<part id="P1">', "").replace("</part>", "")
    timewise = timewise.replace("</measure>", "</part></measure>")
    for number in "12":
        timewise = timewise.replace(f'<measure number="{number}">', f'<measure number="{number}"><part id="P1">')
    assert piece_in(timewise.encode()) == piece_in(partwise.encode())
    assert piece_in(partwise.replace('"1.0"', '"1.0" encoding="UTF-16"').encode("utf-16")) == piece_in(partwise.encode())


BOOK = """L:1/8

X:3
T:Première
M:2/4
K:G
|: "G"G2 {a}B2 | !trill!d4 :|: B4 :|

X:x
T:No such thing
M:4/4
K:C
C && E |

X:5
T:Two
M:3/4
Q:1/4=90
K:Dm
V:1
d2 f2 a2 | (3def g4 |]
V:2
D,6 | x6 |]
"""


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
def test_a_bad_tune_of_a_book_costs_only_itself(encoding):
    first, bad, last = read_each(BOOK.replace("\n", "\r\n").encode(encoding), "book.txt")

    assert (first.piece.title, first.where, first.format, bad.where, last.where) == ("Première", "tune 3", "ABC", "tune x", "tune 5")
    tune, end = [(0, 67, 12), (12, 71, 12), (24, 74, 24)], [(96, 71, 24), (120, 71, 24)]
    assert [found[:3] for found in first.piece.parts[0].notes] == [*tune, *((onset + 48, *rest) for onset, *rest in tune), *end]
    assert "sign that cannot be read" in str(bad.error)
    assert [[found[:3] for found in part.notes] for part in last.piece.parts] == [
        [(0, 74, 12), (12, 77, 12), (24, 81, 12), (36, 74, 4), (40, 76, 4), (44, 77, 4), (48, 79, 24)],
        [(0, 50, 36)],
    ]
    assert (last.piece.tempos[0].quarters_per_minute, last.piece.keys) == (90.0, (Key(0, -1, True),))


KERN = """!!!OTL: Ein Lied
**kern\t**kern
*M3/4\t*M3/4
*k[b-]\t*k[b-]
4C\t4cc
4D\t8dd
.\t8ee
4E\t[4ff
=2\t=2
2.F\t4ff]
.\t2r
*-\t*-
"""


def test_kern():
    (reading,) = read_music(KERN.encode(), "song")

    assert (reading.format, reading.piece.title, reading.piece.meters, reading.piece.keys) == ("kern", "Ein Lied", (Meter(0, 3, 4),), (Key(0, -1),))
    assert sounding(reading.piece) == [
        (False, [(0, 48, 12), (12, 50, 12), (24, 52, 12), (36, 53, 36)]),
        (False, [(0, 72, 12), (12, 74, 6), (18, 76, 6), (24, 77, 24)]),
    ]


def test_the_members_of_a_zip_file_are_read_one_by_one():
    container = b'<container><rootfiles><rootfile full-path="a/score.xml"/></rootfiles></container>'
    mxl = zipped({"META-INF/container.xml": container, "a/score.xml": xml(attributes() + WHOLE), "other.xml": b"<no/>"})
    results = list(
        read_each(
            zipped(
                {
                    "../../etc/tune.mid": midi_bytes(tunes()[0]),
                    "notes.txt": b"no music",
                    "book.abc": BOOK.encode(),
                    "song.mxl": mxl,
                    "again.zip": zipped({"a.mid": b""}),
                    "__MACOSX/._tune.mid": b"",
                    "folder/": b"",
                }
            )
        )
    )
    said = [(result.where, result.error.reason.value if isinstance(result, Refusal) else result.piece.title) for result in results]
    assert said == [
        ("../../etc/tune.mid", "tune"),
        ("notes.txt", "not music"),
        ("book.abc tune 3", "Première"),
        ("book.abc tune x", "damaged"),
        ("book.abc tune 5", "Two"),
        ("song.mxl", "song"),
        ("again.zip", "zip in a zip"),
    ]
    (alone,) = read_each(mxl, "alone.mxl")
    assert isinstance(alone, Reading)
    assert (alone.where, alone.piece.title) == ("", "alone")


def lying(content: bytes) -> bytes:
    """A zip file whose directory says of every member that it has ten bytes."""
    (size,) = {info.file_size for info in zipfile.ZipFile(io.BytesIO(content)).infolist()}
    return content.replace(size.to_bytes(4, "little"), (10).to_bytes(4, "little"))


ENTITIES = '<!DOCTYPE s [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><score-partwise>&b;</score-partwise>'


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", Reason.EMPTY),
        (ENTITIES.encode(), Reason.UNSAFE),
        (ENTITIES.encode("utf-16"), Reason.UNSAFE),
        (b'<!DOCTYPE s [<!ENTITY % a SYSTEM "file:///etc/passwd">%a;]><score-partwise/>', Reason.UNSAFE),
        (b"<html><body>404</body></html>", Reason.NOT_MUSIC),
        (b"<mei/>", Reason.UNSUPPORTED),
        (b"<score-partwise>", Reason.DAMAGED),
        (xml(attributes() + note("C", -4) + WHOLE), Reason.DAMAGED),
        (xml(attributes()), Reason.NO_NOTES),
        (b"ID3\3", Reason.NOT_MUSIC),
        (b"X:1\nK:C\n", Reason.NO_NOTES),
        (b"X:1\nT:without a key\n", Reason.NOT_MUSIC),
        (bytes(257) + b"ustar" + b"MThd\0\0\0\6", Reason.PACKED),
        (b"\x1f\x8b\x08", Reason.PACKED),
        (b"\x18FICHIER GUITAR PRO v5.00", Reason.UNSUPPORTED),
        (b"**kern\n*-\n", Reason.NO_NOTES),
        (zipped({}), Reason.EMPTY),
        (zipped({"a.txt": b"no music"})[:-20], Reason.DAMAGED),
        (zipped({"a.mid": bytes(30_000_000)}), Reason.TOO_LARGE),
        (lying(zipped({"a.mid": bytes(30_000_000)})), Reason.DAMAGED),
        (zipped({"a.mid": b"MThd"}, zipfile.ZIP_LZMA), Reason.UNSUPPORTED),
    ],
)
def test_what_is_refused_and_why(content, reason):
    assert outcome(content) is reason


def test_limits_of_a_zip_file():
    two = zipped({"a.mid": bytes(1000), "b.mid": bytes(1000)})
    assert outcome(two, Limits(members=1)) is Reason.TOO_MANY_MEMBERS
    with pytest.raises(UnreadableFileError, match=r"2,000 bytes in a zip file, unzipped, where the limit is 1,500 \(--max-unzipped-bytes sets it\)"):
        raise list(read_each(two, limits=Limits(unzipped_bytes=1500)))[-1].error


@pytest.mark.slow
def test_a_reader_of_scores_that_hangs_fills_the_memory_or_dies_costs_only_that_score():
    assert outcome(xml(attributes() + SCALE * 5_000), Limits(seconds=1)) is Reason.TIMEOUT
    assert notes_in(xml(attributes() + WHOLE)) == [(0, 60, 48)]
    score_reader._process.kill()
    assert notes_in(xml(attributes() + WHOLE)) == [(0, 60, 48)]
    small = ScoreReader()
    with pytest.raises(UnreadableFileError) as refusal:
        small.read("MusicXML", xml("<x/>" * 2_500_000), Limits(memory_bytes=400_000_000))
    assert refusal.value.reason in (Reason.OUT_OF_MEMORY, Reason.CRASHED)  # what is written in C may die of it
    small.close()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sets no limit")
def test_a_limit_that_leaves_no_room_for_the_reader_itself_is_named():
    with pytest.raises(UnreadableFileError, match="--max-memory-bytes") as refusal:
        ScoreReader().read("MusicXML", xml("<x/>"), Limits(memory_bytes=1_000_000))
    assert refusal.value.reason is Reason.OUT_OF_MEMORY


@pytest.mark.slow
@pytest.mark.parametrize("name", ["bach/bwv66.6.mxl", "bach/bwv356.mxl", "bach/bwv281.krn"])
def test_what_music21_carries_sounds_as_music21_has_it(name):
    from music21 import converter, corpus, harmony

    path = corpus.getWork(name)
    score = converter.parse(path, forceSource=True, storePickle=False).toSoundingPitch().expandRepeats()
    theirs = {
        (element.getOffsetInHierarchy(score), note.pitch.midi)
        for element in score.recurse().notes
        if element.quarterLength and not isinstance(element, harmony.Harmony)
        for note in getattr(element, "notes", (element,))
        if note.tie is None or note.tie.type == "start"
    }
    ours = {(found.onset, found.pitch) for part in piece_in(path.read_bytes()).parts for found in part.notes}
    upbeat = min(onset for onset, _ in ours) - min(int(12 * offset + 0.5) for offset, _ in theirs)
    assert ours == {(int(12 * offset + 0.5) + upbeat, pitch) for offset, pitch in theirs}

"""A piece written as MIDI reads back equal, and another reader finds the same notes at the same ticks and seconds."""

import io
from collections import defaultdict, deque

import mido
import pretty_midi
import pytest
from hypothesis import given, settings
from strategies import pieces

from musicgen.listening.midi import midi_bytes
from musicgen.piece import Key, Meter, Note, Part, Piece, Tempo
from musicgen.reading.midi import read_midi

# the channels that are not for drums, in the order in which tracks take them
CHANNELS = (0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 14, 15)

SONATA = Piece(
    parts=(
        Part("Flöte", 73, False, (Note(0, 72, 6, 31), Note(6, 72, 6, 0), Note(12, 76, 12, 20), Note(12, 79, 12, 20))),
        Part("ヴァイオリン", 40, False, (Note(42, 60, 36, 15),)),
        Part("", 8, True, (Note(0, 36, 1, 25), Note(78, 38, 1, 25))),
    ),
    meters=(Meter(0, 7, 8), Meter(42, 3, 4)),
    tempos=(Tempo(0, 120.0), Tempo(18, 90.5), Tempo(42, 66.6)),
    keys=(Key(0, 2), Key(42, -5, True)),
)


def messages(track: mido.MidiTrack) -> list[tuple[int, mido.Message]]:
    """Every message with its tick from the beginning."""
    tick, found = 0, []
    for message in track:
        tick += message.time
        found.append((tick, message))
    return found


def notes_of(track: mido.MidiTrack) -> list[tuple[int, int, int, int, int]]:
    """(tick, channel, pitch, duration in ticks, MIDI velocity) of every note."""
    sounding: defaultdict[tuple[int, int], deque] = defaultdict(deque)
    found = []
    for tick, message in messages(track):
        if message.type == "note_on" and message.velocity:
            sounding[message.channel, message.note].append((tick, message.velocity))
        elif message.type in ("note_on", "note_off"):
            begin, velocity = sounding[message.channel, message.note].popleft()
            found.append((begin, message.channel, message.note, tick - begin, velocity))
    assert not any(sounding.values())
    return sorted(found)


@given(pieces())
@settings(max_examples=150, deadline=None)
def test_a_written_piece_reads_back_equal(piece):
    assert read_midi(midi_bytes(piece), piece.steps_per_quarter) == piece


@given(pieces(max_parts=20, max_notes=2))
@settings(max_examples=25, deadline=None)
def test_more_parts_than_midi_has_channels_stay_apart(piece):
    assert read_midi(midi_bytes(piece), piece.steps_per_quarter) == piece


@given(pieces())
@settings(max_examples=80, deadline=None)
def test_mido_finds_the_same_music(piece):
    song = mido.MidiFile(file=io.BytesIO(midi_bytes(piece)), charset="utf-8")
    ticks, rest = divmod(song.ticks_per_beat, piece.steps_per_quarter)
    conductor, *tracks = song.tracks

    assert song.type == 1
    assert rest == 0
    said = {kind: [(tick, message) for tick, message in messages(conductor) if message.type == kind] for kind in ("time_signature", "set_tempo")}
    assert [(tick, m.numerator, m.denominator) for tick, m in said["time_signature"]] == [
        (ticks * onset, numerator, denominator) for onset, numerator, denominator in piece.meters
    ]
    assert [(tick, m.tempo) for tick, m in said["set_tempo"]] == [(ticks * onset, round(60e6 / tempo)) for onset, tempo in piece.tempos]
    assert [(tick, pitch_class(m.key)) for tick, m in messages(conductor) if m.type == "key_signature"] == [
        (ticks * key.onset, (key.tonic, key.is_minor)) for key in piece.keys
    ]
    assert len(tracks) == len(piece.parts)
    for index, (track, part) in enumerate(zip(tracks, piece.parts, strict=True)):
        channel = 9 if part.is_drum else CHANNELS[index % len(CHANNELS)]
        assert [m.name for m in track if m.type == "track_name"] == [part.name] * bool(part.name)
        assert [(m.channel, m.program) for m in track if m.type == "program_change"] == [(channel, part.program)]
        assert notes_of(track) == [(ticks * n.onset, channel, n.pitch, ticks * n.duration, 4 * n.velocity + 3) for n in part.notes]


def pitch_class(key: str) -> tuple[int, bool]:
    """The tonic as a pitch class, and whether the key is minor: "F#m" -> (6, True)."""
    name = key.removesuffix("m")
    return (dict(zip("CDEFGAB", (0, 2, 4, 5, 7, 9, 11), strict=True))[name[0]] + name.count("#") - name.count("b")) % 12, key.endswith("m")


def test_pretty_midi_finds_the_same_seconds():
    song = pretty_midi.PrettyMIDI(io.BytesIO(midi_bytes(SONATA)), charset="utf-8")
    step = [60 / (12 * 120), 60 / (12 * 90.5), 60 / (12 * 66.6)]  # seconds of a step in each tempo
    change = [0, 18 * step[0], 18 * step[0] + 24 * step[1]]  # seconds at which each tempo begins

    assert [(i.name, i.program, i.is_drum) for i in song.instruments] == [("Flöte", 73, False), ("ヴァイオリン", 40, False), ("", 8, True)]
    assert [(n.pitch, n.velocity) for n in song.instruments[0].notes] == [(72, 127), (72, 3), (76, 83), (79, 83)]
    assert [n.start for n in song.instruments[0].notes] == pytest.approx([0, 6 * step[0], 12 * step[0], 12 * step[0]])
    assert [n.end for n in song.instruments[0].notes] == pytest.approx([6 * step[0], 12 * step[0], *[change[1] + 6 * step[1]] * 2])
    assert (song.instruments[1].notes[0].start, song.instruments[1].notes[0].end) == pytest.approx((change[2], SONATA.seconds - step[2]))
    assert song.get_end_time() == pytest.approx(SONATA.seconds)
    assert song.get_tempo_changes()[0] == pytest.approx(change)
    assert song.get_tempo_changes()[1] == pytest.approx([120, 90.5, 66.6], rel=1e-6)
    assert [(s.numerator, s.denominator, s.time) for s in song.time_signature_changes] == [(7, 8, 0), (3, 4, pytest.approx(change[2]))]
    assert [(k.key_number, k.time) for k in song.key_signature_changes] == [(2, 0), (12 + 10, pytest.approx(change[2]))]


def test_the_same_piece_gives_the_same_bytes():
    assert midi_bytes(SONATA) == midi_bytes(SONATA)


def test_a_part_without_notes_keeps_its_track_and_is_not_read_back():
    silent = Piece((Part("Tacet", 56), *SONATA.parts), SONATA.meters, SONATA.tempos, SONATA.keys)

    tracks = mido.MidiFile(file=io.BytesIO(midi_bytes(silent)), charset="utf-8").tracks
    assert [track.name for track in tracks[1:]] == ["Tacet", "Flöte", "ヴァイオリン", ""]
    assert read_midi(midi_bytes(silent)) == SONATA


def test_a_piece_as_long_as_the_reader_allows_is_written():
    hours = Piece((Part("", 0, False, (Note(0, 60, 12), Note(12 * 49_999, 62, 12))),))

    assert read_midi(midi_bytes(hours)) == hours


def test_a_short_bar_before_longer_ones_comes_back_as_an_upbeat():
    pickup = Piece((Part("", 0, False, (Note(0, 67, 12), Note(12, 72, 48))),), (Meter(0, 1, 4), Meter(12, 4, 4)))
    full = Piece((Part("", 0, False, (Note(36, 67, 12), Note(48, 72, 48))),), (Meter(0, 4, 4),))

    assert read_midi(midi_bytes(pickup)) == full
    assert read_midi(midi_bytes(full)) == full

"""MIDI files byte by byte: what is read, what is moved, what is left out, and what is refused in one clear sentence."""

import os
import time
from pathlib import Path

import pytest
from hostile import BIGGEST_DELTA, END, QUARTER_C, chunk, dumped, midi
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import is_canonical
from tiny import bands, tunes

from musicgen.listening.midi import midi_bytes
from musicgen.piece import Key, Meter, Note, Part, Tempo
from musicgen.reading.chunks import songs_in
from musicgen.reading.events import MAX_TICKS
from musicgen.reading.grid import Grid, on_grid
from musicgen.reading.guard import Limits, UnreadableFileError, read_bytes
from musicgen.reading.midi import read_midi, read_midi_file, read_songs
from musicgen.reading.reasons import Reason
from musicgen.reading.second import hear_again

# At 96 ticks a quarter note, a step of the grid of 12 is 8 ticks. Delta times in hex: 08 a step, 60 a quarter, 83 00 a whole note.


def notes_read(*tracks: str, **header: int) -> tuple[Note, ...]:
    """The notes of the only part in a file."""
    (part,) = read_midi(midi(*tracks, **header)).parts
    return part.notes


# Notes


def test_a_note():
    assert notes_read(QUARTER_C + END) == (Note(0, 60, 12, 20),)


def test_without_a_word_the_music_is_in_four_four_at_120_in_no_key():
    piece = read_midi(midi(QUARTER_C + END))

    assert (piece.meters, piece.tempos, piece.keys, piece.steps_per_quarter) == ((Meter(0, 4, 4),), (Tempo(0, 120.0),), (), 12)


def test_running_status_and_note_on_without_velocity_as_note_off():
    track = """
        00 90 3C 50                   # C on
        08    3C 00                   # C off, a step later
        00    40 7F                   # E on, loudest
        10    40 00                   # E off, two steps later
        00 FF 01 01 21                # a text between
        00    43 03                   # G on, softest; the status still runs
        08    43 00                   # G off
    """
    assert notes_read(track + END) == (Note(0, 60, 1, 20), Note(1, 64, 2, 31), Note(3, 67, 1, 0))


@pytest.mark.parametrize(
    ("ticks", "step"), [(0, 0), (3, 0), (4, 1), (8, 1), (11, 1), (12, 2), (13, 2)]
)  # of 8 ticks; what lies in the middle goes up
def test_onsets_and_ends_move_to_the_nearest_step(ticks, step):
    late = f"{ticks:02X} 90 3C 50  60 80 3C 00  "

    assert notes_read(late + END) == (Note(step, 60, (ticks + 96 + 4) // 8 - step, 20),)


def test_triplets_are_exact_on_the_grid_of_12_and_not_on_4():
    triplet = "00 90 3C 50 20 3C 00 00 3E 50 20 3E 00 00 40 50 20 40 00  "

    assert notes_read(triplet + END) == (Note(0, 60, 4, 20), Note(4, 62, 4, 20), Note(8, 64, 4, 20))
    assert read_midi(midi(triplet + END), 4).parts[0].notes == (Note(0, 60, 1, 20), Note(1, 62, 2, 20), Note(3, 64, 1, 20))


@pytest.mark.parametrize("length", [0, 1, 3, 4, 8])
def test_a_note_lasts_at_least_a_step(length):
    assert notes_read(f"00 90 3C 50 {length:02X} 80 3C 00  " + END) == (Note(0, 60, 1, 20),)


def test_a_note_that_never_ends_is_left_out():
    assert notes_read("00 90 3E 50  " + QUARTER_C + END) == (Note(0, 60, 12, 20),)


@pytest.mark.parametrize("off", ["80 3C 00", "3C 00"])
def test_a_pitch_struck_again_ends_a_note_that_lacks_its_own_end(off):
    assert notes_read(f"00 90 3C 50  30 90 3C 28  30 {off} " + END) == (Note(0, 60, 6, 20), Note(6, 60, 6, 10))


def test_a_note_may_be_ended_by_another_track():
    (part,) = read_midi(midi("00 90 3C 50" + END, "60 80 3C 00" + END)).parts

    assert part.notes == (Note(0, 60, 12, 20),)


@pytest.mark.parametrize("silence", ["B0 78 00", "B0 7B 00"])
def test_a_note_without_an_end_of_its_own_may_be_silenced_with_its_channel(silence):
    assert notes_read(f"00 90 3C 50  30 B1 7B 00  30 {silence}  {QUARTER_C}" + END) == (Note(0, 60, 12, 20), Note(12, 60, 12, 20))


def test_an_end_without_a_note_is_left_out():
    assert notes_read("00 80 3E 00  " + QUARTER_C + END) == (Note(0, 60, 12, 20),)


def test_the_first_of_two_overlapping_equal_notes_gives_way():
    track = """
        00 90 3C 50                   # C on
        30 90 3C 28                   # C on again, six steps later
        30 80 3C 00                   # one off
        30 80 3C 00                   # the other off
    """
    assert notes_read(track + END) == (Note(0, 60, 6, 20), Note(6, 60, 12, 10))


def test_a_pitch_struck_twice_at_once_is_one_note():
    track = "00 90 3C 50  00 90 3C 50  08 80 3C 00  08 80 3C 00  "

    assert notes_read(track + END) == (Note(0, 60, 2, 20),)


def test_a_missing_end_of_track_is_forgiven():
    assert notes_read(QUARTER_C) == (Note(0, 60, 12, 20),)


# Parts


def test_channels_of_a_format_0_file_become_parts():
    track = """
        00 C0 28                      # channel 1: violin
        00 C1 2A                      # channel 2: cello
        00 C9 08                      # channel 10, drums: room kit
        00 90 4C 50
        00 91 30 50
        00 99 24 50
        60 80 4C 00
        00 81 30 00
        00 89 24 00
    """
    piece = read_midi(midi(track + END, kind=0))

    assert sorted(piece.parts, key=lambda part: (part.is_drum, part.program)) == [
        Part("", 40, False, (Note(0, 76, 12, 20),)),
        Part("", 42, False, (Note(0, 48, 12, 20),)),
        Part("", 8, True, (Note(0, 36, 12, 20),)),
    ]


def test_tracks_become_parts_in_their_order_and_silent_ones_are_left_out():
    upper, lower = ("00 FF 03 01 41  00 C0 28  " + QUARTER_C, "00 FF 03 01 42  00 C0 28  00 90 30 50  60 80 30 00  ")
    piece = read_midi(midi("00 FF 03 01 43  " + END, lower + END, END, upper + END))

    assert piece.parts == (Part("B", 40, False, (Note(0, 48, 12, 20),)), Part("A", 40, False, (Note(0, 60, 12, 20),)))


def test_a_channel_has_its_program_from_the_track_that_gives_one_and_from_its_own_before_others():
    conductor, own = "00 C0 28  00 C1 2A  " + END, "00 C0 49  " + QUARTER_C + END

    assert [part.program for part in read_midi(midi(conductor, QUARTER_C + END)).parts] == [40]
    assert [part.program for part in read_midi(midi(conductor, own)).parts] == [73]
    assert [part.program for part in read_midi(midi(QUARTER_C + QUARTER_C + END, "60 C0 28" + END)).parts] == [0, 40]


def test_a_program_that_changes_within_a_track_begins_another_part():
    (piano, flute) = read_midi(midi("00 C0 00 " + QUARTER_C + "00 C0 49 " + QUARTER_C + END)).parts

    assert (piano.program, piano.notes, flute.program, flute.notes) == (0, (Note(0, 60, 12, 20),), 73, (Note(12, 60, 12, 20),))


GS_PART_4 = "00 F0 0A 41 10 42 12 40 14 15 {} 00 F7 "
XG_ON, GM2_ON = "00 F0 08 43 10 4C 00 00 7E 00 F7 ", "00 F0 05 7E 7F 09 03 F7 "
ON_CHANNEL_4, ON_CHANNEL_10 = (f"00 9{channel} 26 50  60 8{channel} 26 00  " for channel in "39")


@pytest.mark.parametrize(
    ("track", "are_drums"),
    [
        (ON_CHANNEL_4 + ON_CHANNEL_10, [False, True]),
        (GS_PART_4.format("01") + ON_CHANNEL_4, [True]),
        (GS_PART_4.format("01") + GS_PART_4.format("00") + ON_CHANNEL_4, [False]),
        (GS_PART_4.replace("14 15", "10 15").format("00") + ON_CHANNEL_10, [False]),  # its part 0 is the tenth channel
        (XG_ON + "00 B3 00 7F 00 C3 00 " + ON_CHANNEL_4, [True]),
        (XG_ON + "00 B3 00 7F " + ON_CHANNEL_4, [False]),  # a bank waits for its program
        (XG_ON + "00 B3 00 7F 00 C3 00 " + ON_CHANNEL_4 + "00 B3 00 00 00 C3 00 " + ON_CHANNEL_4, [False, True]),
        (XG_ON + "00 B9 00 00 00 C9 00 " + ON_CHANNEL_10, [True]),
        ("00 F0 08 43 10 4C 08 03 07 02 F7 " + ON_CHANNEL_4, [True]),  # XG's part mode
        ("00 B3 00 7F 00 C3 00 " + ON_CHANNEL_4, [False]),  # other sounds, where nothing says XG
        (GM2_ON + "00 B3 00 78 00 C3 00 " + ON_CHANNEL_4, [True]),
        (GM2_ON + "00 B9 00 79 00 C9 00 " + ON_CHANNEL_10, [False]),
    ],
)
def test_channels_of_drums(track, are_drums):
    assert [part.is_drum for part in read_midi(midi(track + END)).parts] == are_drums


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("Flöte".encode(), "Flöte"),
        ("ヴァイオリン".encode(), "ヴァイオリン"),
        ("Flöte".encode("latin-1"), "Flöte"),
        (b"\xff\xfe\x81", "ÿþ\ufffd"),
        (b"\xed\xa0\x80\xf0\x9f", None),  # half of a pair, and the half of a letter
        (b"Piano\0\0\0", "Piano"),
        (b"  Violin \t I\r\n", "Violin I"),
        (b"\x1b[31mred\x07", "[31mred"),
        ("a\u202eb\u2028c".encode(), "a b c"),
        (b"", ""),
    ],
)
def test_names(written, name):
    (part,) = read_midi(midi(f"00 FF 03 {len(written):02X} {written.hex()} " + QUARTER_C + END)).parts

    assert part.name == name or name is None
    assert all(character.isprintable() for character in part.name)
    part.name.encode()  # can be written again


def test_a_file_gives_its_piece_its_title(tmp_path):
    path = tmp_path / "Prélude No. 1.MID"
    path.write_bytes(midi(QUARTER_C + END))

    assert read_midi_file(path).title == "Prélude No. 1"


# Meters, tempi and keys

BARS = "00 90 3C 50  83 00 3C 00  " * 3  # three whole notes on C


def test_meters_tempi_and_keys():
    track = """
        00 FF 58 04 04 02 18 08       # 4/4
        00 FF 51 03 07 A1 20          # 500,000 microseconds a quarter note: 120 quarters a minute
        00 FF 59 02 FE 01             # G minor
        83 00 FF 58 04 06 03 18 08    # 6/8 after a bar
        04 FF 51 03 0F 42 40          # 1,000,000 microseconds, a step later: 60 quarters a minute
        00 FF 59 02 03 00             # A major
    """
    piece = read_midi(midi(track + END, BARS + END))

    assert piece.meters == (Meter(0, 4, 4), Meter(48, 6, 8))
    assert piece.tempos == (Tempo(0, 120.0), Tempo(49, 60.0))
    assert piece.keys == (Key(0, -2, True), Key(49, 3))


def test_changes_that_change_nothing_or_come_too_late_are_left_out():
    track = """
        00 FF 58 04 03 02 18 08       # 3/4, at once corrected
        00 FF 58 04 04 02 18 08       # 4/4
        60 FF 58 04 04 02 24 08       # 4/4 again
        00 FF 51 03 07 A1 20          # 120 quarters a minute, as ever
        02 FF 51 03 0F 42 40          # 60 quarters a minute, between two steps
        8F 00 FF 58 04 03 02 18 08    # 3/4 after the last onset
        00 FF 59 02 03 00             # A major after the last onset
    """
    piece = read_midi(midi(track + END, BARS + END))

    assert (piece.meters, piece.tempos, piece.keys) == ((Meter(0, 4, 4),), (Tempo(0, 120.0), Tempo(12, 60.0)), ())


@pytest.mark.parametrize(
    "event",
    [
        "FF 51 03 00 00 00",  # no microseconds a quarter note
        "FF 58 04 05 05 18 08",  # 5/32: seven and a half steps
        "FF 58 04 00 02 18 08",  # 0/4
        "FF 58 04 04 07 18 08",  # 4/128
        "FF 59 02 80 05",  # 128 flats
        "FF 59 02 08 00",  # eight sharps
    ],
)
def test_what_makes_no_sense_is_left_out(event):
    piece = read_midi(midi(f"00 {event} " + QUARTER_C + END))

    assert (piece.meters, piece.tempos, piece.keys) == ((Meter(0, 4, 4),), (Tempo(0, 120.0),), ())


@pytest.mark.parametrize(("sharps", "fifths"), [("07", -5), ("06", 6), ("FA", 6), ("F9", 5), ("FB", -5)])
def test_keys_are_spelled_in_one_way(sharps, fifths):
    assert read_midi(midi(f"00 FF 59 02 {sharps} 00 " + QUARTER_C + END)).keys == (Key(0, fifths),)


def test_a_short_first_bar_is_an_upbeat():
    conductor = """
        00 FF 58 04 01 02 18 08       # 1/4
        00 FF 51 03 0A 2C 2B          # 90 quarters a minute
        60 FF 58 04 04 02 18 08       # 4/4 after a quarter
        00 FF 51 03 0F 42 40          # 60 quarters a minute
        83 00 FF 58 04 03 02 18 08    # 3/4 after a bar
        00 FF 59 02 01 00             # G major
    """
    piece = read_midi(midi(conductor + END, QUARTER_C + BARS + END))

    assert piece.meters == (Meter(0, 4, 4), Meter(96, 3, 4))
    assert piece.tempos == (Tempo(0, 90.0), Tempo(48, 60.0))
    assert piece.keys == (Key(96, 1),)
    assert [note.onset for note in piece.parts[0].notes] == [36, 48, 96, 144]
    assert piece.without_silent_bars() == piece


@pytest.mark.parametrize(("numerator", "ticks"), [("05", "83 60"), ("02", "83 00"), ("04", "83 00")])
def test_a_first_bar_that_is_longer_or_repeated_or_equal_is_no_upbeat(numerator, ticks):
    conductor = f"00 FF 58 04 {numerator} 02 18 08  {ticks} FF 58 04 04 02 18 08  "

    assert read_midi(midi(conductor + END, BARS + END)).parts[0].notes[0].onset == 0


# What is refused


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "an empty file"),
        (b"M", "no MIDI header"),
        (b"MThd\0\0\0\6\0\1", "its header is cut off"),
        (b"ID3\3\0\0\0\0\0\0 the rest of a song", "no MIDI header"),
        (bytes(5000) + midi(QUARTER_C), "no MIDI header"),
        (b"MThd\0\0\0\2\0\1\0\1\0\x60", "its header is cut off or of another length"),
        (midi(QUARTER_C, division=0), "zero ticks to the quarter note"),
        (midi(QUARTER_C, division=0xE700), "25 film frames a second of 0 ticks"),
        (midi(QUARTER_C, division=0x8028), "128 film frames a second of 40 ticks"),
        (midi(QUARTER_C, END, kind=2)[:40], "cut off"),
        (midi(claimed=65535), "no notes"),
        (midi(QUARTER_C, QUARTER_C)[:-4], "cut off in the midst of a track"),
        (midi(QUARTER_C, QUARTER_C)[:-14], "cut off in the midst of a track"),  # of the second one four bytes are left
        (midi() + chunk(b"", b"MTrk"), "no notes"),
        (midi(claimed=1) + b"MTrk\xff\xff\xff\xff", "cut off"),
        (midi("00 90"), "damaged"),
        (midi("00 90 3C"), "damaged"),
        (midi("00 3C 50" + END), "damaged"),  # runs on without a status
        (midi("00 F4 00" + END), "damaged"),  # no such event
        (midi("00 F0 7F 01 02" + END), "damaged"),  # a message longer than its track
        (midi("00 FF 03 FF FF FF 7F 41" + END), "damaged"),  # a name of 2**28 - 1 letters
        (midi("FF FF FF FF 7F 90 3C 50  60 80 3C 00" + END), "damaged"),  # a number of five bytes
        (midi(END), "no notes"),
        (midi(), "no notes"),
        (midi("00 90 3C 50  60 B0 40 00" + END), "no notes in it: 1 begin and never end"),
        (midi(BIGGEST_DELTA + "90 3C 50 60 3C 00  " + END), "quarter notes, where the limit is 50,000"),
        (midi("00 90 3C 50  88 80 80 00 3C 00" + END, division=480), "one note, where the limit is 1,000"),
        (midi("00 90 3C 50  85 F7 00 3C 00" + END), "one note, where the limit is 1,000"),  # 97,152 ticks, 1,012 quarter notes
    ],
)
def test_refused(content, complaint):
    begin = time.monotonic()
    with pytest.raises(UnreadableFileError, match=complaint) as refusal:
        read_midi(content)
    assert time.monotonic() - begin < 1
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("content", "remark"),
    [
        (b"RIFF\x2c\0\0\0RMIDdata\x20\0\0\0" + midi(QUARTER_C + END) + b"LIST\4\0\0\0INFO", None),
        (bytes(128) + midi(QUARTER_C + END), "128 bytes before the MIDI header passed over"),  # as MacBinary has it
        (b"MThd\0\0\0\x08\0\1\0\1\0\x60\0\0" + midi(QUARTER_C + END)[14:], None),  # the standard allows more in a header
        (b"MThd\0\0\0\xff\0\1\0\1\0\x60" + midi(QUARTER_C + END)[14:], None),
        (midi(QUARTER_C + END, kind=9), "a header that says format 9, read as format 1"),
        (midi(QUARTER_C + END, claimed=65535), "a header that counts 65,535 tracks, where there are 1"),
        (midi(QUARTER_C + END, claimed=0), "a header that counts 0 tracks, where there are 1"),
        (midi(QUARTER_C + END).replace(b"MTrk\0\0\0\x0c", b"MTrk\xff\xff\xff\xff"), "a track of another length than it says"),
        (midi(QUARTER_C + END).replace(b"MTrk\0\0\0\x0c", b"MTrk\0\0\0\2"), "a track of another length than it says"),
        (midi(QUARTER_C + END)[:14] + b"\0\0" + midi(QUARTER_C + END)[14:], None),  # padding
        (midi(QUARTER_C + END) + midi(QUARTER_C + END), "another MIDI file behind the first one, left out"),
        (midi("00 90 3D 50 " + QUARTER_C + END), "notes that never end, left out: 1"),
        (midi("60 90 3C 50 00 3C 00 " + END), "notes without a length, made one step long: 1"),
        (midi("00 90 3C 50 00 90 3C 50 60 3C 00 00 3C 00" + END), "notes struck again while they sounded, cut short or left out: 1"),
        (midi("00 FF 51 03 00 00 00 " + QUARTER_C + END), "tempi of zero, left out: 1"),
        (midi("00 FF 58 04 00 02 18 08 " + QUARTER_C + END), "meters that no whole number of steps fills, left out: 1"),
        (midi("00 FF 59 02 08 00 " + QUARTER_C + END), "key signatures of more than 7 accidentals, left out: 1"),
        (midi("00 F0 01 F7 " + QUARTER_C + "00 3C 50 60 3C 00 " + END), None),
    ],
)
def test_what_is_odd_is_read_and_said(content, remark):
    (reading,) = read_songs(content)

    assert reading.remarks == (() if remark is None else (remark,))
    assert reading.piece.num_notes >= 1


@pytest.mark.parametrize(("division", "tempo"), [(0xE728, 120.0), (0xE804, 120.0), (0xE304, 119.88)])  # 25, 24 and 29.97 frames a second
def test_time_in_film_frames_is_read_as_seconds(division, tempo):
    frames, ticks = {0xE7: 25, 0xE8: 24, 0xE3: 30}[division >> 8], division & 0xFF
    half = (frames * ticks // 2).to_bytes(2, "big")  # half a second of ticks
    length = bytes([(half[0] << 1) | (half[1] >> 7) | 0x80, half[1] & 0x7F]).hex()
    (reading,) = read_songs(midi(f"00 FF 51 03 0F 42 40  00 90 3C 50 {length} 3C 00" + END, division=division))

    assert reading.piece.parts[0].notes == (Note(0, 60, 12, 20),)
    assert reading.piece.tempos[0].quarters_per_minute == pytest.approx(tempo, abs=0.01)
    assert reading.remarks == ("time counted in film frames (SMPTE), read at 120 quarter notes a minute",)


def test_the_tracks_of_format_2_are_pieces():
    first, silent, third = read_songs(midi(QUARTER_C + END, END, BARS + END, kind=2), title="songs")

    assert (first.piece.title, first.where, first.piece.num_notes) == ("songs 1", "track 1", 1)
    assert (silent.where, silent.error.reason) == ("track 2", Reason.NO_NOTES)
    assert (third.piece.title, third.where, third.piece.num_notes) == ("songs 3", "track 3", 3)


@pytest.mark.parametrize(("ticks", "ms"), [(0, 0), (8, 0), (1, 5.208), (4, 20.833), (7, 5.208)])  # of 8 ticks to a step, 96 to half a second
def test_how_far_notes_were_moved(ticks, ms):
    (reading,) = read_songs(midi(f"{ticks:02X} 90 3C 50 60 3C 00" + END))
    assert (reading.moved_median_ms, reading.moved_most_ms) == (pytest.approx(ms, abs=1e-3), pytest.approx(ms, abs=1e-3))


def test_how_far_notes_were_moved_is_counted_at_the_tempo_there():
    slower = "00 FF 51 03 0F 42 40  62 FF 51 03 07 A1 20" + END  # a second to the quarter note, and half of one from tick 98 on
    (reading,) = read_songs(midi(slower, "02 90 3C 50 60 3C 00 00 3C 50 60 3C 00" + END))  # at tick 2, and at 98
    assert (reading.moved_median_ms, reading.moved_most_ms) == (pytest.approx(15.625), pytest.approx(20.833, abs=1e-3))


def test_both_readers_hear_the_same():
    for piece in (*bands(2), *tunes(1)):
        (song,) = songs_in(midi_bytes(piece), Limits())
        heard = on_grid(hear_again(song), Grid(song.ticks_per_quarter, 12), "", ())
        assert (heard.piece, heard.remarks) == (piece, ())


def test_foreign_chunks_between_tracks_and_rubbish_after_them_do_no_harm():
    first, second = chunk(dumped(QUARTER_C)), chunk(dumped(QUARTER_C + END))

    assert len(read_midi(midi(claimed=2) + first + chunk(b"own data", b"XFIH") + second + b"MTrk rubbish").parts) == 2


@pytest.mark.parametrize("deltas", [8, 9, 15, 16, 17, 31])
@pytest.mark.parametrize("event", ["B0 40 00", "FF 01 00", "F0 01 F7"])
def test_times_that_overflow_are_refused_even_where_they_come_round_to_a_likely_place(deltas, event):
    track = QUARTER_C + f"{BIGGEST_DELTA} {event} " * deltas + "7F FF 01 00  " + QUARTER_C

    with pytest.raises(UnreadableFileError, match=r"overflow|where the limit"):
        read_midi(midi(track + END, division=32767))


@pytest.mark.parametrize("letters", [b"\xff" * 120 + b"a", "音楽".encode() * 20])
def test_long_foreign_texts_are_not_taken_for_long_times(letters):
    assert len(notes_read(f"00 FF 01 {len(letters):02X} {letters.hex()} " * 30 + QUARTER_C + END)) == 1


@pytest.mark.parametrize("ticks", [MAX_TICKS - 1, MAX_TICKS, 2**31, 2**32])
def test_a_long_silence_before_the_end_of_track_is_no_matter_until_it_overflows(ticks):
    whole, rest = divmod(ticks, 2**28 - 1)
    last = bytes([rest >> 21 | 0x80, rest >> 14 & 0x7F | 0x80, rest >> 7 & 0x7F | 0x80, rest & 0x7F]).hex()
    content = midi("00 90 3C 50  00 3C 00  " + f"{BIGGEST_DELTA} FF 01 00 " * whole + f"{last} FF 2F 00")

    if ticks < MAX_TICKS:
        assert read_midi(content).num_notes == 1
    else:
        with pytest.raises(UnreadableFileError, match=f"overflow.*{ticks:,} ticks"):
            read_midi(content)


@pytest.mark.parametrize(
    ("content", "limits", "complaint"),
    [
        (midi(QUARTER_C * 3), Limits(notes=2), "3 notes, where the limit is 2"),
        (midi(QUARTER_C, QUARTER_C, QUARTER_C), Limits(tracks=2), "3 tracks, where the limit is 2"),
        (midi(QUARTER_C * 3), Limits(quarters=2), "3 quarter notes, where the limit is 2"),
        (midi(BARS), Limits(note_quarters=3), "4 quarter notes in one note, where the limit is 3"),
        (midi("60 FF 51 03 07 A1 20 " * 3 + QUARTER_C), Limits(changes=2), "3 changes of tempo, meter and key, where the limit is 2"),
    ],
)
def test_limits(content, limits, complaint):
    with pytest.raises(UnreadableFileError, match=complaint):
        read_midi(content, limits=limits)


def test_an_event_cut_off_at_the_end_reads_nothing_from_beyond_the_file():
    (first, *others) = [read_midi(midi(QUARTER_C + "00 FF 51 00")).tempos for _ in range(20)]  # a tempo of no bytes

    assert first == (Tempo(0, 120.0),)
    assert set(others) == {first}


SONG = midi(
    "00 FF 58 04 03 02 18 08  00 FF 51 03 07 A1 20  00 FF 59 02 02 00  60 FF 58 04 04 02 18 08  " + END,
    "00 FF 03 01 41  00 C0 28  " + QUARTER_C + "00 F0 03 01 02 F7  10 E0 01 02  " + QUARTER_C + "60 99 24 50  08 89 24 00  " + END,
)


@given(st.lists(st.tuples(st.integers(8, len(SONG) - 1), st.sampled_from((0, 1, 0x7F, 0x80, 0x90, 0xF0, 0xFF)) | st.integers(0, 255)), max_size=5))
@settings(max_examples=300, deadline=None)
def test_a_file_with_wrong_bytes_is_a_canonical_piece_or_refused(changes):
    content = bytearray(SONG)
    for at, byte in changes:
        content[at] = byte
    try:
        piece = read_midi(bytes(content))
    except UnreadableFileError:
        return
    assert is_canonical(piece)


def test_a_file_cut_off_anywhere_is_refused():
    assert read_midi(SONG).num_notes == 3
    for length in range(len(SONG)):
        with pytest.raises(UnreadableFileError):
            read_midi(SONG[:length])


# What is no file


def test_a_file_of_no_bytes(tmp_path):
    (tmp_path / "empty.mid").touch()

    with pytest.raises(UnreadableFileError, match="an empty file"):
        read_midi_file(tmp_path / "empty.mid")


def test_a_file_that_is_too_big(tmp_path):
    (tmp_path / "big.mid").write_bytes(midi(QUARTER_C))

    with pytest.raises(UnreadableFileError, match=r"\d+ bytes, where the limit is 20"):
        read_midi_file(tmp_path / "big.mid", limits=Limits(file_bytes=20))


def test_a_missing_file(tmp_path):
    with pytest.raises(UnreadableFileError, match="No such file"):
        read_midi_file(tmp_path / "missing.mid")


def test_a_directory_is_refused_and_leaves_nothing_open(tmp_path):
    free = lowest_free_descriptor()
    with pytest.raises(UnreadableFileError, match=r"directory|denied"):
        read_midi_file(tmp_path)

    assert lowest_free_descriptor() == free


def lowest_free_descriptor() -> int:
    descriptor = os.open(os.devnull, os.O_RDONLY)
    os.close(descriptor)
    return descriptor


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_does_not_hold_the_program(tmp_path):
    os.mkfifo(tmp_path / "pipe.mid")
    free = lowest_free_descriptor()
    with pytest.raises(UnreadableFileError, match="not a regular file"):
        read_midi_file(tmp_path / "pipe.mid")

    assert lowest_free_descriptor() == free


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="no endless device here")
def test_an_endless_device_is_refused():
    with pytest.raises(UnreadableFileError, match="not a regular file"):
        read_bytes(Path("/dev/zero"), Limits())

"""The texts at the beginning of MIDI files, as mido writes them."""

import io

import mido
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny import bands

from musicgen.listening.midi import midi_bytes
from musicgen.reading.midi import read_midi
from musicgen.reading.texts import read_texts

NOTE = mido.Message("note_on", note=60, velocity=64)


def file_of(*tracks: list) -> bytes:
    file = io.BytesIO()
    mido.MidiFile(tracks=[mido.MidiTrack(track) for track in tracks], charset="utf-8").save(file=file)
    return file.getvalue()


def text(said: str, time: int = 0) -> mido.MetaMessage:
    return mido.MetaMessage("text", text=said, time=time)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.text(max_size=20), max_size=4))
def test_texts_are_read_as_mido_writes_them(said):
    running = [NOTE, NOTE.copy(note=62), mido.Message("program_change", program=3), mido.Message("sysex", data=(1, 2, 3))]

    assert read_texts(file_of([*running, *map(text, said[:2])], [mido.MetaMessage("lyrics", text="la"), *map(text, said[2:])])) == said


def test_a_text_changes_nothing_that_is_played():
    piece = bands()[0]
    content = midi_bytes(piece, "how it was made " * 1000)

    assert read_texts(content) == ["how it was made " * 1000]
    assert read_midi(content) == read_midi(midi_bytes(piece))


def test_later_and_longer_texts_are_passed_over():
    assert read_texts(file_of([text("now"), text("x" * 301), text("later", time=1)]), longest=300) == ["now"]


@pytest.mark.parametrize("cut", range(1, 30))
def test_what_is_damaged_has_no_texts(cut):
    track = file_of([text("here"), text("a second text")])[22:]
    content = b"MThd\0\0\0\6\0\0\0\1\0\x60MTrk" + (len(track) - cut).to_bytes(4, "big") + track[: len(track) - cut]

    assert read_texts(content) in ([], ["here"], ["here", "a second text"])

"""Any music file by its content: what it holds, what it is called, and the fixed list of reasons for which it is refused."""

import pickle
from dataclasses import fields
from pathlib import Path

import pytest
from tiny import tunes

from musicgen.listening.midi import midi_bytes
from musicgen.reading.formats import read_each, read_music, read_music_file
from musicgen.reading.guard import LIMIT_OPTIONS, Limits, read_bytes, shown
from musicgen.reading.readings import Reading, Refusal
from musicgen.reading.reasons import Reason, UnreadableFileError


def test_a_file_is_known_by_its_content_and_its_name_is_the_title(tmp_path: Path):
    (tmp_path / "a tune.txt").write_bytes(midi_bytes(tunes()[0]))
    (reading,) = read_music_file(tmp_path / "a tune.txt")

    assert (reading.piece, reading.piece.title, reading.format, reading.where) == (tunes()[0], "a tune", "MIDI", "")


def test_what_is_no_music_is_one_refusal():
    (refusal,) = read_each(b"no music", "letter.mid")

    assert isinstance(refusal, Refusal)
    assert refusal.error.reason is Reason.NOT_MUSIC
    with pytest.raises(UnreadableFileError, match="neither MIDI, MusicXML, ABC nor kern"):
        read_music(b"no music")


def test_reasons_have_names_of_their_own_and_say_what_to_do():
    assert Reason("empty") is Reason.EMPTY
    assert all(reason.advice.endswith(".") and reason.advice[0].isupper() for reason in Reason)


def test_an_error_comes_whole_out_of_another_process():
    sent = pickle.loads(pickle.dumps(UnreadableFileError("gone", Reason.VANISHED)))

    assert (str(sent), sent.reason) == ("gone", Reason.VANISHED)


def test_every_limit_has_an_option_that_its_message_names():
    assert [field.name for field in fields(Limits)] == list(LIMIT_OPTIONS)
    for name, (option, reason, what) in LIMIT_OPTIONS.items():
        limits = Limits(**{name: 1000})
        limits.check(name, 1000)
        with pytest.raises(UnreadableFileError) as refusal:
            limits.check(name, 1001)
        assert str(refusal.value) == f"1,001 {what}, where the limit is 1,000 ({option} sets it)"
        assert refusal.value.reason is reason


@pytest.mark.parametrize(
    ("name", "reason"), [("gone", Reason.VANISHED), ("zero\0byte", Reason.VANISHED), (".", Reason.NOT_A_FILE), ("a/b", Reason.VANISHED)]
)
def test_why_there_are_no_bytes(tmp_path: Path, name: str, reason: Reason):
    (tmp_path / "a").touch()
    with pytest.raises(UnreadableFileError) as refusal:
        read_bytes(tmp_path / name, Limits())
    assert refusal.value.reason is reason


def test_a_path_is_shown_on_one_line_whatever_its_name():
    assert shown(Path("songs/Prélude 音.mid")) == "songs/Prélude 音.mid"
    assert shown("new\nline\x1b[31m\udcff\u202e.mid") == "new\\nline\\x1b[31m\\udcff\\u202e.mid"


def test_a_reading_can_be_compared_and_sent():
    reading = read_music(midi_bytes(tunes()[0]))[0]

    assert isinstance(reading, Reading)
    assert pickle.loads(pickle.dumps(reading)) == reading

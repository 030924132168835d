"""`replay`: the same bytes again, or what differs; and what other files say."""

import io
import json
from dataclasses import replace

import mido
import pytest
from tiny import bands, chorales, random_model

from musicgen.cli import replay as replay_command
from musicgen.listening.midi import midi_bytes
from musicgen.model.file import save_model
from musicgen.reading.midi import read_midi
from musicgen.reading.texts import read_texts

FAILURE, USAGE, UNREADABLE = 1, 2, 3


@pytest.fixture
def song(shell, folder) -> bytes:
    """A take in song.mid, of a model in outputs/run."""
    (folder / "outputs" / "run").mkdir(parents=True)
    save_model(random_model(chorales()), folder / "outputs" / "run" / "model.safetensors")
    assert shell("generate", "--random-seed", 7, "--bars", 3, "--out", "song.mid", "--quiet")[0] == 0
    return (folder / "song.mid").read_bytes()


def test_the_same_bytes_come_again(shell, folder, song):
    assert shell("replay", "song.mid") == (0, "song.mid: the same bytes again, random seed 7\n", "")
    assert shell("replay", "song.mid", "--out", "again.mid", "--quiet") == (0, "", "")
    assert (folder / "again.mid").read_bytes() == song


@pytest.mark.parametrize(
    "asked",
    [
        ["--seed", "C5:1 D5:1/2 E5", "--drop-seed", "--random-seed", 3],
        ["--seed", "song.mid", "--bars", 5, "--temperature", "0.7..1.1", "--takes", 2],
        ["--parts", "Alto,Bass", "--key", "F minor", "--meter", "3/4", "--density", "1.5x", "--tempo", 77, "--no-end"],
    ],
)
def test_whatever_was_asked_for(shell, folder, song, asked):
    assert shell("generate", "--bars", 4, *asked, "--out", "other", "--quiet")[0] == 0

    for file in (folder / "other").glob("*.mid"):
        assert shell("replay", file, "--quiet") == (0, "", "")


def differences_of(shell, file: str, *options) -> list[str]:
    code, out, _ = shell("replay", file, "--json", *options)
    document = json.loads(out)
    assert (code, document["same"]) == (FAILURE, False)
    return [difference.split(":")[0] for difference in document["differs"]]


def test_what_differs_is_said(shell, folder, song, monkeypatch):
    (text,) = read_texts(song)
    piece = read_midi(song)
    edited = replace(piece, parts=(replace(piece.parts[0], notes=piece.parts[0].notes[1:]), *piece.parts[1:]))
    cooler = text.replace('"temperature":0.95', '"temperature":0.1')
    for name, content in {"edited": midi_bytes(edited, text), "cooler": midi_bytes(piece, cooler), "slower": midi_bytes(piece, text)}.items():
        (folder / f"{name}.mid").write_bytes(content)
    file = mido.MidiFile(file=io.BytesIO(song))
    file.tracks[0].append(mido.MetaMessage("marker", text="rehearse"))
    file.save(folder / "anew.mid")
    save_model(random_model(chorales(), random_seed=1), folder / "other.safetensors")

    assert differences_of(shell, "edited.mid") == ["notes"]
    assert differences_of(shell, "cooler.mid") == ["settings"]
    assert differences_of(shell, "anew.mid") == ["bytes"]
    assert differences_of(shell, "song.mid", "--model", "other.safetensors") == ["model"]
    monkeypatch.setattr(replay_command, "__version__", "9.9")
    assert differences_of(shell, "edited.mid", "--model", "other.safetensors") == ["version", "model", "notes"]
    code, out, err = shell("replay", "song.mid")
    assert (code, out) == (0, "song.mid: the same bytes again, random seed 7\n")
    assert "this is 9.9" in err


def test_a_model_that_is_gone_is_named(shell, folder, song):
    save_model(random_model(chorales(), random_seed=1), folder / "outputs" / "run" / "model.safetensors")
    code, out, err = shell("replay", "song.mid")

    assert (code, out) == (UNREADABLE, "")
    assert "the model 'run' (fingerprint" in err
    assert "--model" in err


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (midi_bytes(bands()[0]), "no settings"),
        (midi_bytes(bands()[0], '{"musicgen":"0.1.0","settings":{}}'), "damaged"),
        (midi_bytes(bands()[0], '{"musicgen":' + "[" * 50_000), "damaged"),
        (b"music", "no MIDI file"),
        (b"", "empty"),
    ],
)
def test_other_files_say_so(shell, folder, content, word):
    (folder / "other.mid").write_bytes(content)
    code, out, err = shell("replay", "other.mid")

    assert (code, out) == (UNREADABLE, "")
    assert word in err
    assert len(err.splitlines()) == 1


def test_what_is_there_is_not_overwritten(shell, folder, song):
    assert shell("replay", "song.mid", "--out", "song.mid")[0] == USAGE
    assert shell("replay", "gone.mid")[0] == UNREADABLE

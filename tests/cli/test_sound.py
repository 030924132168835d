"""Sound as a person meets it: `render`, `play` and `generate --wav` write or play what they say, and for what is wrong one sentence."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import mido
import numpy as np
import pytest
import soundfile
from soundfonts import LEFT, MIDDLE, sf2
from tiny import chorales, random_model

from musicgen.cli import play, sounds
from musicgen.listening import audio
from musicgen.listening.midi import midi_bytes
from musicgen.model.file import save_model
from musicgen.piece import Note, Part, Piece, Tempo

FAILURE, USAGE, UNREADABLE, DOES_NOT_FIT = 1, 2, 3, 4
SONG = Piece((Part("Flute", 73, False, (Note(0, 69, 12), Note(12, 74, 12))), Part("Drums", 0, True, (Note(0, 36, 12), Note(12, 38, 12)))))
PRESETS = {(0, 72): MIDDLE, (128, 0): LEFT}
posix = pytest.mark.skipif(os.name != "posix", reason="a shell script stands for a program")


@pytest.fixture
def run(folder, shell):
    """Runs a command in a folder with song.mid and tiny.sf2; returns its exit code, stdout and stderr."""
    (folder / "song.mid").write_bytes(midi_bytes(SONG))
    (folder / "tiny.sf2").write_bytes(sf2({(0, 73): MIDDLE, (128, 0): LEFT}))

    return shell


@pytest.fixture
def programs(folder, monkeypatch) -> Path:
    """The only folder in which programs are found."""
    (folder / "bin").mkdir()
    monkeypatch.setenv("PATH", str(folder / "bin"))
    return folder / "bin"


def write_program(path: Path, script: str) -> None:
    path.write_text(f"#!{sys.executable}\nimport pathlib, shutil, sys\n{script}\n")
    path.chmod(0o755)


def assert_says(result: tuple[int, str, str], code: int, *words: str) -> None:
    """One sentence on stderr, nothing on stdout, and this exit code."""
    assert result[:2] == (code, ""), result[2]
    assert result[2].count("Error: ") == 1
    assert "Traceback" not in result[2]
    assert result[2].count("\n") == 1, result[2]
    for word in words:
        assert word in result[2]


# render


def test_render_writes_every_kind_and_says_so(run, folder):
    targets = [word for kind in audio.FORMATS for word in (f"--{kind}", f"song.{kind}")]
    code, out, err = run("render", "song.mid", *targets, "--soundfont", "tiny.sf2", "--json")
    facts = json.loads(out)

    assert (code, err) == (0, "")
    assert facts["piece"] == {"path": "song.mid", "seconds": 1.0, "parts": 2, "notes": 4}
    assert (facts["synthesizer"], facts["soundfont"]) == ("midirenderer", "tiny.sf2")
    assert 1 <= facts["seconds"] <= 3
    assert 0 < facts["rms"] < facts["peak"] <= 0.98
    assert [row["kind"] for row in facts["sounds"]] == list(audio.FORMATS)
    for row in facts["sounds"]:
        assert row["bytes"] == (folder / row["path"]).stat().st_size
        found = soundfile.info(row["path"])
        assert (found.samplerate, found.channels, found.format) == (44_100, 2, row["kind"].upper())
        assert found.duration == pytest.approx(facts["seconds"], abs=0.06)
    samples, _ = soundfile.read("song.wav", always_2d=True)
    assert abs(samples).max() == pytest.approx(facts["peak"], abs=1e-3)
    assert not list(folder.glob(".*.part"))


def test_render_writes_the_same_bytes_again_but_only_with_force(run, folder):
    assert run("render", "song.mid", "--wav", "a.wav")[0] == 0
    first = (folder / "a.wav").read_bytes()
    assert_says(run("render", "song.mid", "--wav", "a.wav"), USAGE, "a.wav exists", "--wav", "--force")
    (folder / "a.wav").write_text("something else")
    code, out, err = run("render", "song.mid", "--wav", "a.wav", "--force")

    assert (code, err) == (0, "")
    assert out == f"a.wav: {soundfile.info('a.wav').duration:.1f} s, {len(first):,} bytes\n"
    assert (folder / "a.wav").read_bytes() == first
    assert run("render", "song.mid", "--wav", "b.wav", "--quiet") == (0, "", "")
    assert (folder / "b.wav").read_bytes() == first


def test_times_between_the_steps_of_the_network_are_heard(run):
    Path("fast.mid").write_bytes(midi_bytes(Piece((Part("", 73, False, (Note(0, 69, 1), Note(97, 69, 96))),), steps_per_quarter=96)))
    code, out, _ = run("render", "fast.mid", "--wav", "fast.wav", "--json", "--soundfont", "tiny.sf2")

    assert code == 0
    assert json.loads(out)["piece"]["seconds"] == pytest.approx(193 / 96 / 2, abs=1e-3)


def test_a_missing_instrument_is_said_with_who_plays_instead(run, folder):
    (folder / "few.sf2").write_bytes(sf2(PRESETS))
    code, _, err = run("render", "song.mid", "--wav", "a.wav", "--soundfont", "few.sf2")

    assert code == 0
    assert err == "the soundfont few.sf2 has no flute (program 73): piccolo (program 72) plays instead\n"
    assert run("render", "song.mid", "--wav", "b.wav", "--soundfont", "few.sf2", "--quiet") == (0, "", "")


def test_without_midirenderer_plain_waves_play_and_it_is_said(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "midirenderer", None)
    code, out, err = run("render", "song.mid", "--wav", "a.wav", "--json")

    assert code == 0
    assert err == "midirenderer is not installed, so plain waves play instead of instruments: `pip install midirenderer`\n"
    assert (json.loads(out)["synthesizer"], json.loads(out)["soundfont"]) == ("numpy", None)
    assert json.loads(out)["rms"] > 0.01


def test_without_a_soundfont_plain_waves_play_and_it_is_said(run, monkeypatch):
    monkeypatch.setattr(sounds, "default_soundfont", lambda: None)
    code, _, err = run("render", "song.mid", "--wav", "a.wav")

    assert code == 0
    assert err == "there is no soundfont, so plain waves play instead of instruments: name an SF2 file with --soundfont\n"
    assert_says(run("render", "song.mid", "--wav", "b.wav", "--fluidsynth"), FAILURE, "fluidsynth needs a soundfont", "--soundfont")


@posix
def test_fluidsynth_plays_where_it_is_asked_for(run, folder, programs):
    samples = np.full((44_100, 2), 0.25)
    soundfile.write("played.wav", samples, 44_100, subtype="PCM_16")
    write_program(
        programs / "fluidsynth",
        "arguments = sys.argv[1:]\n"
        "pathlib.Path('arguments.txt').write_text('\\n'.join(arguments))\n"
        "shutil.copy('played.wav', arguments[arguments.index('-F') + 1])",
    )
    code, out, err = run("render", "song.mid", "--wav", "a.wav", "--soundfont", "tiny.sf2", "--fluidsynth", "--json")

    assert (code, err) == (0, "")
    assert json.loads(out)["synthesizer"] == "fluidsynth"
    assert json.loads(out)["peak"] == pytest.approx(0.25, abs=1e-3)
    interactive, to, wave, at, rate, soundfont, midi = Path("arguments.txt").read_text().splitlines()
    assert (interactive, to, at, rate, soundfont) == ("-ni", "-F", "-r", "44100", str(folder / "tiny.sf2"))
    assert not Path(wave).exists()
    assert not Path(midi).exists()


@posix
def test_where_fluidsynth_is_missing_or_fails_that_is_said(run, programs):
    arguments = ("render", "song.mid", "--wav", "a.wav", "--fluidsynth")
    assert_says(run(*arguments), FAILURE, "there is no program fluidsynth", "apt install fluidsynth", "--fluidsynth")
    write_program(programs / "fluidsynth", "sys.exit('it is\\nout of tune')")
    assert_says(run(*arguments), FAILURE, "fluidsynth failed: out of tune")
    assert not Path("a.wav").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["song.mid"], USAGE, ["--wav", "--flac", "--ogg", "--mp3"]),
        (["song.mid", "--wav", "nowhere/a.wav"], USAGE, ["nowhere/a.wav", "no folder nowhere"]),
        (["song.mid", "--mp3", "text.mid/a.mp3"], USAGE, ["text.mid/a.mp3"]),
        (["song.mid", "--wav", "folder"], USAGE, ["folder", "it is a folder"]),
        (["song.mid", "--flac", "text.mid"], USAGE, ["text.mid exists", "--flac", "--force"]),
        (["song.mid", "--wav", "song.mid", "--force"], USAGE, ["song.mid", "overwrite what is read"]),
        (["song.mid", "--wav", "tiny.sf2", "--soundfont", "./tiny.sf2", "--force"], USAGE, ["tiny.sf2", "overwrite what is read"]),
        (["song.mid", "--wav", "a", "--ogg", "./a"], USAGE, ["overwrite", "another of the files"]),
        (["song.mid", "--wav", "a.wav", "--max-minutes", "nan"], USAGE, ["--max-minutes"]),
        (["song.mid", "--wav", "a.wav", "--max-minutes", "0.01"], DOES_NOT_FIT, ["0.0 minutes", "limit is 0.01", "GB", "--max-minutes"]),
        (["long.mid", "--wav", "a.wav"], DOES_NOT_FIT, ["long.mid", "66.7 minutes", "limit is 60", "GB", "--max-minutes"]),
        (["nothing.mid", "--wav", "a.wav"], UNREADABLE, ["nothing.mid", "No such file"]),
        (["folder", "--wav", "a.wav"], UNREADABLE, ["folder"]),
        (["text.mid", "--wav", "a.wav"], UNREADABLE, ["text.mid", "no music"]),
        (["empty.mid", "--wav", "a.wav"], UNREADABLE, ["empty.mid", "empty file"]),
        (["silent.mid", "--wav", "a.wav"], UNREADABLE, ["silent.mid", "no notes"]),
        (["song.mid", "--wav", "a.wav", "--soundfont", "nothing.sf2"], UNREADABLE, ["nothing.sf2", "No such file"]),
        (["song.mid", "--wav", "a.wav", "--soundfont", "folder"], UNREADABLE, ["can't use the soundfont folder"]),
        (["song.mid", "--wav", "a.wav", "--soundfont", "song.mid"], UNREADABLE, ["song.mid", "no soundfont"]),
        (["song.mid", "--wav", "a.wav", "--soundfont", "empty.mid"], UNREADABLE, ["empty.mid", "no soundfont"]),
        (["song.mid", "--wav", "a.wav", "--soundfont", "three.sf3"], UNREADABLE, ["three.sf3", "SF3", "not supported", "SF2"]),
        (["drums.mid", "--wav", "a.wav", "--soundfont", "organ.sf2"], UNREADABLE, ["drums.mid", "none of the instruments"]),
        (["song.mid", "--wav", "a.wav", "--soundfont", "broken.sf2"], FAILURE, ["midirenderer cannot play", "broken.sf2"]),
    ],
)
def test_render_says_what_is_wrong(run, folder, arguments, code, words):
    (folder / "text.mid").write_text("no music")
    (folder / "empty.mid").touch()
    (folder / "folder").mkdir()
    mido.MidiFile(tracks=[mido.MidiTrack()]).save(folder / "silent.mid")
    (folder / "long.mid").write_bytes(midi_bytes(Piece((Part("", 0, False, (Note(12 * 3999, 60, 12),)),), tempos=(Tempo(0, 60.0),))))
    (folder / "drums.mid").write_bytes(midi_bytes(Piece(SONG.parts[1:])))
    (folder / "three.sf3").write_bytes(sf2(version=3))
    (folder / "organ.sf2").write_bytes(sf2({(0, 19): MIDDLE}))
    (folder / "broken.sf2").write_bytes(sf2({(0, 73): MIDDLE, (128, 0): LEFT}).replace(b"\x35\x00\x00\x00", b"\x35\x00\x63\x00"))  # sample 99
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    assert_says(run("render", *arguments), code, *words)
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no FIFOs")
def test_a_fifo_is_no_soundfont_and_a_large_one_is_refused(run, folder, monkeypatch):
    os.mkfifo(folder / "fifo.sf2")
    assert_says(run("render", "song.mid", "--wav", "a.wav", "--soundfont", "fifo.sf2"), UNREADABLE, "fifo.sf2", "not a regular file")
    monkeypatch.setattr(sounds, "MOST_BYTES", 1000)
    assert_says(run("render", "song.mid", "--wav", "a.wav", "--soundfont", "tiny.sf2"), UNREADABLE, "tiny.sf2", "where the limit is 1,000")


def test_a_libsndfile_that_cannot_write_a_kind_is_named(run, monkeypatch):
    monkeypatch.setitem(audio.FORMATS, "mp3", ("MP3", "NO_SUCH_SUBTYPE"))
    assert_says(run("render", "song.mid", "--wav", "a.wav", "--mp3", "a.mp3"), FAILURE, "libsndfile", "cannot write MP3")
    assert not Path("a.wav").exists()


# play


@posix
def test_play_plays_and_leaves_nothing_behind(run, folder, programs, monkeypatch):
    write_program(programs / "paplay", "sys.exit('Connection refused')")
    write_program(programs / "aplay", "pathlib.Path('heard.txt').write_text(sys.argv[-1]); shutil.copy(sys.argv[-1], 'heard.wav')")
    code, out, err = run("play", "song.mid", "--soundfont", "tiny.sf2")

    duration = soundfile.info("heard.wav").duration
    assert 1 < duration < 3
    assert (code, out, err) == (0, "", f"playing song.mid, 0:{round(duration):02}\n")
    assert not Path(Path("heard.txt").read_text()).parent.exists()


@posix
def test_play_says_why_nobody_could_play(run, programs):
    write_program(programs / "paplay", "sys.exit('Connection refused')")
    write_program(programs / "aplay", f"pathlib.Path({str(programs)!r}, 'heard.txt').write_text(sys.argv[-1]); sys.exit('no card')")
    result = run("play", "song.mid", "--quiet")

    assert_says(result, FAILURE, "no program could play the sound", "paplay: Connection refused", "aplay: no card")
    assert not Path((programs / "heard.txt").read_text()).parent.exists()


@posix
def test_play_says_what_to_install(run, programs):
    assert_says(run("play", "song.mid"), FAILURE, "no program that plays sound", "apt install", "musicgen render song.mid --wav")
    write_program(programs / "aplay", "")
    assert_says(run("play", "nothing.mid"), UNREADABLE, "nothing.mid")


@posix
def test_an_interrupted_play_leaves_nothing_behind(run, folder, programs, monkeypatch):
    write_program(programs / "aplay", "")
    places = []

    def interrupted(command, **_):
        places.append(command[-1])
        raise KeyboardInterrupt

    monkeypatch.setattr(play.subprocess, "run", interrupted)
    code, _, err = run("play", "song.mid", "--quiet")
    assert (code, err.strip()) == (130, "Interrupted.")
    assert not places[0].parent.exists()


# generate --wav


@pytest.fixture
def model(folder) -> Path:
    path = folder / "model.safetensors"
    save_model(random_model(chorales()), path)
    return path


def test_generate_writes_the_sound_of_each_take_beside_it(run, folder, model):
    arguments = ("generate", "--model", model, "--seed", 7, "--bars", 1, "--takes", 2, "--out", "song", "--wav")
    code, out, err = run(*arguments, "--json")
    rows = json.loads(out)["takes"]

    assert (code, err) == (0, "")
    assert [row["wav"] for row in rows] == ["song/tiny-7.wav", "song/tiny-8.wav"]
    for row in rows:
        assert row["seconds"] <= soundfile.info(row["wav"]).duration <= row["seconds"] + 2.1
    (folder / "song" / "tiny-7.mid").unlink()
    (folder / "song" / "tiny-8.mid").unlink()
    assert_says(run(*arguments), USAGE, "tiny-7.wav exists", "--force")
    assert not list((folder / "song").glob("*.mid"))


def test_generate_finds_names_that_neither_music_nor_sound_has(run, folder, model):
    (folder / "outputs").mkdir()
    (folder / "outputs" / "tiny-7.wav").write_text("precious")
    code, out, _ = run("generate", "--model", model, "--seed", 7, "--bars", 1, "--wav")

    assert code == 0
    assert out.startswith("outputs/tiny-7.2.mid: 1 bars, ")
    assert out.endswith("random seed 7, sound in outputs/tiny-7.2.wav\n")
    assert {path.name for path in (folder / "outputs").iterdir()} == {"tiny-7.wav", "tiny-7.2.mid", "tiny-7.2.wav"}


def test_what_is_only_written_loads_nothing_for_sound():
    program = "import sys, musicgen.cli.generate; print(*sorted({'soundfile', 'midirenderer'} & set(sys.modules)))"
    loaded = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)

    assert loaded.stdout.strip() == ""


def test_a_take_sounds_as_render_renders_it(run, model):
    run("generate", "--model", model, "--seed", 7, "--bars", 1, "--out", "take.mid", "--wav")
    run("render", "take.mid", "--wav", "again.wav")
    one, other = (soundfile.read(io.BytesIO(Path(name).read_bytes()))[0] for name in ("take.wav", "again.wav"))

    assert one.shape == other.shape
    assert abs(one - other).max() < 1e-3

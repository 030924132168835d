"""The command line as a person meets it: what it writes where, and for what is wrong one sentence and an exit code."""

import errno
import json
import re
from dataclasses import dataclass, replace
from pathlib import Path

import mido
import numpy as np
import pytest
import safetensors.numpy
from tiny import bands, chorales, random_model, tunes

import musicgen.cli.console
import musicgen.files
from musicgen.cli import corpora
from musicgen.composing.attempts import Attempt, play_attempts
from musicgen.composing.request import Request
from musicgen.judging.faults import FAULTS, Facts, find_faults
from musicgen.judging.originality import CorpusIndex
from musicgen.listening.midi import midi_bytes
from musicgen.model.file import FORMAT, save_model
from musicgen.piece import Meter, Note, Part, Piece
from musicgen.reading.builtin import BUILTIN_CORPORA, Skipped
from musicgen.reading.midi import read_midi_file

FAILURE, USAGE, UNREADABLE, DOES_NOT_FIT = 1, 2, 3, 4
MELODY = "C5:1 D5:1/2 E5:1/2 F5:1"


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str


@pytest.fixture
def run(shell):
    """Runs a command and returns what a shell would see."""
    return lambda *arguments: Result(*shell(*arguments))


@pytest.fixture
def model(folder) -> Path:
    """A model of the chorales' vocabulary, as the newest run."""
    (folder / "outputs" / "run").mkdir(parents=True)
    path = folder / "outputs" / "run" / "model.safetensors"
    save_model(random_model(chorales()), path)
    return path


def assert_says(result: Result, code: int, *words: str) -> None:
    """One sentence on stderr, nothing on stdout, and this exit code."""
    assert (result.code, result.out) == (code, ""), result.err
    assert "Traceback" not in result.err
    _, sentence = ("\n" + result.err).split("\nError: ")
    for word in words:
        assert word in sentence


def files_below(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def write_pieces(folder: Path, pieces: tuple[Piece, ...]) -> Path:
    folder.mkdir(parents=True)
    for number, piece in enumerate(pieces):
        (folder / f"{number}.mid").write_bytes(midi_bytes(piece))
    return folder


# generate: what it writes


def test_generate_writes_what_it_says(run, folder, model):
    result = run("generate", "--random-seed", 7, "--bars", 5, "--out", "song.mid", "--tries", 0)

    assert result.code == 0
    said, no_index, nats, *faults = result.err.splitlines()
    assert "nats per note (held-out 1.75)" in nats
    assert said == "model outputs/run/model.safetensors"
    assert "no index of its corpus" in no_index
    assert faults == [
        f"    {fault.fault}: {next(row.meaning for row in FAULTS if row.name == fault.fault)}" + (f", from bar {fault.bar} on" if fault.bar else "")
        for fault in find_faults(read_midi_file(Path("song.mid")), Facts(5))
    ]
    song = mido.MidiFile(folder / "song.mid")
    notes = sum(message.type == "note_on" and message.velocity > 0 for track in song.tracks for message in track)
    assert result.out == f"song.mid: 5 bars, {notes} notes, {song.length:.1f} s, random seed 7\n"
    assert len(read_midi_file(Path("song.mid")).bar_lines) == 5
    assert [track.name for track in song.tracks[1:]] == ["Soprano", "Alto", "Tenor", "Bass"]
    assert files_below(folder) == {"song.mid", "outputs/run/model.safetensors"}


def test_generate_says_it_as_json(run, model):
    result = run("generate", "--seed", 7, "--bars", 8, "--parts", "Bass", "--range", "Bass=C3-C3", "--out", "song.mid", "--json", "--tries", 0)
    document = json.loads(result.out)

    assert (result.code, result.err) == (0, "")
    assert document["model"] == "outputs/run/model.safetensors"
    (take,) = document["takes"]
    song = mido.MidiFile("song.mid")
    assert (take["path"], take["bars"], take["random_seed"], take["longest_copy"]) == ("song.mid", 8, 7, None)
    assert take["notes"] == read_midi_file(Path("song.mid")).num_notes
    assert take["seconds"] == pytest.approx(song.length, abs=0.01)
    found = find_faults(read_midi_file(Path("song.mid")), Facts(8))
    assert found
    assert (take["rank"], take["tries"], len(take["rejected"])) == (1, 1, 0)
    assert document["rejected"] == {}
    assert [(fault["fault"], fault["bar"], fault["part"]) for fault in take["faults"]] == [(fault.fault, fault.bar, fault.part) for fault in found]


def test_the_same_random_seed_writes_the_same_bytes(run, folder, model):
    for name, random_seed in (("a.mid", 7), ("b.mid", 7), ("c.mid", 8)):
        assert run("generate", "--seed", random_seed, "--bars", 3, "--out", name).code == 0

    assert (folder / "a.mid").read_bytes() == (folder / "b.mid").read_bytes() != (folder / "c.mid").read_bytes()


def test_several_takes_are_the_single_ones(run, folder, model):
    assert run("generate", "--seed", 7, "--bars", 3, "--takes", 3, "--out", "song.mid", "--quiet") == Result(0, "", "")
    assert files_below(folder) == {"song-1.mid", "song-2.mid", "song-3.mid", "outputs/run/model.safetensors"}
    for take in range(3):
        run("generate", "--seed", 7 + take, "--bars", 3, "--out", "alone.mid", "--force")
        assert (folder / f"song-{take + 1}.mid").read_bytes() == (folder / "alone.mid").read_bytes()

    run("generate", "--seed", 7, "--bars", 1, "--takes", 2, "--out", "songs")
    assert {"songs/tiny-7.mid", "songs/tiny-8.mid"} <= files_below(folder)


def test_without_a_name_a_new_one_is_found(run, folder, model):
    for _ in range(2):
        assert run("generate", "--seed", 7, "--bars", 1).code == 0

    assert files_below(folder) == {"outputs/run/model.safetensors", "outputs/tiny-7.mid", "outputs/tiny-7.2.mid"}


def test_the_random_seed_that_was_drawn_is_said(run, folder, model):
    (take,) = json.loads(run("generate", "--bars", 2, "--json").out)["takes"]
    again = run("generate", "--random-seed", take["random_seed"], "--bars", 2, "--out", "again.mid")

    assert again.code == 0
    assert (folder / "again.mid").read_bytes() == (folder / take["path"]).read_bytes()


@pytest.mark.parametrize("from_file", [False, True])
def test_a_seed_is_continued_and_can_be_dropped(run, folder, model, from_file):
    seed = MELODY
    if from_file:
        seed = "seed.mid"
        (folder / seed).write_bytes(
            midi_bytes(Piece((Part("Melody", 0, False, (Note(0, 72, 12), Note(12, 74, 6), Note(18, 76, 6), Note(24, 77, 12))),)))
        )
    kept = run("generate", "--seed", seed, "--random-seed", 1, "--bars", 4, "--out", "kept.mid")
    dropped = run("generate", "--seed", seed, "--random-seed", 1, "--bars", 4, "--out", "dropped.mid", "--drop-seed")

    assert (kept.code, dropped.code) == (0, 0)
    assert "the model does not know the seed's part 'Melody' (program 0): it goes on as the model's 'Soprano' (program 52)" in kept.err
    whole, rest = read_midi_file(folder / "kept.mid"), read_midi_file(folder / "dropped.mid")
    melody = next(part for part in whole.parts if part.name == "Melody")
    assert [note[:3] for note in melody.notes[:4]] == [(0, 72, 12), (12, 74, 6), (18, 76, 6), (24, 77, 12)]
    assert (len(whole.bar_lines), len(rest.bar_lines)) == (4, 4)
    assert min(note.onset for part in rest.parts for note in part.notes) >= 36


def test_a_long_written_seed_is_no_name_of_a_file(run, model):
    assert run("generate", "--seed", "C5 D5 " * 100, "--bars", 52, "--out", "song.mid").code == 0
    assert run("generate", "--seed", "C5:1/2 D5 " * 30, "--bars", 52, "--out", "song.mid", "--force").code == 0


def test_any_tempo_can_be_asked_for(run, folder, model):
    for seed in (MELODY, "7"):
        assert run("generate", "--seed", seed, "--tempo", 333.3333333, "--bars", 2, "--out", "song.mid", "--force").code == 0
        assert read_midi_file(folder / "song.mid").tempos[0].quarters_per_minute == pytest.approx(333.333, abs=1e-3)


def test_takes_that_copy_more_than_is_allowed_are_not_written(run, folder):
    model = random_model(chorales())
    known = play_attempts(model, Request(bars=6), [Attempt(random_seed) for random_seed in (1, 2, 3)])
    save_model(replace(model, copies=CorpusIndex.of(known).to_arrays()), folder / "model.safetensors")
    asked = ("generate", "--model", "model.safetensors", "--seed", 1, "--bars", 6, "--takes", 3, "--tries", 0, "--out", "song.mid")
    refused = run(*asked, "--max-copy", 1)
    assert (refused.code, refused.out, files_below(folder)) == (DOES_NOT_FIT, "", {"model.safetensors"})
    assert "3 of 3 takes not written: more than 1 notes in a row stand in the corpus" in refused.err

    nearest = re.search(r"--max-copy (\d+) would do", refused.err).group(1)
    result = run(*asked, "--max-copy", nearest, "--json")
    document = json.loads(result.out)
    written = {take["path"] for take in document["takes"]}
    assert (result.code, len(written) + len(document["refused"])) == (0, 3)
    assert written
    assert files_below(folder) == {"model.safetensors", *written}


def test_a_model_does_not_say_where_to_write(run, folder, model):
    evil = random_model(tunes())
    save_model(replace(evil, corpus=replace(evil.corpus, name="../../evil/../x")), folder / "evil.safetensors")
    result = run("generate", "--model", "evil.safetensors", "--seed", 1, "--bars", 1)

    assert result.code == 0
    assert files_below(folder) - {"evil.safetensors", "outputs/run/model.safetensors"} == {"outputs/evil-..-x-1.mid"}


# generate: what is wrong


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--bars", "0"], USAGE, ["--bars", "0"]),
        (["--bars", "many"], USAGE, ["--bars", "many"]),
        (["--temperature", "-1"], USAGE, ["--temperature", "-1"]),
        (["--temperature", "nan"], USAGE, ["--temperature", "nan"]),
        (["--top-p", "0"], USAGE, ["--top-p"]),
        (["--top-p", "nan"], USAGE, ["--top-p"]),
        (["--min-p", "2"], USAGE, ["--min-p"]),
        (["--tempo", "nan"], USAGE, ["--tempo"]),
        (["--tempo", "3"], USAGE, ["--tempo"]),
        (["--takes", "0"], USAGE, ["--takes", "ask for 1 at least"]),
        (["--takes", "100001"], USAGE, ["--takes", "100,001 takes would need 560 MB of memory", "ask for 100,000 at most"]),
        (["--top-k", "-1"], USAGE, ["--top-k"]),
        (["--nonsense"], USAGE, ["--nonsense"]),
        (["--seed", "5", "--random-seed", "5"], USAGE, ["--random-seed"]),
        (["--seed", str(2**32 + 1)], USAGE, ["random seed", str(2**32)]),
        (["--seed", "9" * 5000], USAGE, ["random seed"]),
        (["--seed", "C4:1 H4:1"], USAGE, ["'H4'", "pitch"]),
        (["--seed", "C4:1 E4:1/7"], USAGE, ["'1/7'", "'E4:1/7'"]),
        (["--seed", "hello"], USAGE, ["'hello'"]),
        (["--seed", "R:4"], USAGE, ["at least one note"]),
        (["--drop-seed"], USAGE, ["--drop-seed", "--seed"]),
        (["--seed", "nothing.mid"], UNREADABLE, ["nothing.mid", "no such file"]),
        (["--seed", "some/thing"], UNREADABLE, ["some/thing", "no such file"]),
        (["--seed", ""], USAGE, ["--seed is empty"]),
        (["--seed", "text.mid", "--seed-bars", "0-2"], USAGE, ["'0-2'", "5-8"]),
        (["--seed", "C4:4 D4 E4", "--seed-bars", "3-5"], DOES_NOT_FIT, ["--seed-bars", "3 bars", "3-3"]),
        (["--seed-bars", "1-2"], USAGE, ["--seed-bars needs music"]),
        (["--key", "H major"], USAGE, ["'H major'", "G major"]),
        (["--scale", "weird"], USAGE, ["'weird'", "dorian"]),
        (["--scale", "dorian"], DOES_NOT_FIT, ["dorian needs a tonic"]),
        (["--range", "Soprano=G5-C4"], USAGE, ["Soprano=C4-G5"]),
        (["--range", "Soprano"], USAGE, ["'Soprano'", "Soprano=C4-G5"]),
        (["--range", "Soprano=C1-D1"], DOES_NOT_FIT, ["Soprano", "nothing to play", "nearest"]),
        (["--range", "Violin=C4-D5"], DOES_NOT_FIT, ["'Violin'", "Soprano, Alto, Tenor, Bass"]),
        (["--parts", "Soprano,Violin"], DOES_NOT_FIT, ["'Violin'", "Soprano, Alto, Tenor, Bass"]),
        (["--parts", "5"], DOES_NOT_FIT, ["4 parts", "not 5"]),
        (["--parts", "Bass", "--scale", "blues", "--range", "Bass=F3-F3", "--key", "E major"], DOES_NOT_FIT, ["Bass"]),
        (["--parts", "Bass", "--range", "Soprano=C4-G5"], DOES_NOT_FIT, ["Soprano has a range", "leave its range out"]),
        (["--density", "many"], USAGE, ["'many'"]),
        (["--meter", "4/5"], USAGE, ["'4/5'", "3/4"]),
        (["--meter", "1/64"], DOES_NOT_FIT, ["1/64", "12 steps", "nearest that is one is 4/64"]),
        (["--temperature", "0.7..x"], USAGE, ["0.7..x"]),
        (["--seed", "outputs"], UNREADABLE, ["outputs"]),
        (["--seed", "text.mid"], UNREADABLE, ["text.mid", "no music"]),
        (["--seed", "empty.mid"], UNREADABLE, ["empty.mid", "empty file"]),
        (["--seed", "silent.mid"], UNREADABLE, ["silent.mid", "no notes"]),
        (["--seed", "C4:16 C4:1", "--bars", "4"], DOES_NOT_FIT, ["already fills 5 bars", "--bars 13"]),
        (["--model", "nothing"], UNREADABLE, ["no model nothing"]),
        (["--model", "text.mid"], UNREADABLE, ["text.mid", "no model"]),
        (["--model", "empty.mid"], UNREADABLE, ["empty.mid", "no model"]),
        (["--model", "outputs"], UNREADABLE, ["outputs", "no model"]),
        (["--out", "nowhere/song.mid"], USAGE, ["nowhere/song.mid", "no folder nowhere"]),
        (["--out", "text.mid"], USAGE, ["text.mid exists", "--force"]),
        (["--out", "text.mid/song.mid"], USAGE, ["text.mid/song.mid"]),
        (["--out", "folder.mid"], USAGE, ["folder.mid", "it is a folder"]),
    ],
)
def test_generate_says_what_is_wrong(run, folder, model, arguments, code, words):
    (folder / "text.mid").write_text("no music")
    (folder / "empty.mid").touch()
    (folder / "folder.mid").mkdir()
    mido.MidiFile(tracks=[mido.MidiTrack()]).save(folder / "silent.mid")
    before = files_below(folder)

    assert_says(run("generate", *arguments), code, *words)
    assert files_below(folder) == before
    assert (folder / "text.mid").read_text() == "no music"


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda content: content[: len(content) // 2], ["cut off"]),
        (lambda content: b"", ["cut off"]),
        (lambda content: safetensors.numpy.save({"w": np.zeros(3, np.float32)}), ["not one that this program wrote"]),
        (lambda content: content.replace(b'{\\"format\\": %d,' % FORMAT, b'{\\"format\\": 9,'), ["newer version", "update"]),
        (lambda content: content.replace(b'\\"lstm\\"', b'\\"magi\\"'), ["header is damaged", "magi"]),
    ],
)
@pytest.mark.parametrize("command", [["generate", "--seed", "1", "--model"], ["inspect"]])
def test_a_model_file_that_cannot_be_used_is_named(run, folder, model, damage, words, command):
    content = model.read_bytes()
    (folder / "bad.safetensors").write_bytes(damage(content))

    assert damage(content) != content
    assert_says(run(*command, "bad.safetensors"), UNREADABLE, "bad.safetensors is no model that can be used", *words)
    assert not list(folder.rglob("*.mid"))


def test_without_any_model_there_is_a_word_on_it(run, monkeypatch, folder):
    monkeypatch.setattr("musicgen.cli.models.PACKAGED", folder / "nothing")

    assert_says(run("generate", "--seed", 1), UNREADABLE, "no model", "train")


def test_nothing_is_overwritten_without_force(run, folder, model):
    (folder / "song.mid").write_text("precious")
    assert_says(run("generate", "--seed", 1, "--bars", 1, "--out", "song.mid"), USAGE, "song.mid exists", "--force")
    assert (folder / "song.mid").read_text() == "precious"

    assert run("generate", "--seed", 1, "--bars", 1, "--out", "song.mid", "--force").code == 0
    assert len(read_midi_file(folder / "song.mid").bar_lines) == 1


def test_of_several_takes_none_is_written_where_one_is_in_the_way(run, folder, model):
    (folder / "song-2.mid").write_text("precious")

    assert_says(run("generate", "--seed", 1, "--bars", 1, "--takes", 3, "--out", "song.mid"), USAGE, "song-2.mid exists")
    assert files_below(folder) == {"song-2.mid", "outputs/run/model.safetensors"}


@pytest.mark.parametrize("number", [errno.EACCES, errno.ENOSPC, errno.EROFS])
def test_what_cannot_be_written_leaves_nothing_behind(run, folder, model, monkeypatch, number):
    error = OSError(number, "as the system says it")
    monkeypatch.setattr(musicgen.files.os, "fsync", lambda _: (_ for _ in ()).throw(error))

    assert_says(run("generate", "--seed", 1, "--bars", 1, "--out", "song.mid"), FAILURE, "song.mid", "as the system says it")
    assert files_below(folder) == {"outputs/run/model.safetensors"}


def test_a_folder_that_cannot_be_made_is_named(run, folder, model, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", refuse)
    assert_says(run("generate", "--seed", 1, "--bars", 1, "--out", "new"), FAILURE, "new", "Permission denied")


def test_a_write_without_permission_is_named(run, folder, model, monkeypatch):
    def refuse(path: Path, content: bytes) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(musicgen.cli.console, "write_whole", refuse)
    assert_says(run("generate", "--seed", 1, "--bars", 1, "--out", "song.mid"), FAILURE, "can't write song.mid: Permission denied")


def test_drums_that_the_model_lacks_are_mentioned(run, folder, model):
    (folder / "band.mid").write_bytes(midi_bytes(bands()[0]))
    result = run("generate", "--seed", "band.mid", "--bars", 8, "--out", "song.mid")

    assert result.code == 0
    assert "the model knows no drums: the seed's part 'Drums' stays as it is and is not continued" in result.err
    assert "the model does not know the seed's part 'Piano'" in result.err
    assert {part.name for part in read_midi_file(folder / "song.mid").parts} >= {"Drums", "Piano", "Bass"}


# inspect, corpus


def test_inspect_shows_a_model(run, model):
    facts = json.loads(run("inspect", "outputs/run", "--json").out)

    assert (facts["path"], facts["cell"], facts["layers"], facts["units"]) == ("outputs/run/model.safetensors", "lstm", 1, 16)
    assert (facts["corpus"], facts["pieces"], facts["meter"], facts["tempo"]) == ("tiny", 4, "4/4", 80.0)
    assert facts["parts"] == ["Soprano", "Alto", "Tenor", "Bass"]
    assert facts["held_out_nats_per_note"] == 1.75
    shown = run("inspect", model)
    assert (shown.code, shown.err) == (0, "")
    assert "parts:                     Soprano, Alto, Tenor, Bass\n" in shown.out


@pytest.mark.parametrize("arguments", [["inspect"], ["inspect", "nothing"], ["unheard-of"], ["corpus", "add", "unheard-of"], ["corpus", "add"]])
def test_other_commands_say_what_is_wrong(run, folder, arguments):
    assert_says(run(*arguments), UNREADABLE if "nothing" in arguments else USAGE)


def test_corpus_lists_what_is_there_and_what_can_be_added(run, folder):
    assert "bach-chorales: not added yet" in run("corpus", "list").out

    write_pieces(folder / "corpus" / "mine", tunes())
    rows = {row["name"]: row for row in json.loads(run("corpus", "list", "--json").out)}
    assert rows["mine"]["files"] == 4
    assert rows["bach-chorales"]["files"] == 0
    assert set(rows) == {"mine", *BUILTIN_CORPORA}


@pytest.fixture
def quick_chorales(monkeypatch):
    """music21's chorales are another four."""
    monkeypatch.setattr(corpora, "sources", lambda name: [None] * 5)
    results = [*(replace(piece, title=f"bwv{number}") for number, piece in enumerate(chorales())), Skipped("bwv9", "no chorale")]
    monkeypatch.setattr(corpora, "pieces", lambda name: iter(results))


def test_corpus_add_writes_midi_files_once(run, folder, quick_chorales):
    result = run("corpus", "add", "bach-chorales")

    assert (result.code, result.out) == (0, "")
    assert result.err.splitlines() == ["4 pieces written to corpus/bach-chorales", "left out 1: no chorale"]
    assert files_below(folder) == {f"corpus/bach-chorales/bwv{number}.mid" for number in range(4)}
    assert read_midi_file(folder / "corpus/bach-chorales/bwv0.mid") == chorales()[0]
    assert_says(run("corpus", "add", "bach-chorales"), USAGE, "corpus/bach-chorales already holds music", "--force")
    assert run("corpus", "add", "bach-chorales", "--force", "--quiet") == Result(0, "", "")


# train: what goes wrong before it begins


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["nothing"], USAGE, ["no folder nothing"]),
        (["empty"], UNREADABLE, ["no files in empty"]),
        (["unreadable"], UNREADABLE, ["none of the 2 files", "unreadable"]),
        (["one"], UNREADABLE, ["at least two different pieces"]),
        (["mine", "--minutes", "1", "--epochs", "1"], USAGE, ["--minutes", "--epochs"]),
        (["mine", "--epochs", "0"], USAGE, ["--epochs"]),
        (["mine", "--layers", "0"], USAGE, ["--layers"]),
        (["mine", "--units", "1000000000"], USAGE, ["--units"]),
        (["mine", "--cell", "transformer"], USAGE, ["--cell", "lstm"]),
        (["mine", "--dropout", "1"], USAGE, ["--dropout"]),
        (["mine", "--out", "full"], USAGE, ["full is not empty", "--force"]),
        (["mine", "--out", "full/file"], USAGE, ["full/file is a file"]),
    ],
)
def test_train_says_what_is_wrong(run, folder, arguments, code, words):
    for name in ("empty", "unreadable", "full"):
        (folder / name).mkdir()
    for name in ("unreadable/a.mid", "unreadable/b.MID", "full/file"):
        (folder / name).write_text("no music")
    write_pieces(folder / "one", tunes()[:1])
    (folder / "one" / "again.mid").write_bytes(midi_bytes(tunes()[0].transposed(2)))
    write_pieces(folder / "mine", tunes())
    before = files_below(folder)

    assert_says(run("train", *arguments), code, *words)
    assert files_below(folder) == before


def test_train_names_the_files_that_it_skips(run, folder):
    write_pieces(folder / "one", tunes()[:1])
    (folder / "one" / "broken.mid").write_text("no music")
    result = run("train", "one")

    assert result.err.splitlines()[:2] == [
        "skipped one/broken.mid: no music that can be read (neither MIDI, MusicXML, ABC nor kern)",
        f"2 files: 1 used, 0 duplicates, 1 skipped (1 not music); 1 piece, {tunes()[0].num_notes} notes",
    ]


# the whole way


@pytest.mark.slow
def test_from_a_folder_of_music_to_new_music(run, folder):
    write_pieces(folder / "corpus" / "mine", tunes(6))
    trained = run("train", "--epochs", 2, "--units", 16, "--layers", 1, "--cell", "gru", "--out", "run")

    assert trained.code == 0, trained.err
    assert trained.out == "run/model.safetensors\n"
    assert {"run/model.safetensors", "run/history.csv"} <= files_below(folder)
    assert not [name for name in files_below(folder) if name.endswith(".part")]
    facts = json.loads(run("inspect", "run", "--json").out)
    assert (facts["cell"], facts["corpus"], facts["parts"], facts["meter"]) == ("gru", "mine", ["Flute"], "3/4")
    assert 0 < facts["held_out_nats_per_note"] < 10
    song = run("generate", "--model", "run", "--seed", "C5:1 D5:1", "--random-seed", 3, "--bars", 4, "--out", "song.mid", "--json")
    assert song.code == 0
    assert json.loads(song.out)["takes"][0]["bars"] == 4
    assert read_midi_file(folder / "song.mid").meters == (Meter(0, 3, 4),)


@pytest.mark.slow
def test_without_a_corpus_the_chorales_are_taken(run, folder, quick_chorales):
    trained = run("train", "--epochs", 1, "--units", 8, "--layers", 1, "--cell", "rnn")

    assert trained.code == 0, trained.err
    assert "no music in corpus/, so take the chorales" in trained.err
    assert "corpus/bach-chorales/bwv0.mid" in files_below(folder)
    path = Path(trained.out.strip())
    assert path.parts[0] == "outputs"
    assert json.loads(run("inspect", path.parent, "--json").out)["corpus"] == "bach-chorales"
    assert run("generate", "--seed", 1, "--bars", 2, "--out", "song.mid").code == 0

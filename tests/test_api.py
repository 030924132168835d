"""The program in Python: the same pieces as the command line's, notes as they come, and nothing that is slow to import."""

import subprocess
import sys
from pathlib import Path

import pytest
from tiny import bands, chorales, random_model

import musicgen
from musicgen.api import Composer
from musicgen.cli import main
from musicgen.composing.controls import Course, Density, Range
from musicgen.composing.wording import WordingError
from musicgen.model.file import save_model
from musicgen.piece import Key, Meter, Piece
from musicgen.reading.guard import UnreadableFileError
from musicgen.reading.midi import read_midi_file

ROOT = Path(__file__).parent.parent
CHORALES, BANDS = Composer(random_model(chorales())), Composer(random_model(bands()))


def test_a_loaded_model_writes_what_the_command_line_writes(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save_model(CHORALES.model, Path("model.safetensors"))
    words = {"bars": 5, "temperature": "0.7..1.1", "key": "F major", "range": "Soprano=C4-G5", "density": "1.5x", "parts": "3"}
    take = musicgen.load("model.safetensors").compose(random_seed=7, seed="Soprano: C5:1 D5 R", **words)
    take.save("ours.mid")
    options = [text for name, value in words.items() for text in (f"--{name}", str(value))]
    arguments = [
        "--model",
        "model.safetensors",
        "--seed",
        "Soprano: C5:1 D5 R",
        "--random-seed",
        "7",
        "--tries",
        "0",
        "--out",
        "theirs.mid",
        "--quiet",
        *options,
    ]
    monkeypatch.setattr(sys, "argv", ["musicgen", "generate", *arguments])
    main()

    ours, theirs = (read_midi_file(Path(f"{name}.mid")) for name in ("ours", "theirs"))
    assert ours == theirs
    assert Path("ours.mid").read_bytes() == Path("theirs.mid").read_bytes()  # settings and all, so that it can be replayed
    assert (len(ours.bar_lines), take.random_seed) == (5, 7)
    assert [note[:3] for note in ours.parts[0].notes[:2]] == [(0, 72, 12), (12, 74, 12)]


@pytest.mark.parametrize("end", [False, True])
@pytest.mark.parametrize("composer", [CHORALES, BANDS])
def test_the_notes_that_come_are_those_of_the_piece(composer, end):
    asked = {"bars": 6, "random_seed": 3, "end": end}
    piece = composer.compose(**asked)
    streamed = list(composer.stream(**asked))

    assert [note.onset for note in streamed] == sorted(note.onset for note in streamed)
    for part in piece.parts:
        own = [note for note in streamed if note.part == part.name]
        assert [(note.onset * 12, note.pitch, (note.velocity - 3) / 4) for note in own] == [
            (note.onset, note.pitch, note.velocity) for note in part.notes
        ]
        assert all(note.duration in (None, theirs.duration / 12) for note, theirs in zip(own, part.notes, strict=True))


def test_the_first_notes_come_before_the_last_are_played():
    notes = BANDS.stream(bars=10_000, random_seed=1)

    assert [next(notes).onset for _ in range(3)] == [0, 0, 0] or next(notes).onset < 100


def test_several_takes_are_each_what_it_is_alone():
    takes = CHORALES.compose_takes(3, random_seed=5, bars=3)

    assert all(isinstance(take, Piece) and take.num_notes == take.piece.num_notes for take in takes)
    assert [take.piece for take in takes] == [CHORALES.compose(random_seed=seed, bars=3).piece for seed in (5, 6, 7)]
    assert CHORALES.compose(bars=2, end=False).random_seed != CHORALES.compose(bars=2, end=False).random_seed


def test_settings_are_taken_in_words_and_as_they_are():
    in_words = CHORALES.request(key="G major", temperature="0.7..1.1", range=["Soprano=C4-G5"], parts="Soprano,Bass", density="24", meter="3/4")
    as_they_are = CHORALES.request(
        key=Key(0, 1), temperature=Course(0.7, 1.1), range=[Range("Soprano", 60, 79)], parts=["Soprano", "Bass"], density=24, meter=Meter(0, 3, 4)
    )

    assert in_words == as_they_are
    assert in_words.density == Density(24, False)
    assert CHORALES.parts == ("Soprano", "Alto", "Tenor", "Bass")


@pytest.mark.parametrize(
    ("settings", "error", "words"),
    [
        ({"temprature": 1}, TypeError, "did you mean temperature"),
        ({"bars": 0}, ValueError, "bars must lie between 1"),
        ({"top_p": 0}, ValueError, "top_p"),
        ({"temperature": -1}, ValueError, "temperatures"),
        ({"key": "H"}, WordingError, "'H' is no key"),
        ({"seed": "H4"}, ValueError, "'H4'"),
        ({"seed": "nothing.mid"}, UnreadableFileError, "no such file"),
        ({"seed": Path("nothing")}, (UnreadableFileError, OSError), "[Nn]o such file"),
        ({"seed_bars": "1-2"}, ValueError, "seed_bars needs music"),
        ({"seed": "C4:4", "seed_bars": "2-3"}, ValueError, "1 bar,"),
        ({"parts": "Kazoo"}, ValueError, "Kazoo"),
    ],
)
def test_what_can_t_be_done_is_said(settings, error, words):
    with pytest.raises(error, match=words):
        CHORALES.compose(**settings)


def test_a_model_that_is_not_there_is_named():
    with pytest.raises(FileNotFoundError, match=r"no model nothing.*chorales, folk, quartets"):
        musicgen.load("nothing")
    with pytest.raises(AttributeError, match="lode"):
        musicgen.lode  # noqa: B018


def test_importing_it_imports_nothing_else():
    program = (
        "import sys, musicgen; assert not {'numpy', 'click'} & set(sys.modules); musicgen.load; "
        "assert not {'tensorflow', 'keras', 'music21', 'click', 'rich'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True, cwd=ROOT)

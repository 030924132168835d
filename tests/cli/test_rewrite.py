"""`rewrite` as a person meets it."""

import json

import pytest
from tiny import BAR, chorales, random_model, tunes

from musicgen.listening.midi import midi_bytes
from musicgen.model.file import save_model
from musicgen.piece import Piece
from musicgen.reading.midi import read_midi_file

USAGE, UNREADABLE, DOES_NOT_FIT = 2, 3, 4
QUICK = ("--particles", "2", "--random-seed", "1")


@pytest.fixture
def piece(folder) -> Piece:
    """A chorale in `chorale.mid`, and models of chorales and of tunes."""
    (chorale,) = chorales(1)
    (folder / "chorale.mid").write_bytes(midi_bytes(chorale))
    for name, corpus in (("voices", chorales()), ("alone", tunes())):
        save_model(random_model(corpus), folder / name)
    return chorale


def test_the_alto_is_new_in_the_bars_that_are_named(piece, shell, folder):
    code, out, err = shell("rewrite", "chorale.mid", "--part", "alto", "--bars", "2-3", "--model", "voices", "--out", "new.mid", *QUICK)

    assert code == 0, err
    assert out.startswith("new.mid: 4 bars, ")
    assert "effective sample size" in err
    new = read_midi_file(folder / "new.mid")
    assert (new.meters, new.tempos, new.keys) == (piece.meters, piece.tempos, piece.keys)
    for index, (before, after) in enumerate(zip(piece.parts, new.parts, strict=True)):
        changed = set(before.notes) ^ set(after.notes)
        assert {note.onset // BAR for note in changed} == ({1, 2} if index == 1 else set())


def test_the_same_random_seed_writes_the_same_bytes(piece, shell, folder):
    for name in ("a.mid", "b.mid"):
        assert shell("rewrite", "chorale.mid", "--harmonize", "--model", "voices", "--out", name, "--quiet", *QUICK) == (0, "", "")

    assert (folder / "a.mid").read_bytes() == (folder / "b.mid").read_bytes()


@pytest.mark.parametrize("asked", [["--harmonize"], ["--bars", "2-3", "--part", "alto", "--rhythm"], ["--bars", "3-", "--pitches"]])
def test_what_was_rewritten_plays_again(piece, shell, folder, asked):
    (folder / "outputs" / "run").mkdir(parents=True)
    (folder / "voices").rename(folder / "outputs" / "run" / "model.safetensors")
    assert shell("rewrite", "chorale.mid", *asked, "--out", "new.mid", "--quiet", *QUICK)[0] == 0
    (folder / "chorale.mid").unlink()

    assert shell("replay", "new.mid") == (0, "new.mid: the same bytes again, random seed 1\n", "")
    told = json.loads(shell("inspect", "new.mid", "--json")[1])
    assert (told["random_seed"], told["made_by"]["model"], told["settings"]["particles"]) == (1, "run", 2)
    assert f"piece of {piece.num_notes} notes" in shell("inspect", "new.mid")[1]


def test_json_tells_the_effective_sample_size(piece, shell):
    code, out, _ = shell("rewrite", "chorale.mid", "--bars", "4", "--pitches", "--model", "voices", "--json", *QUICK)

    told = json.loads(out)
    assert code == 0
    assert told["path"] == "outputs/chorale-rewritten-1.mid"
    assert told["new_notes"] == sum(note.onset >= 3 * BAR for part in piece.parts for note in part.notes)
    assert 0 <= told["as_before"] <= told["new_notes"]
    assert {place["bar"] for place in told["checkpoints"]} == {4}
    assert all(1 <= place["effective"] <= 2 for place in told["checkpoints"])


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ((), DOES_NOT_FIT, "would be kept"),
        (("--bars", "3-9"), DOES_NOT_FIT, "the piece has bars 1 to 4"),
        (("--bars", "five"), USAGE, "expected a first and a last one, like 5-8"),
        (("--part", "Oboe"), USAGE, "the file has 1 Soprano, 2 Alto, 3 Tenor, 4 Bass"),
        (("--rhythm", "--pitches"), USAGE, "leave nothing to rewrite"),
        (("--harmonize", "--part", "Alto"), USAGE, "leave --part out"),
        (("--melody", "Alto"), USAGE, "give --harmonize too"),
        (("--harmonize", "--model", "alone"), DOES_NOT_FIT, "one part alone"),
        (("--part", "Alto", "--model", "alone"), DOES_NOT_FIT, "nothing of the piece would be kept that the model hears"),
    ],
)
def test_what_can_not_be_is_said_in_a_sentence(piece, shell, folder, arguments, code, words):
    shown = shell("rewrite", "chorale.mid", "--model", "voices", *arguments, "--out", "new.mid", *QUICK)

    assert shown[0] == code
    assert words in shown[2]
    assert not (folder / "new.mid").exists()


def test_what_is_no_music_is_said_in_a_sentence(folder, shell, piece):
    (folder / "words.mid").write_text("not a note")
    for name in ("words.mid", "none.mid"):
        code, out, err = shell("rewrite", name, "--part", "1", "--model", "voices", *QUICK)
        assert (code, out) == (UNREADABLE, "")
        assert err.startswith(f"Error: can't read {name}: ")


def test_nothing_is_overwritten_unless_asked(piece, shell, folder):
    asked = ("rewrite", "chorale.mid", "--part", "Bass", "--model", "voices", "--out", "chorale.mid", *QUICK)
    before = (folder / "chorale.mid").read_bytes()

    assert shell(*asked)[0] == USAGE
    assert (folder / "chorale.mid").read_bytes() == before
    assert shell(*asked, "--force")[0] == 0

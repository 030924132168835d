"""`compare`: the table and the figure follow from what was found, and an interrupted comparison goes on."""

import csv
import json
from xml.etree import ElementTree

import pytest
from tiny import tunes

from musicgen.cli import compared, comparison
from musicgen.listening.midi import midi_bytes


@pytest.fixture
def music(folder):
    """A corpus of five tunes."""
    (folder / "tunes").mkdir()
    for number, piece in enumerate(tunes(5)):
        (folder / "tunes" / f"{number}.mid").write_bytes(midi_bytes(piece))
    return "tunes"


def found(**more) -> dict:
    """What three trainings of two cells have found."""
    look = {"gradient_norms": [2.0, 1.0, 0.5], "lookback": [{"notes": 1, "state": 2.0, "all": 3.0}, {"notes": 2, "state": 1.5, "all": 2.0}]}
    runs = [
        {"cell": "rnn", "random_seed": 0, "nats_per_note": 1.5, "notes_per_second": 100.0},
        {"cell": "lstm", "random_seed": 0, "nats_per_note": 1.0, "notes_per_second": 50.0},
        {"cell": "lstm", "random_seed": 1, "nats_per_note": 1.2, "notes_per_second": 60.0},
    ]
    return {
        "settings": {"cells": ["rnn", "lstm"], "layers": 1, "units": 8, "minutes": None, "epochs": 2, "corpora": ["tunes"], "random_seeds": 2},
        "corpus": {"name": "tunes", "fingerprint": "0", "training": 4, "held_out": 1},
        "parameters": {"rnn": 100, "lstm": 400},
        "floors": {"ngram": {"nats_per_note": 2.5, "order": 3}, "frequencies": {"nats_per_note": 4.0}},
        "runs": runs,
        "looks": {"rnn": look, "lstm": look},
        **more,
    }


def test_the_table_has_the_best_first():
    first, second, *rest = compared.lines_of(found())

    assert (first["model"], first["nats_per_note"], first["least"], first["greatest"]) == ("lstm", pytest.approx(1.1), 1.0, 1.2)
    assert first["standard_deviation"] == pytest.approx(0.2 / 2**0.5)
    assert (second["model"], second["standard_deviation"], second["parameters"]) == ("rnn", None, 100)
    assert [line["model"] for line in rest] == ["n-gram", "note frequencies"]


def test_a_training_that_failed_is_said_and_counts_for_nothing():
    failed = found(runs=[{"cell": "rnn", "random_seed": 0, "error": "the loss became nan"}])

    assert "rnn, random seed 0: the loss became nan" in compared.table_text(failed)
    assert compared.lines_of(failed)[-1]["nats_per_note"] is None
    ElementTree.fromstring(compared.drawing(failed))


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("tunes", "--cells", "rnn,best"), 2, "'best' is no cell"),
        (("tunes", "--minutes", 1, "--epochs", 1), 2, "either --minutes or --epochs"),
        (("tunes", "--out", "tunes"), 2, "tunes is not empty"),
        (("nowhere",), 2, "there is no folder nowhere"),
        (("--resume", "nowhere"), 3, "no folder of a comparison"),
        (("--resume", "nowhere", "--units", 3), 2, "leave --units out"),
    ],
)
def test_what_is_asked_wrongly_gets_a_sentence(shell, music, arguments, code, words):
    assert (result := shell("compare", *arguments))[0] == code
    assert words in result[2]
    assert "Traceback" not in result[2]


@pytest.mark.parametrize("content", [b"{", b"[]", b"{}", b"\xff", b"null"])
def test_a_damaged_folder_is_named(shell, folder, content):
    (folder / "run").mkdir()
    (folder / "run" / "comparison.json").write_bytes(content)

    assert (result := shell("compare", "--resume", "run"))[0] == 3
    assert "comparison.json can't be read" in result[2]


@pytest.mark.slow
def test_an_interrupted_comparison_goes_on(shell, music, folder, monkeypatch):
    begun = ("compare", music, "--cells", "rnn,gru", "--random-seeds", 1, "--epochs", 1, "--layers", 1, "--units", 8, "--out", "run")

    def interrupted(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(comparison.Comparison, "look", interrupted)
        code, out, err = shell(*begun)
    assert (code, out) == (130, "")
    assert "1 of 2 trainings are kept; `musicgen compare --resume run` goes on" in err
    kept = (folder / "run" / "rnn-0.safetensors").read_bytes()

    code, out, err = shell("compare", "--resume", "run", "--json", "--quiet")
    assert (code, err) == (0, "")
    document = json.loads(out)
    assert [(run["cell"], run["random_seed"]) for run in document["runs"]] == [("rnn", 0), ("gru", 0)]
    assert set(document["looks"]) == {"rnn", "gru"}
    assert (folder / "run" / "rnn-0.safetensors").read_bytes() == kept
    with (folder / "run" / "comparison.csv").open() as file:
        assert {row["model"] for row in csv.DictReader(file)} == {"rnn", "gru", "n-gram", "note frequencies"}
    ElementTree.parse(folder / "run" / "comparison.svg")
    assert "n-gram" in (folder / "run" / "comparison.txt").read_text()

    (folder / "tunes" / "4.mid").unlink()
    assert (result := shell("compare", "--resume", "run"))[0] == 4
    assert "the corpus is not the one that run began with" in result[2]

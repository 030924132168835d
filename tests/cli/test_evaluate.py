"""`evaluate` as a person meets it: finite figures, a page that stands alone and runs nothing foreign, and a sentence for what is wrong."""

import json
import math
import subprocess
import sys
from dataclasses import replace
from functools import partial
from html.parser import HTMLParser
from pathlib import Path

import pytest
from tiny import chorales, random_model, tunes

from musicgen.cli import evaluate as evaluate_command
from musicgen.judging.statistics import MEASURES
from musicgen.listening.midi import midi_bytes
from musicgen.model.file import CorpusFacts, Model, save_model
from musicgen.piece import Piece
from musicgen.reading.corpus import Corpus
from musicgen.reading.gathering import read_corpus

FAILURE, USAGE, UNREADABLE, INTERRUPTED = 1, 2, 3, 130
VOID = {"meta", "link", "input", "br"}
EVIL = '<img src=x onerror=alert(1)><script>"&amp;'
QUICK = ("--takes", 3, "--bars", 2)


@pytest.fixture
def run(shell):
    """Runs `evaluate` and returns its exit code, stdout and stderr."""
    return partial(shell, "evaluate")


def write_corpus(folder: Path, pieces: tuple[Piece, ...]) -> Corpus:
    """MIDI files; returns them as they are read."""
    folder.mkdir(parents=True)
    for number, piece in enumerate(pieces):
        (folder / f"{piece.title.replace('/', '') or 'piece'} {number}.mid").write_bytes(midi_bytes(piece))
    return read_corpus([folder])


def model_of(corpus: Corpus, name: str) -> Model:
    """A model that says that it learned from this corpus."""
    facts = CorpusFacts.of(name, corpus.fingerprint, corpus.pieces, held_out=tuple(corpus.split()[1].fingerprints))
    return replace(random_model(tuple(corpus.pieces)), corpus=facts)


@pytest.fixture
def model(folder) -> Model:
    """model.safetensors, and the corpus/mine that it learned from."""
    trained = model_of(write_corpus(folder / "corpus" / "mine", chorales(12)), "mine")
    save_model(trained, folder / "model.safetensors")
    return trained


def numbers_in(document: object) -> list[float]:
    match document:
        case bool() | str() | None:
            return []
        case dict():
            return [number for value in document.values() for number in numbers_in(value)]
        case list():
            return [number for value in document for number in numbers_in(value)]
    return [document]


def test_the_figures_are_finite_and_of_the_held_out_pieces(run, folder, model):
    code, out, err = run("model.safetensors", *QUICK, "--json", "--quiet")
    figures = json.loads(out)

    assert (code, err) == (0, "")
    assert {"nats_per_note", "nats_per_field", "perplexity", "pieces", "takes", "measures", "faults", "copies", "craft", "twins"} <= set(figures)
    assert all(map(math.isfinite, numbers_in(figures)))
    of_corpus = {"name": "mine", "fingerprint": model.corpus.fingerprint, "pieces": 12, "is_the_models": True, "held_out_pieces": 1}
    assert figures["corpus"] == of_corpus
    assert (figures["pieces"], figures["takes"], figures["bars"]) == (1, 3, 2)
    assert figures["foreign_notes"] == 0
    assert figures["nats_per_note"] == pytest.approx(sum(figures["nats_per_field"].values()))
    assert figures["perplexity"] == pytest.approx(math.exp(figures["nats_per_note"]))
    assert [measure["name"] for measure in figures["measures"]] == [measure.name for measure in MEASURES]
    assert all(measure["ceiling"]["overlapped_area"] is not None for measure in figures["measures"])
    assert all(0 <= fault["takes"] <= 1 and 0 <= fault["corpus"] <= 1 for fault in figures["faults"].values())
    assert figures["faults"]["early end"]["takes"] == figures["faults"]["out of range"]["takes"] == 0
    assert set(figures["copies"]["takes"]) == set(figures["copies"]["held_out"]) == {"longest_run", "copied_share", "longest_passage"}
    assert figures["craft"]["pieces"] == {"takes": 3, "held_out": 1}
    assert run("model.safetensors", *QUICK, "--json", "--quiet")[1] == out


def test_what_was_held_out_is_what_the_model_says_and_not_what_a_split_would_say(run, folder, model):
    first = read_corpus([folder / "corpus"]).pieces.fingerprints[:2]
    save_model(replace(model, corpus=replace(model.corpus, held_out=tuple(first))), folder / "model.safetensors")
    assert json.loads(run("model.safetensors", *QUICK, "--json")[1])["pieces"] == 2

    (folder / "corpus" / "mine" / "new.mid").write_bytes(midi_bytes(tunes()[0]))
    assert json.loads(run("model.safetensors", *QUICK, "--json")[1])["pieces"] == 2

    save_model(replace(model, corpus=replace(model.corpus, held_out=())), folder / "old.safetensors")
    (folder / "corpus" / "mine" / "new.mid").unlink()
    assert "does not say which pieces were held out, so all 12 are judged" in run("old.safetensors", *QUICK)[1]


def test_all_of_another_corpus_is_judged_and_that_is_said(run, folder, model):
    write_corpus(folder / "other", tunes(3))
    code, out, err = run("model.safetensors", "other", *QUICK)

    assert code == 0
    assert "another corpus than the model learned from (mine), so all 3 pieces are judged" in out
    assert "are not in the model's vocabulary" in out
    assert "Nats per note, 3 judged pieces" in out
    assert "Part writing" not in out
    assert "judging 3 pieces" in err
    assert "composing 3 takes of 2 bars" in err
    (folder / "one").mkdir()
    (folder / "one" / "a.mid").write_bytes(midi_bytes(tunes()[0]))
    figures = json.loads(run("model.safetensors", "one", *QUICK, "--json")[1])
    assert (figures["pieces"], figures["nats_per_note_interval"], figures["copies"]["held_out"]) == (1, None, None)


class Reader(HTMLParser):
    """Holds every element closed, and keeps what could reach out or run."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.said: dict[str, str] = {}
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open:
            self.said[self.open[-1]] = self.said.get(self.open[-1], "") + data


def test_the_page_stands_alone_and_foreign_titles_stay_words(run, folder):
    parts = tuple(replace(part, name="</script><script>alert(2)</script>") for part in chorales()[0].parts)
    pieces = tuple(
        replace(piece, parts=tuple(replace(part, notes=own.notes) for part, own in zip(parts, piece.parts, strict=True)), title=EVIL)
        for piece in chorales(14)
    )
    read = write_corpus(folder / "corpus" / "mine", pieces)
    save_model(model_of(read, "<script>mine"), folder / "model.safetensors")
    code, _, err = run("model.safetensors", "corpus/mine", "--takes", 8, "--bars", 3, "--page", "page.html")
    page = (folder / "page.html").read_text(encoding="utf-8")
    reader = Reader(page)

    assert (code, err.splitlines()[-1]) == (0, "page page.html")
    assert reader.open == []
    assert "http://" not in page
    assert "https://" not in page
    assert reader.tags.count("script") == 2
    assert "img" not in reader.tags
    assert not [name for name, _ in reader.attributes if name.startswith("on")]
    assert {value[0] for name, value in reader.attributes if name in ("src", "href") and value and value != "data:,"} == {"#"}
    assert EVIL in reader.said["h4"]
    assert "alert(2)" in reader.said["span"]
    assert reader.tags.count("figure") == len(MEASURES)
    music = json.loads(reader.said["script"].split("\n")[0])
    assert len(music["clips"]) == reader.tags.count("article") == 8
    assert {clip["truth"] for clip in music["excerpts"]} == {"corpus", "machine"}
    assert music["bars"] == 3
    assert all(2 <= len(clip["bars"]) <= 3 for clip in music["excerpts"])  # a bar that begins with silence begins before the clip
    assert all(set(clip) == {"truth", "title", "seconds", "bars", "parts"} for clip in music["excerpts"])


def test_a_page_is_overwritten_by_force_only(run, folder, model):
    (folder / "page.html").write_text("precious")
    code, out, err = run("model.safetensors", *QUICK, "--page", "page.html")

    assert (code, out) == (USAGE, "")
    assert "page.html exists: choose another name with --page, or overwrite it with --force" in err
    assert (folder / "page.html").read_text() == "precious"
    assert run("model.safetensors", *QUICK, "--page", "page.html", "--force")[0] == 0
    assert (folder / "page.html").read_text().startswith("<!doctype html>")


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ([], USAGE, "MODEL"),
        (["nothing"], UNREADABLE, "no model nothing"),
        (["model.safetensors", "nothing"], USAGE, "no folder nothing"),
        (["model.safetensors", "empty"], UNREADABLE, "no files in"),
        (["model.safetensors", "broken"], UNREADABLE, "none of the 1 files"),
        (["model.safetensors", "--takes", "0"], USAGE, "--takes"),
        (["model.safetensors", "--takes", "1001"], USAGE, "--takes"),
        (["model.safetensors", "--bars", "0"], USAGE, "--bars"),
        (["model.safetensors", "--random-seed", "-1"], USAGE, "--random-seed"),
        (["model.safetensors", "--page", "nowhere/page.html"], USAGE, "no folder nowhere"),
        (["model.safetensors", "--page", "empty"], USAGE, "it is a folder"),
        (["model.safetensors", "--page", "x" * 300], FAILURE, "can't write"),
        (["elsewhere.safetensors"], UNREADABLE, "learned from 'elsewhere'"),
        (["evil.safetensors"], UNREADABLE, "learned from '..'"),
    ],
)
def test_what_is_wrong_is_one_sentence(run, folder, model, arguments, code, words):
    (folder / "empty").mkdir()
    (folder / "broken").mkdir()
    (folder / "broken" / "a.mid").write_text("no music")
    for name, corpus in (("elsewhere", "elsewhere"), ("evil", "..")):
        save_model(replace(model, corpus=replace(model.corpus, name=corpus)), folder / f"{name}.safetensors")
    before = {path for path in folder.rglob("*") if path.is_file()}
    found, _, err = run(*arguments, *(() if {"--takes", "--bars"} & set(arguments) else QUICK))

    assert (found, "Traceback" in err) == (code, False), err
    assert words in err.split("Error: ")[1]
    assert {path for path in folder.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("where", ["surprises", "played", "compare"])
def test_an_interruption_is_said_and_writes_nothing(run, folder, model, monkeypatch, where):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(evaluate_command, where, interrupt)
    code, out, err = run("model.safetensors", *QUICK, "--page", "page.html")

    assert (code, out) == (INTERRUPTED, "")
    assert err.splitlines()[-1] == "Error: interrupted; no page was written"
    assert not (folder / "page.html").exists()


def test_the_built_in_corpus_of_the_model_is_added(run, folder, model, monkeypatch):
    def add(name: str, to: Path, force: bool, quiet: bool) -> None:
        write_corpus(to, chorales(12))

    monkeypatch.setattr(evaluate_command, "add_corpus", add)
    save_model(replace(model, corpus=replace(model.corpus, name="bach-chorales")), folder / "bach.safetensors")
    figures = json.loads(run("bach.safetensors", *QUICK, "--json")[1])

    assert (figures["corpus"]["name"], figures["corpus"]["is_the_models"]) == ("bach-chorales", True)


def test_it_runs_without_tensorflow(folder, model):
    program = (
        "import sys\nfrom musicgen.cli import main\n"
        "sys.argv = ['musicgen', 'evaluate', 'model.safetensors', '--takes', '1', '--bars', '1', '--quiet']\n"
        "main()\nprint(sorted({'tensorflow', 'keras', 'music21'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True, cwd=folder)

    assert done.stdout.splitlines()[-1] == "[]"
    assert "nats per note" in done.stdout
    assert done.stderr == ""

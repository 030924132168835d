"""Scores as a person meets them: `render` writes them, and for what is wrong one sentence."""

import base64
import json
import shutil
from dataclasses import replace

import pytest
from scores import notes_in, notes_of
from tiny import bands, random_model

from musicgen.cli.colours import nats_of
from musicgen.judging.originality import CorpusIndex
from musicgen.judging.surprise import surprises
from musicgen.listening.midi import midi_bytes
from musicgen.listening.notation import engraving
from musicgen.model.file import save_model
from musicgen.reading.midi import read_midi


@pytest.fixture
def run(folder, shell):
    """Runs a command in a folder with band.mid; returns its exit code, stdout and stderr."""
    (folder / "band.mid").write_bytes(midi_bytes(bands()[0]))
    return shell


def test_render_writes_the_score_of_a_file(run, folder):
    code, out, _ = run("render", "band.mid", "--musicxml", "band.musicxml", "--svg", "band.svg", "--json")
    assert code == 0
    assert [sheet["kind"] for sheet in json.loads(out)["sheets"]] == ["musicxml", "svg"]
    assert notes_in((folder / "band.musicxml").read_bytes()) == notes_of(read_midi((folder / "band.mid").read_bytes()))
    assert (folder / "band.svg").read_text().startswith("<svg ")


def test_render_writes_piano_rolls(run, folder):
    assert run("render", "band.mid", "--roll", "a.svg", "--png", "b.png", "--dark", "--quiet") == (0, "", "")
    assert b"prefers-color-scheme" in (folder / "a.svg").read_bytes()
    assert (folder / "b.png").read_bytes().startswith(b"\x89PNG")
    code, _, said = run("render", "band.mid", "--roll", "a.gif")
    assert code == 2
    assert ".svg or .png" in said


def test_rolls_are_coloured_by_what_a_model_knows(run, folder):
    model = random_model(bands())
    save_model(replace(model, copies=CorpusIndex.of(bands(), ()).to_arrays()), folder / "model.safetensors")
    for colours, colour in (("surprise", b'class="heat'), ("copied", b'class="marked"')):
        assert run("render", "band.mid", "--roll", "a.svg", "--colours", colours, "--model", "model.safetensors", "--force", "--quiet") == (0, "", "")
        assert colour in (folder / "a.svg").read_bytes()
    piece = bands()[0]
    assert [len(nats) for nats in nats_of(piece, model)] == [len(part.notes) for part in piece.parts]
    (summed,) = surprises(model.engine, [piece])
    assert 0 < sum(map(sum, nats_of(piece, model))) <= summed.nats.sum()  # which counts the end too
    assert run("render", "band.mid", "--roll", "b.svg", "--colours", "copied")[0] == 2


@pytest.mark.slow
def test_render_writes_a_page_of_its_own(run, folder):
    assert run("render", "band.mid", "--page", "band.html", "--quiet") == (0, "", "")
    page = (folder / "band.html").read_text()
    assert page.startswith("<!doctype html>")
    assert all(f'download="band.{suffix}"' in page for suffix in ("mid", "musicxml"))
    code, _, said = run("render", "band.mid", "--page", "band.html")
    assert code == 2
    assert "--force" in said


@pytest.mark.slow
def test_what_is_offered_as_midi_is_midi_whatever_the_file_is_called(run, folder):
    tune = b"X:1\nT:Tune\nM:3/4\nL:1/4\nK:G\nGAB|d3|]\n"
    (folder / "tune.mid").write_bytes(tune)
    assert run("render", "tune.mid", "--page", "tune.html", "--quiet") == (0, "", "")
    page = (folder / "tune.html").read_text()
    assert base64.b64encode(b"MThd\0\0").decode() in page
    assert base64.b64encode(tune[:12]).decode() not in page


@pytest.mark.slow
def test_generate_writes_a_page_of_all_takes(run, folder):
    save_model(random_model(bands()), folder / "model.safetensors")
    code, _, said = run(
        "generate", "--model", "model.safetensors", "--takes", "2", "--bars", "2", "--random-seed", "1", "--out", ".", "--page", "t.html"
    )
    assert code == 0, said
    page = (folder / "t.html").read_text()
    assert page.count('<article class="deck"') == 2
    assert "longest copy" in page
    assert "How it was made" in page


def test_where_nothing_makes_pdf_it_is_said(run, folder, monkeypatch):
    monkeypatch.setenv("PATH", str(folder))
    code, _, said = run("render", "band.mid", "--pdf", "band.pdf")
    assert code == 1
    assert "apt install" in said
    assert not (folder / "band.pdf").exists()


@pytest.mark.slow
@pytest.mark.skipif(not any(map(shutil.which, (*engraving.CHROMIUMS, "rsvg-convert"))), reason="no program here makes PDF")
def test_render_writes_pdf(run, folder):
    assert run("render", "band.mid", "--pdf", "band.pdf")[0] == 0
    assert (folder / "band.pdf").read_bytes().startswith(b"%PDF")

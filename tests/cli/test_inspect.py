"""`inspect` of a piece: how it was made, and what a model makes of its notes."""

import json
from dataclasses import replace

import numpy as np
import pytest
from tiny import bands, chorales, random_model

from musicgen.judging.notes import judged_notes
from musicgen.judging.originality import CorpusIndex
from musicgen.judging.surprise import surprises
from musicgen.listening.midi import midi_bytes
from musicgen.model.file import save_model

UNREADABLE = 3


@pytest.fixture
def model(folder):
    """A model in outputs/run that carries its corpus."""
    model = replace(random_model(chorales()), copies=CorpusIndex.of(chorales()[:3], chorales()[3:]).to_arrays())
    (folder / "outputs" / "run").mkdir(parents=True)
    save_model(model, folder / "outputs" / "run" / "model.safetensors")
    return model


@pytest.mark.parametrize("piece", [chorales()[0], bands()[0]], ids=["known", "foreign"])
def test_notes_add_up_to_the_surprise_of_the_piece(piece):
    engine = random_model(chorales()).engine
    notes = list(judged_notes(engine, piece))
    (surprise,) = surprises(engine, [piece])

    np.testing.assert_allclose(sum(judged.nats for judged in notes if judged.nats is not None), surprise.nats, rtol=1e-5)
    assert len(notes) == piece.num_notes + 1
    for judged in notes[:-1]:
        for name, others in judged.alternatives.items():
            chances = [other.probability for other in others]
            assert chances == sorted(chances, reverse=True)
            assert sum(chances) < 1 + 1e-5
            assert judged.note.pitch not in [other.value for other in others] or name != "pitch" or piece is bands()[0]


def test_a_take_says_how_it_was_made(shell, model):
    asked = ("--random-seed", 7, "--bars", 4, "--temperature", 0.8, "--key", "G major", "--parts", "Soprano,Bass", "--range", "Bass=C3-C4")
    row = json.loads(shell("generate", *asked, "--out", "song.mid", "--json")[1])["takes"][0]
    code, out, _ = shell("inspect", "song.mid", "--json")
    document = json.loads(out)

    assert (code, document["random_seed"], document["settings"]["temperature"], document["bars"]) == (0, 7, 0.8, 4)
    assert (document["longest_copy"], document["faults"]) == (row["longest_copy"], row["faults"])
    assert document["nats_per_note"] == pytest.approx(row["nats_per_note"], abs=1e-3)
    assert len(document["notes"]) == row["notes"]
    assert sum(note["nats"] for note in document["notes"]) + document["end_nats"] == pytest.approx(row["notes"] * row["nats_per_note"], rel=1e-3)
    shown = shell("inspect", "song.mid")[1]
    assert "random seed 7" in shown
    assert "temperature 0.8, top_p 0.98, key G major, ranges Bass=C3-C4, parts Soprano,Bass, bars 4" in shown
    assert shell("inspect", "song.mid", "--notes")[1].count(" nats (") == row["notes"]


def test_a_piece_from_elsewhere_is_judged_by_any_model(shell, folder, model):
    (folder / "corpus.mid").write_bytes(midi_bytes(chorales()[0]))
    document = json.loads(shell("inspect", "corpus.mid", "--model", "outputs/run", "--json")[1])

    assert (document["random_seed"], document["settings"], document["made_by"]) == (None, None, None)
    assert (document["longest_copy"]["notes"], document["longest_copy"]["bar"]) == (max(len(part.notes) for part in chorales()[0].parts), 1)
    assert "not by this program" in shell("inspect", "corpus.mid")[1]


def test_a_long_piece_is_summed_up(shell, folder, model):
    part = chorales()[0].parts[0]
    notes = tuple(note._replace(onset=note.onset + 192 * time) for time in range(60) for note in part.notes if note.end <= 192)
    (folder / "long.mid").write_bytes(midi_bytes(replace(chorales()[0], parts=(replace(part, notes=notes),))))

    assert len(shell("inspect", "long.mid")[1].splitlines()) < 70


def test_what_is_neither_model_nor_music_says_so(shell, folder):
    (folder / "noise.mid").write_bytes(b"noise")
    (folder / "noise").write_bytes(b"noise")

    assert "no MIDI file" in shell("inspect", "noise.mid")[2]
    assert "can't read gone.mid" in shell("inspect", "gone.mid")[2]
    assert shell("inspect", "noise")[0] == UNREADABLE

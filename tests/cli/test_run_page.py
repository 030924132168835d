"""The page of a run shows what lies in its folder, and bears what is missing or damaged."""

import json

from tiny import chorales, tunes

from musicgen.cli.run_page import RunPage
from musicgen.listening.midi import midi_bytes


def test_a_run_is_shown_as_far_as_it_has_come(tmp_path, monkeypatch):
    monkeypatch.setattr("musicgen.cli.run_page.instruments_of", lambda *_, **__: {})
    page = RunPage(tmp_path, "Learning <mine>", ["2 x 256"])
    page.write(["Epoch 1"])
    text = (tmp_path / "index.html").read_text()
    assert "Learning &lt;mine&gt;" in text
    assert "<img" not in text

    (tmp_path / "curves.svg").write_text("<svg/>")
    (tmp_path / "receipts.json").write_text(json.dumps({"summary": {"files": 1234, "used": "many"}}))
    (tmp_path / "samples").mkdir()
    (tmp_path / "samples" / "a.mid").write_bytes(midi_bytes(tunes()[0]))
    (tmp_path / "samples" / "b.mid").write_bytes(midi_bytes(chorales()[0]))
    rows = [{"epoch": 1, "path": "samples/a.mid", "faults": ["loop"], "longest_copy": 9}, {"epoch": 2, "path": "samples/b.mid"}, {"path": "gone.mid"}]
    (tmp_path / "samples" / "samples.json").write_text(json.dumps(rows))
    page.write(["Epoch 2"])  # too soon
    assert (tmp_path / "index.html").read_text() == text
    page.write(["Epoch 2"], is_last=True)
    text = (tmp_path / "index.html").read_text()
    assert text.index("Epoch 2: b.mid") < text.index("Epoch 1: a.mid")
    assert "1,234" in text
    assert "has 9 notes" in text
    assert text.count("<img") == 1

    (tmp_path / "samples" / "samples.json").write_text("[1, {")
    page.write(is_last=True)
    assert "b.mid" not in (tmp_path / "index.html").read_text()

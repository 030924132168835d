"""Ctrl-C in the middle of a training: what was learned is kept, and the exit code says what happened."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tiny import chorales

from musicgen.listening.midi import midi_bytes
from musicgen.model.file import load_model

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for another process")
def test_an_interrupted_training_keeps_its_best_model(tmp_path: Path):
    music = tmp_path / "music"
    music.mkdir()
    for number, piece in enumerate(chorales()):
        (music / f"{number}.mid").write_bytes(midi_bytes(piece))
    command = [sys.executable, str(ROOT / "main.py"), "train", str(music), "--minutes", "30", "--units", "8", "--layers", "1", "--out", "run"]
    settings = {"cwd": tmp_path, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "env": {**os.environ, "NO_COLOR": "1"}}
    # what a shell starts in the background inherits that Ctrl-C is ignored, and so would the program: take that back
    with subprocess.Popen(command, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL), **settings) as running:
        try:
            model, until = tmp_path / "run" / "model.safetensors", time.monotonic() + 240
            while not model.exists() and running.poll() is None and time.monotonic() < until:
                time.sleep(0.2)
            running.send_signal(signal.SIGINT)
            out, err = running.communicate(timeout=60)
        finally:
            running.kill()

    assert running.returncode == 130, err
    assert out == ""
    said = re.search(r"Error: interrupted in epoch \d+, and saved: `(.* train --resume run)` goes on", err)
    assert said, err
    # the line finds program and run when it is pasted, which shows without TensorFlow where it is asked for another network
    pasted = subprocess.run(f"{said[1]} --units 9", cwd=tmp_path, shell=True, capture_output=True, text=True, check=False)
    assert "--units 9 is not the 8 that run was begun with" in pasted.stderr
    assert "Traceback" not in err
    assert load_model(model).configuration.units == 8
    assert (tmp_path / "run" / "history.csv").read_text().startswith("epoch,")

"""The README's shell lines run, with the minutes of training cut short."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
PROGRAM = f'"{sys.executable}" "{ROOT / "main.py"}"'


def block(name: str) -> list[str]:
    """The lines of the shell block after the comment with that name."""
    found = re.search(rf"<!-- {name} -->\n```(?:sh|python)\n(.*?)```", README, re.DOTALL)
    assert found, f"README.md has no block {name}"
    return found[1].splitlines()


def run(line: str, folder: Path) -> subprocess.CompletedProcess:
    """Run the parts of a line that call the program, as a shell would."""
    calls = [part for part in line.split(" && ") if re.match(r"(\.venv/bin/)?musicgen ", part)]
    command = " && ".join(re.sub(r"^(\.venv/bin/)?musicgen", lambda _: PROGRAM, part) for part in calls)
    command = re.sub(r"--minutes \d+", "--minutes 0.1", command)
    return subprocess.run(command, shell=True, cwd=folder, capture_output=True, text=True, env={**os.environ, "NO_COLOR": "1"}, timeout=600)


def test_the_two_commands_install_before_they_run():
    (first,), (second,), (third,) = block("run"), block("test"), block("hurry")
    assert first.startswith("python3 -m venv .venv && .venv/bin/pip install -q . && .venv/bin/musicgen train")
    assert second == "python3 -m venv .venv && .venv/bin/pip install -q -e '.[dev]' && .venv/bin/python -m pytest -n auto --dist loadfile"
    assert third == ".venv/bin/musicgen generate --model chorales"


@pytest.mark.slow
def test_the_main_job_makes_music_with_the_network_just_trained(tmp_path: Path):
    (line,) = block("run")
    done = run(line, tmp_path)
    assert done.returncode == 0, done.stderr
    assert len(list((tmp_path / "corpus" / "bach-chorales").glob("*.mid"))) > 300
    (model,) = tmp_path.glob("outputs/*/model.safetensors")
    assert f"model {model.relative_to(tmp_path)}" in done.stderr
    assert list(tmp_path.glob("outputs/*.mid"))


@pytest.mark.slow
def test_the_whole_use(tmp_path: Path):
    lines = block("use")
    assert len(lines) == 8
    for line in lines:
        done = run(line, tmp_path)
        assert done.returncode == 0, f"{line}\n{done.stderr}"
    assert (tmp_path / "tune.mid").stat().st_size > 100
    assert (tmp_path / "longer.mid").stat().st_size > (tmp_path / "tune.mid").stat().st_size
    assert (tmp_path / "harmonized.mid").stat().st_size > (tmp_path / "tune.mid").stat().st_size
    assert len(list((tmp_path / "outputs").glob("*.mid"))) == 4
    assert (tmp_path / "longer.wav").stat().st_size > 1_000_000
    shutil.rmtree(tmp_path)


def test_the_hurried_line(tmp_path: Path):
    done = run(block("hurry")[0], tmp_path)
    assert done.returncode == 0, done.stderr
    (written,) = tmp_path.glob("outputs/*.mid")
    assert "16 bars" in done.stdout
    assert str(written.relative_to(tmp_path)) in done.stdout


@pytest.mark.slow
def test_the_lines_in_python(tmp_path: Path):
    program = "\n".join(block("python"))
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, env=environment, timeout=600)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "chorale.mid").exists()
    assert len(done.stdout.splitlines()) > 50

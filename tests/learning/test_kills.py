"""A training that is killed and gone on with learns the same to the bit as one that nothing stopped; the benchmark does it by the hundred."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARK = Path(__file__).parent.parent.parent / "benchmarks" / "kills.py"


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows can't fork")
def test_killed_at_random_moments():
    command = [sys.executable, str(BENCHMARK), "--kills", "2", "--epochs", "2", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=900, cwd=BENCHMARK.parent.parent)

    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    assert (figures["kills"], figures["different"]) == (2, 0)
    assert figures["trainings"] >= 1

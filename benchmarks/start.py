"""How soon a piece is there: `generate` from the start of the process to the MIDI file, beside nothing but the import of TensorFlow.

A program that plays with Keras pays that import before its first note. Runs on systems with wait4 (Linux, macOS).
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from side_by_side import Row, Spread, Target, alternate, machine, ratios, show

ROOT = Path(__file__).resolve().parent.parent


class Cost(NamedTuple):
    """What one process took."""

    seconds: float
    megabytes: float  # at its peak, of 10**6 bytes
    said: str  # on stdout


def cost_of(command: list[str]) -> Cost:
    """Run a command to its end. Raises SystemExit, with what it said, where it fails."""
    # memory is counted from the fork on, so this program must stay smaller than those it measures: no NumPy here
    with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as errors:
        begin = time.perf_counter()
        process = subprocess.Popen(command, cwd=ROOT, stdout=said, stderr=errors)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - begin
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        errors.seek(0)
        text = said.read().decode(errors="replace")
        if process.returncode:
            raise SystemExit(f"{' '.join(command)} failed:\n{errors.read().decode(errors='replace')}")
    # Linux counts kilobytes, macOS bytes
    return Cost(seconds, usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6, text)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="chorales", help="a model file, or the name of a model that comes along (default: %(default)s)")
    parser.add_argument("--bars", type=int, default=16, help="bars to write (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=7, help="default: %(default)s, after one that does not count")
    parser.add_argument("--json", action="store_true", dest="as_json")
    arguments = parser.parse_args()
    model = str(Path(arguments.model).resolve()) if Path(arguments.model).exists() else arguments.model
    ours: list[Cost] = []
    theirs: list[Cost] = []

    with tempfile.TemporaryDirectory() as folder:

        def generate(number: int) -> float:
            command = ["main.py", "generate", "--bars", str(arguments.bars), "--model", model, "--random-seed", str(number)]
            ours.append(cost_of([sys.executable, *command, "--out", str(Path(folder) / "piece.mid"), "--force", "--quiet", "--json"]))
            return ours[-1].seconds

        def import_tensorflow(number: int) -> float:
            theirs.append(cost_of([sys.executable, "-c", "import tensorflow"]))
            return theirs[-1].seconds

        alternate(generate, import_tensorflow, 1)  # fills the disk cache and writes the .pyc files
        ours.clear()
        theirs.clear()
        pairs = alternate(generate, import_tensorflow, arguments.rounds)

    rows = [
        Row("wall time, generate / import", ratios(pairs), "times", Target(False, 0.5)),
        Row("wall time of generate", Spread.of(cost.seconds for cost in ours), "s"),
        Row("wall time of the import", Spread.of(cost.seconds for cost in theirs), "s"),
        Row("notes of a piece", Spread.of(json.loads(cost.said)["takes"][0]["notes"] for cost in ours), ""),
        Row("peak memory of generate", Spread.of(cost.megabytes for cost in ours), "MB", Target(False, 250)),
        Row("peak memory of the import", Spread.of(cost.megabytes for cost in theirs), "MB"),
    ]
    notes = [f"generate --bars {arguments.bars} --model {Path(arguments.model).name}, another random seed each round", f"{len(pairs)} rounds"]
    show("start: generate, from process to MIDI file, beside `import tensorflow`", rows, notes, machine(["numpy", "tensorflow"]), arguments.as_json)


if __name__ == "__main__":
    main()

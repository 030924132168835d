"""Is a training ever lost? Small trainings are killed at random moments, gone on with, and compared with one that nothing stopped.

A training of a small LSTM on melodies, with dropout, early stopping and the schedule by epochs, writes a checkpoint after every step, so that many
kills fall into the writing of one. SIGKILL comes while the program starts, or at a random moment after its first step; then `train --resume` goes
on, and is killed again. In the end the model's weights and all figures of its history, but for the seconds, must be those of the training that was
never stopped, to the bit.

Each life is a process of its own, forked from one that has imported TensorFlow and done nothing with it, which saves the seconds of importing it.
"""

import argparse
import csv
import gc
import json
import os
import random
import select
import shutil
import signal
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
sys.path.append(str(Path(__file__).parent.parent / "tests"))

import numpy as np
from tiny import tunes  # type: ignore[import-not-found]

from musicgen.cli import main as program
from musicgen.cli import run as cli_run
from musicgen.learning import checkpoints, training
from musicgen.listening.midi import midi_bytes
from musicgen.model.file import load_model

BATCH_ROWS, WINDOW = 128, 16  # so that an epoch has several steps, of one shape, which each life compiles once
KILLS_A_TRAINING = 20
WHILE_STARTING = 0.1  # of the kills
LONGEST_START = 600.0  # seconds


@dataclass(frozen=True)
class Outcome:
    """What became of one life."""

    code: int | None  # None: it was killed
    first_step: float  # seconds from its beginning, infinity where it did not come so far
    seconds: float


def live(arguments: list[str], folder: Path, kill_after: float, kill_start_after: float = float("inf")) -> Outcome:
    """Run the program in a process of its own, until it ends or is killed, seconds after its first step or after its beginning."""
    read, write = os.pipe()
    begin = time.monotonic()
    child = os.fork()
    if child == 0:
        os.close(read)
        _be_born(arguments, folder, write)
    os.close(write)
    first = float("inf")
    try:
        if select.select([read], [], [], min(kill_start_after, LONGEST_START))[0] and os.read(read, 1):
            first = time.monotonic() - begin
            until = time.monotonic() + kill_after
            while time.monotonic() < until and select.select([read], [], [], min(60.0, until - time.monotonic()))[0] and os.read(read, 1):
                pass  # a byte a step, and nothing when it has ended
        time.sleep(0.0 if first < float("inf") or kill_start_after < float("inf") else 1.0)
        ended, status = os.waitpid(child, os.WNOHANG)
        if not ended and kill_after == float("inf"):
            ended, status = os.waitpid(child, 0)
        if not ended:
            os.kill(child, signal.SIGKILL)
            _, status = os.waitpid(child, 0)
    finally:
        os.close(read)
    code = None if os.WIFSIGNALED(status) else os.waitstatus_to_exitcode(status)
    return Outcome(code, first, time.monotonic() - begin)


def _be_born(arguments: list[str], folder: Path, pipe: int) -> None:
    """The child: the program, which says after each step that it lives."""
    run = training.Training.run

    def telling(self):
        for epoch in run(self):
            yield epoch
            os.write(pipe, b".")

    by_options = cli_run.schedule_of
    checkpoints.SECONDS_BETWEEN, checkpoints.SHARE_OF_TIME = 0.0, float("inf")
    training.Training.run = telling  # type: ignore[method-assign]
    cli_run.schedule_of = lambda options: replace(by_options(options), batch_rows=BATCH_ROWS, window=WINDOW)
    with open(folder / "log.txt", "ab", buffering=0) as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    os.chdir(folder)
    sys.argv = ["main.py", *arguments]
    code: int | str | None = 1
    try:
        program()
        code = 0
    except SystemExit as stop:
        code = stop.code
    finally:
        os._exit(code if isinstance(code, int) else 1)


def learned(run: Path) -> tuple[dict[str, np.ndarray], list[dict]]:
    """The weights, and the figures of all epochs but their seconds."""
    with open(run / "history.csv", newline="") as file:
        history = [{name: value for name, value in row.items() if name != "seconds"} for row in csv.DictReader(file)]
    return load_model(run / "model.safetensors").weights, history


def same(one: Path, other: Path) -> bool:
    """Whether two runs learned the same to the bit."""
    (weights, history), (others, other_history) = learned(one), learned(other)
    return history == other_history and all(np.array_equal(array, others[name]) for name, array in weights.items())


def main() -> None:
    """Kill, go on, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200, help="default: %(default)s")
    parser.add_argument("--epochs", type=int, default=30, help="of each training (default: %(default)s)")
    parser.add_argument("--cell", default="lstm", help="default: %(default)s")
    parser.add_argument("--random-seed", type=int, default=0, help="of the moments (default: %(default)s)")
    parser.add_argument("--json", action="store_true", dest="as_json")
    arguments = parser.parse_args()
    moments = random.Random(arguments.random_seed)
    folder = Path(tempfile.mkdtemp(prefix="kills-"))
    (folder / "music").mkdir()
    for number, piece in enumerate(tunes(12)):
        (folder / "music" / f"{number}.mid").write_bytes(midi_bytes(piece))
    shape = ["--cell", arguments.cell, "--layers", "1", "--units", "8", "--no-cache", "--epochs", str(arguments.epochs)]
    whole = live(["train", "music", "--out", "whole", *shape], folder, float("inf"))
    if whole.code != 0:
        raise SystemExit(f"the training that nobody stops fails: see {folder / 'log.txt'}")
    gc.freeze()  # what all lives share is not looked through in each of them
    life = 2 * (whole.seconds - whole.first_step) / KILLS_A_TRAINING  # at most, after the first step
    kills, before_first_step, while_writing, trainings, different = 0, 0, 0, 0, 0
    while kills < arguments.kills:
        run, begin = folder / "killed", ["train", "music", "--out", "killed", *shape]
        shutil.rmtree(run, ignore_errors=True)
        while True:
            goes_on = begin if not (run / "run.json").exists() else ["train", "--resume", "killed"]
            if goes_on is begin:
                shutil.rmtree(run, ignore_errors=True)
            is_over = kills >= arguments.kills
            starting = moments.uniform(0, whole.first_step) if moments.random() < WHILE_STARTING and not is_over else float("inf")
            outcome = live(goes_on, folder, float("inf") if is_over else moments.uniform(0, life), starting)
            if outcome.code is not None:
                break
            kills += 1
            before_first_step += outcome.first_step == float("inf")
            while_writing += any(run.rglob(".*.part"))
            if sys.stderr.isatty() or kills % 10 == 0:
                print(f"{kills} kills, {trainings} trainings, {different} different", file=sys.stderr, flush=True)
        trainings += 1
        if outcome.code != 0:
            raise SystemExit(f"a training fails after {kills} kills, code {outcome.code}: see {folder / 'log.txt'}")
        if not same(run, folder / "whole"):
            different += 1
            run.rename(folder / f"different-{different}")
    figures = {
        "kills": kills,
        "before_the_first_step": before_first_step,
        "while_a_file_was_written": while_writing,
        "trainings": trainings,
        "steps_a_training": int(learned(folder / "whole")[1][-1]["steps"]),
        "different": different,
    }
    print(json.dumps(figures, indent=2) if arguments.as_json else "\n".join(f"{name.replace('_', ' ')}: {value}" for name, value in figures.items()))
    if different:
        raise SystemExit(f"what differs is in {folder}")
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()

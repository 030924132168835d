"""Samples of a training: what the network plays after some of its epochs, with faults and copies, into the run's folder.

Conventions: all samples of a run are played by the same random seeds, so that they differ by what was learned alone. `samples/samples.json` has a
row a sample: `epoch`, `path`, `faults`, `longest_copy` (notes, None where copies can't be found) and `usual_copy`, the 90th percentile of held-out
pieces.
"""

import json
import time
from pathlib import Path
from statistics import median

from musicgen.cli import copies
from musicgen.cli.console import say
from musicgen.cli.models import MODEL_NAME, model_title
from musicgen.composing.attempts import Attempt
from musicgen.composing.composer import compose
from musicgen.composing.controls import RequestError
from musicgen.composing.record import Record
from musicgen.composing.request import Request
from musicgen.composing.takes import Judge
from musicgen.files import write_whole
from musicgen.judging.originality import CorpusIndex, copied
from musicgen.learning.position import Epoch
from musicgen.learning.verdict import Copying
from musicgen.listening.midi import midi_bytes
from musicgen.model.file import Model

FOLDER, ROWS = "samples", "samples.json"
TIMES = 10  # in a training
SHARE_OF_TIME = 0.05  # at most goes into playing
LATEST = 3  # samples that say whether the network copies


class Specimens:
    """The samples of a run, `takes` at a time."""

    def __init__(self, run: Path, takes: int, random_seed: int, quiet: bool) -> None:
        self._run, self._takes, self._random_seed, self._quiet = run, takes, random_seed, quiet
        self._index: CorpusIndex | None = None
        self._reached = -1  # tenths of the training
        self._next_at = 0.0  # of the monotonic clock

    def offer(self, epoch: Epoch, model: Model) -> None:
        """Play, if it is time to, or the last epoch. Raises OSError."""
        reached, begin = int(TIMES * epoch.progress), time.monotonic()
        is_last = epoch.progress >= 1
        if not self._takes or reached <= self._reached or (begin < self._next_at and not is_last):
            return
        self._reached = reached
        self._play(epoch, model)
        end = time.monotonic()
        self._next_at = end + (end - begin) / SHARE_OF_TIME

    def _play(self, epoch: Epoch, model: Model) -> None:
        self._index = self._index or copies.index_of(model)
        request = Request()
        try:
            pieces = compose(model, request, self._random_seed, self._takes)
        except RequestError as error:
            say(f"no sample of epoch {epoch.number}: {error}", self._quiet)
            return
        (self._run / FOLDER).mkdir(exist_ok=True)
        rows = [row for row in rows_of(self._run) if row["epoch"] < epoch.number]
        for number, piece in enumerate(pieces):
            random_seed = self._random_seed + number
            path = Path(FOLDER) / f"epoch-{epoch.number:03}{f'-{number + 1}' if self._takes > 1 else ''}.mid"
            record = Record.of(piece, model, model_title(self._run / MODEL_NAME), request, Attempt(random_seed))
            write_whole(self._run / path, midi_bytes(piece, record.to_text()))
            copy = copied(piece, self._index) if self._index else None
            usual = self._index.usual if self._index else None
            faults = [found.fault for found in Judge(model, request, self._index).faults(piece)]
            row = {"epoch": epoch.number, "path": path.as_posix(), "faults": faults}
            row |= {"longest_copy": copy and copy.num_notes, "usual_copy": usual and usual.num_notes[1]}
            rows.append(row)
            copy_said = copies.in_words(copy, self._index) if copy and self._index else copies.NO_INDEX
            say(f"    {self._run / path}: {', '.join(faults) or 'no faults'}; {copy_said}", self._quiet)
        write_whole(self._run / FOLDER / ROWS, json.dumps(rows, indent=1).encode())


def rows_of(run: Path) -> list[dict]:
    """The rows of a run's samples, none where there are none or they can't be read."""
    try:
        rows = json.loads((run / FOLDER / ROWS).read_bytes())
        return [row for row in rows if isinstance(row["epoch"], int)]
    except (OSError, ValueError, TypeError, KeyError):
        return []


def copying_of(run: Path) -> Copying | None:
    """How much the latest samples of a run copy; None where that is not known."""
    rows = rows_of(run)
    latest = sorted({row["epoch"] for row in rows})[-LATEST:]
    known = [row for row in rows if row["epoch"] in latest and row.get("longest_copy") is not None and row.get("usual_copy") is not None]
    epochs = sorted(row["epoch"] for row in known)
    return Copying(round(median(row["longest_copy"] for row in known)), known[-1]["usual_copy"], (epochs[0], epochs[-1])) if known else None

"""A training for seconds, to see whether this machine learns and how fast."""

import math
import time
from collections.abc import Sequence
from itertools import pairwise
from statistics import median
from typing import NamedTuple

import keras
import numpy as np

from musicgen.learning.batches import Example, batch_of, windows_of_epoch
from musicgen.learning.devices import cudnn_obstacle, has_unused_gpu, num_gpus
from musicgen.learning.fitting import build
from musicgen.learning.schedule import Schedule
from musicgen.model.configuration import CELLS, Configuration
from musicgen.model.relative import Relative

FEWEST_STEPS = 10  # however slow they are: with dropout a few may surprise more than the first


class Trial(NamedTuple):
    """What a training for seconds has shown."""

    versions: dict[str, str]
    gpus: int
    has_unused_gpu: bool
    cudnn_obstacles: dict[str, str]  # by cell, as of `cudnn_obstacle`
    seconds_to_compile: float  # of the first step
    steps: int  # after it
    notes_per_second: float
    step_seconds: float  # that a step takes, the median; of the processor, since others may use it too, but on a GPU of the clock
    first_nats: float  # a note, of the same notes before and after
    last_nats: float

    @property
    def has_learned(self) -> bool:
        """Whether the notes surprise less than before."""
        return math.isfinite(self.last_nats) and self.last_nats < self.first_nats


def trial(examples: Sequence[Example], configuration: Configuration, seconds: float, schedule: Schedule = Schedule()) -> Trial:
    """Learn one batch by heart for some seconds, the compiling of the first step apart."""
    model = build(configuration, examples, schedule)
    windows, _ = windows_of_epoch(examples, schedule.window, schedule.random_seed, 0)
    size = schedule.batch_rows // schedule.window
    batch = batch_of(examples, [windows[row % len(windows)] for row in range(size)], Relative(configuration), size, schedule.window)
    begin = time.perf_counter()
    first = last = _step(model, batch)
    compiled = time.perf_counter()
    clock = time.perf_counter if num_gpus() else time.process_time
    ends = [clock()]
    while len(ends) <= FEWEST_STEPS or time.perf_counter() - compiled < seconds:
        last = _step(model, batch)
        ends.append(clock())
    notes = float(batch[2][..., 0].sum()) * (len(ends) - 1)
    return Trial(
        versions={"keras": keras.version(), "backend": keras.backend.backend()},
        gpus=num_gpus(),
        has_unused_gpu=has_unused_gpu(),
        cudnn_obstacles={cell: cudnn_obstacle(cell) for cell in CELLS},
        seconds_to_compile=compiled - begin,
        steps=len(ends) - 1,
        notes_per_second=notes / (time.perf_counter() - compiled),
        step_seconds=median(end - begin for begin, end in pairwise(ends)),
        first_nats=first,
        last_nats=last,
    )


def _step(model: keras.Model, batch: tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]) -> float:
    model.reset_metrics()
    return float(model.train_on_batch(*batch, return_dict=True)["loss"])

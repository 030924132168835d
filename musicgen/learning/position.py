"""Where a training stands: what is saved of it, and what is said of it.

Conventions: nats per note as in `training`; seconds are those of training, and the clock stands still while no program trains.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from musicgen.encoding.vocabulary import NAMES


@dataclass(slots=True)
class Position:
    """Where a training stands, between two steps."""

    epoch: int = 1  # that is running
    batch: int = 0  # of it, the next
    steps: int = 0  # since the beginning
    seconds: float = 0.0  # of training; the clock stands still while no program trains
    halvings: int = 0  # of the learning rate, after the loss blew up
    batch_halvings: int = 0  # of the batch, after a step did not fit into the memory
    first_nats: float = math.inf  # nats per note of the first step
    best_nats: float = math.inf  # nats per note on held-out pieces
    best_progress: float = 0.0  # where that was
    judged_since_best: int = 0
    judged_at: float = 0.0  # seconds
    judging_seconds: float = 0.0  # that it took
    notes: float = 0.0  # of this epoch so far, and sums over its batches:
    nats: float = 0.0
    gradient_norms: float = 0.0
    highest_gradient_norm: float = 0.0
    has_ended: bool = False
    stopped_early: bool = False
    history: list[dict] = field(default_factory=list)  # a row an epoch


class Snapshot(NamedTuple):
    """All that a training needs to go on: variables of network and optimizer (the states of random numbers are among them), average, position."""

    arrays: dict[str, np.ndarray]
    position: dict


@dataclass(frozen=True, slots=True)
class Epoch:
    """What is known after an epoch, or in the middle of one."""

    number: int  # from 1; the one that is running
    training_nats: float  # nats per note so far in this epoch
    held_out: dict[str, float] | None  # nats per note by field, None where this epoch was not judged
    best_nats: float  # nats per note on held-out pieces, the best so far
    improved: bool
    notes_per_second: float  # of the latest steps that did not compile; 0 before there are any
    step_seconds: float  # that one of them takes, the median
    progress: float  # of the whole training, 0..1
    seconds: float  # since the beginning
    seconds_left: float | None  # None before a few steps have been taken that did not compile
    steps: int  # training steps since the beginning
    steps_an_epoch: int
    learning_rate: float
    gradient_norm: float  # mean of the epoch so far, before clipping
    highest_gradient_norm: float
    trouble: str = ""  # the loss blew up: how, and what is done

    def row(self, active: Iterable[int]) -> dict:
        """What is kept of an epoch; figures that there are none of are None."""
        judged = self.held_out
        return {
            "epoch": self.number,
            "steps": self.steps,
            "seconds": round(self.seconds, 1),
            "learning_rate": self.learning_rate,
            "training": self.training_nats,
            "held_out": sum(judged.values()) if judged else None,
            **{f"held_out_{NAMES[field]}": judged[NAMES[field]] if judged else None for field in active},
            "gradient_norm": self.gradient_norm,
            "highest_gradient_norm": self.highest_gradient_norm,
        }

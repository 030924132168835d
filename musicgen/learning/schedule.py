"""How long and how hard to train: a linear warm-up, then a cosine to zero (one cycle), by epochs or by the clock.

Conventions: progress runs from 0, the beginning, to 1, the end. The clock stands still while no program trains.
"""

import math
from dataclasses import dataclass

PRECISIONS = ("float32", "mixed_bfloat16")
WARM_UP = 0.1  # of all progress
PATIENCE = 0.25  # of all progress; the four voices of the benchmarks are at their best at three quarters of it, and overfit slowly from then on
MOST_JUDGED = 100  # times that held-out pieces are judged, where epochs are counted
FEWEST_JUDGED = 5  # times that held-out pieces have been judged since the best, before a training is stopped early


@dataclass(frozen=True, slots=True)
class Schedule:
    """The settings of a training."""

    minutes: float | None = None  # of training, or else
    epochs: int | None = None
    learning_rate: float = 3e-3  # at its highest
    weight_decay: float = 0.1
    gradient_norm: float = 1.0  # at most
    averaging: float = 0.9988  # how much of the average a step keeps, once there have been many
    batch_rows: int = 512  # notes a step, padding included; fewer learn more from each epoch, and take longer for it
    window: int = 64  # notes that gradients reach back
    precision: str = "float32"  # of the products in the recurrent layers, one of PRECISIONS; weights and all else stay in float32
    random_seed: int = 0
    patience: float | None = None  # the progress without a better held-out figure after which it is stopped early; None: never

    def progress(self, seconds: float, epochs: float) -> float:
        """From 0 to 1."""
        return min(1.0, max(seconds / (60 * self.minutes) if self.minutes else 0, epochs / self.epochs if self.epochs else 0))

    @property
    def epochs_a_judgement(self) -> int:
        """By how many epochs held-out pieces are judged, where epochs are counted."""
        return math.ceil((self.epochs or 1) / MOST_JUDGED)

    def rate(self, progress: float) -> float:
        """The learning rate at a point of the way."""
        if progress < WARM_UP:
            return self.learning_rate * (0.04 + 0.96 * progress / WARM_UP)
        return self.learning_rate * 0.5 * (1 + math.cos(math.pi * (progress - WARM_UP) / (1 - WARM_UP)))

    def is_hopeless(self, progress_since_best: float, judged_since_best: int) -> bool:
        """Whether to stop early. The learning rate falls to the end, and held-out figures with it, so that a short pause says nothing."""
        return self.patience is not None and progress_since_best >= self.patience and judged_since_best >= FEWEST_JUDGED

"""What is said of a training while it runs, and the figures that are kept."""

import math
import time
from pathlib import Path

from musicgen.cli.console import clock, say, status_line
from musicgen.cli.history import keep_history
from musicgen.learning.position import Epoch
from musicgen.learning.schedule import Schedule

TENSORBOARD = "tensorboard"
REPORT_SECONDS = 0.5  # between two updates of the progress line


class Journal:
    """The journal of a run."""

    def __init__(self, folder: Path, schedule: Schedule, with_tensorboard: bool, quiet: bool) -> None:
        """Raises OSError. TensorFlow has been loaded."""
        self._folder, self._schedule, self._quiet = folder, schedule, quiet
        self._events = None
        if with_tensorboard:
            from musicgen.learning.tensorboard import EventWriter

            self._events = EventWriter(folder / TENSORBOARD)
        self._shown_at = -math.inf
        self._has_estimated = False

    def report(self, epoch: Epoch, history: list[dict]) -> None:
        """Show a state of the training; keep the history where an epoch has been judged. Raises OSError."""
        if epoch.held_out is not None:
            keep_history(self._folder, history)
            if self._events:
                figures = {name: value for name, value in history[-1].items() if name not in ("epoch", "steps") and value is not None}
                self._events.write(figures, epoch.steps)
        if epoch.trouble:
            status_line("", last=False)
            say(epoch.trouble, self._quiet)
        self._estimate(epoch)
        now = time.monotonic()
        if not self._quiet and (epoch.held_out is not None or now - self._shown_at > REPORT_SECONDS):
            self._shown_at = now
            status_line(_line(epoch), last=epoch.held_out is not None)

    def _estimate(self, epoch: Epoch) -> None:
        """Say once, after the first steps, how long all of it will take."""
        if self._has_estimated or not epoch.notes_per_second or epoch.seconds_left is None:
            return
        self._has_estimated = True
        minutes, every = self._schedule.minutes, self._schedule.epochs_a_judgement
        steps = f"{epoch.steps_an_epoch} step{'s' * (epoch.steps_an_epoch != 1)} an epoch"
        if minutes is None:
            judged = f"; held-out pieces are judged every {every} epochs" if every > 1 else ""
            say(f"{steps}, about {clock(epoch.seconds + epoch.seconds_left)} in all{judged}", self._quiet)
        elif epoch.step_seconds:
            epochs = epoch.seconds_left / (epoch.steps_an_epoch * epoch.step_seconds)
            say(f"{steps}, about {epochs:.2g} epochs in {clock(60 * minutes)}", self._quiet)


def _line(epoch: Epoch) -> str:
    if epoch.held_out is not None:
        figure = f"  held-out {sum(epoch.held_out.values()):.3f}"
    else:
        figure = f"  best {epoch.best_nats:.3f}" if epoch.best_nats < math.inf else ""
    rate = f"  {epoch.notes_per_second:,.0f} notes/s" if epoch.notes_per_second else ""
    left = f"  {clock(epoch.seconds_left)} left" if epoch.seconds_left is not None else ""
    return f"epoch {epoch.number}  training {epoch.training_nats:.3f}{figure} nats per note{rate}{left}"

"""What goes wrong in a training, and what can be done about it."""

from musicgen.learning.schedule import Schedule
from musicgen.model.configuration import Configuration

MOST_HALVINGS = 3  # of the learning rate
OUT_OF_MEMORY = ("ResourceExhaustedError", "OutOfMemoryError")  # the errors of TensorFlow and PyTorch by name; JAX's says it in its message


class TrainingError(Exception):
    """Training cannot go on; the message says why and what to do."""


class TroubleError(Exception):
    """The weights are lost; the message says how that showed."""


class MemoryTroubleError(Exception):
    """A step did not find room."""


def is_out_of_memory(error: Exception) -> bool:
    """Whether a step did not find room, on whatever backend."""
    return isinstance(error, MemoryError) or type(error).__name__ in OUT_OF_MEMORY or "RESOURCE_EXHAUSTED" in str(error)


def blown_up_for_good(trouble: str, epoch: int, schedule: Schedule, configuration: Configuration) -> TrainingError:
    """The weights were lost with the smallest learning rate too."""
    rate = schedule.learning_rate
    advice = f"try --learning-rate {min(rate / 2 ** (MOST_HALVINGS + 2), Schedule().learning_rate):.1g}"
    relu = configuration.cell == "rnn" and configuration.activation == "relu"
    also = ", or --activation tanh, which can't grow beyond 1" if relu else ""
    return TrainingError(f"{trouble} in epoch {epoch}, with 1/{2**MOST_HALVINGS} of the learning rate {rate:g} too: {advice}{also}")

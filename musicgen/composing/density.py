"""How many notes: a bias over the time shifts that brings their mean to what is wanted.

Conventions: B takes, V ids of `time_shift`, the last of which ends the piece and stays as likely as it is. Of all distributions with a given mean
shift exp(-slope * shift) times the network's own is the nearest to it (Csiszar 1975); the slope is found by halving an interval.

A relative density divides the mean that the network gives by a factor, note by note. Notes a bar are a factor that follows the piece: how many
notes must still come in the time that is left, by how many the network alone would play in it, as its means so far say.
"""

import numpy as np

STEEPEST = 64.0  # slope, nats a quarter
HALVINGS = 40
LARGEST_FACTOR = 8.0


def mean_shift(logits: np.ndarray, allowed: np.ndarray, quarters: np.ndarray) -> np.ndarray:
    """(B,) quarters: the mean shift of what goes on, 0 where nothing can.

    Args:
        logits, allowed: (B, V).
        quarters: (V - 1,) the shifts.
    """
    return _tilted(_going_on(logits, allowed), np.zeros(len(logits)), quarters)[1]


def with_mean_shift(logits: np.ndarray, allowed: np.ndarray, quarters: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Logits (B, V) with a mean shift of `wanted` (B,) quarters, or the nearest that is possible."""
    own = _going_on(logits, allowed)
    low, high = np.full(len(logits), -STEEPEST), np.full(len(logits), STEEPEST)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        is_long = _tilted(own, middle, quarters)[1] > wanted
        low, high = np.where(is_long, middle, low), np.where(is_long, high, middle)
    tilted = _tilted(own, (low + high) / 2, quarters)[0]
    return np.concatenate((np.where(np.isfinite(own), tilted + _log_sum(own) - _log_sum(tilted), -np.inf), logits[:, -1:]), axis=1)


def factors(notes_left: np.ndarray, quarters_left: np.ndarray, usual_shift: np.ndarray) -> np.ndarray:
    """(B,) by which the means are to be divided, so that so many notes come in so many quarters where one comes in `usual_shift` quarters."""
    usual = np.maximum(quarters_left, 1e-6) / np.maximum(usual_shift, 1e-6)
    return np.clip(notes_left / usual, 1 / LARGEST_FACTOR, LARGEST_FACTOR)


def _going_on(logits: np.ndarray, allowed: np.ndarray) -> np.ndarray:
    """(B, V - 1) logits, -inf for what is not allowed."""
    return np.where(allowed, logits, -np.inf)[:, :-1].astype(np.float64)


def _tilted(own: np.ndarray, slope: np.ndarray, quarters: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Logits tilted by a slope (B,), and their mean shift (B,)."""
    logits = own - slope[:, None] * quarters
    highest = logits.max(axis=1, keepdims=True)
    weights = np.exp(logits - np.where(np.isfinite(highest), highest, 0))
    return logits, (weights * quarters).sum(axis=1) / np.maximum(weights.sum(axis=1), 1e-300)


def _log_sum(logits: np.ndarray) -> np.ndarray:
    """(B, 1) of (B, V), 0 where all are -inf."""
    highest = logits.max(axis=1, keepdims=True)
    highest = np.where(np.isfinite(highest), highest, 0)
    total = np.exp(logits - highest).sum(axis=1, keepdims=True)
    return highest + np.log(np.where(total > 0, total, 1))

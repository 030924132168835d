"""Logits -> one choice each: pure functions, with their randomness as an argument.

Conventions: B rows of V logits; what is not allowed has probability 0 and the rest sum to one. The order is that of the
field's libraries: temperature, then top-k (Fan et al. 2018), top-p (Holtzman et al. 2020) and min-p (Nguyen et al. 2024).
"""

import numpy as np


def probabilities(
    logits: np.ndarray, allowed: np.ndarray, *, temperature: float | np.ndarray = 1.0, top_k: int = 0, top_p: float = 1.0, min_p: float = 0.0
) -> np.ndarray:
    """Probabilities (B, V), float64.

    Args:
        logits: (B, V).
        allowed: (B, V) bool, at least one true in each row.
        temperature: divides the logits, one or (B,); 0 leaves the likeliest choice alone.
        top_k: keeps the k likeliest choices, 0 all.
        top_p: keeps the fewest likeliest choices that together reach this probability.
        min_p: keeps the choices at least this fraction as likely as the likeliest.
    """
    masked = np.where(allowed, logits.astype(np.float64), -np.inf)
    highest = masked.max(axis=1, keepdims=True)
    cold = np.reshape(temperature, (-1, 1)) == 0
    with np.errstate(over="ignore"):  # near temperature 0 all but the likeliest are infinitely far below it
        weights = np.exp((masked - highest) / np.where(cold, 1, np.reshape(temperature, (-1, 1))))
    if cold.any():
        weights = np.where(cold, np.eye(masked.shape[1])[masked.argmax(axis=1)], weights)
    if top_k and top_k < weights.shape[1]:
        weights[weights < np.partition(weights, -top_k, axis=1)[:, -top_k, None]] = 0
    weights /= weights.sum(axis=1, keepdims=True)
    if top_p < 1:
        order = np.argsort(-weights, axis=1, kind="stable")
        ranked = np.take_along_axis(weights, order, axis=1)
        beyond = np.cumsum(ranked, axis=1) - ranked >= top_p
        np.put_along_axis(weights, order, np.where(beyond, 0, ranked), axis=1)
    if min_p:
        weights[weights < min_p * weights.max(axis=1, keepdims=True)] = 0
    return weights / weights.sum(axis=1, keepdims=True)


def sample(logits: np.ndarray, allowed: np.ndarray, uniforms: np.ndarray, **settings) -> np.ndarray:
    """One choice a row, (B,): the first whose cumulated probability exceeds the row's uniform number in 0 <= u < 1."""
    chances = probabilities(logits, allowed, **settings)
    cumulated = np.cumsum(chances, axis=1)
    choice = (cumulated <= uniforms[:, None] * cumulated[:, -1:]).sum(axis=1)
    last = chances.shape[1] - 1 - np.argmax(chances[:, ::-1] > 0, axis=1)  # rounding must not choose the impossible
    return np.minimum(choice, last)

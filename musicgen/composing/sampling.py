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
    weights = _weights(logits, allowed, temperature, top_k, top_p, min_p)
    return weights / weights.sum(axis=1, keepdims=True)


def sample(
    logits: np.ndarray,
    allowed: np.ndarray,
    uniforms: np.ndarray,
    *,
    temperature: float | np.ndarray = 1.0,
    top_k: int = 0,
    top_p: float = 1.0,
    min_p: float = 0.0,
) -> np.ndarray:
    """One choice a row, (B,): the first whose cumulated probability exceeds the row's uniform number in 0 <= u < 1."""
    weights = _weights(logits, allowed, temperature, top_k, top_p, min_p)
    cumulated = weights.cumsum(axis=1)
    choice = (cumulated <= uniforms[:, None] * cumulated[:, -1:]).sum(axis=1)
    last = weights.shape[1] - 1 - (weights[:, ::-1] > 0).argmax(axis=1)  # rounding must not choose the impossible
    return np.minimum(choice, last)


def _weights(logits: np.ndarray, allowed: np.ndarray, temperature: float | np.ndarray, top_k: int, top_p: float, min_p: float) -> np.ndarray:
    """(B, V) probabilities but for a factor, that of the likeliest is 1."""
    heat = np.reshape(temperature, (-1, 1))
    weights = np.where(allowed, logits, -np.inf).astype(np.float64)
    weights -= weights.max(axis=1, keepdims=True)
    cold = heat == 0
    if cold.any():
        likeliest = np.eye(weights.shape[1])[weights.argmax(axis=1)]
        if cold.all():
            return likeliest
    with np.errstate(over="ignore"):  # near temperature 0 all but the likeliest are infinitely far below it
        weights /= np.where(cold, 1, heat) if cold.any() else heat
    np.exp(weights, out=weights)
    if cold.any():
        weights = np.where(cold, likeliest, weights)
    if top_k and top_k < weights.shape[1]:
        weights[weights < np.partition(weights, -top_k, axis=1)[:, -top_k, None]] = 0
    if top_p < 1:
        rows = np.arange(len(weights))[:, None]
        order = np.argsort(-weights, axis=1, kind="stable")
        ranked = weights[rows, order]
        cumulated = ranked.cumsum(axis=1)
        ranked[cumulated - ranked >= top_p * cumulated[:, -1:]] = 0
        weights[rows, order] = ranked
    if min_p:
        weights[weights < min_p] = 0
    return weights

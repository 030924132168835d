"""Logits -> one choice each: pure functions, with their randomness as an argument.

Conventions: B rows of V logits; what is not allowed has probability 0 and the rest sum to one. The order is that of the
field's libraries: temperature, then top-k (Fan et al. 2018), top-p (Holtzman et al. 2020) and min-p (Nguyen et al. 2024). Each of these keeps the
likeliest, so all of them together are a number of choices, of equally likely ones those with the smaller ids.
"""

import numpy as np

TINY = np.finfo(np.float64).tiny  # a weight below it is none


def probabilities(logits: np.ndarray, allowed: np.ndarray, **settings) -> np.ndarray:
    """Probabilities (B, V), float64; the arguments are those of `sample`."""
    order, ranked, _cumulated, kept = _ranked(logits, allowed, **settings)
    ranked[np.arange(ranked.shape[1]) >= kept[:, None]] = 0
    chances = np.zeros_like(ranked)
    np.put_along_axis(chances, order, ranked / ranked.sum(axis=1, keepdims=True), axis=1)
    return chances


def sample(logits: np.ndarray, allowed: np.ndarray, uniforms: np.ndarray, **settings) -> np.ndarray:
    """One choice a row, (B,): the likeliest first, the one at which their cumulated probability exceeds the row's uniform number.

    Args:
        logits: (B, V).
        allowed: (B, V) bool, at least one true in each row.
        uniforms: (B,) numbers in 0 <= u < 1.
        temperature: divides the logits, one or (B,); 0 leaves the likeliest choice alone.
        top_k: keeps the k likeliest choices, 0 all.
        top_p: keeps the fewest likeliest choices that together reach this probability.
        min_p: keeps the choices at least this fraction as likely as the likeliest.
    """
    order, _ranked_weights, cumulated, kept = _ranked(logits, allowed, **settings)
    rows = np.arange(len(order))
    choice = (cumulated <= (uniforms * cumulated[rows, kept - 1])[:, None]).sum(axis=1)
    return order[rows, np.minimum(choice, kept - 1)]  # rounding must not choose the impossible


def _ranked(
    logits: np.ndarray, allowed: np.ndarray, *, temperature: float | np.ndarray = 1.0, top_k: int = 0, top_p: float = 1.0, min_p: float = 0.0
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Ids (B, V), the likeliest first, their weights, those cumulated, and how many (B,) are kept; the likeliest weighs 1."""
    heat = np.reshape(temperature, (-1, 1))
    is_cold = heat == 0
    losses = np.where(allowed, -logits, np.inf).astype(np.float64)
    losses -= losses.min(axis=1, keepdims=True)
    order = losses.argsort(axis=1, kind="stable")
    rows = np.arange(len(order))[:, None]
    with np.errstate(over="ignore"):  # near temperature 0 all but the likeliest are infinitely far below it
        ranked = np.exp(losses[rows, order] / -np.where(is_cold, 1, heat))
    cumulated = ranked.cumsum(axis=1)
    kept = (ranked >= max(min_p, TINY)).sum(axis=1)
    if top_k:
        kept = np.minimum(kept, top_k)
    if top_p < 1:
        total = cumulated[rows[:, 0], min(top_k or ranked.shape[1], ranked.shape[1]) - 1, None]
        kept = np.minimum(kept, (cumulated - ranked < top_p * total).sum(axis=1))
    if is_cold.any():
        kept = np.where(is_cold[:, 0], 1, kept)
    return order, ranked, cumulated, kept

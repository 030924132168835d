"""Logits -> one choice each: pure functions, with their randomness as an argument.

Conventions: B rows of V logits; what is not allowed has probability 0 and the rest sum to one. The order is that of the
field's libraries: temperature, then top-k (Fan et al. 2018), top-p (Holtzman et al. 2020) and min-p (Nguyen et al. 2024). Each of these keeps the
likeliest, so all of them together are a number of choices, of equally likely ones those with the smaller ids.
"""

import numpy as np

TINY = np.finfo(np.float64).tiny  # a weight below it is none
IMPOSSIBLE = np.float64(-np.inf)  # nats
COLDEST = 1e-260  # temperature, so that no quotient of float32 logits is infinite; what is less likely than the likeliest has no weight there


def probabilities(logits: np.ndarray, allowed: np.ndarray, **settings) -> np.ndarray:
    """Probabilities (B, V), float64; the arguments are those of `sample`."""
    order, ranked, _cumulated, kept = _ranked(logits, allowed, **settings)
    ranked[np.arange(ranked.shape[1]) >= kept[:, None]] = 0
    chances = np.zeros(logits.shape)
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
    rows, last = np.arange(len(order)), kept - 1
    choice = np.add.reduce(cumulated <= (uniforms * cumulated[rows, last])[:, None], axis=1)
    return order[rows, np.minimum(choice, last)]  # rounding must not choose the impossible


def _ranked(
    logits: np.ndarray, allowed: np.ndarray, *, temperature: float | np.ndarray = 1.0, top_k: int = 0, top_p: float = 1.0, min_p: float = 0.0
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Ids (B, N), the likeliest first, their weights, those cumulated, and how many (B,) are kept; the likeliest weighs 1."""
    heat = np.maximum(temperature, COLDEST)
    gains = np.where(allowed, logits, IMPOSSIBLE)
    gains -= np.maximum.reduce(gains, axis=1, keepdims=True)
    order = (-gains).argsort(axis=1, kind="stable")
    if top_k:
        order = order[:, :top_k]
    ranked = np.exp(gains[np.arange(len(order))[:, None], order] / heat[..., None])
    cumulated = np.add.accumulate(ranked, axis=1)
    is_kept = ranked >= max(min_p, TINY)
    if top_p < 1:
        is_kept &= cumulated - ranked < top_p * cumulated[:, -1:]
    return order, ranked, cumulated, np.where(heat > COLDEST, np.add.reduce(is_kept, axis=1), 1)

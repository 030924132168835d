"""How alike two samples of distances are: densities by Gaussian kernels, the area under both, and the divergence.

Conventions: samples are arrays of finite numbers; a density is a set of masses on 1024 evenly spaced points that sum to one. A sample that
does not vary is a point mass, so nothing divides by zero.

Sources: Scott 1992, "Multivariate density estimation" (bandwidth, linear binning); Yang and Lerch 2018, "On the evaluation of generative models
in music" (the two figures). Deviations from Yang and Lerch's mgeval: both densities are taken on one grid that holds their tails, where mgeval
cuts the tails off (its areas stay below 1) and takes its divergence between different grids; samples move to the grid's points first.
"""

from typing import NamedTuple

import numpy as np

GRID_POINTS = 1024
TAIL = 4  # bandwidths beyond the extreme samples
LEAST_MASS = 1e-12  # added to each grid point where two densities are divided, so a divergence stays below 28 nats


class Agreement(NamedTuple):
    """How alike two distributions are."""

    overlapped_area: float  # 0..1
    divergence: float  # nats, 0..28: Kullback and Leibler's, of the first with the second as its model


def distances(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Euclidean distances of rows, (M, K) and (N, K) -> (M, N)."""
    return np.sqrt(np.square(first[:, None] - second[None]).sum(axis=-1))


def bandwidth(samples: np.ndarray) -> float:
    """Scott's rule, in the unit of the samples (N,); 0 where they do not vary."""
    return float(samples.std(ddof=1) * len(samples) ** -0.2) if len(samples) > 1 else 0.0


def density(samples: np.ndarray, low: float, high: float) -> np.ndarray:
    """Masses at the points of the grid from low to high, (1024,), that sum to one.

    Args:
        samples: (N,), at least one, all within low..high; low is less than high.
    """
    place = (samples - low) / (high - low) * (GRID_POINTS - 1)
    left = np.clip(place.astype(np.int64), 0, GRID_POINTS - 2)
    share = np.clip(place - left, 0, 1)  # of the sample that goes to the point at its right
    masses = np.bincount(left, 1 - share, GRID_POINTS) + np.bincount(left + 1, share, GRID_POINTS)
    width = bandwidth(samples) / (high - low) * (GRID_POINTS - 1)
    if width > 0.1:  # of the space between two points; a narrower kernel moves nothing
        kernel = np.exp(-0.5 * np.square(np.arange(1 - GRID_POINTS, GRID_POINTS) / width))
        masses = np.convolve(masses, kernel, mode="valid")
    return masses / masses.sum()


def agreement(first: np.ndarray, second: np.ndarray) -> Agreement | None:
    """Overlapped area and divergence of two samples, (M,) and (N,); None where one of them is empty."""
    if not len(first) or not len(second):
        return None
    low, high = (float(extreme([extreme(first), extreme(second)])) for extreme in (np.min, np.max))
    if high - low <= 1e-9 * max(abs(low), abs(high), 1e-3):  # one and the same number, but for rounding
        return Agreement(1.0, 0.0)
    tail = TAIL * max(bandwidth(first), bandwidth(second))
    p, q = (density(samples, low - tail, high + tail) for samples in (first, second))
    overlapped = min(1.0, float(np.minimum(p, q).sum()))
    p, q = ((masses + LEAST_MASS) / (1 + GRID_POINTS * LEAST_MASS) for masses in (p, q))
    return Agreement(overlapped, max(0.0, float((p * np.log(p / q)).sum())))

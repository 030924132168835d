"""Rows times a matrix, so that each row's result is the same to the bit whatever rows stand beside it.

The columns lie in panels of 64, each of which is one piece of memory: rows of 4,096 bytes, as a wide kernel has, would fight for the same places of
the cache, and a BLAS would first copy the matrix. It adds in another order for one row alone, so that one goes twice; that all other numbers of
rows, and all places among them, give the same bits is tried when a matrix is taken. Where they do not, each row goes by itself.
"""

from collections.abc import Callable
from functools import cache

import numpy as np

PANEL = 64  # columns
MOST = 64  # rows at once

Product = Callable[[np.ndarray], np.ndarray]  # (B, U) -> (B, V)


def product_with(matrix: np.ndarray) -> Product:
    """What multiplies rows by a matrix (U, V)."""
    units, width = matrix.shape
    if not is_steady(units):
        return lambda rows: np.matmul(rows[:, None], matrix)[:, 0]
    padded = np.pad(matrix, ((0, 0), (0, -width % PANEL)))
    panels = np.ascontiguousarray(padded.reshape(units, -1, PANEL).transpose(1, 0, 2))  # (V / 64, U, 64)
    if width % PANEL == 0:
        return lambda rows: _by_panels(rows, panels)
    return lambda rows: _by_panels(rows, panels)[:, :width]


@cache
def is_steady(units: int) -> bool:
    """Whether the BLAS gives the same bits in each place among 2 to MOST rows, for panels of so many rows."""
    random = np.random.default_rng(0)
    row, panel = random.standard_normal(units).astype(np.float32), random.standard_normal((1, units, PANEL)).astype(np.float32)
    several = np.tile(row, (MOST, 1))
    first = _by_panels(several[:2], panel)[0]
    return all(bool((_by_panels(several[:count], panel) == first).all()) for count in range(2, MOST + 1))


def _by_panels(rows: np.ndarray, panels: np.ndarray) -> np.ndarray:
    if len(rows) > MOST:
        return np.concatenate([_by_panels(rows[start : start + MOST], panels) for start in range(0, len(rows), MOST)])
    several = rows.repeat(2, axis=0) if len(rows) == 1 else rows
    columns = np.empty((len(several), len(panels), PANEL), np.float32)
    np.matmul(several, panels, out=columns.transpose(1, 0, 2))
    return columns.reshape(len(several), -1)[: len(rows)]

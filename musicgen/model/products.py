"""Rows times a matrix, so that each row's result is the same to the bit whatever rows stand beside it.

A BLAS adds in another order for other numbers of rows, but always in the same for the same number: so rows go in blocks of a few sizes, filled up
with zeros, and that all places in all sizes of blocks give the same bits is tried when a matrix is taken. Where they do not, each row goes by
itself. On x86 OpenBLAS keeps it if the columns are a multiple of 16; many rows then take half the time.
"""

from collections.abc import Callable
from functools import cache

import numpy as np

PAIR = 2
BLOCKS = ((64, 48), (32, 24), (16, 12))  # rows, and the fewest that are worth the block; fewer go in pairs
COLUMNS = 16

Product = Callable[[np.ndarray], np.ndarray]  # (B, U) -> (B, V)


def product_with(matrix: np.ndarray, exact: bool) -> Product:
    """What multiplies rows by a matrix (U, V); not `exact`, all rows go at once, and the results depend on how many they are."""
    if not exact:
        return lambda rows: np.matmul(rows, matrix)
    width = matrix.shape[1]
    padded = np.pad(matrix, ((0, 0), (0, -width % COLUMNS))) if width % COLUMNS else np.ascontiguousarray(matrix)
    if not is_steady(*padded.shape):
        return lambda rows: np.matmul(rows[:, None], matrix)[:, 0]
    if width == padded.shape[1]:
        return lambda rows: _in_blocks(rows, padded)
    return lambda rows: _in_blocks(rows, padded)[:, :width]


@cache
def is_steady(units: int, columns: int) -> bool:
    """Whether the BLAS gives the same bits in each place of each block, for matrices of this shape."""
    random = np.random.default_rng(0)
    row, matrix = random.standard_normal(units).astype(np.float32), random.standard_normal((units, columns)).astype(np.float32)
    first = np.matmul(np.tile(row, (PAIR, 1)), matrix)[0]
    return all(bool((np.matmul(np.tile(row, (size, 1)), matrix) == first).all()) for size in (PAIR, *(size for size, _ in BLOCKS)))


def _in_blocks(rows: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    if len(rows) <= PAIR:
        return np.matmul(_filled(rows, PAIR), matrix)[: len(rows)]
    results, start = [], 0
    for size, least in BLOCKS:
        while len(rows) - start >= least:
            results.append(np.matmul(_filled(rows[start : start + size], size), matrix)[: len(rows) - start])
            start += size
    if start < len(rows):
        left = _filled(rows[start:], -(-(len(rows) - start) // PAIR) * PAIR)
        pairs = np.matmul(left.reshape(-1, PAIR, rows.shape[1]), matrix) if len(left) > PAIR else np.matmul(left, matrix)
        results.append(pairs.reshape(len(left), -1)[: len(rows) - start])
    return results[0] if len(results) == 1 else np.concatenate(results)


def _filled(rows: np.ndarray, size: int) -> np.ndarray:
    """The rows and as many of zeros as lack."""
    if len(rows) == size:
        return np.ascontiguousarray(rows)
    filled = np.zeros((size, rows.shape[1]), np.float32)
    filled[: len(rows)] = rows
    return filled

"""What each field's head is made of, put together for the engine: kernels that one vector is multiplied by, tables that the same keys point at.

Conventions: H hidden units, N columns of a head or rows of tables, V values of a field, D numbers of the vector of what a value is relative to.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from musicgen.encoding.vocabulary import NAMES
from musicgen.model.configuration import RELATIVE_ROLES, state_tables
from musicgen.model.products import Product, product_with
from musicgen.model.relative import Relative

Weights = dict[str, np.ndarray]
FEW = 16  # rows


class Head(NamedTuple):
    """What one field says, from what it is given."""

    product: Product  # of (B, H), to (B, N)
    bias: np.ndarray  # (N,), of which the last belongs to a column that is always 0
    columns: dict[str, slice]  # of the N, by what they say
    given: dict[int, np.ndarray]  # for each earlier field (V, H)


class Tables(NamedTuple):
    """K tables of vectors in one, of each of which an entry is looked up for the same sum."""

    vectors: np.ndarray  # (N, D)
    firsts: np.ndarray  # (K, 1) the row of what is 0
    longest: np.ndarray  # (K, 1) the last that has a row of its own: what is longer is taken for it

    @classmethod
    def of(cls, tables: Sequence[np.ndarray], lowest: Sequence[int]) -> "Tables":
        """`lowest`: what the first row of each table stands for."""
        sizes = np.array([len(table) for table in tables])
        return cls(np.concatenate(tables), (sizes.cumsum() - sizes - lowest)[:, None], (sizes + lowest - 1)[:, None])

    def sum(self, entries: np.ndarray) -> np.ndarray:
        """(B, D) the sum of the vectors of entries (K, B), added one table after the other."""
        rows = np.minimum(entries, self.longest) + self.firsts
        if rows.shape[1] <= FEW:
            return np.add.reduce(self.vectors.take(rows, axis=0, mode="clip"), axis=0)
        total = self.vectors.take(rows[0], axis=0, mode="clip")
        for row in rows[1:]:  # of many, all vectors would not fit into the cache
            total += self.vectors.take(row, axis=0, mode="clip")
        return total


class Keyed(NamedTuple):
    """The tables of a field whose entries follow from keys, in one."""

    tables: list[str]
    firsts: np.ndarray  # (S,) for each key of all tables, one table after the other, the row of that table's key 0
    vectors: np.ndarray  # (N, V, D)
    columns: np.ndarray | None  # (N, V) of the head: where the state says the entry's own logit


def joined(weights: Weights, layers: Sequence[str], nothing: bool = False) -> tuple[np.ndarray, np.ndarray, list[int]]:
    """Kernels and biases of layers in one, and the columns where each ends; with `nothing` one more column, which is always 0."""
    kernels = [weights[f"{layer}/kernel"] for layer in layers]
    biases = [weights.get(f"{layer}/bias", np.zeros(kernel.shape[1], np.float32)) for layer, kernel in zip(layers, kernels, strict=True)]
    ends = np.cumsum([len(bias) for bias in biases]).tolist()
    if nothing:
        kernels.append(np.zeros((len(kernels[0]), 1), np.float32))
        biases.append(np.zeros(1, np.float32))
    return np.concatenate(kernels, axis=1), np.concatenate(biases), ends


def head_of(field: int, weights: Weights, relative: Relative) -> Head:
    """The head of a field."""
    name, tables = NAMES[field], relative.sizes.get(field, {})
    roles = ("logits", *(RELATIVE_ROLES if tables else ()), *(f"{table}_logits" for table in state_tables(field, tables)))
    kernel, bias, ends = joined(weights, [f"{name}_{role}" for role in roles], nothing=True)
    columns = {role: slice(begin, end) for role, begin, end in zip(roles, (0, *ends), ends, strict=False)}
    given = {earlier: weights[f"{name}_given_{NAMES[earlier]}/embeddings"] for earlier in relative.vocabulary.active if earlier < field}
    return Head(product_with(kernel), bias, columns, given)


def vectors_of(field: int, table: str, weights: Weights) -> np.ndarray:
    """The vectors of a table, and one of zeros for nothing."""
    entries = weights[f"{NAMES[field]}_{table}/{'kernel' if table == 'by_recent' else 'embeddings'}"]
    return np.concatenate((entries, np.zeros((1, entries.shape[1]), np.float32)))


def keyed_of(field: int, vectors: dict[tuple[int, str], np.ndarray], head: Head, relative: Relative) -> Keyed:
    """The vectors and columns of all values for every key."""
    tables: list[str] = []
    firsts: list[int] = []
    rows: list[np.ndarray] = []
    columns: list[np.ndarray] = []
    for table, size in relative.sizes[field].items():
        index = relative.index.get((field, table))
        if index is not None:
            tables.append(table)
            firsts += relative.shapes[f"{NAMES[field]}_{table}_keys"][0] * [sum(len(others) for others in rows)]
            rows.append(vectors[field, table][index])
            own = head.columns.get(f"{table}_logits")
            if own is not None:
                columns.append(np.where(index == size, len(head.bias) - 1, own.start + index))
    return Keyed(tables, np.array(firsts), np.concatenate(rows), np.concatenate(columns) if columns else None)

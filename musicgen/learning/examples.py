"""Examples in a file that is mapped into memory, so that a corpus of any size takes none.

Conventions: a row holds all that is known of one note, packed; rows of a piece follow each other, and pieces their number. Numbers are as narrow as
`NARROW` says; where one does not fit, the whole file is written with wide ones.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import overload

import numpy as np

from musicgen.arrays import DamagedArraysError, open_arrays, write_arrays
from musicgen.encoding.context import Context
from musicgen.learning.batches import Example

NARROW = {"recent": "u1", "own_recent": "u1"}  # counts of at most 64 notes; all others are "<i2"
IDS = "ids"
OTHERS = "others/"  # before the names of the arrays that are no part of the examples


class Examples(Sequence[Example]):
    """Examples that are not read before they are looked at."""

    def __init__(self, rows: np.ndarray, ends: np.ndarray, ranges: np.ndarray, numbers: range | None = None) -> None:
        """Of all rows (N,), of a type with fields, the end of each example, and how far each can be transposed (E, 2)."""
        self._rows, self._ends, self._ranges = rows, ends, ranges
        self._numbers = range(len(ends)) if numbers is None else numbers

    def __len__(self) -> int:
        return len(self._numbers)

    @overload
    def __getitem__(self, index: int) -> Example: ...
    @overload
    def __getitem__(self, index: slice) -> "Examples": ...
    def __getitem__(self, index: int | slice) -> "Example | Examples":
        if isinstance(index, slice):
            return Examples(self._rows, self._ends, self._ranges, self._numbers[index])
        number = self._numbers[index]
        rows = self._rows[self._ends[number - 1] if number else 0 : self._ends[number]]
        return Example(rows[IDS], Context(*(rows[name] for name in Context._fields)), *self._ranges[number].tolist())


def open_examples(path: Path) -> tuple[Examples, dict, dict[str, np.ndarray]]:
    """Examples, and the words and arrays that were written with them. Raises DamagedArraysError or OSError."""
    arrays, about = open_arrays(path)
    try:
        rows, ends, ranges = arrays["rows"].reshape(-1).view(_type(about["row"])), np.array(arrays["ends"]), np.array(arrays["ranges"])
        if rows.dtype.names != (IDS, *Context._fields) or ends[-1] != len(rows) or len(ends) != len(ranges):
            raise DamagedArraysError("rows that do not belong together")
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise DamagedArraysError(f"no examples ({type(error).__name__})") from None
    others = {name.removeprefix(OTHERS): array for name, array in arrays.items() if name.startswith(OTHERS)}
    return Examples(rows, ends, ranges), about["said"], others


def write_examples(path: Path, examples: Callable[[], Iterable[Example]], said: dict, others: Mapping[str, np.ndarray]) -> None:
    """Write the file whole or not at all. Raises OSError.

    Args:
        examples: gives them all, at least one; it is called once more where numbers are too large to be narrow.
        said: of them, as JSON; it may be said while they are given.
        others: arrays that belong to them.
    """
    for is_narrow in (True, False):
        packing = Packing(examples(), is_narrow)
        about = {"row": packing.row, "said": said}  # the row is known when all are written, as `about` is
        try:
            arrays = {"rows": packing.rows(), "ends": packing.all_ends(), "ranges": packing.all_ranges()}
            write_arrays(path, {**arrays, **{f"{OTHERS}{name}": array for name, array in others.items()}}, about)
            return
        except OverflowError:
            continue


class Packing:
    """Examples on their way into a file."""

    def __init__(self, examples: Iterable[Example], is_narrow: bool) -> None:
        self._examples, self._is_narrow = examples, is_narrow
        self._ends: list[int] = [0]
        self._ranges: list[tuple[int, int]] = []
        self.row: list[tuple[str, str, list[int]]] = []  # name, type and shape of each field, once there was an example

    def rows(self) -> Iterator[np.ndarray]:
        """(N, W) bytes of each example. Raises OverflowError for numbers that are too large."""
        for example in self._examples:
            columns = {IDS: example.ids, **example.context._asdict()}
            kinds = NARROW if self._is_narrow else {}
            self.row[:] = [(name, kinds.get(name, "<i2" if self._is_narrow else "<i4"), list(values.shape[1:])) for name, values in columns.items()]
            rows = np.zeros(len(example.ids), _type(self.row))
            for name, values in columns.items():
                rows[name] = values
                if self._is_narrow and not np.array_equal(rows[name], values):
                    raise OverflowError(f"{name} of {values.max()}")
            self._ends.append(self._ends[-1] + len(rows))
            self._ranges.append((example.lowest, example.highest))
            yield rows.view(np.uint8).reshape(len(rows), -1)

    def all_ends(self) -> Iterator[np.ndarray]:
        """(E,) when all rows have been given."""
        yield np.array(self._ends[1:], np.int64)

    def all_ranges(self) -> Iterator[np.ndarray]:
        """(E, 2) when all rows have been given."""
        yield np.array(self._ranges, np.int64)


def _type(row: Iterable[Sequence]) -> np.dtype:
    return np.dtype([(name, kind, tuple(shape)) for name, kind, shape in row])

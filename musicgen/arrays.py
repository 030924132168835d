"""Arrays in a file that is mapped into memory, so that any number of them costs none.

Conventions: a file begins with `HEAD`: what it is, and where its last part begins. The arrays follow, each from a multiple of `ALIGNMENT` bytes on.
The last part is JSON: names, types, shapes and places of the arrays, a checksum of them (CRC-32), and what the writer has to say. Opening a
file runs none of its content; one that is cut off, damaged or foreign is named as such.
"""

import json
import math
import os
import struct
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from musicgen.files import whole_file

HEAD = struct.Struct("<16sQQI")  # what it is, place, size and checksum of the JSON
MAGIC = b"musicgen arrays1"
ALIGNMENT = 64  # bytes
BLOCK = 1 << 20  # bytes that are read at once, so that checking a file takes no memory
TYPES = ("|u1", "|i1", "|b1", "<i2", "<u2", "<i4", "<u4", "<i8", "<u8", "<f4", "<f8")


class DamagedArraysError(Exception):
    """A file that holds no arrays that can be used; the message says why."""


def write_arrays(path: Path, arrays: Mapping[str, np.ndarray | Iterable[np.ndarray]], about: dict) -> None:
    """Write the file whole or not at all. An array may come in pieces, at least one, which follow each other. Raises OSError."""
    with whole_file(path) as file:
        at = file.write(bytes(ALIGNMENT))
        places, checksum = {}, 0
        for name, given in arrays.items():
            begin, rows = at, 0
            for piece in [given] if isinstance(given, np.ndarray) else given:
                array = np.ascontiguousarray(piece, piece.dtype.newbyteorder("<"))
                content, rows, kind = array.tobytes(), rows + len(array), (array.dtype.str, array.shape[1:])
                checksum, at = zlib.crc32(content, checksum), at + file.write(content)
            places[name] = [kind[0], [rows, *kind[1]], begin]
            padding = bytes(-at % ALIGNMENT)
            checksum, at = zlib.crc32(padding, checksum), at + file.write(padding)
        last = json.dumps({"arrays": places, "checksum": checksum, "about": about}).encode()
        file.write(last)
        file.seek(0)
        file.write(HEAD.pack(MAGIC, at, len(last), zlib.crc32(last)))


def open_arrays(path: Path, check: bool = True) -> tuple[dict[str, np.ndarray], dict]:
    """The arrays, mapped into memory, and what the writer had to say.

    Args:
        check: compare the checksum, which reads the whole file once.

    Raises:
        DamagedArraysError: cut off, damaged or foreign.
        OSError: it can't be opened.
    """
    with open(path, "rb") as file:
        try:
            magic, end, size, checksum = HEAD.unpack(file.read(HEAD.size))
            if magic != MAGIC or end + size != os.fstat(file.fileno()).st_size:
                raise DamagedArraysError("cut off, or no file of arrays")
            file.seek(end)
            last = file.read(size)
            if zlib.crc32(last) != checksum:
                raise DamagedArraysError("its list of arrays is damaged")
            document = json.loads(last)
            places, about = document["arrays"], document["about"]
            if check:
                _check(file, end, document["checksum"])
        except (struct.error, ValueError, KeyError, TypeError) as error:
            raise DamagedArraysError(f"no file of arrays ({type(error).__name__})") from None
    mapped = np.memmap(path, np.uint8, "r")  # once, since each map keeps the file open
    return {name: _view(mapped, *place) for name, place in places.items()}, about


def _check(file, end: int, checksum: int) -> None:
    file.seek(ALIGNMENT)
    found, left = 0, end - ALIGNMENT
    while left > 0:
        block = file.read(min(BLOCK, left))
        if not block:
            raise DamagedArraysError("cut off")
        found, left = zlib.crc32(block, found), left - len(block)
    if found != checksum:
        raise DamagedArraysError("its arrays are damaged")


def _view(mapped: np.ndarray, kind: str, shape: list[int], begin: int) -> np.ndarray:
    if kind not in TYPES:
        raise DamagedArraysError(f"arrays of {kind}")
    size = math.prod(shape) * np.dtype(kind).itemsize
    if begin % ALIGNMENT or not 0 <= begin <= begin + size <= len(mapped):
        raise DamagedArraysError("arrays that lie outside of the file")
    return mapped[begin : begin + size].view(np.ndarray).view(kind).reshape(shape)

"""What a reader of MIDI heard in a file, in its ticks, before anything moves to a grid."""

from typing import NamedTuple

import numpy as np

TICKS_PER_QUARTER = 10_080  # of what is heard in a score: whole for all note values with dots, and tuplets of 3, 5, 6, 7 and 9


class Strand(NamedTuple):
    """The notes of one track on one channel with one program. Four arrays of whole numbers, each (N,), in no certain order."""

    name: str
    program: int
    is_drum: bool
    begin: np.ndarray  # ticks, at least 0
    length: np.ndarray  # ticks, at least 0
    pitch: np.ndarray
    velocity: np.ndarray  # 1..127


class Heard(NamedTuple):
    strands: list[Strand]
    tempos: list[tuple[int, int]]  # tick, microseconds a quarter note
    meters: list[tuple[int, int, int]]  # tick, numerator, denominator
    keys: list[tuple[int, int, bool]]  # tick, fifths, whether it is minor
    num_endless: int  # notes that were begun and never ended; they are not among the others

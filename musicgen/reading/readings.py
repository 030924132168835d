"""What reading gives back: pieces, how far their notes were moved, and what was odd about the file; or the reason why there is no piece."""

from dataclasses import dataclass

from musicgen.piece import Piece
from musicgen.reading.reasons import UnreadableFileError


@dataclass(frozen=True, slots=True)
class Reading:
    """One piece that a file holds."""

    piece: Piece
    format: str  # "MIDI", "MusicXML", "ABC" or "kern"
    where: str = ""  # of several in one file, which: the member of a zip file, the number of a tune
    moved_median_ms: float = 0.0  # how far onsets were moved to the grid, at the file's own tempo
    moved_most_ms: float = 0.0
    remarks: tuple[str, ...] = ()  # what was done with oddities


@dataclass(frozen=True, slots=True)
class Refusal:
    """One piece of several in a file that could not be read."""

    where: str
    error: UnreadableFileError

"""What of the music is wanted: which grid, which parts, which pieces.

Conventions: the grid, the parts and the limits decide how a file is read; the other wishes decide which of the pieces that were read are used.
A wish that is not granted is the reason `Reason.LEFT_OUT`, with a message that names the option.
"""

import json
from dataclasses import asdict, dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path

from musicgen.piece import STEPS_PER_QUARTER, Part, Piece
from musicgen.reading.guard import Limits
from musicgen.reading.reasons import Reason, UnreadableFileError

ALL, MELODY, PIANO = "all", "melody", "piano"
PIANOS = range(8)  # General MIDI programs
MELODY_NAMES = ("melody", "melodie", "vocal", "voice", "lead", "singer", "soprano", "tune")  # words in the names of parts that are the melody


@dataclass(frozen=True, slots=True)
class Selection:
    """All wishes. `parts` is one of `ALL`, `MELODY`, `PIANO`, or words that stand in the names of the wanted parts."""

    steps_per_quarter: int = STEPS_PER_QUARTER
    parts: str = ALL
    drums: bool = True
    min_notes: int = 0
    meter: tuple[int, int] | None = None
    exclude: tuple[str, ...] = ()  # patterns of names and paths, as a shell has them
    limits: Limits = field(default_factory=Limits)

    def of_reading(self) -> str:
        """What decides how a file is read, as JSON."""
        return json.dumps([self.steps_per_quarter, self.parts, self.drums, asdict(self.limits)])

    def refuse_path(self, path: Path) -> UnreadableFileError | None:
        """Why a file is not even opened; None where it is."""
        for pattern in self.exclude:
            if any(fnmatchcase(name, pattern) for name in (path.name, path.as_posix(), *path.parts)):
                return UnreadableFileError(f"left out by --exclude {pattern}", Reason.LEFT_OUT)
        return None

    def refuse_piece(self, notes: int, meters: list[tuple[int, int]]) -> UnreadableFileError | None:
        """Why a piece with so many notes in these meters is not used; None where it is."""
        if notes < self.min_notes:
            return UnreadableFileError(f"{notes:,} notes, where --min-notes asks for {self.min_notes:,}", Reason.LEFT_OUT)
        if self.meter is not None and any(meter != self.meter for meter in meters):
            shown = ", ".join(dict.fromkeys(f"{numerator}/{denominator}" for numerator, denominator in meters))
            return UnreadableFileError(f"in {shown}, where --meter asks for {self.meter[0]}/{self.meter[1]}", Reason.LEFT_OUT)
        return None

    def parts_of(self, piece: Piece) -> Piece:
        """The piece with the wanted parts alone. Raises UnreadableFileError where it has none of them."""
        parts = [part for part in piece.parts if part.notes and (self.drums or not part.is_drum)]
        if not parts:
            raise UnreadableFileError("nothing but drums, which --no-drums leaves out", Reason.LEFT_OUT)
        if self.parts == PIANO:
            parts = [part for part in parts if not part.is_drum and part.program in PIANOS]
        elif self.parts == MELODY:
            parts = melody_of(parts)
        elif self.parts != ALL:
            parts = [part for part in parts if self.parts.casefold() in part.name.casefold()]
        if not parts:
            raise UnreadableFileError(f"no part that --parts {self.parts} asks for", Reason.LEFT_OUT)
        return piece if len(parts) == len(piece.parts) and self.parts != MELODY else replace(piece, parts=tuple(parts))


def melody_of(parts: list[Part]) -> list[Part]:
    """One part: of those that are called a melody, or of all, the one that lies highest on average, and the highest of its notes at each onset.

    It is empty where there are only drums. A note of the melody ends where the next begins.
    """
    pitched = [part for part in parts if not part.is_drum]
    called = [part for part in pitched if any(word in part.name.casefold() for word in MELODY_NAMES)]
    if not pitched:
        return []
    highest = max(called or pitched, key=lambda part: sum(note.pitch for note in part.notes) / len(part.notes))
    line = list({note.onset: note for note in highest.notes}.values())  # in the order (onset, pitch) the highest is last
    ends = [*(note.onset for note in line[1:]), line[-1].end]
    return [replace(highest, notes=tuple(note._replace(duration=min(note.duration, end - note.onset)) for note, end in zip(line, ends, strict=True)))]

"""Is it a copy? The longest runs of notes that also stand in a corpus, transposed or not.

Conventions: what a musician would call a copy is looked for twice. A *run* is a melody: consecutive notes of one part, which is compared as its top
line, that is the highest of the notes that begin together, with the top lines of all parts of the corpus, whoever plays them. A *passage* is a
setting: consecutive notes of all parts together, in the order (onset, pitch), none left out; so it has several notes a beat, and a long passage
has runs in all of its parts. Pieces that are one line have no passages. Drums, whose patterns belong to everybody, are left out of both. What is
equal, `runs` says: intervals and rhythm are, exactly. Bars count from 1, pieces and parts from 0.

A style has its formulas, so some copying is usual: as much as held-out pieces show, which nobody copied. More than that is no style.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from musicgen.judging.runs import Line, RunIndex, smallest, whole_numbers
from musicgen.piece import Note, Part, Piece

MIN_NOTES = 12  # of held-out chorales and tunes half have 7 % and 11 % of their notes in such runs or less; 8: 29 % and 57 %, 16: 3 % and 0 %
LINES, PASSAGES = "lines/", "passages/"  # before the names of the arrays of each index


@dataclass(frozen=True, slots=True)
class Run:
    """Notes of a piece, and the first place in the corpus where they stand."""

    num_notes: int  # at least 2
    part: int | None  # of the piece; None for a passage
    onset: int  # steps, in the piece
    corpus_piece: int
    corpus_title: str
    corpus_part: int | None
    corpus_bar: int


@dataclass(frozen=True, slots=True)
class Copied:
    """How much of a piece stands in a corpus."""

    longest: Run | None  # of equally long ones the first; None where no two notes are copied
    passage: Run | None  # likewise, of all parts together; None too for a piece that is one line
    num_copied: int  # notes in runs of at least `min_notes`
    num_compared: int  # notes of all top lines

    @property
    def num_notes(self) -> int:
        """Of the longest run; 0 where there is none."""
        return self.longest.num_notes if self.longest else 0

    @property
    def share(self) -> float:
        """Copied notes among those compared, 0..1."""
        return self.num_copied / max(1, self.num_compared)

    @property
    def figures(self) -> tuple[int, int, int, int]:
        """Notes of the longest run, copied notes, compared notes, and notes of the longest passage."""
        return self.num_notes, self.num_copied, self.num_compared, self.passage.num_notes if self.passage else 0


@dataclass(frozen=True, slots=True)
class UsualCopying:
    """How much a set of pieces copies; each figure is (median, 90th percentile)."""

    num_notes: tuple[float, float]  # of the longest run
    share: tuple[float, float]  # 0..1
    passage: tuple[float, float]  # notes of the longest passage

    @classmethod
    def of(cls, figures: Iterable[tuple[int, int, int, int]]) -> "UsualCopying":
        """Of the figures of at least one piece."""
        notes, copied_notes, compared, passage = np.array(list(figures), float).reshape(-1, 4).T
        columns = (notes, copied_notes / np.maximum(1, compared), passage)
        return cls(*(tuple(np.percentile(column, (50, 90)).tolist()) for column in columns))


@dataclass(frozen=True, eq=False)
class CorpusIndex:
    """All runs and passages of a corpus, and what held-out pieces share with it."""

    titles: tuple[str, ...]
    steps_per_quarter: int
    lines: RunIndex
    passages: RunIndex
    held_out: tuple[tuple[int, int, int, int], ...] = ()  # figures of pieces that the corpus lacks

    @classmethod
    def of(cls, pieces: Sequence[Piece], held_out: Iterable[Piece] = ()) -> "CorpusIndex":
        """The index of a corpus. Raises ValueError where there is no piece, or where pieces are on different grids."""
        grids = sorted({piece.steps_per_quarter for piece in pieces})
        if len(grids) != 1:
            raise ValueError(f"a corpus needs pieces on one grid, but these have {grids or 'no'} steps per quarter note")
        titles = tuple(_shown(piece.title) for piece in pieces)
        lines = RunIndex.of(line for number, piece in enumerate(pieces) for line in _lines(number, piece, *map(top_line, piece.parts)))
        passages = RunIndex.of(line for number, piece in enumerate(pieces) for line in _lines(number, piece, texture(piece)))
        index = cls(titles, grids[0], lines, passages)
        return cls(titles, grids[0], lines, passages, tuple(copied(piece, index).figures for piece in held_out))

    def to_arrays(self) -> dict[str, np.ndarray]:
        """What is to be stored: whole numbers by name."""
        both = {LINES: self.lines, PASSAGES: self.passages}
        return {
            **{f"{prefix}{name}": array for prefix, index in both.items() for name, array in index.to_arrays().items()},
            "titles": np.frombuffer(json.dumps(self.titles).encode(), np.uint8),
            "steps_per_quarter": smallest(np.array([self.steps_per_quarter])),
            "held_out": smallest(np.array(self.held_out, np.int64).reshape(-1, 4)),
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> "CorpusIndex":
        """The index that was stored. Raises ValueError where it is damaged."""
        grid, held_out = whole_numbers(arrays, "steps_per_quarter", (1,)), whole_numbers(arrays, "held_out", (None, 4))
        written = whole_numbers(arrays, "titles", (None,))
        try:
            titles = json.loads(written.astype(np.uint8).tobytes())
        except (ValueError, RecursionError):
            raise ValueError("index of a corpus: its titles are damaged") from None
        if not isinstance(titles, list) or not all(isinstance(title, str) and title.isprintable() for title in titles):
            raise ValueError("index of a corpus: its titles are no names that can be shown")
        if grid[0] < 1 or (held_out < 0).any():
            raise ValueError("index of a corpus: numbers below zero")
        lines, passages = (
            RunIndex.from_arrays({name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}, len(titles))
            for prefix in (LINES, PASSAGES)
        )
        figures = tuple((notes, copied_notes, compared, passage) for notes, copied_notes, compared, passage in held_out.tolist())
        return cls(tuple(titles), int(grid[0]), lines, passages, figures)

    @property
    def usual(self) -> UsualCopying | None:
        """What held-out pieces share with the corpus, None where none were compared."""
        return UsualCopying.of(self.held_out) if self.held_out else None

    def place_of(self, notes: Sequence[Note], part: int | None) -> Run:
        """What is known of notes of a part, or of all parts, which are a run or a passage of the corpus."""
        place = (self.passages if part is None else self.lines).first_place(notes)
        corpus_part = None if part is None else place.part
        return Run(len(notes), part, notes[0].onset, place.piece, self.titles[place.piece], corpus_part, place.bar)


def copied(piece: Piece, index: CorpusIndex, min_notes: int = MIN_NOTES) -> Copied:
    """How much of a piece stands in a corpus.

    Args:
        min_notes: a run of at least so many notes counts as copied, at least 2.

    Raises:
        ValueError: the piece is on another grid than the corpus.
    """
    if min_notes < 2:
        raise ValueError(f"a run has at least 2 notes, so min_notes cannot be {min_notes}")
    if piece.steps_per_quarter != index.steps_per_quarter:
        raise ValueError(f"the piece has {piece.steps_per_quarter} steps per quarter note, but the corpus has {index.steps_per_quarter}")
    longest: tuple[Sequence[Note], int] = ((), 0)
    num_copied, num_compared = 0, 0
    for number, line in enumerate(map(top_line, piece.parts)):
        runs = index.lines.run_lengths(line)
        num_copied += int(_are_copied(runs, min_notes)[: len(line)].sum())
        num_compared += len(line)
        if runs.max(initial=0) > len(longest[0]):
            longest = _longest(line, runs), number
    notes = texture(piece)
    passage = _longest(notes, index.passages.run_lengths(notes))
    return Copied(index.place_of(*longest) if longest[0] else None, index.place_of(passage, None) if passage else None, num_copied, num_compared)


def copied_notes(piece: Piece, index: CorpusIndex, min_notes: int = MIN_NOTES) -> list[set[Note]]:
    """The notes of each part's top line that stand in runs of at least `min_notes` notes of the corpus; of one grid with the piece."""
    found = []
    for line in map(top_line, piece.parts):
        are_copied = _are_copied(index.lines.run_lengths(line), min_notes)
        found.append({note for note, is_copied in zip(line, are_copied.tolist(), strict=False) if is_copied})
    return found


def _are_copied(runs: np.ndarray, min_notes: int) -> np.ndarray:
    """Which notes lie in a long run; runs (N,) says how many follow from each note on."""
    ends = np.maximum.accumulate(np.append(np.arange(len(runs)) + np.where(runs >= min_notes, runs, 0), 0))  # of the copies so far
    return ends > np.arange(len(ends))


def _longest(notes: Sequence[Note], runs: np.ndarray) -> Sequence[Note]:
    """The notes of the first longest run; runs (N,) says how many follow from each note on."""
    first = int(runs.argmax()) if len(runs) else 0
    return notes[first : first + int(runs.max(initial=0))]


def top_line(part: Part) -> tuple[Note, ...]:
    """The highest of the notes that begin together, at each onset; nothing of drums."""
    return () if part.is_drum else tuple({note.onset: note for note in part.notes}.values())  # in the order (onset, pitch) the highest is last


def texture(piece: Piece) -> tuple[Note, ...]:
    """The notes of all parts together, in the order (onset, pitch, duration); nothing of drums, and nothing of a piece that is one line."""
    notes = tuple(sorted(note for part in piece.parts if not part.is_drum for note in part.notes))
    return () if any(len(notes) == len(top_line(part)) for part in piece.parts) else notes


def _lines(number: int, piece: Piece, *lines: Sequence[Note]) -> Iterator[Line]:
    """Lines of the piece of this number with their bars."""
    bar_lines = piece.bar_lines
    for part, notes in enumerate(lines):
        yield Line(number, part, notes, np.searchsorted(bar_lines, [note.onset for note in notes], side="right"))


def _shown(title: str) -> str:
    """A title that can be shown: control characters, which could steer a terminal, are blanks."""
    return "".join(character if character.isprintable() else " " for character in title)


def usual_copying(pieces: Iterable[Piece], index: CorpusIndex, min_notes: int = MIN_NOTES) -> UsualCopying | None:
    """How much pieces share with a corpus; None where there are none."""
    figures = [copied(piece, index, min_notes).figures for piece in pieces]
    return UsualCopying.of(figures) if figures else None

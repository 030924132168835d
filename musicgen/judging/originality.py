"""Is it a copy? The longest run of notes that also stands in a corpus, transposed or not.

Conventions: a part is compared as its top line, that is the highest of the notes that begin together; the notes below it are left out, and
so are drums, whose patterns belong to everybody. A run is two or more consecutive notes of a line. Two runs are equal if their durations,
the times between their onsets and their intervals are; so the first note is free in pitch, and tempo and place in the bar do not matter.
A rest is part of the time to the next onset. Times are steps, intervals semitones; bars count from 1, pieces and parts from 0.

Every note but a line's last has a token, which stands for a row: its duration, the time to the next onset, the interval to the next note,
and the duration of the next note. So n notes are equal to others exactly if n - 1 tokens are. The tokens of a corpus are one text, with 0
for the last note of a line; its suffixes are sorted, and bisection finds the longest match from each note of a piece (Manber and Myers
1993, "Suffix arrays"). Nothing is hashed: what is found is there, and what is there is found. What is stored takes two small integers a
note, 3 or 4 bytes, and the rows; the suffixes are sorted anew when first asked.
"""

import json
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

from musicgen.piece import Note, Part, Piece

MIN_NOTES = 12  # of held-out chorales and tunes half have 7 % and 11 % of their notes in such runs or less; 8: 29 % and 57 %, 16: 3 % and 0 %
ARRAYS = {  # name -> shape, None for any length; all are whole numbers
    "rows": (None, 4),  # what the tokens 1, 2, ... stand for, in rising order
    "tokens": (None,),  # of each note
    "bars": (None,),  # of each note
    "lines": (None, 2),  # piece and part of each line
    "titles": (None,),  # of the pieces: bytes of JSON
    "steps_per_quarter": (1,),
}
TOKEN = np.dtype(">u4")  # big-endian, so that bytes are in the order of the tokens
LAST = np.full((1, 4), -1)  # stands for a line's last note, as token 0


@dataclass(frozen=True, slots=True)
class Run:
    """Notes of a piece, and the first place in the corpus where they stand."""

    num_notes: int  # at least 2
    part: int  # of the piece
    onset: int  # steps, in the piece
    corpus_piece: int
    corpus_title: str
    corpus_part: int
    corpus_bar: int


@dataclass(frozen=True, slots=True)
class Copied:
    """How much of a piece stands in a corpus."""

    longest: Run | None  # of equally long ones the first; None where no two notes are copied
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


@dataclass(frozen=True, slots=True)
class UsualCopying:
    """How much a set of pieces copies; each figure is (median, 90th percentile)."""

    num_notes: tuple[float, float]  # of the longest run
    share: tuple[float, float]  # 0..1


@dataclass(frozen=True, eq=False)
class CorpusIndex:
    """All runs of a corpus. Made by `of` or `from_arrays`, which check what the fields promise."""

    rows: np.ndarray  # (V, 4)
    tokens: np.ndarray  # (N,) 0..V
    bars: np.ndarray  # (N,)
    lines: np.ndarray  # (L, 2)
    titles: tuple[str, ...]
    steps_per_quarter: int

    @classmethod
    def of(cls, pieces: Sequence[Piece]) -> "CorpusIndex":
        """The index of a corpus. Raises ValueError where there is no piece, or where pieces are on different grids."""
        grids = sorted({piece.steps_per_quarter for piece in pieces})
        if len(grids) != 1:
            raise ValueError(f"a corpus needs pieces on one grid, but these have {grids or 'no'} steps per quarter note")
        every, bars, lines = [LAST], [np.zeros(0, np.int64)], []
        for number, piece in enumerate(pieces):
            bar_lines = piece.bar_lines
            for part, line in enumerate(map(top_line, piece.parts)):
                if len(line) > 1:
                    every += [_rows(line), LAST]
                    bars.append(np.searchsorted(bar_lines, [note.onset for note in line], side="right"))
                    lines.append((number, part))
        rows, tokens = np.unique(np.concatenate(every), axis=0, return_inverse=True)
        titles = tuple(piece.title for piece in pieces)
        return cls(rows[1:], tokens.reshape(-1)[1:], np.concatenate(bars), np.array(lines, np.int64).reshape(-1, 2), titles, grids[0])

    def to_arrays(self) -> dict[str, np.ndarray]:
        """What is to be stored: the arrays that ARRAYS names, each of the smallest integers that hold it."""
        arrays = {name: _smallest(getattr(self, name)) for name in ("rows", "tokens", "bars", "lines")}
        titles = np.frombuffer(json.dumps(self.titles).encode(), np.uint8)
        return {**arrays, "titles": titles, "steps_per_quarter": _smallest(np.array([self.steps_per_quarter]))}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> "CorpusIndex":
        """The index that was stored. Raises ValueError where it is damaged."""
        if set(arrays) != set(ARRAYS):
            raise ValueError(f"index of a corpus: expected the arrays {sorted(ARRAYS)}, not {sorted(arrays)}")
        for name, shape in ARRAYS.items():
            array = arrays[name]
            fits = array.ndim == len(shape) and all(expected in (None, found) for expected, found in zip(shape, array.shape, strict=True))
            if not fits or array.dtype.kind not in "iu":
                raise ValueError(f"index of a corpus: {name} must be whole numbers of shape {shape}, not {array.dtype} {array.shape}")
        rows, tokens, bars, lines = (arrays[name].astype(np.int64) for name in ("rows", "tokens", "bars", "lines"))
        try:
            titles = json.loads(arrays["titles"].astype(np.uint8).tobytes())
        except ValueError:
            titles = None
        right = {
            "titles": isinstance(titles, list) and all(isinstance(title, str) for title in titles),
            "steps_per_quarter": arrays["steps_per_quarter"][0] > 0,
            "rows": all(row < following for row, following in pairwise(rows.tolist())),
            "tokens": ((tokens >= 0) & (tokens <= len(rows))).all() and not tokens[-1:].any(),
            "bars": len(bars) == len(tokens) and (bars > 0).all(),
            "lines": len(lines) == (tokens == 0).sum() and (lines >= 0).all() and (lines[:, 0] < len(titles or ())).all(),
        }
        if wrong := [name for name, is_right in right.items() if not is_right]:
            raise ValueError(f"index of a corpus: these arrays do not belong together: {', '.join(wrong)}")
        return cls(rows, tokens, bars, lines, tuple(titles), int(arrays["steps_per_quarter"][0]))

    @cached_property
    def _text(self) -> bytes:
        return self.tokens.astype(TOKEN).tobytes()

    @cached_property
    def _token_of(self) -> dict[tuple[int, ...], int]:
        return {tuple(row): token for token, row in enumerate(self.rows.tolist(), start=1)}

    @cached_property
    def _line_ends(self) -> np.ndarray:
        """(L,) the last note of each line."""
        return np.flatnonzero(self.tokens == 0)

    @cached_property
    def _suffixes(self) -> list[int]:
        """(N,) where the suffixes of the text begin, in their order: sorted by twice as many tokens in each round."""
        rank, width = self.tokens, 1
        while True:
            following = np.append(rank[width:] + 1, np.zeros(min(width, len(rank)), np.int64))
            distinct, rank = np.unique(rank * (rank.max(initial=0) + 2) + following, return_inverse=True)
            if len(distinct) == len(rank):
                return np.argsort(rank).tolist()
            width *= 2

    def tokens_of(self, line: Sequence[Note]) -> np.ndarray:
        """(N - 1,) the tokens of a line; one more than all there are for what the corpus lacks."""
        return np.array([self._token_of.get(tuple(row), len(self.rows) + 1) for row in _rows(line).tolist()], TOKEN)

    def matches(self, tokens: np.ndarray) -> np.ndarray:
        """(M,) how many of a line's tokens (M,), from each on, stand in the corpus."""
        longest_line = int(np.diff(self._line_ends, prepend=-1).max(initial=0))
        lengths = np.zeros(len(tokens), np.int64)
        for start in np.flatnonzero(tokens <= len(self.rows)).tolist():
            pattern = tokens[start : start + longest_line]
            place = bisect_left(self._suffixes, pattern.tobytes(), key=lambda suffix: self._prefix(suffix, len(pattern)))
            lengths[start] = max(self._common(pattern, suffix) for suffix in self._suffixes[max(0, place - 1) : place + 1])
        return lengths

    def first_place(self, tokens: np.ndarray) -> int:
        """The first note of the corpus from which these tokens, which stand in it, follow."""
        pattern = tokens.tobytes()
        begin, end = (search(self._suffixes, pattern, key=lambda suffix: self._prefix(suffix, len(tokens))) for search in (bisect_left, bisect_right))
        return min(self._suffixes[begin:end])

    def _prefix(self, suffix: int, num_tokens: int) -> bytes:
        return self._text[suffix * TOKEN.itemsize : (suffix + num_tokens) * TOKEN.itemsize]

    def _common(self, pattern: np.ndarray, suffix: int) -> int:
        """How many first tokens of the suffix are those of the pattern."""
        stands = self.tokens[suffix : suffix + len(pattern)]
        differs = stands != pattern[: len(stands)]
        return int(differs.argmax()) if differs.any() else len(stands)

    def run(self, piece: Piece, part: int, first: int, num_notes: int) -> Run:
        """What is known of the notes from number `first` of a part's line on, which stand in the corpus."""
        line = top_line(piece.parts[part])[first : first + num_notes]
        place = self.first_place(self.tokens_of(line))
        number, corpus_part = self.lines[np.searchsorted(self._line_ends, place)].tolist()
        return Run(num_notes, part, line[0].onset, number, self.titles[number], corpus_part, int(self.bars[place]))


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
    num_notes, part, first, num_copied, num_compared = 0, 0, 0, 0, 0
    for number, line in enumerate(map(top_line, piece.parts)):
        lengths = index.matches(index.tokens_of(line))
        runs = np.where(lengths, lengths + 1, 0)  # notes from each on
        reach = np.maximum.accumulate(np.append(np.arange(len(runs)) + np.where(runs >= min_notes, runs, 0), 0))  # where the copies so far end
        num_copied += int((reach[: len(line)] > np.arange(len(line))).sum())
        num_compared += len(line)
        if runs.max(initial=0) > num_notes:
            num_notes, part, first = int(runs.max()), number, int(runs.argmax())
    return Copied(index.run(piece, part, first, num_notes) if num_notes else None, num_copied, num_compared)


def usual_copying(pieces: Sequence[Piece], index: CorpusIndex, min_notes: int = MIN_NOTES) -> UsualCopying:
    """What pieces give that the corpus lacks but for their style, held-out ones say: more than that is no style. Raises ValueError."""
    if not pieces:
        raise ValueError("what is usual needs at least one piece")
    found = [copied(piece, index, min_notes) for piece in pieces]
    notes, shares = (np.percentile(figures, (50, 90)).tolist() for figures in ([one.num_notes for one in found], [one.share for one in found]))
    return UsualCopying(tuple(notes), tuple(shares))


def top_line(part: Part) -> tuple[Note, ...]:
    """The highest of the notes that begin together, at each onset; nothing of drums."""
    return () if part.is_drum else tuple({note.onset: note for note in part.notes}.values())  # in the order (onset, pitch) the highest is last


def _rows(line: Sequence[Note]) -> np.ndarray:
    """(N - 1, 4) durations, times to the next onset, intervals to the next note, durations of the next note; steps and semitones."""
    onsets, pitches, durations, _ = np.array(line, np.int64).reshape(-1, 4).T
    return np.stack([durations[:-1], np.diff(onsets), np.diff(pitches), durations[1:]], axis=1)


def _smallest(array: np.ndarray) -> np.ndarray:
    """The same numbers as the smallest integers that hold them all."""
    return array.astype(np.result_type(np.min_scalar_type(array.min(initial=0)), np.min_scalar_type(array.max(initial=0))))

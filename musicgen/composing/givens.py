"""A piece of which some is to be new -> what a network is given of it, in its own order, and what it may choose.

Conventions: times are steps, parts are the vocabulary's unless they are called the piece's. Every note that begins outside of the region is kept,
and so is every note in it of a part that is not rewritten. A new note begins in the region, and ends where the region or the last note that it
replaces ends, or before. A note that sounds into the region keeps its end; if it is held, its part goes on there, as it did.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import groupby
from typing import NamedTuple

import numpy as np

from musicgen.composing.casting import Cast
from musicgen.composing.controls import RequestError
from musicgen.composing.request import Played, ended
from musicgen.encoding.tokens import TokenSequence, encode
from musicgen.encoding.vocabulary import DURATION, PART, PITCH, TIME_SHIFT, Vocabulary
from musicgen.model.file import Model
from musicgen.piece import DEFAULT_VELOCITY, Note, Part, Piece

HEARD_AFTERWARDS = 4  # bars after the region: how well they follow counts too
KEEPS = ("", "rhythm", "pitches")


@dataclass(frozen=True, slots=True)
class Rewriting:
    """What of a piece is to be new."""

    piece: Piece
    bars: tuple[int, int | None] | None = None  # the first and the last, from 1 on; None: all, or all from the first on
    parts: tuple[int, ...] | None = None  # the piece's, to be rewritten; None: all
    keeps: str = ""  # of the notes that are rewritten, one of KEEPS
    melody: int | None = None  # to harmonize: this part is kept, all others are new, also those that the model has and the piece lacks
    temperature: float = 0.9
    particles: int = 64  # that are played at once


class Given(NamedTuple):
    """A note that is kept, or all of it but its pitch."""

    onset: int
    part: int
    ids: np.ndarray  # (5,) as the network hears it; its time shift depends on the note before
    pitch: int | None  # as heard, None where it is to be chosen
    duration: int | None  # None where it is held
    written: Note

    @property
    def place(self) -> tuple[int, int]:
        """What notes are in order of."""
        return self.onset, self.part


Group = tuple[tuple[np.ndarray, Note], ...]  # notes of a part that begin together, as ids and as written: their pitches are kept, their time is not


class Givens:
    """What is kept and what is free. Raises RequestError."""

    def __init__(self, model: Model, rewriting: Rewriting) -> None:
        self.rewriting, self.piece = rewriting, rewriting.piece
        self.vocabulary: Vocabulary = model.configuration.vocabulary
        if self.piece.steps_per_quarter != self.vocabulary.steps_per_quarter:
            raise RequestError(f"the piece is on a grid of {self.piece.steps_per_quarter} steps, the model on {self.vocabulary.steps_per_quarter}")
        self.start, self.end, self.until = self._region()
        cast = Cast.of(self.piece, self.vocabulary, rewriting.parts, rewriting.melody)
        self.owners, self.notices = cast.owners, cast.notices
        self.is_free = np.zeros(len(self.vocabulary.parts), bool)
        if rewriting.keeps != "rhythm":
            self.is_free[list(cast.composed)] = True
        self._read(encode(self.piece), cast.matches)
        self._limit()

    def _region(self) -> tuple[int, int, int]:
        """Where the new notes begin, where they end, and until when what follows counts."""
        lines = (*self.piece.bar_lines, self.piece.end)
        first, last = self.rewriting.bars or (self._sung(lines) if self.rewriting.melody is not None else (1, None))
        last = max(first, len(lines) - 1) if last is None else last
        if not 1 <= first <= last < len(lines):
            asked = f"bar {first}" if first == last else f"bars {first} to {last}"
            raise RequestError(f"there is no such place as {asked}: the piece has bars 1 to {len(lines) - 1}")
        return lines[first - 1], lines[last], lines[min(last + HEARD_AFTERWARDS, len(lines) - 1)]

    def _sung(self, lines: tuple[int, ...]) -> tuple[int, int]:
        """The bars from the melody's first note to its last end."""
        assert self.rewriting.melody is not None
        notes = self.piece.parts[self.rewriting.melody].notes
        return bisect_right(lines, notes[0].onset), bisect_left(lines, max(note.end for note in notes))

    def _read(self, sequence: TokenSequence, matches: list[int | None]) -> None:
        """Tell apart the notes that are heard before the region, those that are given, and those that give way."""
        rows, keeps = self.vocabulary.ids(sequence, matches=matches)[:-1], self.rewriting.keeps
        numbers = sequence.notes[:, PART]
        heard = np.flatnonzero(np.array([match is not None for match in matches], bool)[numbers])
        self.heard: list[Given] = []
        self.given: list[Given] = []
        self.removed: dict[int, list[Given]] = defaultdict(list)
        for row, index in zip(rows, heard, strict=True):
            onset = int(sequence.onsets[index])
            written = Note(onset, *map(int, sequence.notes[index, PITCH:]))
            is_new = self.start <= onset < self.end and sequence.indices[numbers[index]] in self.owners.values()
            pitch = None if is_new and keeps == "rhythm" else self.vocabulary.values[PITCH][row[PITCH]]
            duration = None if row[DURATION] == self.vocabulary.held else written.duration
            given = Given(onset, int(row[PART]), row, pitch, duration, written)
            if is_new:
                self.removed[given.part].append(given)
            if is_new and keeps != "rhythm":
                continue
            (self.heard if onset < self.start else self.given).append(given)
        for kept in (self.heard, self.given):
            kept.sort(key=lambda given: (*given.place, given.written.pitch))  # parts may stand in another order than the piece's
        foreign = sum(self._is_foreign(given) for given in (*self.heard, *self.given))
        if foreign:
            self.notices.append(f"the model hears {foreign} of the kept notes as the nearest that it knows: they stay as they are")
        afterwards = [given.onset for given in self.given if given.onset >= self.end]
        until = max(self.until, afterwards[0] + 1) if afterwards else self.until  # what comes next counts, however late
        self.closes = not afterwards or afterwards[-1] < until  # the end of the piece is given too
        self.given = [given for given in self.given if given.onset < until]
        if not keeps and not self.heard and not self.given:
            raise RequestError("nothing of the piece would be kept that the model hears: name the bars or parts to be rewritten")
        if keeps and not self.removed:
            raise RequestError(f"there are no notes there whose {keeps} could be kept")

    def _is_foreign(self, given: Given) -> bool:
        pitch, length = (self.vocabulary.steps(field, given.ids[field]) for field in (PITCH, DURATION))
        lacks_pitch = given.pitch is not None and pitch != given.written.pitch
        return bool(lacks_pitch or (given.duration is not None and length != given.duration))

    def _limit(self) -> None:
        """For each free part, when it may begin, when it must, when its notes must have ended, and whether it then goes on."""
        free = np.flatnonzero(self.is_free).tolist()
        self.opens: dict[int, int] = {}
        self.dues: dict[int, int] = {}
        self.limits: dict[int, int] = {}
        self.carries: dict[int, bool] = {}
        self.queues: dict[int, list[Group]] = {}
        self.deadlines: dict[int, list[int]] = {}
        for part in free:
            before = [given for given in self.heard if given.part == part]
            following = min((given.onset for given in self.given if given.part == part), default=None)
            sounding = max((self.end, *(given.written.end for given in self.removed[part])))
            self.carries[part] = following is not None and following <= sounding
            self.limits[part] = sounding if following is None else min(sounding, following)
            self.opens[part] = self.start
            if before and before[-1].duration is None:  # it is held, so its part began another where it ended
                self.opens[part] = before[-1].written.end
                if self.opens[part] < self.end:
                    self.dues[part] = self.opens[part]
            if self.rewriting.keeps == "pitches":
                self._queue(part, before)

    def _queue(self, part: int, before: list[Given]) -> None:
        """The pitches of a part that are to be played again, and when each group of them must begin at the latest, so that all find their place."""
        groups = [tuple(group) for _, group in groupby(self.removed[part], key=lambda given: given.onset)]
        self.queues[part] = [tuple((given.ids, given.written) for given in group) for group in groups]
        if not groups:
            self.opens[part] = self.end
            return
        shortest = min(value for value in (*self.vocabulary.values[TIME_SHIFT], self.end) if value)
        first, count = groups[0][0].onset, len(groups)
        space = max(1, min(shortest, (self.end - first) // count))
        sounding = {given.written.pitch: given.written.end for given in before if given.duration is not None}
        deadlines: list[int] = []
        for number, group in enumerate(groups):
            silent = max(sounding.get(given.written.pitch, 0) for given in group)
            deadlines.append(max(self.end - space * (count - number), silent, deadlines[-1] + 1 if deadlines else first))
        self.deadlines[part] = deadlines
        self.dues.setdefault(part, deadlines[0])

    @cached_property
    def loudness(self) -> list[int]:
        """How loud new notes of each part are where the model tells no loudness: as its part is in the piece, else as the melody."""
        indices = [self.owners.get(part, self.rewriting.melody) for part in range(len(self.is_free))]
        played = [() if index is None else self.piece.parts[index].notes for index in indices]
        return [int(np.median([note.velocity for note in notes])) if notes else DEFAULT_VELOCITY for notes in played]

    def rewritten(self, played: Iterable[tuple[int, Played]]) -> Piece:
        """The piece with the notes that were chosen, each with its part."""
        new: dict[int, list[Played]] = defaultdict(list)
        for part, note in played:
            new[part].append(note)
        parts = list(self.piece.parts)
        for index in self.owners.values():
            parts[index] = replace(parts[index], notes=tuple(note for note in parts[index].notes if not self.start <= note.onset < self.end))
        for part in sorted({*new} | {*self.owners}):
            notes = ended(new[part], self.limits.get(part, self.piece.end))
            if part in self.owners:
                index = self.owners[part]
                parts[index] = replace(parts[index], notes=tuple(sorted((*parts[index].notes, *notes))))
            elif notes:
                token = self.vocabulary.parts[part]
                parts.append(Part(self.vocabulary.part_names[part], token.program, token.is_drum, notes))
        return replace(self.piece, parts=tuple(parts))

    def num_as_before(self, after: Piece) -> int:
        """How many notes of the region are in what was rewritten as they were."""
        same = (set(self.piece.parts[index].notes) & set(after.parts[index].notes) for index in self.owners.values())
        return sum(self.start <= note.onset < self.end for notes in same for note in notes)

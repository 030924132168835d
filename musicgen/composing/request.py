"""What is asked for -> the frame of the piece: the music to continue as a model hears it, the bars to fill, and the piece that comes of it."""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np

from musicgen.composing.constraints import Constraints
from musicgen.composing.controls import Controls, Guide, RequestError
from musicgen.encoding.hearing import heard_as
from musicgen.encoding.tokens import PartToken, encode
from musicgen.encoding.vocabulary import DURATION, PART, PITCH, TIME_SHIFT
from musicgen.judging.key import estimate_key
from musicgen.model.file import Model
from musicgen.piece import Meter, Note, Part, Piece, Tempo, bar_lines_to, canonical_tempo

ENDING_BARS = 4  # that are played several times


@dataclass(frozen=True, slots=True, kw_only=True)
class Request(Controls):
    """What to play."""

    bars: int = 16  # of the piece, the seed included
    seed: Piece | None = None  # the music to continue
    seed_end: int | None = None  # step at which the continuation begins, else where the seed's last note ends
    meter: Meter | None = None  # else the seed's or the corpus'; beside a seed it begins at the first bar line after it
    tempo: float | None = None  # quarters a minute, else the seed's or the corpus'
    closes: bool = True  # the best of several endings is taken
    drop_seed: bool = False  # leave the seed out of the result; `bars` then counts the continuation alone


class Played(NamedTuple):
    """A note that was chosen."""

    onset: int
    pitch: int
    duration: int | None  # None: it is held until its part begins another
    velocity: int


class Frame:
    """The music to continue, seen by the model, and the frame of the piece that it begins. Raises RequestError."""

    def __init__(self, model: Model, request: Request) -> None:
        self.model, self.request = model, request
        self.vocabulary = model.configuration.vocabulary
        meter = Meter(0, *model.corpus.meter)
        piece = request.seed or Piece((), (meter,), (Tempo(0, model.corpus.tempo),), (), self.vocabulary.steps_per_quarter)
        if piece.steps_per_quarter != self.vocabulary.steps_per_quarter:
            raise RequestError(f"the seed is on a grid of {piece.steps_per_quarter} steps, the model on {self.vocabulary.steps_per_quarter}")
        if request.tempo is not None:
            piece = replace(piece, tempos=(Tempo(0, canonical_tempo(request.tempo)),))
        self.first = piece.end if request.seed_end is None or not piece.num_notes else request.seed_end  # step of what is composed
        if request.meter is not None:
            piece = _in_meter(piece, request.meter, self.first)
        if request.key is not None:
            piece = replace(piece, keys=(*(key for key in piece.keys if key.onset < self.first), request.key._replace(onset=self.first)))
        self.header = piece
        self.guide = Guide(request, self.vocabulary, (piece.keys[-1] if piece.keys else estimate_key(piece)).tonic if piece.num_notes else None)
        self.sequence, self.matches = heard_as(encode(piece), self.vocabulary)
        begun = bar_lines_to(self.first, piece.meters, piece.steps_per_quarter)
        full = len(begun) - 1 if begun[-1] == self.first else len(begun) - 2  # bars that the seed fills
        self.first_line, self.full_bars = begun[full], full
        total = request.bars + full if request.drop_seed else request.bars
        if total <= full:
            filled = f"{len(begun) - 1} bars" if len(begun) > 2 else "1 bar"
            raise RequestError(f"the seed already fills {filled}: ask for more, --bars {len(begun) + 7} for example")
        longest = max(meter.bar_steps(piece.steps_per_quarter) for meter in piece.meters)
        lines = bar_lines_to(self.first + request.bars * longest, piece.meters, piece.steps_per_quarter)
        self.last_bar, self.end = lines[total - 1], lines[total]
        self.ending = lines[max(0, total - ENDING_BARS)]  # from here on, endings differ

    def constraints(self) -> Constraints:
        """On what follows."""
        return Constraints(self.vocabulary, self.guide.playable, self.first, self.last_bar, self.end)

    @cached_property
    def quarters(self) -> np.ndarray:
        """(V,) the time shifts of the vocabulary."""
        return np.array(self.vocabulary.values[TIME_SHIFT]) / self.vocabulary.steps_per_quarter

    def places(self, onset: np.ndarray) -> np.ndarray:
        """(B,) how much of what is to be played is over at onsets (B,), 0 to 1."""
        return np.minimum(np.maximum((onset - self.first) / (self.end - self.first), 0), 1)

    def quarters_left(self, onset: np.ndarray) -> np.ndarray:
        """(B,) until the piece ends."""
        return np.maximum(0, self.end - onset) / self.vocabulary.steps_per_quarter

    def heard(self) -> Iterator[tuple[np.ndarray, int, int]]:
        """The seed's notes that the model can hear, as it hears them: ids (5,), onset and steps that they last, 0 where they are held."""
        rows = self.sequence.notes.tolist()
        notes = [(onset, row) for onset, row in zip(self.sequence.onsets.tolist(), rows, strict=True) if self.matches[row[PART]] is not None]
        for ids, (onset, (*_, duration, _velocity)) in zip(self.vocabulary.ids(self.sequence, self.matches, self.first), notes, strict=True):
            is_held = ids[DURATION] == self.vocabulary.held and onset + duration < self.first
            yield ids, onset, 0 if is_held else duration

    @property
    def notes_wanted(self) -> float:
        """That are to be played, where a number of notes a bar is asked for."""
        density = self.request.density
        return 0.0 if density is None else density.amount * (self.end - self.first) / (self.end - self.last_bar)

    def piece(self, played: list[list[Played]], title: str) -> Piece:
        """The seed and its continuation: a part that the seed has goes on in it, the others join."""
        parts = [_cut(part, self.end) for part in self.header.parts]
        notes = [ended(part, self.end) for part in played]
        taken: set[int] = set()
        for number, match in enumerate(self.matches):
            if match is not None and match not in taken:
                taken.add(match)
                index = self.sequence.indices[number]
                parts[index] = replace(parts[index], notes=(*parts[index].notes, *notes[match]))
        for number, token in enumerate(self.vocabulary.parts):
            if number not in taken:
                parts.append(Part(self.vocabulary.part_names[number], token.program, token.is_drum, notes[number]))
        whole = replace(self.header, parts=tuple(parts), title=title)
        if self.request.drop_seed and self.request.seed:
            whole = _without(whole, self.first, self.first_line)
        whole = replace(whole, parts=tuple(part for part in whole.parts if part.notes))
        return whole if whole.keys else replace(whole, keys=(estimate_key(whole),))

    @property
    def names(self) -> list[str]:
        """What each of the vocabulary's parts is called in the piece."""
        names = list(self.vocabulary.part_names)
        for match, index in reversed([*zip(self.matches, self.sequence.indices, strict=True)]):
            if match is not None:
                names[match] = self.header.parts[index].name
        return names

    def notices(self) -> list[str]:
        """What the model hears differently from what the seed says, in words."""
        said = []
        for number, match in enumerate(self.matches):
            part, token = self.header.parts[self.sequence.indices[number]], self.sequence.parts[number]
            name = repr(part.name) if part.name else "without a name"
            if match is None:
                said.append(
                    f"the model knows {'no' if part.is_drum else 'nothing but'} drums: the seed's part {name} stays as it is and is not continued"
                )
            elif self.vocabulary.parts[match] != token and self.vocabulary.part_names[match].casefold() != part.name.casefold():
                own = self.vocabulary.parts[match]
                heard = f"the model's {self.vocabulary.part_names[match]!r} ({_instrument(own)})"
                said.append(f"the model does not know the seed's part {name} ({_instrument(token)}): it goes on as {heard}")
        return said + self._mapped()

    def _mapped(self) -> list[str]:
        """Meters, times and pitches of the seed that the model hears as the nearest that it knows, in words."""
        said, known = [], self.model.corpus.meters
        strange = {f"{meter.numerator}/{meter.denominator}" for meter in self.header.meters if known and (meter[1:]) not in known}
        if strange:
            nearest = "/".join(map(str, self.model.corpus.meter))
            said.append(f"the model has never heard {', '.join(sorted(strange))}: it counts the bars as they are, and knows {nearest} best")
        heard = list(self.heard())
        pitches = [row[PITCH] for row in self.sequence.notes.tolist() if self.matches[row[PART]] is not None]
        shifts = np.diff([onset for _ids, onset, _duration in heard], prepend=0).tolist()
        for field, values, of_what in ((TIME_SHIFT, shifts, "begin at times"), (PITCH, pitches, "have pitches")):
            others = sum(self.vocabulary.steps(field, ids[field]) != value for (ids, *_), value in zip(heard, values, strict=True))
            if others:
                said.append(f"{others} of the seed's {len(heard)} notes {of_what} that the model has never heard: it hears the nearest that it knows")
        return said


def _in_meter(piece: Piece, meter: Meter, first: int) -> Piece:
    """A piece that goes on in another meter from the first bar line at `first` or later. Raises RequestError where the grid can't count its bars."""
    if meter.bar_steps(piece.steps_per_quarter) < 1:
        whole = [numerator for numerator in range(1, 256) if meter._replace(numerator=numerator).bar_steps(piece.steps_per_quarter)]
        nearest = min(whole, key=lambda numerator: abs(numerator - meter.numerator))
        raise RequestError(
            f"a bar of {meter.numerator}/{meter.denominator} is no whole number of the model's {piece.steps_per_quarter} steps a quarter: "
            f"the nearest that is one is {nearest}/{meter.denominator}"
        )
    if piece.meters[-1][1:] == meter[1:]:
        return piece
    line = bar_lines_to(first, piece.meters, piece.steps_per_quarter)[-1]
    return replace(piece, meters=(*(earlier for earlier in piece.meters if earlier.onset < line), meter._replace(onset=line)))


def _instrument(token: PartToken) -> str:
    """Who plays, in words."""
    return f"{'kit' if token.is_drum else 'program'} {token.program}" + (f", number {token.rank + 1}" if token.rank else "")


def ended(played: list[Played], end: int) -> tuple[Note, ...]:
    """The notes of one part, those held until the part begins another, or to the end."""
    onsets = [note.onset for note in played]
    notes = []
    for onset, pitch, duration, velocity in played:
        following = bisect_right(onsets, onset)
        until = onset + duration if duration is not None else onsets[following] if following < len(onsets) else end
        notes.append(Note(onset, pitch, until - onset, velocity))
    return tuple(notes)


def _cut(part: Part, end: int) -> Part:
    """A part of which nothing sounds on at `end`."""
    return replace(part, notes=tuple(note._replace(duration=min(note.duration, end - note.onset)) for note in part.notes))


def _without(piece: Piece, first: int, line: int) -> Piece:
    """The notes that begin at `first` or later, from the bar line `line` on."""
    parts = tuple(replace(part, notes=tuple(note for note in part.notes if note.onset >= first)) for part in piece.parts)
    return replace(piece, parts=parts).between(line)

"""What a person gives to begin with -> a seed: notes written out, or bars of a piece.

Conventions: words are separated by blanks.

    C4:1  F#4:1/2  Bb3:1.5     a pitch (C4 is middle C, MIDI note 60) and how many quarter notes it lasts
    C4:h  C4:q.  C4:e3         or its note value: w h q e s t, or whole half quarter eighth sixteenth thirty-second; dotted; of a triplet
    C4                         lasts as long as the note before
    R:2                        a rest
    [C4 E4 G4]:2               a chord
    C4:2~ C4:1                 a tie: what sounds on in the next note or chord is one note
    C4:1 | D4:4 |              bar lines, which must fit the meter; what stands before the first may be an upbeat
    Soprano: C5:4 ; C3:4       parts, which begin together, with a name or without
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import NamedTuple

from musicgen.composing.controls import RequestError
from musicgen.composing.wording import PITCH, WordingError, read_pitch
from musicgen.piece import DEFAULT_VELOCITY, Meter, Note, Part, Piece, Tempo, bar_lines_to, canonical_tempo, without_overlaps

LENGTH = re.compile(r"-?(\d{1,9}(/\d{1,9})?|\d{0,9}\.\d{1,9})")  # what Fraction also reads may fill the memory
NAMES = (("w", "whole"), ("h", "half"), ("q", "quarter"), ("e", "eighth"), ("s", "sixteenth"), ("t", "thirty-second"))
VALUES = {name: Fraction(4, 2**halvings) for halvings, names in enumerate(NAMES) for name in names}  # quarter notes
VALUE = re.compile(rf"({'|'.join(sorted(VALUES, key=len, reverse=True))})(3?)(\.{{0,2}})")
DOTTED = (Fraction(1), Fraction(3, 2), Fraction(7, 4))
NAMED = re.compile(r"\s*([^\s:;|\[\]][^:;|\[\]]*?)\s*:(?=\s|$)")
WORD = re.compile(r"(\[[^\]]*\]|[^\s:\[\]~]+)(?::([^\s~]+))?(~?)")
LONGEST = 1000  # quarter notes
MOST_PARTS = 64
Instruments = Mapping[str, tuple[int, bool]]  # of named parts, the name in lower case: program, and whether it is a drum kit


class SeedError(ValueError):
    """A seed that can't be read; the message names the word and says what was expected."""


class Seed(NamedTuple):
    """Music to continue."""

    piece: Piece
    end: int  # steps: where the continuation begins; rests may stand before it, and notes sound over it


class _Line(NamedTuple):
    """One part that is written out."""

    name: str
    notes: list[Note]
    end: int  # steps
    bars: list[int]  # steps, where bar lines are written


def written_seed(
    text: str, steps_per_quarter: int, meter: tuple[int, int] = (4, 4), tempo: float = 120.0, instruments: Instruments | None = None
) -> Seed:
    """The music that is written out. Raises SeedError."""
    lines = [_read_line(part, steps_per_quarter) for part in text.split(";")[: MOST_PARTS + 1] if part.strip()]
    if len(lines) > MOST_PARTS:
        raise SeedError(f"a seed has at most {MOST_PARTS} parts")
    if not any(line.notes for line in lines):
        raise SeedError("a seed needs at least one note, like C4:1")
    upbeats = {_upbeat(line, Meter(0, *meter), steps_per_quarter) for line in lines if line.bars}
    if len(upbeats) > 1:
        raise SeedError("the parts of a seed begin together: their first bars must be equally long")
    wait = upbeats.pop() if upbeats else 0
    parts = tuple(_part(line, wait, instruments or {}) for line in lines)
    piece = Piece(parts, (Meter(0, *meter),), (Tempo(0, canonical_tempo(tempo)),), (), steps_per_quarter, title="seed")
    return Seed(piece, wait + max(line.end for line in lines))


def parse_notes(text: str, steps_per_quarter: int, meter: tuple[int, int] = (4, 4), tempo: float = 120.0) -> Piece:
    """The notes that are written out, without what comes of rests at the end. Raises SeedError."""
    return written_seed(text, steps_per_quarter, meter, tempo).piece


def bars_of(piece: Piece, first: int, last: int | None) -> Seed:
    """Bars of a piece, counted from 1, in the meter, tempo and key that hold there. Raises RequestError."""
    lines = bar_lines_to(piece.end, piece.meters, piece.steps_per_quarter)
    bars = len(lines) - 1
    last = bars if last is None else last
    if not 1 <= first <= last <= bars:
        advice = f"{1 if first > bars else first}-{bars}"
        raise RequestError(
            f"the seed has {bars} {'bar' if bars == 1 else 'bars'}, and {first}-{last} lie outside of it: ask for {advice}, for example"
        )
    some, end = piece.between(lines[first - 1], lines[last]), lines[last] - lines[first - 1]
    if not some.num_notes:
        raise RequestError(f"no note begins in bars {first}-{last} of the seed: ask for others")
    within = replace(
        some,
        parts=tuple(part for part in some.parts if part.notes),
        meters=tuple(meter for meter in some.meters if meter.onset < end),
        tempos=tuple(tempo for tempo in some.tempos if tempo.onset < end),
        keys=tuple(key for key in some.keys if key.onset < end),
    )
    return Seed(within, end)


def _read_line(text: str, steps_per_quarter: int) -> _Line:
    named = NAMED.match(text)
    if named is not None and PITCH.fullmatch(named[1]):
        named = None
    line = _Line(named[1] if named else "Melody", [], 0, [])
    onset, duration, tied = 0, steps_per_quarter, _Tied({}, "")
    for word in re.findall(r"\[[^\]]*\]?[^\s|]*|\||[^\s\[|]+", text[named.end() if named else 0 :]):
        if word == "|":
            line.bars.append(onset)
            continue
        match = WORD.fullmatch(word)
        if match is None:
            raise SeedError(f"can't read {word!r}: expected a note like C4:1, F#4:1/2, C4:q., R:1 or [C4 E4 G4]:2")
        names, length, tie = match.groups()
        if length is not None:
            duration = _steps(length, word, steps_per_quarter)
        is_rest = names in ("R", "r")
        pitches = [] if is_rest else [_pitch(name, word) for name in (names[1:-1].split() if names.startswith("[") else [names])]
        if not pitches and not is_rest:
            raise SeedError(f"can't read {word!r}: a chord needs notes in its brackets")
        tied = _add(line.notes, pitches, onset, duration, tied, word if tie else "")
        onset += duration
    if tied.word:
        raise SeedError(f"the tie of {tied.word!r} leads to no note")
    return line._replace(end=onset)


class _Tied(NamedTuple):
    """Notes that may sound on."""

    places: dict[int, int]  # by pitch, among the notes of the line
    word: str  # that has the tie, empty where there is none


def _add(notes: list[Note], pitches: Sequence[int], onset: int, duration: int, tied: _Tied, tie: str) -> _Tied:
    """Begin notes, or let those go on that are tied to them. Raises SeedError."""
    if tied.word and not set(pitches) & set(tied.places):
        raise SeedError(f"the tie of {tied.word!r} leads to no note of the same pitch")
    places = {}
    for pitch in pitches:
        if tied.word and pitch in tied.places:
            places[pitch] = tied.places[pitch]
            notes[places[pitch]] = notes[places[pitch]]._replace(duration=onset + duration - notes[places[pitch]].onset)
        else:
            places[pitch] = len(notes)
            notes.append(Note(onset, pitch, duration, DEFAULT_VELOCITY))
    return _Tied(places, tie)


def _upbeat(line: _Line, meter: Meter, steps_per_quarter: int) -> int:
    """Steps of silence before a line's first bar line comes where a bar is full. Raises SeedError where bars do not fit the meter."""
    bar = meter.bar_steps(steps_per_quarter)
    lines = [step for step, before in zip(line.bars, (0, *line.bars), strict=False) if step > before]  # double ones are one
    for number, (begin, end) in enumerate(zip((0, *lines), lines, strict=False), 1):
        if end - begin != bar and (number > 1 or end > bar):
            wrong, right = (Fraction(steps, steps_per_quarter) for steps in (end - begin, bar))
            which = "" if line.name == "Melody" else f" of {line.name}"
            raise SeedError(
                f"bar {number}{which} lasts {wrong} quarter notes, and a bar of {meter.numerator}/{meter.denominator} {right}: "
                "move the bar line, or ask for the meter that you mean"
            )
    return bar - lines[0] if lines else 0


def _part(line: _Line, wait: int, instruments: Instruments) -> Part:
    program, is_drum = instruments.get(line.name.casefold(), (0, False))
    return Part(line.name, program, is_drum, without_overlaps(note._replace(onset=note.onset + wait) for note in line.notes))


def _pitch(name: str, word: str) -> int:
    try:
        return read_pitch(name)
    except WordingError as error:
        raise SeedError(f"can't read {word!r}: {error}") from None


def _steps(length: str, word: str, steps_per_quarter: int) -> int:
    value = VALUE.fullmatch(length)
    try:
        if value is not None:
            quarters = VALUES[value[1]] * DOTTED[len(value[3])] * (Fraction(2, 3) if value[2] else 1)
        else:
            quarters = Fraction(length if LENGTH.fullmatch(length) else "")
    except (ValueError, ZeroDivisionError):
        raise SeedError(
            f"can't read the duration {length!r} in {word!r}: expected quarter notes, like 1, 1/2 or 1.5, or a note value, like q, h or e."
        ) from None
    steps = quarters * steps_per_quarter
    if steps <= 0 or steps > LONGEST * steps_per_quarter:
        raise SeedError(f"the duration {length!r} in {word!r} must be above 0 and at most {LONGEST} quarter notes")
    if steps.denominator != 1:
        raise SeedError(f"the duration {length!r} in {word!r} is not on the grid of {steps_per_quarter} steps to the quarter note")
    return int(steps)

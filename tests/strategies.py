"""Hypothesis strategies for canonical pieces: those that the reader of MIDI can return, and that the laws hold for.

Canonical is: every part plays, changes come at rising steps, none after the last onset, none that repeats the one before it,
and no short first bar that makes an upbeat. What breaks these rules is dropped while a piece is built, never rejected, so
Hypothesis wastes no example.
"""

from collections.abc import Iterable
from functools import cache
from itertools import pairwise
from typing import TypeVar

from hypothesis import strategies as st

from musicgen.piece import Key, Meter, Note, Part, Piece, Tempo, canonical_tempo, without_overlaps

GRIDS = (4, 12, 24)  # steps a quarter note
METERS = ((4, 4), (3, 4), (2, 4), (1, 4), (2, 2), (3, 2), (6, 8), (7, 8), (12, 8), (5, 4), (3, 8), (1, 8))  # whole steps on every grid
NAMES = ("", "Piano", "Violin I", "Flöte", "ヴァイオリン", "Скрипка", "🎻", "e\u0301tude")
PROGRAMS = (0, 0, 40, 73)  # few, so that parts often share one
KITS = (0, 8, 25, 48)
PITCHES = (60, 60, 62, 64, 67, 36)  # few, so that notes often repeat and collide

T = TypeVar("T", Meter, Tempo, Key)


def canonical_changes(changes: Iterable[T]) -> tuple[T, ...]:
    """In order, of several at one step the last, without those that say again what holds already."""
    kept: list[T] = []
    for change in sorted({change.onset: change for change in changes}.values()):
        if not kept or change[1:] != kept[-1][1:]:
            kept.append(change)
    return tuple(kept)


def is_upbeat(meters: tuple[Meter, ...], steps_per_quarter: int) -> bool:
    """Whether a first meter of one bar, before a longer one, would be read as an upbeat."""
    first, *following = (meter.bar_steps(steps_per_quarter) for meter in meters[:2])
    return bool(following) and meters[1].onset == first < following[0]


@cache
def names() -> st.SearchStrategy[str]:
    """Names of parts: any printable characters, no blanks at the ends, no two in a row."""
    visible = st.characters(exclude_categories=("C", "Z"))
    return st.sampled_from(NAMES) | st.lists(st.text(visible, min_size=1, max_size=6), max_size=3).map(" ".join)


def tempos() -> st.SearchStrategy[float]:
    """Quarter notes a minute, as MIDI can say them."""
    return st.sampled_from((60.0, 120.0, 132.5)) | st.floats(3.6, 1000).map(canonical_tempo) | st.sampled_from((4.0, 60e6))


def notes(steps_per_quarter: int, max_notes: int) -> st.SearchStrategy[tuple[Note, ...]]:
    """The notes of one part, from any step on, at least one of them: chords, repetitions, rests; some lengths are extreme."""
    gaps = st.integers(0, 2 * steps_per_quarter) | st.sampled_from((0, 0, steps_per_quarter, 33 * steps_per_quarter))
    pitches = st.sampled_from(PITCHES) | st.integers(0, 127)
    durations = st.integers(1, 4 * steps_per_quarter) | st.sampled_from((1, steps_per_quarter, 1000 * steps_per_quarter))
    return st.lists(st.tuples(gaps, pitches, durations, st.integers(0, 31)), min_size=1, max_size=max_notes).map(_placed)


def _placed(drawn: list[tuple[int, int, int, int]]) -> tuple[Note, ...]:
    onset, placed = 0, []
    for gap, pitch, duration, velocity in drawn:
        onset += gap
        placed.append(Note(onset, pitch, duration, velocity))
    return without_overlaps(placed)


@cache  # a strategy that is built anew for every example costs more than what it draws
def parts(steps_per_quarter: int, max_notes: int) -> st.SearchStrategy[Part]:
    """Instruments and drum kits."""
    played = notes(steps_per_quarter, max_notes)
    number = st.integers(0, 127)
    instruments = st.builds(Part, names(), st.sampled_from(PROGRAMS) | number, st.just(False), played)
    return instruments | instruments | st.builds(Part, names(), st.sampled_from(KITS) | number, st.just(True), played)


def _changes(*fields: st.SearchStrategy) -> st.SearchStrategy[list[tuple]]:
    """Up to three changes, each a place (a number of steps, and whether it is a multiple of a half note, as bar lines often are) and fields."""
    return st.lists(st.tuples(st.integers(0, 9_999), st.booleans(), *fields), max_size=3)


SIGNATURES = st.sampled_from(METERS)
TEMPOS = tempos()
METER_CHANGES, TEMPO_CHANGES, KEY_CHANGES = _changes(SIGNATURES), _changes(TEMPOS), _changes(st.integers(-5, 6), st.booleans())


@st.composite
def pieces(draw: st.DrawFn, *, max_parts: int = 6, max_notes: int = 16, grids: tuple[int, ...] = GRIDS) -> Piece:
    """A canonical piece.

    Args:
        max_parts: most parts, at least 1.
        max_notes: most notes of one part, at least 1.
        grids: steps a quarter note, one of which is chosen.
    """
    steps_per_quarter = draw(st.sampled_from(grids))
    played = tuple(draw(_ensembles(steps_per_quarter, max_parts, max_notes)))
    last = max(part.notes[-1].onset for part in played)

    def step(place: int, is_half_note: bool) -> int:
        within = place % (last + 1)
        return within - within % (2 * steps_per_quarter) if is_half_note else within

    meters = [Meter(0, *draw(SIGNATURES)), *(Meter(step(*place), *meter) for *place, meter in draw(METER_CHANGES))]
    tempo_changes = [Tempo(0, draw(TEMPOS)), *(Tempo(step(*place), tempo) for *place, tempo in draw(TEMPO_CHANGES))]
    keys = [Key(step(*place), fifths, is_minor) for *place, fifths, is_minor in draw(KEY_CHANGES)]
    canonical_meters = canonical_changes(meters)
    while is_upbeat(canonical_meters, steps_per_quarter):
        canonical_meters = canonical_changes((canonical_meters[0], *canonical_meters[2:]))
    return Piece(played, canonical_meters, canonical_changes(tempo_changes), canonical_changes(keys), steps_per_quarter)


@cache
def _ensembles(steps_per_quarter: int, max_parts: int, max_notes: int) -> st.SearchStrategy[list[Part]]:
    return st.lists(parts(steps_per_quarter, max_notes), min_size=1, max_size=max_parts)


def is_canonical(piece: Piece) -> bool:
    """What `pieces` promises."""
    last = max((part.notes[-1].onset for part in piece.parts if part.notes), default=-1)
    series = (piece.meters, piece.tempos, piece.keys)
    return (
        all(part.notes for part in piece.parts)
        and all(change.onset <= last for changes in series for change in changes)
        and all(earlier[1:] != later[1:] for changes in series for earlier, later in pairwise(changes))
        and not is_upbeat(piece.meters, piece.steps_per_quarter)
    )

"""What is kept stays to the note, and the particle filter finds the network's own posterior."""

from functools import cache
from itertools import groupby, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import pieces
from tiny import BAR, bands, chorales, random_model, tunes

from musicgen.composing.givens import KEEPS, Rewriting
from musicgen.composing.request import RequestError
from musicgen.composing.rewriting import rewrite, systematic
from musicgen.encoding.context import context_of
from musicgen.encoding.tokens import encode
from musicgen.model.file import Model
from musicgen.piece import Note, Part, Piece

CORPORA = {"tunes": tunes, "chorales": chorales, "bands": bands}


@cache
def model_of(corpus: str) -> Model:
    return random_model(CORPORA[corpus]())


def notes_of(part: Part, start: int, end: int, inside: bool) -> list[Note]:
    """The notes that begin in a region, or outside of it."""
    return [note for note in part.notes if (start <= note.onset < end) == inside]


def pitches_in_order(notes: list[Note]) -> list[list[tuple[int, int]]]:
    """Pitches and loudness of what begins together."""
    return [[(note.pitch, note.velocity) for note in chord] for _, chord in groupby(notes, key=lambda note: note.onset)]


def rhythm(notes: list[Note]) -> list[tuple[int, int]]:
    return sorted((note.onset, note.duration) for note in notes)


def assert_kept(piece: Piece, after: Piece, rewritten: set[int], region: tuple[int, int], keeps: str) -> None:
    """Only what was to be rewritten has changed, and of it only what may."""
    assert (after.meters, after.tempos, after.keys, after.title) == (piece.meters, piece.tempos, piece.keys, piece.title)
    for index, part in enumerate(piece.parts):
        new = after.parts[index]
        if index not in rewritten:
            assert new == part
            continue
        assert (new.name, new.program, new.is_drum) == (part.name, part.program, part.is_drum)
        assert notes_of(new, *region, inside=False) == notes_of(part, *region, inside=False)
        before, now = notes_of(part, *region, inside=True), notes_of(new, *region, inside=True)
        assert max((note.end for note in now), default=0) <= max((region[1], *(note.end for note in before)))
        if keeps == "rhythm":
            assert rhythm(now) == rhythm(before)
        if keeps == "pitches":
            assert pitches_in_order(now) == pitches_in_order(before)


@settings(max_examples=30, deadline=None)
@given(pieces(grids=(12,), max_notes=8), st.sampled_from(sorted(CORPORA)), st.sampled_from(KEEPS), st.data())
def test_what_is_kept_stays_to_the_note(piece, corpus, keeps, data):
    lines = (*piece.bar_lines, piece.end)
    first = data.draw(st.integers(1, len(lines) - 1))
    last = data.draw(st.integers(first, min(first + 3, len(lines) - 1)))
    named = data.draw(st.sets(st.sampled_from(range(len(piece.parts))), min_size=1))
    try:
        result = rewrite(model_of(corpus), Rewriting(piece, (first, last), tuple(sorted(named)), keeps), 3, 0)
    except RequestError:
        return
    assert_kept(piece, result.piece, named, (lines[first - 1], lines[last]), keeps)
    assert len(result.piece.parts) == len(piece.parts)

"""One tune in ABC -> a music21 score, and what is heard in it as its voices say. music21 is imported where it reads."""

import re
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np

from musicgen.piece import NUM_PITCHES
from musicgen.reading.strands import Heard
from musicgen.reading.tune_signs import CHANGES, FIELD, mark, take_fields
from musicgen.reading.tunebooks import plain_tune
from musicgen.reading.tunes import DEFAULT_TUNE_TEMPO, FLUTE, TUNE_TEMPOS


def parse_tune(tune: str) -> Any:
    """A music21 score. Raises what `plain_tune` and music21 raise."""
    from music21 import abcFormat
    from music21.abcFormat import translate

    _mend_music21()
    plain, voices = plain_tune(tune)
    # from version 2 on an accidental holds to the end of its bar: where there are no bars, for its note alone
    has_bars = any("|" in line.rstrip(" |]") for voice in voices for line in voice.lines)
    handler = abcFormat.ABCHandler(abcVersion=(2, 1, 0) if has_bars else (1, 6, 0))
    handler.tokenize(plain)
    for token in handler.tokens:
        token.preParse()
    handler.tokens, signs = take_fields(handler.tokens, FIELD)
    handler.tokenProcess()
    handler.tokens, changes = take_fields(handler.tokens, "".join(CHANGES))
    for (token, own), (_, before) in zip(signs, changes, strict=True):
        token.chordSymbols = [*before, *own]  # there are no chord symbols, and a note takes nothing else along
    for token, following in pairwise([*handler.tokens, None]):
        if isinstance(token, abcFormat.ABCChord):  # is tied as a whole (`[CE]-`) or in part (`[C-E]`)
            signs = re.findall(r"[A-Ga-g][,']*[\d/]*(-?)", token.src)
            token.are_tied = [bool(sign) or isinstance(following, abcFormat.ABCTie) for sign in signs]
    return translate.abcToStreamScore(handler)


@cache
def _mend_music21() -> None:
    """A tune of fewer than two plain bar lines has bars, too; one that is too long is not cut, for it would lose its repeat sign; chords are tied.

    Endings are numbered by our own signs.
    """
    from music21 import abcFormat, chord, tie
    from music21.abcFormat import translate

    write = translate.parseABCNote

    def write_marked(token: Any, place: Any) -> None:
        fields, token.chordSymbols = token.chordSymbols, []
        at = place.highestTime
        write(token, place)
        is_tied = getattr(token, "are_tied", ())
        if not (fields or any(is_tied) or hasattr(place, "laid_over")):
            return
        place.coreElementsChanged()
        for field in fields:
            mark(field, place, at)
        written = place.notesAndRests.last()
        for note, begins in zip(written.notes if isinstance(written, chord.Chord) else (), is_tied, strict=False):
            note.tie = tie.Tie("start") if begins else note.tie
        if hasattr(place, "laid_over"):  # where the next note of another voice begins, in quarter notes
            place.setElementOffset(written, place.laid_over)
            place.coreElementsChanged()
            place.laid_over += written.quarterLength

    translate.parseABCNote = write_marked
    translate.reBar = lambda part, **_: None
    abcFormat.ABCBar.isRepeatBracket = lambda _: False
    abcFormat.ABCHandler.definesMeasures = lambda handler: any(isinstance(token, abcFormat.ABCBar) for token in handler.tokens)


def as_a_tune(heard: Heard, tune: str) -> Heard:
    """As its voices say, and with the tempo and the instrument of the tunes that come along, where it says none."""
    _, voices = plain_tune(tune)
    usual = FLUTE if len(voices) == 1 else 0
    strands = [
        strand._replace(
            name=strand.name or voice.name or "Melody",
            program=usual if voice.program is None else min(127, voice.program),
            pitch=np.clip(strand.pitch + voice.semitones, 0, NUM_PITCHES - 1),
        )
        for strand, voice in zip(heard.strands, voices, strict=True)
    ]
    first = heard.meters[0][1:] if heard.meters else (4, 4)
    tempos = heard.tempos or [(0, round(60e6 / TUNE_TEMPOS.get(first, DEFAULT_TUNE_TEMPO)))]
    return heard._replace(strands=strands, tempos=tempos)

"""One tune in ABC -> a music21 score, and what is heard in it as its voices say. music21 is imported where it reads."""

import re
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np

from musicgen.piece import NUM_PITCHES
from musicgen.reading.strands import Heard
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
    handler.process(plain)
    for token, following in pairwise([*handler.tokens, None]):
        if isinstance(token, abcFormat.ABCChord):  # is tied as a whole (`[CE]-`) or in part (`[C-E]`)
            signs = re.findall(r"[A-Ga-g][,']*[\d/]*(-?)", token.src)
            token.are_tied = [bool(sign) or isinstance(following, abcFormat.ABCTie) for sign in signs]
    return translate.abcToStreamScore(handler)


@cache
def _mend_music21() -> None:
    """A tune of fewer than two plain bar lines has bars, too; one that is too long is not cut, for it would lose its repeat sign; chords are tied."""
    from music21 import abcFormat, chord, tie
    from music21.abcFormat import translate

    write = translate.parseABCNote

    def write_tied(token: Any, place: Any) -> None:
        write(token, place)
        for note, is_tied in zip(place[-1].notes if isinstance(place[-1], chord.Chord) else (), getattr(token, "are_tied", ()), strict=False):
            note.tie = tie.Tie("start") if is_tied else note.tie

    translate.parseABCNote = write_tied
    translate.reBar = lambda part, **_: None
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

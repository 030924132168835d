"""The bytes of one score -> what is heard, as a document for JSON; runs in the child process of `score_reader`, and alone there."""

from collections.abc import Callable
from typing import Any

import numpy as np

from musicgen.piece import NUM_PITCHES
from musicgen.reading.plain_scores import plain_score
from musicgen.reading.reasons import Reason, UnreadableFileError
from musicgen.reading.scores import hear_score
from musicgen.reading.strands import Heard
from musicgen.reading.tunebooks import plain_tune
from musicgen.reading.tunes import DEFAULT_TUNE_TEMPO, FLUTE, TUNE_TEMPOS


def parse(kind: str, content: bytes) -> dict:
    """Title, strands (name, program, whether it is a drum kit, rows of begin, length, pitch and velocity in ticks), changes and remarks."""
    import music21

    score = PARSERS[kind](content)
    if isinstance(score, music21.stream.Opus):
        raise UnreadableFileError("several scores in one file", Reason.UNSUPPORTED)
    title, heard, remarks = hear_score(score, is_tune=kind == "ABC")
    if kind == "ABC":
        heard = _as_a_tune(heard, _text(content))
        title = ""  # the book's
    return {
        "title": title,
        "strands": [[s.name, s.program, s.is_drum, [column.tolist() for column in s[3:]]] for s in heard.strands],
        "tempos": heard.tempos,
        "meters": heard.meters,
        "keys": heard.keys,
        "remarks": remarks,
    }


def _parse_musicxml(content: bytes) -> Any:
    from music21.musicxml import xmlToM21

    importer = xmlToM21.MusicXMLImporter()
    importer.xmlRootToScore(plain_score(content), importer.stream)
    return importer.stream


def _parse_kern(content: bytes) -> Any:
    from music21 import converter

    return converter.parseData(_text(content), format="humdrum")


def _parse_abc(content: bytes) -> Any:
    from music21 import abcFormat
    from music21.abcFormat import translate

    # or a tune of fewer than two plain bar lines has no bars, and no repeats
    abcFormat.ABCHandler.definesMeasures = lambda handler: any(isinstance(token, abcFormat.ABCBar) for token in handler.tokens)
    translate.reBar = lambda part, **_: None  # or a bar that is too long is cut, and loses its repeat sign
    tune, voices = plain_tune(_text(content))
    # from version 2 on an accidental holds to the end of its bar: where there are no bars, for its note alone
    has_bars = any("|" in line.rstrip(" |]") for voice in voices for line in voice.lines)
    handler = abcFormat.ABCHandler(abcVersion=(2, 1, 0) if has_bars else (1, 6, 0))
    handler.process(tune)
    return translate.abcToStreamScore(handler)


def _as_a_tune(heard: Heard, tune: str) -> Heard:
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


def _text(content: bytes) -> str:
    return content.decode("utf-8")  # `recognition` has seen to it


PARSERS: dict[str, Callable[[bytes], Any]] = {"MusicXML": _parse_musicxml, "kern": _parse_kern, "ABC": _parse_abc}

"""The bytes of one score -> what is heard, as a document for JSON; runs in the child process of `score_reader`, and alone there."""

from collections.abc import Callable
from typing import Any

from musicgen.reading.kern import complete
from musicgen.reading.plain_scores import plain_score
from musicgen.reading.reasons import Reason, UnreadableFileError
from musicgen.reading.scores import hear_score
from musicgen.reading.tune_reader import as_a_tune, parse_tune


def parse(kind: str, content: bytes) -> dict:
    """Title, strands (name, program, whether it is a drum kit, rows of begin, length, pitch and velocity in ticks), changes and remarks."""
    import music21

    score = PARSERS[kind](content)
    if isinstance(score, music21.stream.Opus):
        raise UnreadableFileError("several scores in one file", Reason.UNSUPPORTED)
    title, heard, remarks = hear_score(score, is_tune=kind == "ABC")
    if kind == "ABC":
        heard = as_a_tune(heard, _text(content))
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

    return complete(converter.parseData(_text(content), format="humdrum"))


def _text(content: bytes) -> str:
    return content.decode("utf-8")  # `recognition` has seen to it


PARSERS: dict[str, Callable[[bytes], Any]] = {"MusicXML": _parse_musicxml, "kern": _parse_kern, "ABC": lambda content: parse_tune(_text(content))}

"""What the bytes of a file are, told by themselves: a MIDI file, a zip file, a score, or none of these.

XML is looked at up to its first element, by a parser that refuses entities: a few lines of them can grow to gigabytes.
"""

import codecs
import re
from typing import NamedTuple
from xml.parsers import expat

from musicgen.reading.chunks import is_midi
from musicgen.reading.reasons import Reason, UnreadableFileError
from musicgen.reading.tunebooks import is_tunebook

MIDI, ZIP, MUSICXML, ABC, KERN = "MIDI", "zip", "MusicXML", "ABC", "kern"
ZIP_STARTS = (b"PK\3\4", b"PK\5\6")  # of one with members, and of one without
MUSICXML_ROOTS = ("score-partwise", "score-timewise")
# what people have in folders of music: how it begins, what it is, and what that means
OTHERS = (
    (b"ID3", "recorded sound (MP3)", Reason.NOT_MUSIC),
    (b"\xff\xfb", "recorded sound (MP3)", Reason.NOT_MUSIC),
    (b"OggS", "recorded sound (Ogg)", Reason.NOT_MUSIC),
    (b"fLaC", "recorded sound (FLAC)", Reason.NOT_MUSIC),
    (b"RIFF", "recorded sound (WAV) or another RIFF file without MIDI", Reason.NOT_MUSIC),
    (b"%PDF", "a PDF", Reason.NOT_MUSIC),
    (b"\x89PNG", "a picture", Reason.NOT_MUSIC),
    (b"\xff\xd8\xff", "a picture", Reason.NOT_MUSIC),
    (b"\x1f\x8b", "a gzip file", Reason.PACKED),
    (b"BZh", "a bzip2 file", Reason.PACKED),
    (b"\xfd7zXZ", "an xz file", Reason.PACKED),
    (b"7z\xbc\xaf", "a 7z file", Reason.PACKED),
    (b"Rar!", "a RAR file", Reason.PACKED),
    (b"SMF2CLIP", "a MIDI 2.0 clip", Reason.UNSUPPORTED),
    (b"\x0fSIBELIUS", "a Sibelius file", Reason.UNSUPPORTED),
    (b"ENIGMA BINARY FILE", "a Finale file", Reason.UNSUPPORTED),
    (b"\x18FICHIER GUITAR PRO", "a Guitar Pro file", Reason.UNSUPPORTED),
)
TAR_MARK, TAR_MARK_AT = b"ustar", 257
NOT_READ = "no music that can be read (neither MIDI, MusicXML, ABC nor kern{})"
LOOKED_AT = 65_536  # bytes in which a score in text must show what it is


class Recognized(NamedTuple):
    kind: str
    content: bytes  # of a text, UTF-8


def recognize(content: bytes) -> Recognized:
    """The format. Raises UnreadableFileError where it is none that can be read."""
    if not content:
        raise UnreadableFileError("an empty file", Reason.EMPTY)
    if content.startswith(ZIP_STARTS):
        return Recognized(ZIP, content)
    if content.startswith(TAR_MARK, TAR_MARK_AT):  # what is in it may look like music that begins late
        raise UnreadableFileError(NOT_READ.format(": it is a tar file"), Reason.PACKED)
    if is_midi(content):
        return Recognized(MIDI, content)
    if _is_xml(content):
        _check_xml(content)
        return Recognized(MUSICXML, content)
    what, reason = next(((f": it is {what}", reason) for start, what, reason in OTHERS if content.startswith(start)), ("", Reason.NOT_MUSIC))
    if not what and b"\0" not in content[:LOOKED_AT]:
        text = _text(content)
        if is_tunebook(text):
            return Recognized(ABC, text.encode())
        if re.search(r"(^|\t)\*\*kern(\t|\r?$)", text[:LOOKED_AT], re.MULTILINE):
            return Recognized(KERN, text.encode())
    raise UnreadableFileError(NOT_READ.format(what), reason)


def _text(content: bytes) -> str:
    """UTF-8, or else Latin-1 as it is written under Windows."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace")


def _is_xml(content: bytes) -> bool:
    if content.startswith((codecs.BOM_UTF16_BE, codecs.BOM_UTF16_LE)):
        return content[2:6].replace(b"\0", b"").lstrip().startswith(b"<")
    return content.removeprefix(codecs.BOM_UTF8)[:LOOKED_AT].lstrip().startswith(b"<")


class _RootFoundError(Exception):
    """The first element has been seen."""


def _check_xml(content: bytes) -> None:
    """Refuse XML that is no MusicXML, or declares entities. Raises UnreadableFileError."""
    parser = expat.ParserCreate()
    found: list[str] = []

    def refuse(name: str, *_: object) -> None:
        raise UnreadableFileError(f"XML that declares an entity ({name[:40]}), which may grow without end", Reason.UNSAFE)

    def begin(name: str, _: dict[str, str]) -> None:
        found.append(name)
        raise _RootFoundError

    parser.EntityDeclHandler = refuse
    parser.StartElementHandler = begin
    try:
        parser.Parse(content, True)
    except _RootFoundError:
        pass
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise UnreadableFileError(f"damaged XML ({error})") from None
    root = found[0].rpartition(":")[2] if found else ""
    if root not in MUSICXML_ROOTS:
        reason = Reason.UNSUPPORTED if root in ("mei", "museScore", "opus") else Reason.NOT_MUSIC
        raise UnreadableFileError(f"XML that is no MusicXML (it begins with <{root[:40]}>)", reason)

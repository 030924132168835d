"""Odd and hostile files, made byte by byte: what each is, and what must become of it. Nothing in here is copied from anywhere.

    python tests/hostile.py FOLDER      writes them all as files

Conventions: MIDI tracks are hexdumps, in which a comment follows #. At 96 ticks a quarter note, delta times in hex are 60 for a quarter.
"""

import io
import sys
import zipfile
from pathlib import Path
from typing import NamedTuple

END = "00 FF 2F 00  "
QUARTER_C = "00 90 3C 50  60 80 3C 00  "  # middle C, velocity 80, for a quarter note
BIGGEST_DELTA = "FF FF FF 7F  "  # 2**28 - 1 ticks


def midi(*tracks: str, kind: int = 1, claimed: int | None = None, division: int = 96) -> bytes:
    """A file of tracks given as hexdumps."""
    header = b"".join(number.to_bytes(2, "big") for number in (kind, len(tracks) if claimed is None else claimed, division))
    return b"MThd" + bytes([0, 0, 0, 6]) + header + b"".join(map(chunk, map(dumped, tracks)))


def dumped(track: str) -> bytes:
    """The bytes of a hexdump."""
    return bytes.fromhex(" ".join(line.partition("#")[0] for line in track.splitlines()))


def chunk(content: bytes, kind: bytes = b"MTrk") -> bytes:
    """A chunk with its length."""
    return kind + len(content).to_bytes(4, "big") + content


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip file."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content, method)  # of 1980, so that the same members give the same bytes
    return file.getvalue()


class Hostile(NamedTuple):
    """A file, and what it holds: (onset, pitch, duration) in quarter notes of all notes, or the reasons for which it may be refused."""

    content: bytes
    outcome: list[tuple[float, int, float]] | tuple[str, ...]


ONE = [(0.0, 60, 1.0)]
TWO = [(0.0, 60, 1.0), (1.0, 60, 1.0)]
DAMAGED, TOO_LONG, NO_NOTES = ("damaged",), ("too long",), ("no notes",)
PLAIN = midi(QUARTER_C + END)
SCORE = """<?xml version="1.0"?>{}<score-partwise><part-list><score-part id="P1"><part-name>{}</part-name></score-part></part-list><part id="P1">
<measure number="1"><attributes><divisions>1</divisions><time><beats>4</beats><beat-type>4</beat-type></time></attributes>
<note><pitch><step>C</step><octave>4</octave></pitch><duration>1</duration></note><note><rest/><duration>3</duration></note></measure></part></score-partwise>"""
LAUGHS = "<!DOCTYPE s [<!ENTITY a0 'ha'>" + "".join(f"<!ENTITY a{n} '{f'&a{n - 1};' * 10}'>" for n in range(1, 10)) + "]>"

MIDI_FILES = {
    "plain": Hostile(PLAIN, ONE),
    "nothing": Hostile(b"", ("empty",)),
    "text": Hostile(b"no music", ("not music",)),
    "header-alone": Hostile(midi(), NO_NOTES),
    "header-cut": Hostile(PLAIN[:9], DAMAGED),
    "track-cut": Hostile(PLAIN[:-6], DAMAGED),
    "riff": Hostile(b"RIFF" + (len(PLAIN) + 12).to_bytes(4, "little") + b"RMIDdata" + len(PLAIN).to_bytes(4, "little") + PLAIN, ONE),
    "macbinary": Hostile(bytes(128) + PLAIN, ONE),
    "long-header": Hostile(PLAIN[:4] + bytes([0, 0, 0, 8]) + PLAIN[8:14] + bytes(2) + PLAIN[14:], ONE),
    "format-9": Hostile(midi(QUARTER_C + END, kind=9), ONE),
    "format-2": Hostile(midi(QUARTER_C + END, QUARTER_C + END, kind=2), ONE + ONE),  # two pieces
    "too-few-tracks-claimed": Hostile(midi(END, QUARTER_C + END, claimed=1), ONE),
    "too-many-tracks-claimed": Hostile(midi(QUARTER_C + END, claimed=65_535), ONE),
    "track-claims-4-gigabytes": Hostile(PLAIN[:18] + b"\xff\xff\xff\xff" + PLAIN[22:], ONE),
    "track-claims-nothing": Hostile(PLAIN[:18] + bytes(4) + PLAIN[22:], ONE),
    "foreign-chunk": Hostile(PLAIN[:14] + chunk(b"own data", b"XFIH") + PLAIN[14:], ONE),
    "rubbish-at-the-end": Hostile(PLAIN + b"\x1a" * 100, ONE),
    "no-end-of-track": Hostile(midi(QUARTER_C), ONE),
    "division-0": Hostile(midi(QUARTER_C + END, division=0), DAMAGED),
    "film-frames": Hostile(midi("00 90 3C 50 83 74 3C 00" + END, division=0xE728), ONE),  # 25 of 40 ticks: 500 in half a second
    "tempo-0": Hostile(midi("00 FF 51 03 00 00 00 " + QUARTER_C + END), ONE),
    "tempo-of-two-bytes": Hostile(midi("00 FF 51 02 07 A1 " + QUARTER_C + END), ONE),
    "meter-0": Hostile(midi("00 FF 58 04 00 00 18 08 " + QUARTER_C + END), ONE),
    "meter-of-2-to-the-255": Hostile(midi("00 FF 58 04 04 FF 18 08 " + QUARTER_C + END), ONE),
    "key-of-100-sharps": Hostile(midi("00 FF 59 02 64 00 " + QUARTER_C + END), ONE),
    "unknown-meta-event-takes-time": Hostile(midi("00 90 3C 50 60 FF 60 01 00 00 80 3C 00 00 90 3C 50 60 80 3C 00" + END), TWO),
    "bytes-above-127": Hostile(midi("00 90 3C 90  60 80 3C 00" + END), ONE),
    "status-runs-past-a-meta-event": Hostile(midi("00 90 3C 50 00 FF 01 01 21 60 3C 00" + END), ONE),
    "status-runs-from-nowhere": Hostile(midi("00 3C 50 60 3C 00" + END), DAMAGED),
    "sysex-without-end": Hostile(midi("00 F0 7F 01 02" + END), DAMAGED),
    "never-ends": Hostile(midi("00 90 3E 50 " + QUARTER_C + END), ONE),
    "none-ends": Hostile(midi("00 90 3C 50 00 90 3E 50" + END), NO_NOTES),
    "struck-again-without-end": Hostile(midi("00 90 3C 50 60 90 3C 50 60 80 3C 00" + END), TWO),
    "ended-by-another-track": Hostile(midi("00 90 3C 50" + END, "60 80 3C 00" + END), ONE),
    "no-length": Hostile(midi("00 90 3C 50 00 80 3C 00" + END), [(0.0, 60, 1 / 12)]),
    "twice-at-once": Hostile(midi("00 90 3C 50 00 90 3C 50 60 80 3C 00 00 80 3C 00" + END), ONE),
    "tick-bomb": Hostile(midi("FF FF FF 7F 90 3C 50 60 3C 00" + END), TOO_LONG),
    "ticks-that-overflow": Hostile(midi(QUARTER_C + "FF FF FF 7F FF 01 00 " * 17 + QUARTER_C + END), TOO_LONG),
    "endless-note": Hostile(midi("00 90 3C 50 FF FF FF 7F 3C 00" + END, division=32_767), TOO_LONG),
    "delta-of-five-bytes": Hostile(midi("FF FF FF FF 7F 90 3C 50 60 3C 00" + END), DAMAGED),
    "text-of-256-megabytes": Hostile(midi("00 FF 01 FF FF FF 7F 41" + END), DAMAGED),
    "many-tracks": Hostile(midi(*[END] * 20_000), ("too many tracks",)),
    "many-notes": Hostile(midi("00 90" + " 3C 50 01 3C 00 00" * 200_001 + " 3C 00" + END), ("too many notes",)),
    "many-tempi": Hostile(midi("00 FF 51 03 07 A1 20 " * 100_001 + QUARTER_C + END), ("too many changes",)),
    "many-controllers": Hostile(midi("00 B0 07 40 " * 200_000 + QUARTER_C + END), ONE),
}
OTHER_FILES = {
    "score": Hostile(SCORE.format("", "Flute").encode(), ONE),
    "score-in-utf-16": Hostile(SCORE.replace('"1.0"', '"1.0" encoding="UTF-16"').format("", "Flöte").encode("utf-16"), ONE),
    "billion-laughs": Hostile(SCORE.format(LAUGHS, "&a9;").encode(), ("unsafe",)),
    "foreign-entity": Hostile(SCORE.format("<!DOCTYPE s [<!ENTITY a SYSTEM 'file:///etc/passwd'>]>", "&a;").encode(), ("unsafe",)),
    "score-cut": Hostile(SCORE.format("", "Flute").encode()[:-20], DAMAGED),
    "score-of-no-end": Hostile(b"<score-partwise>" + b"<part>" * 100_000, DAMAGED),
    "web-page": Hostile(b"<!DOCTYPE html><html><body>404</body></html>", ("not music",)),
    "tune": Hostile(b"X:1\nT:A\nM:4/4\nL:1/4\nK:C\nC z z z|\n", ONE),
    "tune-in-latin-1": Hostile("X:1\nT:Flöte\nM:4/4\nL:1/4\nK:C\nC z z z|\n".encode("latin-1"), ONE),
    "kern": Hostile(b"**kern\n*M4/4\n4c\n4r\n2r\n*-\n", ONE),
    "zip": Hostile(zipped({"a.mid": PLAIN}), ONE),
    "zip-with-a-path-upwards": Hostile(zipped({"../../../tmp/a.mid": PLAIN}), ONE),
    "zip-bomb": Hostile(zipped({"a.mid": bytes(50_000_000)}), ("too large",)),
    "zip-that-lies": Hostile(
        zipped({"a.mid": bytes(50_000_000)}).replace((50_000_000).to_bytes(4, "little"), (9).to_bytes(4, "little")), ("damaged", "too large")
    ),
    "zip-in-a-zip": Hostile(zipped({"a.zip": zipped({"a.mid": PLAIN})}), ("zip in a zip",)),
    "zip-cut": Hostile(zipped({"a.mid": PLAIN})[:-30], DAMAGED),
    "zip-of-nothing": Hostile(zipped({}), ("empty",)),
}
HOSTILE = MIDI_FILES | OTHER_FILES

if __name__ == "__main__":
    for name, (content, _) in HOSTILE.items():
        Path(sys.argv[1], name).write_bytes(content)

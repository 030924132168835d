"""A soundfont: which instruments are in an SF2 file, and what takes the place of those that are not.

Conventions: an SF2 file is a RIFF file of the form "sfbk" with three lists, INFO, sdta (the samples) and pdta (what they are for); numbers are little
endian. A preset is an instrument by its bank and its program: bank 0 has the instruments of General MIDI, bank 128 the drum kits.
Source: SoundFont Technical Specification 2.04 (Creative Technology 2006), sections 4, 5 and 7.
"""

import importlib.util
import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from musicgen.listening.instruments import name_of, nearest
from musicgen.piece import Part, Piece

MOST_BYTES = 1_000_000_000  # of a soundfont; the largest that people use for all instruments have half of that
LISTS = (b"INFO", b"sdta", b"pdta")
PRESET = struct.Struct("<20s3H12x")  # name, program, bank, first zone, and 12 bytes that nobody uses
SAMPLE = struct.Struct("<20s16x8xH")  # name, five places and rates, pitch and link, kind
VERSION = struct.Struct("<2H")
COMPRESSED = 0x10  # a bit of a sample's kind
DRUM_BANK = 128


class SoundfontError(Exception):
    """A file that is no soundfont, or one that cannot play a piece; the message says why, without the file's name."""


@dataclass(frozen=True, slots=True)
class Soundfont:
    """A soundfont that was looked at."""

    path: Path
    content: bytes
    programs: frozenset[int]  # of bank 0
    kits: frozenset[int]

    @classmethod
    def of(cls, content: bytes, path: Path) -> "Soundfont":
        """Raises SoundfontError where the bytes are no SF2 file."""
        chunks = dict(_chunks_of_lists(content))
        version = chunks.get(b"ifil", b"")
        samples = chunks.get(b"shdr", b"")
        whole = len(samples) // SAMPLE.size * SAMPLE.size
        kinds = [kind for _, kind in SAMPLE.iter_unpack(samples[:whole])]
        if (len(version) == VERSION.size and VERSION.unpack(version)[0] > 2) or any(kind & COMPRESSED for kind in kinds):
            raise SoundfontError("its samples are compressed (SF3), which is not supported here: take an SF2 file")
        presets = chunks.get(b"phdr", b"")
        if len(presets) % PRESET.size or b"smpl" not in chunks:
            raise SoundfontError("a damaged soundfont (its list of instruments or its samples are not whole)")
        found = [(bank, program) for _, program, bank, _ in list(PRESET.iter_unpack(presets))[:-1]]  # the last one only ends the list
        programs = frozenset(program for bank, program in found if bank == 0 and program < 128)
        kits = frozenset(program for bank, program in found if bank == DRUM_BANK and program < 128)
        if not programs and not kits:
            raise SoundfontError("no instruments in it (in the banks 0 and 128, where General MIDI has its own)")
        return cls(path, content, programs, kits)

    def cast(self, piece: Piece) -> tuple[Piece, tuple[str, ...]]:
        """The piece with instruments that are there, and a sentence on each that is not. Raises SoundfontError where nobody is left to play."""
        parts: list[Part] = []
        notices: list[str] = []
        for part in piece.parts:
            there = self.kits if part.is_drum else self.programs
            if part.program in there:
                parts.append(part)
                continue
            missing = name_of(part.program, part.is_drum)
            if there:
                program = nearest(part.program, there, part.is_drum)
                parts.append(replace(part, program=program))
                notices.append(f"the soundfont {self.path.name} has no {missing}: {name_of(program, part.is_drum)} plays instead")
            else:
                kind = "drums" if part.is_drum else "instruments but drums"
                notices.append(f"the soundfont {self.path.name} has no {kind}: the part of the {missing} is left out")
        cast = replace(piece, parts=tuple(parts))
        if piece.num_notes and not cast.num_notes:
            raise SoundfontError("none of the instruments that play in this piece, nor any like them")
        return cast, tuple(dict.fromkeys(notices))


def _chunks(content: bytes, begin: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Name, begin and end of each chunk between two places. Raises SoundfontError where one goes on past the end."""
    while begin + 8 <= end:
        name, size = struct.unpack_from("<4sI", content, begin)
        if begin + 8 + size > end:
            raise SoundfontError("a damaged soundfont, or one that is cut off")
        yield name, begin + 8, begin + 8 + size
        begin += 8 + size + size % 2  # chunks of an odd size are followed by a zero


def _chunks_of_lists(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Name and content of the chunks in the three lists; of the samples, which are large, the first byte alone."""
    if content[:4] != b"RIFF" or content[8:12] != b"sfbk":
        raise SoundfontError("no soundfont (it does not begin with RIFF and sfbk)")
    end = 8 + int.from_bytes(content[4:8], "little")
    if end > len(content):
        raise SoundfontError(f"cut off: {len(content):,} of {end:,} bytes are there")
    for name, begin, stop in _chunks(content, 12, end):
        if name == b"LIST" and content[begin : begin + 4] in LISTS:
            for inner, first, last in _chunks(content, begin + 4, stop):
                yield inner, content[first : first + 1 if inner in (b"smpl", b"sm24") else last]


def default_soundfont() -> Path | None:
    """The General MIDI soundfont that pretty_midi installs; nothing where it has none. Imports nothing."""
    found = importlib.util.find_spec("pretty_midi")
    folders = (found.submodule_search_locations or []) if found else []
    return next((path for folder in folders if (path := Path(folder) / "TimGM6mb.sf2").is_file()), None)

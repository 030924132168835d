"""Tiny soundfonts: every instrument is one looped sine wave, on the left, in the middle or on the right.

Conventions: the wave is 440 Hz at the key 69. Layout: SoundFont Technical Specification 2.04, section 7.
"""

import struct

import numpy as np

LEFT, MIDDLE, RIGHT = -500, 0, 500  # tenths of a percent
PERIOD, RATE = 100, 44_000  # samples, Hz
INSTRUMENT, SAMPLE_MODES, SAMPLE_ID, PAN = 41, 54, 53, 17  # generators


def chunk(name: bytes, content: bytes) -> bytes:
    return name + len(content).to_bytes(4, "little") + content + bytes(len(content) % 2)


def listed(name: bytes, *chunks: bytes) -> bytes:
    return chunk(b"LIST", name + b"".join(chunks))


def sf2(presets: dict[tuple[int, int], int] | None = None, version: int = 2, kind: int = 1) -> bytes:
    """An SF2 file.

    Args:
        presets: (bank, program) -> where it plays from, LEFT to RIGHT.
        version: 3 for a file that says that it is SF3.
        kind: of the sample: 1 is mono, and 0x10 more says that it is compressed.
    """
    presets = {(0, 0): MIDDLE} if presets is None else presets
    wave = np.round(16_000 * np.sin(2 * np.pi * np.arange(10 * PERIOD) / PERIOD)).astype("<i2")
    samples = wave.tobytes() + bytes(2 * 46)  # the specification asks for 46 samples of silence
    number = range(len(presets) + 1)  # one more of each list ends it
    headers = [struct.pack("<20s3H3I", f"preset {n}".encode(), program, bank, n, 0, 0, 0) for n, (bank, program) in enumerate(presets)]
    headers.append(struct.pack("<20s3H3I", b"EOP", 0, 0, len(presets), 0, 0, 0))
    zones = [struct.pack("<2H", n, 0) for n in number]
    generators = [struct.pack("<2H", INSTRUMENT, n) for n in range(len(presets))]
    instruments = [struct.pack("<20sH", b"sine", n) for n in number]
    inner_zones = [struct.pack("<2H", 3 * n, 0) for n in number]
    inner = [struct.pack("<HhHHHH", PAN, pan, SAMPLE_MODES, 1, SAMPLE_ID, 0) for pan in presets.values()]
    sample = struct.pack("<20s5IBbHH", b"sine", 0, len(wave), PERIOD, 9 * PERIOD, RATE, 69, 0, 0, kind)
    end = struct.pack("<20s5IBbHH", b"EOS", 0, 0, 0, 0, 0, 0, 0, 0, 0)
    info = listed(b"INFO", chunk(b"ifil", struct.pack("<2H", version, 1)), chunk(b"isng", b"EMU8000\0"), chunk(b"INAM", b"tiny\0\0"))
    tables = {
        b"phdr": headers,
        b"pbag": zones,
        b"pmod": [bytes(10)],
        b"pgen": [*generators, bytes(4)],
        b"inst": instruments,
        b"ibag": inner_zones,
        b"imod": [bytes(10)],
        b"igen": [*inner, bytes(4)],
        b"shdr": [sample, end],
    }
    body = info + listed(b"sdta", chunk(b"smpl", samples)) + listed(b"pdta", *(chunk(name, b"".join(rows)) for name, rows in tables.items()))
    return chunk(b"RIFF", b"sfbk" + body)

"""The serial number of an Ogg stream, which libsndfile draws at random: a fixed one, so that equal sound gives equal bytes.

Conventions: a page begins with "OggS"; its serial number stands at byte 14, its checksum at 22, the number of its segments at 26 and their lengths
from 27 on. Source: RFC 3533, section 6. The checksum is a CRC-32 as zlib's, but from 0 on and with the bits of all bytes in the other order.
"""

import zlib

MIRRORED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
ONES = 0xFFFFFFFF  # zlib turns all bits round before and after
SERIAL, CHECKSUM, SEGMENTS, LENGTHS = 14, 22, 26, 27


def with_serial(content: bytes, serial: int) -> bytes:
    """The same pages with another serial number of 32 bits. Raises ValueError where the content is not made of pages."""
    pages, at = bytearray(content), 0
    while at < len(pages):
        if pages[at : at + 4] != b"OggS" or at + LENGTHS > len(pages):
            raise ValueError(f"no Ogg page at byte {at}")
        lengths = pages[at + LENGTHS : at + LENGTHS + pages[at + SEGMENTS]]
        end = at + LENGTHS + len(lengths) + sum(lengths)
        pages[at + SERIAL : at + SERIAL + 4] = serial.to_bytes(4, "little")
        pages[at + CHECKSUM : at + CHECKSUM + 4] = bytes(4)
        pages[at + CHECKSUM : at + CHECKSUM + 4] = checksum(bytes(pages[at:end])).to_bytes(4, "little")
        at = end
    return bytes(pages)


def checksum(page: bytes) -> int:
    """Of a page whose own checksum is zero."""
    return int(f"{zlib.crc32(page.translate(MIRRORED), ONES) ^ ONES:032b}"[::-1], 2)

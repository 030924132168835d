"""The members of a zip file, one by one.

Bytes are counted while they are unzipped: what the directory says of sizes is never believed. Nothing goes to the disk.
"""

import io
import re
import zipfile
import zlib
from collections.abc import Iterator

from musicgen.reading.guard import Limits
from musicgen.reading.reasons import Reason, UnreadableFileError

PIECE_BYTES = 1 << 16
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2)  # LZMA may ask for gigabytes before the first byte comes
ENCRYPTED = 0x1  # flag
CONTAINER = "META-INF/container.xml"  # of an .mxl, a zip file around one score
NOT_MEANT = re.compile(r"(^|/)(__MACOSX/|\._|\.DS_Store$)|/$|^mimetype$|^META-INF/")  # what systems and .mxl put beside the music


def members(content: bytes, limits: Limits) -> Iterator[tuple[str, bytes | UnreadableFileError]]:
    """The name of each member that may be music, and its bytes, or why there are none. Raises UnreadableFileError where all is lost."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
        # a member may lie in the directory twice; what lies where counts once
        listed = list({info.header_offset: info for info in archive.infolist()}.values())
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OverflowError, OSError) as error:
        raise UnreadableFileError(f"a damaged zip file ({error})") from None
    limits.check("members", len(listed))
    scores = _scores_of_container(archive, limits)
    left = limits.unzipped_bytes
    for info in listed:
        if NOT_MEANT.search(info.filename) or (scores and info.filename not in scores):
            continue
        try:
            unzipped = _unzip(archive, info, left, limits)
        except UnreadableFileError as error:
            yield info.filename, error
            if error.reason is Reason.TOO_LARGE and left <= limits.file_bytes:
                return  # there may be no end to it
            continue
        left -= len(unzipped)
        yield info.filename, unzipped


def _scores_of_container(archive: zipfile.ZipFile, limits: Limits) -> set[str]:
    """The scores that an .mxl names; none where the file is another zip file."""
    if CONTAINER not in archive.namelist():
        return set()
    try:
        container = _unzip(archive, archive.getinfo(CONTAINER), PIECE_BYTES, limits).decode("utf-8", "replace")
    except UnreadableFileError:
        return set()
    paths = re.findall(r"""full-path\s*=\s*["']([^"']+\.(?:musicxml|xml))["']""", container, re.IGNORECASE)
    return set(paths) & set(archive.namelist())


def is_mxl(content: bytes) -> bool:
    """Whether a zip file is a score in its container."""
    return CONTAINER.encode() in content


def _unzip(archive: zipfile.ZipFile, info: zipfile.ZipInfo, left: int, limits: Limits) -> bytes:
    """The bytes of a member, at most as many as are left of what all may have, and as a file may have. Raises UnreadableFileError."""
    if info.flag_bits & ENCRYPTED:
        raise UnreadableFileError("encrypted", Reason.ENCRYPTED)
    if info.compress_type not in METHODS:
        raise UnreadableFileError(f"zipped by method {info.compress_type}, which is not read", Reason.UNSUPPORTED)
    pieces: list[bytes] = []
    size = 0
    try:
        with archive.open(info) as member:
            while piece := member.read(PIECE_BYTES):
                pieces.append(piece)
                size += len(piece)
                limits.check("file_bytes", size)
                if size > left:
                    limits.check("unzipped_bytes", limits.unzipped_bytes - left + size)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError, RuntimeError) as error:
        raise UnreadableFileError(f"damaged within the zip file ({error or type(error).__name__})") from None
    return b"".join(pieces)

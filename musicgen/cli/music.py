"""What commands share that take a music file: the piece in it."""

from pathlib import Path

from musicgen.cli.console import UNREADABLE, CommandError, say
from musicgen.piece import Piece
from musicgen.reading.formats import read_music_file
from musicgen.reading.guard import UnreadableFileError, shown

AS_PLAYED = 480  # steps to the quarter note: what is only to be heard is heard as it was played


def read_music(path: Path, steps_per_quarter: int, quiet: bool = False) -> Piece:
    """The piece in a music file, the first of several. Raises CommandError."""
    try:
        readings = read_music_file(path, steps_per_quarter)
    except UnreadableFileError as error:
        raise CommandError(f"can't read {shown(path)}: {error}", UNREADABLE) from None
    if len(readings) > 1:
        say(f"{shown(path)} holds {len(readings)} pieces: the first is taken, {readings[0].piece.title!r}", quiet)
    return readings[0].piece

"""What commands share that show music: the score as MusicXML, SVG or PDF, and the piano roll as SVG or PNG."""

from dataclasses import replace

from musicgen.cli.console import FAILURE, CommandError
from musicgen.judging.key import estimate_key
from musicgen.listening.notation.engraving import PAPER, EngravingError, engrave, one_picture, pdf
from musicgen.listening.notation.musicxml import musicxml
from musicgen.listening.notation.score import score_of
from musicgen.listening.pianoroll import Colouring, by_part, roll, whole
from musicgen.listening.picture import png_file, svg_file
from musicgen.piece import Piece


def in_its_key(piece: Piece) -> Piece:
    """The piece with the key that its file says, or else with the one that fits its notes best."""
    return piece if piece.keys else replace(piece, keys=(estimate_key(piece),))


def sheet(piece: Piece, kind: str, on_two_staves: bool = False) -> bytes:
    """The score of a piece as the bytes of a file. Raises CommandError."""
    written = musicxml(score_of(in_its_key(piece), on_two_staves))
    if kind == "musicxml":
        return written
    try:
        return pdf(engrave(written, PAPER)) if kind == "pdf" else one_picture(engrave(written)).encode()
    except EngravingError as error:
        raise CommandError(f"no score as {kind.upper()}: {error}", FAILURE) from None


def roll_file(piece: Piece, is_png: bool, is_dark: bool, colouring: Colouring | None = None) -> bytes:
    """The piano roll of a piece as the bytes of a file; an SVG follows the light or dark of whoever looks at it."""
    picture = whole(roll(piece, *(colouring or by_part(piece))), piece.title)
    return png_file(picture, is_dark) if is_png else svg_file(picture, f"Piano roll of {piece.title}" if piece.title else "Piano roll")

"""Tunes in ABC as they sound: pitches as letters, an octave for those from c on in small ones, as ABC itself has them."""

import pytest

from musicgen.reading.formats import read_music

SCALE = dict(zip([60, 62, 64, 65, 67, 69, 71, 72, 74, 76, 77, 79, 81, 83], "CDEFGABcdefgab", strict=True))


def played(abc: str) -> list[str]:
    """The pitches of each part, in order."""
    (reading,) = read_music(f"X:1\nM:2/4\nL:1/4\n{abc}\n".encode(), "tune.abc")
    return ["".join(SCALE.get(note.pitch, f"<{note.pitch}>") for note in part.notes) for part in reading.piece.parts]


@pytest.mark.parametrize(
    ("music", "heard"),
    [
        ("CD|EF:|GA|Bc:|", "CDEFCDEFGABcGABc"),
        ("CD|[1EF:|[2GA|]", "CDEFCDGA"),
        ("CD|1EF:|2GA||Bc|]", "CDEFCDGABc"),  # the line before a second ending is no double bar
        ("|:CD|[1EF|GA|Bc:|[2cd|ef:|gg|]", "CDEFGABcCDcdefgg"),
        ("CC||DD|EE:|FF|]", "CCDDEEDDEEFF"),
    ],
)
def test_repeats_and_endings(music, heard):
    assert played(f"K:C\n{music}") == [heard]

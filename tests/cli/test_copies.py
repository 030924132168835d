"""Copies are found by their sound, different pieces are not taken for copies, and how music stands to its beats is said."""

from dataclasses import replace

import numpy as np
import pytest
from tiny import BAR, chorales, line

from musicgen.listening.midi import midi_bytes
from musicgen.piece import Meter, Note, Part, Piece, without_overlaps
from musicgen.reading.beats import remarks_on_beats
from musicgen.reading.gathering import read_corpus


def piece_of(seed: int, bars: int = 24) -> Piece:
    """Two voices that walk, long enough to be told from all others."""
    random = np.random.default_rng(seed)
    voices = [line(random, low, high, bars * BAR) for low, high in ((60, 81), (40, 62))]
    return Piece(tuple(Part(name, 0, notes=notes) for name, notes in zip("AB", voices, strict=True)))


def changed(piece: Piece, change, program: int = 0) -> Piece:
    """All notes changed, on another instrument."""
    parts = tuple(replace(part, program=program, notes=without_overlaps(map(change, part.notes))) for part in piece.parts)
    return replace(piece, parts=parts)


def nudged(note: Note) -> Note:
    return note._replace(pitch=note.pitch + 1) if hash((note.onset, note.pitch)) % 20 == 0 else note


VARIANTS = {
    "louder, on another instrument": lambda piece: changed(piece, lambda note: note._replace(velocity=31), 40),
    "transposed": lambda piece: piece.transposed(-5),
    "a bar later": lambda piece: changed(piece, lambda note: note._replace(onset=note.onset + BAR)),
    "halved": lambda piece: changed(piece, lambda note: note._replace(onset=note.onset // 2, duration=note.duration // 2)),
    "doubled and transposed": lambda piece: changed(
        piece.transposed(3), lambda note: note._replace(onset=2 * note.onset, duration=2 * note.duration)
    ),
    "with wrong notes": lambda piece: changed(piece, nudged),
    "in one part": lambda piece: Piece((Part("all", 0, notes=without_overlaps(note for part in piece.parts for note in part.notes)),)),
    "with drums": lambda piece: replace(piece, parts=(*piece.parts, Part("Drums", 0, True, tuple(Note(12 * beat, 38, 6) for beat in range(60))))),
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_variant_is_a_copy_and_stays_on_one_side(tmp_path, variant):
    pieces = [piece_of(seed) for seed in range(6)]
    for number, piece in enumerate([*pieces, VARIANTS[variant](pieces[2])]):
        (tmp_path / f"{number}.mid").write_bytes(midi_bytes(piece))
    corpus = read_corpus([tmp_path])
    assert corpus.copies.first.tolist() == [0, 1, 2, 3, 4, 5, 2]
    assert corpus.copies.family.tolist() == [0, 1, 2, 3, 4, 5, 2]
    (receipt,) = corpus.receipts([6])
    assert (receipt.status, receipt.message) == ("duplicate", f"sounds like {tmp_path / '2.mid'}")


def test_another_bass_under_the_same_melody_is_another_piece(tmp_path):
    first, second = piece_of(1), piece_of(2)
    for name, piece in (("a", first), ("b", replace(first, parts=(first.parts[0], second.parts[1])))):
        (tmp_path / f"{name}.mid").write_bytes(midi_bytes(piece))
    assert len(read_corpus([tmp_path]).pieces) == 2


FREE = np.unique(np.cumsum(np.random.default_rng(0).exponential(9, 200)).astype(int))
QUARTERS = np.arange(0, 40 * 12, 12)
REMARKS = [
    (QUARTERS, []),
    (QUARTERS + 36, ["upbeat of 1 quarter note"]),
    (np.union1d(QUARTERS, QUARTERS + 8), ["swings: its offbeats are the last third of the beat"]),
    (np.arange(0, 480, 4), ["has triplets, which the grid holds exactly"]),
    (FREE, ["follows no beat: played freely, perhaps recorded at a constant tempo, so that its bars and note values are the clock's"]),
    (np.arange(0, 480, 2), ["has triplets, which the grid holds exactly"]),  # or so small ones that they hold to no beat but their own
    (np.round(np.arange(200) * 2.4).astype(int), []),  # quintuplets, as near as the grid has them
    (np.zeros(0, int), []),
]


@pytest.mark.parametrize(("onsets", "expected"), REMARKS)
def test_how_music_stands_to_its_beats_is_said(onsets, expected):
    assert remarks_on_beats(onsets, (Meter(0, 4, 4),), 12) == expected


def test_the_table_the_page_and_the_json_say_the_same(shell, folder):
    music = folder / "music"
    music.mkdir()
    for number, piece in enumerate((*chorales(), chorales()[1].transposed(2))):
        (music / f"{number}.mid").write_bytes(midi_bytes(piece))
    (music / "bad.mid").write_bytes(b"")
    (music / "<b>notes.txt").write_text("no music")
    code, out, _ = shell("corpus", "check", "music", "--page", "page.html")
    assert code == 0
    assert out.splitlines()[-1] == "7 files: 4 used, 1 duplicate, 2 skipped (1 not music, 1 empty); 4 pieces, 230 notes"
    assert "music/bad.mid" in out
    assert "sounds like music/1.mid" in out
    assert "notes.txt" not in out, "what does not claim to be music is only counted"
    page = (folder / "page.html").read_text()
    assert "&lt;b&gt;notes.txt" in page
    assert "<b>" not in page
    assert shell("corpus", "check", "music", "--page", "page.html")[0] == 2

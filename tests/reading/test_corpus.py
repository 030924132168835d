"""Folders: every file is found once and accounted for, and the split is by piece."""

from pathlib import Path

from musicgen.listening.midi import midi_bytes
from musicgen.piece import Key, Meter, Note, Part, Piece, Tempo
from musicgen.reading.corpus import find_files, fingerprint, fingerprint_of_all, read_files, split


def piece(number: int, instrument: int = 0, tempo: float = 100.0) -> Piece:
    notes = tuple(Note(12 * step, 60 + (number * step) % 7, 12) for step in range(8))
    return Piece((Part("Part", instrument, notes=notes),), tempos=(Tempo(0, tempo),), title=f"{number}")


def test_files_are_found_below_folders_by_their_ending_without_following_links(tmp_path: Path):
    (tmp_path / "b" / "deep").mkdir(parents=True)
    for name in ("b/deep/z.MID", "a.midi", "b/notes.txt", "b/-dash.mid", "b/new\nline.mid"):
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "link.mid").symlink_to(tmp_path / "a.midi")
    (tmp_path / "b" / "loop").symlink_to(tmp_path)
    found = [str(path.relative_to(tmp_path)) for path in find_files([tmp_path])]
    assert found == ["a.midi", "b/-dash.mid", "b/deep/z.MID", "b/new\nline.mid"]


def test_a_file_named_outright_counts_once_whatever_its_ending(tmp_path: Path):
    (tmp_path / "a.mid").write_bytes(b"")
    (tmp_path / "b.bin").write_bytes(b"")
    assert find_files([tmp_path / "b.bin", tmp_path, tmp_path / "a.mid", tmp_path / "gone.mid"]) == [tmp_path / "b.bin", tmp_path / "a.mid"]


def test_every_file_gets_a_receipt(tmp_path: Path):
    (tmp_path / "good.mid").write_bytes(midi_bytes(piece(3)))
    (tmp_path / "bad.mid").write_bytes(b"no music")
    bad, good = read_files(find_files([tmp_path]))
    assert (bad.piece, bad.reason) == (None, "no MIDI file (it does not begin with a MIDI header)")
    assert (good.piece, good.reason) == (piece(3), "")
    assert good.piece.title == "good"


def test_silent_bars_before_the_music_are_left_out(tmp_path: Path):
    late = Piece((Part("Part", 0, notes=(Note(36 * 4 + 24, 60, 12),)),), (Meter(0, 3, 4),))
    (tmp_path / "late.mid").write_bytes(midi_bytes(late))
    (receipt,) = read_files([tmp_path / "late.mid"])
    assert receipt.piece is not None
    assert receipt.piece.parts[0].notes == (Note(24, 60, 12),)


def test_the_fingerprint_ignores_key_instrument_name_and_tempo_but_no_note():
    same = [piece(3), piece(3).transposed(5), piece(3, instrument=40, tempo=77.0), Piece(piece(3).parts, keys=(Key(0, 2),))]
    assert len({fingerprint(one) for one in same}) == 1
    assert fingerprint(piece(3)) != fingerprint(piece(4))


def test_equal_pieces_stay_on_one_side_and_one_of_them_is_kept():
    pieces = [piece(number % 5) for number in range(20)] + [piece(number).transposed(2) for number in range(5)]
    training, held_out = split(pieces, 0.4)
    assert (len(training), len(held_out)) == (3, 2)
    assert not {fingerprint(one) for one in training} & {fingerprint(one) for one in held_out}


def test_the_split_depends_on_the_pieces_alone():
    pieces = [piece(number) for number in range(1, 7)]
    (training, held_out), (again, held_out_again) = split(pieces), split(pieces[::-1])
    assert {one.title for one in held_out} == {one.title for one in held_out_again}
    assert {one.title for one in training} == {one.title for one in again}
    assert fingerprint_of_all(pieces) == fingerprint_of_all(pieces[::-1])


def test_one_piece_leaves_nothing_to_learn_from():
    assert split([piece(1), piece(1)])[0] == []

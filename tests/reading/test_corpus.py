"""Folders: every file is found once and accounted for, copies are known, and the split is by piece."""

import os
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from tiny import bands, chorales, tunes

from musicgen.listening.midi import midi_bytes
from musicgen.piece import Key, Meter, Note, Part, Piece, Tempo
from musicgen.reading.corpus import Corpus
from musicgen.reading.finding import find_all, find_files
from musicgen.reading.gathering import read_corpus
from musicgen.reading.readings import Reading
from musicgen.reading.records import FileRecord
from musicgen.reading.selection import Selection


def piece(number: int, instrument: int = 0, tempo: float = 100.0) -> Piece:
    notes = tuple(Note(12 * step, 60 + (number * step) % 7, 12) for step in range(8))
    return Piece((Part("Part", instrument, notes=notes),), tempos=(Tempo(0, tempo),), title=f"{number}")


def corpus_of(folder: Path, pieces: list[Piece], **wishes) -> Corpus:
    """The pieces as files that are called by their numbers, read."""
    folder.mkdir(exist_ok=True)
    for number, one in enumerate(pieces):
        (folder / f"{number:03}.mid").write_bytes(midi_bytes(one))
    return read_corpus([folder], Selection(**wishes))


def statuses(corpus: Corpus) -> list[str]:
    return [receipt.status for receipt in corpus.receipts()]


def test_files_are_found_below_folders_by_their_ending_without_following_links(tmp_path: Path):
    (tmp_path / "b" / "deep").mkdir(parents=True)
    for name in ("b/deep/z.MID", "a.midi", "b/notes.txt", "b/-dash.mid", "b/new\nline.mid"):
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "b" / "loop").symlink_to(tmp_path)
    found = [str(path.relative_to(tmp_path)) for path in find_files([tmp_path])]
    assert found == ["a.midi", "b/-dash.mid", "b/deep/z.MID", "b/new\nline.mid"]


def test_a_file_named_outright_counts_once_whatever_its_ending(tmp_path: Path):
    (tmp_path / "a.mid").write_bytes(b"")
    (tmp_path / "b.bin").write_bytes(b"")
    assert find_files([tmp_path / "b.bin", tmp_path, tmp_path / "a.mid", tmp_path / "gone.mid"]) == [tmp_path / "b.bin", tmp_path / "a.mid"]


def test_all_that_is_no_folder_is_found_and_what_is_not_to_be_opened_is_refused(tmp_path: Path):
    folder = tmp_path / "music"
    folder.mkdir()
    (tmp_path / "outside.mid").write_bytes(midi_bytes(piece(2)))
    (folder / ".hidden").write_bytes(b"")
    (folder / "a.mid").write_bytes(midi_bytes(piece(3)))
    links = {"again.mid": folder / "a.mid", "out.mid": tmp_path / "outside.mid", "nowhere.mid": folder / "gone", "up": tmp_path}
    for name, target in links.items():
        (folder / name).symlink_to(target)
    os.mkfifo(folder / "fifo.mid")
    corpus = read_corpus([folder])
    by_name = {receipt.path.name: (receipt.status, receipt.reason) for receipt in corpus.receipts()}
    assert by_name == {
        ".hidden": ("skipped", "empty"),
        "a.mid": ("used", ""),
        "again.mid": ("duplicate", ""),
        "fifo.mid": ("skipped", "not a regular file"),
        "nowhere.mid": ("skipped", "vanished"),
        "out.mid": ("skipped", "link out of the folder"),
        "up": ("skipped", "link out of the folder"),
    }
    assert len(find_all([folder])) == len(by_name) == corpus.summary()["files"]


def test_every_file_gets_a_receipt(tmp_path: Path):
    (tmp_path / "bad.mid").write_bytes(b"no music")
    (tmp_path / "good.mid").write_bytes(midi_bytes(piece(3)))
    corpus = read_corpus([tmp_path])
    bad, good = corpus.receipts()
    assert (bad.status, bad.reason, bad.message) == ("skipped", "not music", "no music that can be read (neither MIDI, MusicXML, ABC nor kern)")
    facts = {"status": "used", "pieces": 1, "parts": 1, "notes": 8, "bars": 2, "meter": "4/4", "tempo": 100.0, "steps_per_quarter": 12}
    assert facts.items() <= good.to_json().items()
    assert list(corpus.pieces) == [piece(3)]
    assert corpus.pieces[0].title == "good"


@pytest.mark.parametrize("pieces", [tunes(), chorales(), bands()])
def test_a_piece_comes_back_as_it_was_read(tmp_path: Path, pieces):
    assert list(corpus_of(tmp_path, list(pieces)).pieces) == list(pieces)


def test_silent_bars_before_the_music_are_left_out(tmp_path: Path):
    late = Piece((Part("Part", 0, notes=(Note(36 * 4 + 24, 60, 12),)),), (Meter(0, 3, 4),))
    assert corpus_of(tmp_path, [late]).pieces[0].parts[0].notes == (Note(24, 60, 12),)


def fingerprint(piece: Piece) -> str:
    (found,) = FileRecord.of([(Reading(piece, "MIDI"), piece)], [], bytes(16)).fingerprints
    return found


def test_the_fingerprint_ignores_key_instrument_name_and_tempo_but_no_note():
    same = [piece(3), piece(3).transposed(5), piece(3, instrument=40, tempo=77.0), Piece(piece(3).parts, keys=(Key(0, 2),))]
    assert len({fingerprint(one) for one in same}) == 1
    assert fingerprint(piece(3)) != fingerprint(piece(4))
    assert fingerprint(bands()[0]) == fingerprint(bands()[0].transposed(-3)), "drums stay where they are"


def test_the_split_depends_on_the_pieces_alone(tmp_path: Path):
    pieces = [*tunes(20), *(tune.transposed(2) for tune in tunes(3)), *chorales(8)]
    sides = []
    for name, order in (("a", pieces), ("b", pieces[::-1])):
        corpus = corpus_of(tmp_path / name, order)
        training, held_out = corpus.split(0.4, keep_copies=True)
        assert len(training) + len(held_out) == len(pieces)
        assert not set(training.fingerprints) & set(held_out.fingerprints), "equal pieces stay on one side"
        sides.append(sorted(held_out.fingerprints))
        assert len(corpus.pieces) == 28
        assert [len(side) for side in corpus.split(0.4)] == [17, 11]
    assert sides[0] == sides[1]


def test_one_piece_leaves_nothing_to_learn_from(tmp_path: Path):
    training, held_out = corpus_of(tmp_path, [tunes()[0], tunes()[0]]).split()
    assert (len(training), len(held_out)) == (0, 1)


WISHES = [
    ({}, ["used"] * 3, [3, 1, 4]),
    ({"parts": "melody"}, ["used"] * 3, [1, 1, 1]),
    ({"parts": "piano"}, ["used", "skipped", "skipped"], [1]),
    ({"parts": "sopran"}, ["skipped", "skipped", "used"], [1]),
    ({"drums": False}, ["used"] * 3, [2, 1, 4]),
    ({"min_notes": 45}, ["used", "skipped", "used"], [3, 4]),
    ({"meter": (3, 4)}, ["skipped", "used", "skipped"], [1]),
    ({"exclude": ("00[12]*",)}, ["used", "skipped", "skipped"], [3]),
]


@pytest.mark.parametrize(("wishes", "expected", "parts"), WISHES)
def test_wishes_show_in_the_receipts(tmp_path: Path, wishes, expected, parts):
    corpus = corpus_of(tmp_path, [bands()[0], tunes()[0], chorales()[0]], **wishes)
    assert statuses(corpus) == expected
    assert [len(one.parts) for one in corpus.pieces] == parts
    assert {receipt.reason for receipt in corpus.receipts()} <= {"", "left out"}
    assert all("--" in receipt.message for receipt in corpus.receipts() if receipt.status == "skipped")


def test_a_melody_is_one_line(tmp_path: Path):
    (melody,) = corpus_of(tmp_path, [bands()[0]], parts="melody").pieces
    notes = melody.parts[0].notes
    assert melody.parts[0].name == "Piano"
    assert all(earlier.end <= later.onset for earlier, later in pairwise(notes))


def test_the_grid_is_as_fine_as_wanted(tmp_path: Path):
    fine = replace(tunes()[0], parts=(Part("Flute", 73, notes=(Note(0, 60, 1), Note(1, 62, 1))),), steps_per_quarter=24)
    assert corpus_of(tmp_path, [fine], steps_per_quarter=24).pieces[0].parts[0].notes == fine.parts[0].notes

"""What was read is read once: whole or not at all, by any number of programs, and nothing that is wrong with the cache stops one."""

import errno
import os
import time
from pathlib import Path

import numpy as np
import pytest
from tiny import tunes

from musicgen import files
from musicgen.arrays import DamagedArraysError, open_arrays, write_arrays
from musicgen.listening.midi import midi_bytes
from musicgen.reading import workers
from musicgen.reading.cache import Cache, cache_folder
from musicgen.reading.corpus import Corpus
from musicgen.reading.gathering import read_corpus
from musicgen.reading.selection import Selection

SELECTION = Selection()
LONG_AGO = time.time() - 1000
NUMBERS = np.array([1, 2, 3], np.int16)


@pytest.fixture
def cache(tmp_path) -> Cache:
    return Cache(SELECTION, tmp_path / "cache")


@pytest.fixture
def folder(tmp_path) -> Path:
    """Four tunes, one of them twice, and a text, all of long ago."""
    folder = tmp_path / "music"
    folder.mkdir()
    for number, tune in enumerate((*tunes(), tunes()[0].transposed(3))):
        (folder / f"{number}.mid").write_bytes(midi_bytes(tune))
    (folder / "README").write_text("no music")
    for path in folder.iterdir():
        os.utime(path, (LONG_AGO, LONG_AGO))
    return folder


@pytest.fixture
def read(monkeypatch) -> list[str]:
    """The names of the files that are read from now on."""
    names: list[str] = []
    original = workers.read_record

    def read_record(path, *others):
        names.append(path.name)
        return original(path, *others)

    monkeypatch.setattr(workers, "read_record", read_record)
    monkeypatch.setattr("musicgen.reading.cache.QUICK", -(10**18))  # files of this test are younger than a tick of any clock
    return names


def described(corpus: Corpus) -> list:
    return [list(corpus.pieces), [receipt.to_json() for receipt in corpus.receipts()], corpus.summary(), corpus.fingerprint]


def test_a_second_start_reads_nothing_and_finds_the_same(cache, folder, read):
    first = read_corpus([folder], SELECTION, cache)
    assert len(read) == 6
    second = read_corpus([folder], SELECTION, cache)
    assert len(read) == 6
    assert described(second) == described(first) == described(read_corpus([folder]))
    assert (second.summary()["used"], second.summary()["duplicate"], second.summary()["skipped"]) == (4, 1, 1)


def test_what_changed_alone_is_read_again(cache, folder, read):
    read_corpus([folder], SELECTION, cache)
    (folder / "1.mid").write_bytes(midi_bytes(tunes(6)[5]))
    (folder / "2.mid").rename(folder / "9.mid")
    (folder / "3.mid").unlink()
    os.utime(folder / "0.mid", (LONG_AGO + 5, LONG_AGO + 5))
    corpus = read_corpus([folder], SELECTION, cache)
    assert read[6:] == ["1.mid", "9.mid"], "a file that was only touched is known by its content"
    assert described(corpus) == described(read_corpus([folder]))
    assert corpus.pieces[-1].title == "9"


def test_a_file_that_changed_within_a_tick_of_the_clock_is_looked_at(cache, folder):
    path = folder / "1.mid"
    read_corpus([folder], SELECTION, cache)
    stamp = path.stat()
    path.write_bytes(midi_bytes(tunes()[1].transposed(1)))
    os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    assert path.stat().st_size == stamp.st_size
    assert read_corpus([folder], SELECTION, cache).pieces[1] == tunes()[1].transposed(1)


def test_other_folders_and_copies_of_files_are_known_by_their_content(cache, folder, read, tmp_path):
    read_corpus([folder], SELECTION, cache)
    folder.rename(tmp_path / "elsewhere")
    read_corpus([tmp_path / "elsewhere"], SELECTION, cache)
    assert len(read) == 6


def test_other_ways_of_reading_share_nothing(cache, folder, read, tmp_path):
    read_corpus([folder], SELECTION, cache)
    fine = Selection(24)
    corpus = read_corpus([folder], fine, Cache(fine, tmp_path / "cache"))
    assert len(read) == 12
    assert corpus.pieces[0].steps_per_quarter == 24


@pytest.mark.parametrize("suffix", ["segment", "folders", "result"])
@pytest.mark.parametrize("damage", [lambda content: content[:-9], lambda content: b"", lambda content: content[:70] + b"?" + content[71:]])
def test_what_is_damaged_is_made_again(cache, folder, suffix, damage):
    first = read_corpus([folder], SELECTION, cache)
    expected = described(first)
    paths = list(cache.folder.glob(f"*.{suffix}"))
    assert paths
    for path in paths:
        path.write_bytes(damage(path.read_bytes()))
    assert described(read_corpus([folder], SELECTION, cache)) == expected
    assert described(read_corpus([folder], SELECTION, cache)) == expected


def test_what_was_read_before_an_interruption_is_kept(cache, folder, read):
    def interrupted(records, _):
        for number, record in enumerate(records):
            if number == 4:
                raise KeyboardInterrupt
            yield record

    with pytest.raises(KeyboardInterrupt):
        read_corpus([folder], SELECTION, cache, interrupted)
    seen = len(read)
    corpus = read_corpus([folder], SELECTION, cache)
    assert (len(read) - seen, len(corpus.pieces)) == (2, 4)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS])
def test_a_full_disk_is_a_sentence_and_the_corpus_is_there(cache, folder, monkeypatch, number):
    monkeypatch.setattr(files.os, "fsync", lambda _: (_ for _ in ()).throw(OSError(number, "as the system says it")))
    corpus = read_corpus([folder], SELECTION, cache)
    assert len(corpus.pieces) == 4
    assert "as the system says it" in cache.trouble
    assert not list(cache.folder.iterdir())


def test_a_cache_that_can_not_be_made_is_a_sentence(folder, tmp_path):
    (tmp_path / "file").write_text("in the way")
    cache = Cache(SELECTION, tmp_path / "file")
    assert len(read_corpus([folder], SELECTION, cache).pieces) == 4
    assert "can't be kept" in cache.trouble


def test_the_cache_lies_where_the_platform_has_it(monkeypatch, light_reading):
    assert cache_folder() == light_reading
    monkeypatch.delenv("MUSICGEN_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert cache_folder().parts[-1] == "musicgen" or cache_folder().parts[-2] == "musicgen"


def test_arrays_of_another_file_are_named_as_such(tmp_path):
    path = tmp_path / "arrays"
    write_arrays(path, {"a": NUMBERS, "b": iter([NUMBERS, NUMBERS])}, {"x": 1})
    arrays, about = open_arrays(path)
    assert (arrays["a"].tolist(), arrays["b"].tolist(), about) == ([1, 2, 3], [1, 2, 3, 1, 2, 3], {"x": 1})
    for content in (b"", b"no arrays", path.read_bytes()[:-1], path.read_bytes() + b"x"):
        path.write_bytes(content)
        with pytest.raises(DamagedArraysError):
            open_arrays(path)

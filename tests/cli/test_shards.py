"""Shards: the same bytes whoever reads them, a corpus when all are complete, and a sentence before that."""

from importlib.util import find_spec
from pathlib import Path

import pytest
from tiny import chorales, tunes

from musicgen.listening.midi import midi_bytes
from musicgen.reading.gathering import read_corpus
from musicgen.reading.selection import Selection
from musicgen.reading.shards import ShardsError, make_plan, open_shards, read_shard


@pytest.fixture
def music(folder) -> Path:
    """Twelve pieces, a text and a copy."""
    music = folder / "music"
    music.mkdir()
    for number, piece in enumerate((*tunes(), *chorales(8))):
        (music / f"{number:02}.mid").write_bytes(midi_bytes(piece))
    (music / "06.txt").write_text("no music")
    (music / "copy.mid").write_bytes(midi_bytes(tunes()[0].transposed(2)))
    return music


def bytes_in(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_shards_are_the_same_to_the_byte_in_any_order_and_give_the_corpus(shell, folder, music):
    for out, shards in (("a", ("3/4", "1/4", "4/4", "2/4")), ("b", ("--shards",))):
        for shard in shards:
            wanted = ("--shards", 4) if shard == "--shards" else ("--shard", shard)
            assert shell("corpus", "read", "music", "--out", out, *wanted)[0] == 0
    assert bytes_in(folder / "a") == bytes_in(folder / "b")

    read, once = open_shards(folder / "a", Selection()), read_corpus([music.absolute()])
    assert list(read.pieces) == list(once.pieces)
    assert [receipt.to_json() for receipt in read.receipts()] == [receipt.to_json() for receipt in once.receipts()]
    assert read.summary() | {"files": 14, "used": 12, "duplicate": 1, "skipped": 1} == read.summary()
    assert "14 files: 12 used" in shell("corpus", "check", "a")[1]


def test_a_corpus_is_complete_when_all_shards_are(shell, folder, music):
    assert "1 of 3 shards" in shell("corpus", "read", "music", "--out", "out", "--shard", "2/3")[2]
    code, _, err = shell("corpus", "check", "out")
    assert (code, "2 of 3 shards in out are not complete" in err, "1/3, 3/3" in err) == (3, True, True)
    code, _, err = shell("corpus", "read", "music", "--out", "out", "--shard", "2/5")
    assert (code, "begun with 3 shards" in err) == (1, True)

    written = bytes_in(folder / "out")
    (music / "new.mid").write_bytes(midi_bytes(tunes(5)[4]))
    assert "3 of 3 shards" in shell("corpus", "read", "music", "--out", "out", "--shards", 3)[2]
    assert {name: bytes_in(folder / "out")[name] for name in written} == written, "what is complete is not read again"
    assert open_shards(folder / "out", Selection()).summary()["files"] == 14, "the plan says what is read"


def test_damaged_shards_are_named_and_read_again(shell, folder, music):
    shell("corpus", "read", "music", "--out", "out", "--shards", 2)
    (segment,) = (folder / "out").glob("shard-2-*.segment")
    whole = segment.read_bytes()
    segment.write_bytes(whole[:100] + b"?" + whole[101:])
    with pytest.raises(ShardsError, match=r"shard-2-of-2 in .* is damaged .*--shard 2/2"):
        open_shards(folder / "out", Selection())
    shell("corpus", "read", "music", "--out", "out", "--shards", 2)
    assert segment.read_bytes() == whole


def test_shards_are_not_taken_for_what_they_are_not(shell, folder, music):
    shell("corpus", "read", "music", "--out", "out", "--grid", 24)
    assert "other options (a grid of 24)" in shell("corpus", "check", "out")[2]
    assert shell("corpus", "check", "out", "--grid", 24)[0] == 0
    for text in ("0/3", "4/3", "x", "1/"):
        assert shell("corpus", "read", "music", "--out", "new", "--shard", text)[0] == 2
    (folder / "out" / "plan.json").write_text("{}")
    assert "is no plan of shards" in shell("corpus", "check", "out")[2]


@pytest.mark.slow
@pytest.mark.skipif(find_spec("ray") is None, reason="Ray is an extra")
def test_ray_gives_the_same_bytes(folder, music):
    from musicgen.reading.cluster import LOCAL, read_on_cluster

    plans = []
    for name in ("by-hand", "by-ray"):
        (folder / name).mkdir()
        plans.append(make_plan([music], Selection(), folder / name, 2))
    for shard in (1, 2):
        read_shard(plans[0], shard)
    read_on_cluster(plans[1], [1, 2], LOCAL)
    assert bytes_in(folder / "by-hand") == bytes_in(folder / "by-ray")


@pytest.mark.skipif(find_spec("ray") is not None, reason="Ray is installed")
def test_without_ray_there_is_a_sentence(shell, music):
    code, _, err = shell("corpus", "read", "music", "--out", "out", "--ray", "local")
    assert (code, "pip install 'musicgen[ray]'" in err) == (1, True)

"""The benchmark's own arithmetic: rolls and notes say the same, floors are what can be computed by hand, foreign files are named."""

import gzip
import importlib
import json
import math
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny import chorales, random_model

from musicgen.judging.likelihood import nats
from musicgen.model.file import Model


@pytest.fixture(scope="module")
def likelihood(request):
    """The module as it is run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(request.config.rootpath / "benchmarks")
        yield importlib.import_module("likelihood")


@pytest.fixture(scope="module")
def benchmark_data(likelihood):
    """What that module reads its data with."""
    return sys.modules["benchmark_data"]


def written(tmp_path, document) -> object:
    path = tmp_path / "data.json.gz"
    path.write_bytes(gzip.compress(json.dumps(document).encode()))
    return path


ROLLS = st.lists(st.lists(st.integers(21, 108), max_size=5, unique=True).map(sorted), min_size=1, max_size=12)
VOICES = st.lists(st.lists(st.sampled_from((-1, 60, 62, 64)), min_size=3, max_size=3), min_size=1, max_size=12)


def frames_of(piece, num_voices: int | None, length: int) -> list[list[int]]:
    """The frames that the notes of a piece fill."""
    frames = [[] if num_voices is None else [-1] * num_voices for _ in range(length)]
    for voice, part in enumerate(piece.parts):
        for onset, pitch, duration, _ in part.notes:
            for step in range(onset, onset + duration):
                if num_voices is None:
                    frames[step] = sorted([*frames[step], pitch])
                else:
                    frames[step][voice] = pitch
    return frames


@given(frames=ROLLS)
@settings(max_examples=60, deadline=None)
def test_a_roll_and_its_notes_say_the_same(benchmark_data, frames):
    assert frames_of(benchmark_data.piece_of(frames, None, 1), None, len(frames)) == frames


@given(frames=VOICES)
@settings(max_examples=60, deadline=None)
def test_voices_and_their_notes_say_the_same(benchmark_data, frames):
    piece = benchmark_data.piece_of(frames, 3, 4)
    assert frames_of(piece, 3, len(frames)) == frames
    assert [part.program for part in piece.parts] == [0, 1, 2]  # so that their order is that of the voices


def test_forms_are_told_apart(benchmark_data, tmp_path):
    rolls = {"train": [[[60, 64], []]], "valid": [[[60]]]}
    voices = {"train": [[[64, 60], [64, -1]]], "valid": [[[60, 60]]]}

    assert benchmark_data.read_data(written(tmp_path, rolls)).num_voices is None
    assert benchmark_data.read_data(written(tmp_path, voices)).num_voices == 2


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ({"train": [[[20]]]}, "the pitch 20 lies outside of 21..108"),
        ({"train": [[[60, 109]]]}, "the pitch 109 lies outside"),
        ({"train": [[[60]]], "valid": [[[], []]]}, "the split 'valid' has empty frames only"),
        ({"train": [[[-1, -1]]]}, "the split 'train' has empty frames only"),
        ({"train": [[]]}, "the split 'train' is no list of pieces"),
        ({"train": []}, "the split 'train' is no list of pieces"),
        ({"train": [[["C4"]]]}, "a frame must be a list of whole numbers"),
        ({"train": [[60]]}, "a frame must be a list of whole numbers"),
        ({"train": [[[64, 60], [60]]]}, "neither rising pitches nor one pitch for each"),
        ({}, "expected an object of splits"),
        ([1], "expected an object of splits"),
    ],
)
def test_other_data_is_named(benchmark_data, tmp_path, document, reason):
    with pytest.raises(benchmark_data.DataError, match=reason):
        benchmark_data.read_data(written(tmp_path, document))


@pytest.mark.parametrize("content", [b"", b"no gzip", gzip.compress(b"no JSON", mtime=0), gzip.compress(b"{}" * 3, mtime=0)[:-9]])
def test_a_file_of_another_form_is_named(benchmark_data, tmp_path, content):
    path = tmp_path / "data.json.gz"
    path.write_bytes(content)
    with pytest.raises(benchmark_data.DataError, match="expected gzipped JSON"):
        benchmark_data.read_data(path)
    with pytest.raises(benchmark_data.DataError, match="expected gzipped JSON"):
        benchmark_data.read_data(tmp_path / "missing.json.gz")


def test_a_missing_split_is_named(benchmark_data, tmp_path):
    data = benchmark_data.read_data(written(tmp_path, {"train": [[[60]]], "valid": [[[60]]]}))
    with pytest.raises(benchmark_data.DataError, match="no split 'test': it has train, valid"):
        data.frames("test")


def test_the_floor_of_rolls(benchmark_data):
    data = benchmark_data.Data({"train": [[[60], []]], "valid": [[[60], [60]]]}, None)  # one note that sounds half of the time

    assert benchmark_data.floor(data, "valid") == pytest.approx(math.log(2), abs=1e-6)


def test_the_floor_of_voices(benchmark_data):
    data = benchmark_data.Data({"train": [[[60], [60], [62], [60], [60]]], "valid": [[[60], [60], [62]]]}, 1)
    # it stays in two of four frames; of its three runs two are on 60 and one on 62; another pitch than 60 is surely 62
    expected = -(math.log(2 / 3) + math.log(1 / 2) + math.log(1 / 2))
    assert benchmark_data.floor(data, "valid") * 3 == pytest.approx(expected, abs=0.02)


def test_silence_after_the_last_note_is_counted(likelihood):
    chances = [math.exp(-likelihood.trailing_silence([[60], *[[]] * empty])) for empty in range(2000)]

    assert chances[0] > 0.999
    assert sum(chances) == pytest.approx(1, abs=1e-6)
    assert np.all(np.diff(chances) < 0)


@pytest.mark.parametrize("what", ["motion", "lags", "comparisons"])
def test_what_is_left_out_does_not_matter(likelihood, monkeypatch, what):
    """With other weights in the tables that are left out, and only in those, a network says the same."""
    model = random_model(chorales())
    tables = likelihood.COMPARISONS[what]
    others = {name: weight[::-1] for name, weight in model.weights.items() if name.partition("/")[0].endswith(tables)}
    other = Model(model.configuration, model.weights | others, model.corpus, {}, {})
    judged = [nats([one.engine], chorales()) for one in (model, other)]
    assert not all(map(np.allclose, *judged))

    monkeypatch.setattr(likelihood.Relative, "compare", likelihood.Relative.compare)  # to be put back
    likelihood.compare_less(set(tables))
    for one, same in zip(*(nats([one.engine], chorales()) for one in (model, other)), strict=True):
        np.testing.assert_array_equal(one, same)


@pytest.mark.slow
def test_it_trains_judges_and_keeps(likelihood, tmp_path, monkeypatch, capsys):
    random = np.random.default_rng(0)
    split = [[[int(pitch), int(pitch) - 5] for pitch in random.choice((60, 62, 64, 67), 24).repeat(2)] for _ in range(4)]
    path = written(tmp_path, {"train": split, "valid": split[:2], "test": split[1:]})
    command = ["likelihood.py", str(path), "--minutes", "0.05", "--units", "8", "--layers", "1", "--keep", str(tmp_path / "kept"), "--json"]
    monkeypatch.setattr("sys.argv", command)
    likelihood.main()
    first = json.loads(capsys.readouterr().out)
    assert first["low"] <= first["nats_per_frame"] <= first["high"]
    assert first["nats_per_voice_step"] == pytest.approx(first["nats_per_frame"] / 2)
    assert (first["frames"], first["pieces"]) == (96, 2)

    monkeypatch.setattr("sys.argv", [*command, "--split", "test", "--averaged", "1"])
    likelihood.main()
    second = json.loads(capsys.readouterr().out)
    assert (second["split"], second["frames"], second["transpositions"]) == ("test", 144, 3)
    assert second["training_minutes"] == first["training_minutes"]  # the network that was kept

"""The model file: what is saved comes back, and what is no model is named as such, quickly, whatever it claims to be."""

import contextlib
import copy
import json
import os
import time
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny import bands, chorales, random_model, tunes

from musicgen.composing.composer import compose
from musicgen.composing.request import Request
from musicgen.judging.originality import CorpusIndex, copied
from musicgen.model.configuration import Configuration, ConfigurationError
from musicgen.model.file import FORMAT, CorpusFacts, Model, ModelFileError, load_model, save_model
from musicgen.piece import Meter, Note, Part, Piece, Tempo

MODEL = random_model(bands(), slots=4)
HALVES = {name: array.astype(np.float16) for name, array in MODEL.weights.items()}


def content_of(model: Model, folder) -> bytes:
    save_model(model, folder / "good.safetensors")
    return (folder / "good.safetensors").read_bytes()


@pytest.fixture(scope="module")
def content(tmp_path_factory) -> bytes:
    return content_of(MODEL, tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def document(content) -> dict:
    """What the header says beside the weights."""
    length = int.from_bytes(content[:8], "little")
    return json.loads(json.loads(content[8 : 8 + length])["__metadata__"]["musicgen"])


def file_with(path, document, weights=None):
    """A file with any header and any weights."""
    weights = HALVES if weights is None else weights
    path.write_bytes(safetensors.numpy.save(weights, {"musicgen": document if isinstance(document, str) else json.dumps(document)}))
    return path


def changed(document: dict, path: tuple, value) -> dict:
    other = copy.deepcopy(document)
    inside = other
    for key in path[:-1]:
        inside = inside[key]
    inside[path[-1]] = value
    return other


def places(document: dict) -> list[tuple]:
    """The path to every key of the document."""
    return [
        path for key, value in document.items() for path in [(key,), *((key, *rest) for rest in (places(value) if isinstance(value, dict) else ()))]
    ]


# What is saved


@pytest.mark.parametrize(
    ("corpus", "network"),
    [
        (tunes, {"cell": "lstm"}),
        (chorales, {"cell": "gru", "layers": 3, "dropout": 0.25}),
        (bands, {"cell": "rnn", "activation": "relu", "units": 5, "head_units": 3}),
    ],
)
def test_a_model_that_is_saved_and_loaded_is_the_same(tmp_path, corpus, network):
    model = random_model(corpus(), **network)
    save_model(model, tmp_path / "model.safetensors")
    loaded = load_model(tmp_path / "model.safetensors")

    assert replace(loaded, weights={}) == replace(model, weights={})
    assert list(loaded.weights) == list(model.weights)
    for name, array in model.weights.items():
        assert loaded.weights[name].dtype == np.float32
        np.testing.assert_array_equal(loaded.weights[name], array)
    assert compose(loaded, Request(bars=2), 1) == compose(model, Request(bars=2), 1)
    assert loaded.held_out_nats_per_note == 1.75
    assert os.listdir(tmp_path) == ["model.safetensors"]


def test_the_index_of_the_corpus_travels_in_the_file(tmp_path):
    arrays = CorpusIndex.of(bands(2), bands(4)[2:]).to_arrays()
    save_model(replace(MODEL, copies=arrays), tmp_path / "model.safetensors")
    loaded = load_model(tmp_path / "model.safetensors")

    assert copied(bands(4)[3], CorpusIndex.from_arrays(loaded.copies)) == copied(bands(4)[3], CorpusIndex.of(bands(2)))
    assert replace(loaded, weights={}) == replace(MODEL, weights={})

    save_model(replace(MODEL, copies={**arrays, "titles": np.zeros(3)}), tmp_path / "model.safetensors")
    with pytest.raises(ModelFileError, match="index of its corpus is damaged"):
        load_model(tmp_path / "model.safetensors")


def test_the_same_model_gives_the_same_bytes(tmp_path, content):
    assert content_of(MODEL, tmp_path) == content


def test_a_model_is_written_over_another_whole_or_not_at_all(tmp_path, monkeypatch, content):
    path = tmp_path / "model.safetensors"
    path.write_bytes(content)
    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError("the disk is full")))
    with pytest.raises(OSError, match="the disk is full"):
        save_model(random_model(tunes()), path)

    assert path.read_bytes() == content
    assert os.listdir(tmp_path) == ["model.safetensors"]


def test_the_facts_of_a_corpus():
    def piece(meter: tuple[int, int], tempo: float) -> Piece:
        return Piece((Part("", 0, False, (Note(0, 60, 12), Note(12, 62, 12))),), (Meter(0, *meter),), (Tempo(0, tempo),))

    facts = CorpusFacts.of("my\x1b[31mmusic", "ab", [piece((3, 4), 100.0), piece((4, 4), 132.5), piece((3, 4), 90.0)])
    assert facts == CorpusFacts("my [31mmusic", "ab", 3, 6, (3, 4), 100.0, meters=((3, 4), (4, 4)))


# What is none


def test_a_file_cut_off_anywhere_is_none(tmp_path, content):
    header = 8 + int.from_bytes(content[:8], "little")
    path = tmp_path / "cut.safetensors"
    for length in (0, 1, 7, 8, 9, header // 2, header - 1, header, header + 1, (header + len(content)) // 2, len(content) - 1):
        path.write_bytes(content[:length])
        with pytest.raises(ModelFileError, match=r"cut off, damaged or no \.safetensors file at all"):
            load_model(path)


def test_a_file_with_more_behind_it_is_none(tmp_path, content):
    path = tmp_path / "long.safetensors"
    path.write_bytes(content + bytes(4))
    with pytest.raises(ModelFileError, match="cut off, damaged"):
        load_model(path)


@given(st.binary(max_size=200) | st.binary(max_size=60).map(lambda header: len(header).to_bytes(8, "little") + header))
@settings(max_examples=60, deadline=None)
def test_any_bytes_are_none(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "any.safetensors"
    path.write_bytes(content)
    with pytest.raises(ModelFileError):
        load_model(path)


@given(st.data())
@settings(max_examples=80, deadline=None)
def test_a_changed_byte_is_found_or_leaves_a_model_that_plays(tmp_path_factory, content, data):
    header = 8 + int.from_bytes(content[:8], "little")
    place = data.draw(st.integers(0, header - 1) | st.integers(0, 40))
    path = tmp_path_factory.getbasetemp() / "byte.safetensors"
    path.write_bytes(content[:place] + bytes([data.draw(st.integers(0, 255))]) + content[place + 1 :])
    with contextlib.suppress(ModelFileError):
        assert len(compose(load_model(path), Request(bars=1), 0)[0].bar_lines) == 1


@pytest.mark.parametrize(
    ("metadata", "reason"),
    [
        (None, "not one that this program wrote"),
        ({"format": "pt"}, "not one that this program wrote"),
        ({"musicgen": ""}, "its header is damaged"),
        ({"musicgen": "{"}, "its header is damaged"),
        ({"musicgen": "[]"}, "its header is damaged"),
        ({"musicgen": "null"}, "its header is damaged"),
        ({"musicgen": "3"}, "its header is damaged"),
        ({"musicgen": "{}"}, "its header is damaged .KeyError: 'format'"),
        ({"musicgen": '{"format": 2}'}, "written by an older version of this program .*: train it again"),
        ({"musicgen": '{"format": 3}'}, "its header is damaged .KeyError: 'configuration'"),
        ({"musicgen": "[" * 100_000}, "its header is damaged .RecursionError"),
        ({"musicgen": "9" * 5000}, "its header is damaged"),
    ],
)
def test_a_foreign_file_is_none(tmp_path, metadata, reason):
    path = tmp_path / "foreign.safetensors"
    path.write_bytes(safetensors.numpy.save({"weight": np.zeros((2, 2), np.float32)}, metadata))
    with pytest.raises(ModelFileError, match=reason):
        load_model(path)


def test_a_newer_version_is_named(tmp_path, document):
    newer = {**document, "format": FORMAT + 1, "version": "9.8.7"}
    with pytest.raises(ModelFileError, match=r"written by a newer version of this program \(9.8.7; this is .*\): update it"):
        load_model(file_with(tmp_path / "newer.safetensors", {**newer, "configuration": "unheard of"}))


DAMAGE = [None, True, -1, 0, 3, 0.5, 10**400, float("inf"), float("nan"), "", "x", "\ud800", "\x1b[2J", [], [1], [0, 0], [[]], {}, {"x": 1}]


def test_every_damaged_header_is_refused_or_makes_a_model_that_plays(tmp_path, document):
    path = tmp_path / "damaged.safetensors"
    refused = 0
    for place in places(document):
        for value in DAMAGE:
            file_with(path, changed(document, place, value))
            try:
                model = load_model(path)
            except ModelFileError:
                refused += 1
            else:
                assert len(compose(model, Request(bars=1), 0)[0].bar_lines) == 1
                assert json.loads(json.dumps(model.held_out_nats, allow_nan=False)) == model.held_out_nats
    assert refused > len(places(document)) * len(DAMAGE) // 2


# what people read and nothing relies on may be missing or more
@pytest.mark.parametrize("place", [("format",), ("configuration",), ("corpus",), ("held_out_nats",), ("training",)])
def test_a_missing_key_is_named(tmp_path, document, place):
    other = copy.deepcopy(document)
    del other[place[0]]
    with pytest.raises(ModelFileError, match=f"its header is damaged .KeyError: '{place[0]}'"):
        load_model(file_with(tmp_path / "missing.safetensors", other))


@pytest.mark.parametrize("inside", ["configuration", "corpus"])
def test_a_missing_setting_is_refused(tmp_path, document, inside):
    for key in document[inside].keys() - {"held_out", "parts", "drums", "meters", "residual"}:  # younger than some files
        other = copy.deepcopy(document)
        del other[inside][key]
        with pytest.raises(ModelFileError, match="its header is damaged"):
            load_model(file_with(tmp_path / "missing.safetensors", other))


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("format",), 0),
        (("format",), "1"),
        (("configuration", "cell"), "transformer"),
        (("configuration", "cell"), ["lstm"]),
        (("configuration", "layers"), 10**9),
        (("configuration", "units"), 10**9),
        (("configuration", "head_units"), 10**9),
        (("configuration", "slots"), 10**9),
        (("configuration", "units"), 16.0),
        (("configuration", "dropout"), 1),
        (("configuration", "dropout"), float("nan")),
        (("configuration", "activation"), "eval"),
        (("configuration", "vocabulary", "steps_per_quarter"), 10**9),
        (("configuration", "vocabulary", "steps_per_quarter"), float("inf")),
        (("corpus", "meter"), [4, 0]),
        (("corpus", "meter"), [4, 3]),
        (("corpus", "meter"), [1, 64]),  # no whole steps
        (("corpus", "meter"), [10**9, 4]),
        (("corpus", "meter"), ["4", 4]),
        (("corpus", "meter"), [4]),
        (("corpus", "tempo"), 0),
        (("corpus", "tempo"), 1e-320),
        (("corpus", "tempo"), 10**400),
        (("corpus", "tempo"), "fast"),
        (("corpus", "name"), 3),
        (("corpus", "name"), "\x1b[2J"),
        (("corpus", "num_notes"), "many"),
        (("corpus", "more"), 1),
        (("held_out_nats",), [1]),
        (("held_out_nats", "pitch"), float("nan")),
        (("held_out_nats", "pitch"), 10**400),
    ],
)
def test_what_makes_no_sense_is_refused_at_once(tmp_path, document, place, value):
    path = file_with(tmp_path / "senseless.safetensors", changed(document, place, value))
    begin = time.monotonic()
    tracemalloc.start()
    try:
        with pytest.raises(ModelFileError, match="its header is damaged"):
            load_model(path)
        assert tracemalloc.get_traced_memory()[1] < 50_000_000
    finally:
        tracemalloc.stop()
    assert time.monotonic() - begin < 2


@pytest.mark.parametrize(("layers", "units"), [(16, 8192), (1, 8192), (16, 16)])
def test_sizes_that_are_claimed_cost_nothing(tmp_path, document, layers, units):
    claimed = changed(changed(document, ("configuration", "layers"), layers), ("configuration", "units"), units)
    path = file_with(tmp_path / "huge.safetensors", claimed)
    tracemalloc.start()
    try:
        with pytest.raises(ModelFileError, match=r"its weights do not fit its configuration|its weight .* expected F16"):
            load_model(path)
        assert tracemalloc.get_traced_memory()[1] < 50_000_000
    finally:
        tracemalloc.stop()


def test_a_tensor_that_claims_more_than_there_is_is_refused(tmp_path):
    header = json.dumps({"w": {"dtype": "F32", "shape": [1 << 40], "data_offsets": [0, 1 << 42]}}).encode()
    path = tmp_path / "claim.safetensors"
    for claimed in (len(header), 1 << 40, (1 << 64) - 1):
        path.write_bytes(claimed.to_bytes(8, "little") + header)
        with pytest.raises(ModelFileError, match="cut off, damaged"):
            load_model(path)


@pytest.mark.parametrize(
    ("name", "array", "reason"),
    [
        ("at_place/embeddings", None, "'at_place/embeddings' is missing"),
        ("strange", np.zeros(3, np.float16), "'strange' is foreign"),
        ("recurrent_0/bias", np.zeros(65, np.float16), r"recurrent_0/bias is F16 \(65,\), expected F16 \(64,\)"),
        ("recurrent_0/bias", np.zeros((64, 1), np.float16), r"recurrent_0/bias is F16 \(64, 1\), expected"),
        ("recurrent_0/bias", np.zeros(64, np.float64), r"recurrent_0/bias is F64 \(64,\), expected F16"),
        ("recurrent_0/bias", np.zeros(64, np.float32), "recurrent_0/bias is F32"),
        ("recurrent_0/bias", np.zeros(64, np.int32), "recurrent_0/bias is I32"),
        ("recurrent_0/bias", np.full(64, np.nan, np.float16), "not all finite numbers"),
        ("recurrent_0/bias", np.full(64, np.inf, np.float16), "not all finite numbers"),
    ],
)
def test_weights_that_do_not_fit_are_named(tmp_path, document, name, array, reason):
    weights = {key: value for key, value in {**HALVES, name: array}.items() if value is not None}
    with pytest.raises(ModelFileError, match=reason):
        load_model(file_with(tmp_path / "unfit.safetensors", document, weights))


def test_what_is_no_file_is_none(tmp_path):
    with pytest.raises(FileNotFoundError):
        load_model(tmp_path / "nothing.safetensors")
    with pytest.raises(ModelFileError, match="not a regular file"):
        load_model(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ModelFileError, match="not a regular file"):
        load_model(tmp_path / "pipe")


@pytest.mark.parametrize(
    ("setting", "complaint"),
    [
        ({"layers": 0}, "layers must lie in 1..16, not 0"),
        ({"units": 8193}, "units must lie in 1..8192, not 8193"),
        ({"slots": 9}, "slots must lie in 1..8, not 9"),
        ({"head_units": 0}, "head_units must lie in 1..4096, not 0"),
        ({"dropout": 1.0}, "dropout must lie in 0..1, below 1, not 1.0"),
        ({"cell": "LSTM"}, "cell must be one of lstm, gru, rnn, not 'LSTM'"),
        ({"activation": "sigmoid"}, "activation must be one of tanh, relu, not 'sigmoid'"),
    ],
)
def test_a_network_that_cannot_be_built_says_why(setting, complaint):
    with pytest.raises(ConfigurationError, match=complaint):
        Configuration(MODEL.configuration.vocabulary, **setting)

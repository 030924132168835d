"""TF_CONFIG: what it says, and a sentence for what it can't say."""

import json

import pytest

from musicgen.learning.cluster import Place, place


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (None, Place(0, 1)),
        ("", Place(0, 1)),
        ("{}", Place(0, 1)),
        ({"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": 1}}, Place(1, 2)),
        ({"cluster": {"worker": ["a:1"]}, "task": {"index": 0}}, Place(0, 1)),
    ],
)
def test_the_place_of_this_machine(monkeypatch, told, expected):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    if told is not None:
        monkeypatch.setenv("TF_CONFIG", told if isinstance(told, str) else json.dumps(told))

    assert place() == expected


@pytest.mark.parametrize(
    "told",
    [
        "{",
        "[]",
        "3",
        {"cluster": {"worker": 3}},
        {"cluster": {"worker": ["a:1"]}, "task": {"index": 1}},
        {"cluster": {"worker": ["a:1"], "ps": ["b:1"]}},
    ],
)
def test_what_is_no_cluster_gets_a_sentence(monkeypatch, told):
    monkeypatch.setenv("TF_CONFIG", told if isinstance(told, str) else json.dumps(told))

    with pytest.raises(ValueError, match="TF_CONFIG"):
        place()


def test_machines_that_learn_together_need_epochs(shell, monkeypatch, tmp_path):
    monkeypatch.setenv("TF_CONFIG", json.dumps({"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": 0}}))

    code, _, err = shell("train", "--minutes", 1)
    assert code == 2
    assert "say how long with --epochs" in err

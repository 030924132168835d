"""The arithmetic of the benchmarks: what they report is what was measured."""

import importlib
import json
import subprocess
import sys

import pytest


@pytest.fixture
def side_by_side(monkeypatch, request):
    """The module as the programs in benchmarks/ see it."""
    monkeypatch.syspath_prepend(request.config.rootpath / "benchmarks")
    return importlib.import_module("side_by_side")


def test_a_spread_is_the_median_and_the_ends(side_by_side):
    assert side_by_side.Spread.of([3, 1, 8, 2, 4]) == (3, 1, 8)
    assert str(side_by_side.Spread(2.0, 1.5, 1234.0)) == "2 (1.5 to 1,234)"


def test_rounds_alternate_and_change_who_begins(side_by_side):
    order = []

    def first(number):
        order.append(("first", number))
        return 10.0 + number

    def second(number):
        order.append(("second", number))
        return 2.0

    assert side_by_side.alternate(first, second, rounds=3) == [(10, 2), (11, 2), (12, 2)]
    assert order == [("first", 0), ("second", 0), ("second", 1), ("first", 1), ("first", 2), ("second", 2)]


def test_the_ratio_is_taken_in_each_round(side_by_side):
    # the second round is slowed down fourfold for both: the ratio does not see it
    assert side_by_side.ratios([(1, 2), (4, 8), (2, 2)]) == (0.5, 0.5, 1)


@pytest.mark.parametrize(("is_least", "figure", "met"), [(True, 3, True), (True, 2.9, False), (False, 3, True), (False, 3.1, False)])
def test_a_target_is_met_on_its_side(side_by_side, is_least, figure, met):
    assert side_by_side.Target(is_least, 3).is_met_by(figure) is met


def test_a_report_says_all_in_both_forms(side_by_side, capsys):
    rows = [
        side_by_side.Row("ratio", side_by_side.Spread(2.5, 2, 3), "times", side_by_side.Target(True, 3)),
        side_by_side.Row("speed", side_by_side.Spread(100, 90, 110), "notes/s"),
    ]
    side_by_side.show("title", rows, ["a note"], {"cores": "2"}, as_json=False)
    assert capsys.readouterr().out == (
        "title\n  ratio  2.5 (2 to 3) times       MISSED: at least 3\n  speed  100 (90 to 110) notes/s\n  - a note\n  cores 2\n"
    )
    side_by_side.show("title", rows, ["a note"], {"cores": "2"}, as_json=True)
    report = json.loads(capsys.readouterr().out)
    assert report["figures"][0] == {"what": "ratio", "unit": "times", "median": 2.5, "low": 2, "high": 3, "target": "at least 3", "met": False}
    assert report["figures"][1]["target"] is None
    assert report["machine"] == {"cores": "2"}


def test_the_machine_is_named_with_its_libraries(side_by_side):
    described = side_by_side.machine(["numpy"])
    assert {"processor", "cores", "python", "numpy"} <= set(described)
    assert all(described.values())


def test_damaged_midi_files_break_nothing(request):
    program = [sys.executable, request.config.rootpath / "benchmarks" / "fuzz.py", "300", "--random-seed", "7"]
    fuzzed = subprocess.run(program, capture_output=True, text=True, check=True)

    assert fuzzed.stderr == ""
    assert "300  inputs" in fuzzed.stdout
    assert "read" in fuzzed.stdout

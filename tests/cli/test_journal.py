"""What is said of a training while it runs: how long all of it will take, once, after the first steps."""

import math
from dataclasses import replace

import pytest

from musicgen.cli.comparison import Comparison
from musicgen.cli.journal import Journal
from musicgen.learning.position import Epoch
from musicgen.learning.schedule import Schedule

EPOCH = Epoch(1, 3.0, None, math.inf, False, 500.0, 0.5, 0.01, 30.0, 90.0, 4, 8, 1e-3, 1.0, 1.0)


@pytest.mark.parametrize(
    ("schedule", "said"),
    [
        (Schedule(epochs=100), "8 steps an epoch, about 2:00 in all\n"),
        (Schedule(epochs=4000), "8 steps an epoch, about 2:00 in all; held-out pieces are judged every 40 epochs\n"),
        (Schedule(minutes=2), "8 steps an epoch, about 22 epochs in 2:00\n"),
    ],
)
def test_the_estimate_comes_once_and_says_what_is_to_be_waited_for(tmp_path, capsys, schedule, said):
    journal = Journal(tmp_path, schedule, with_tensorboard=False, quiet=False)
    for epoch in (replace(EPOCH, seconds_left=None, notes_per_second=0.0), EPOCH, EPOCH):
        journal.report(epoch, [])

    assert capsys.readouterr().err == said


def test_a_comparison_by_epochs_is_estimated_from_its_first_training(capsys):
    work = Comparison.__new__(Comparison)
    work.settings, work.quiet, work._has_estimated = {"minutes": None}, False, False
    for epoch in (replace(EPOCH, seconds_left=None), EPOCH, EPOCH):
        work._estimate("rnn", epoch, others=8)

    assert capsys.readouterr().err == "2:00 for this training of the rnn, so about 18:00 for all 9\n"

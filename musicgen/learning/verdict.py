"""How a training went, in plain words, and what to do: from the figures of its epochs.

Conventions: a row an epoch as in `Epoch.row`, of which `epoch`, `training` and `held_out` are used, nats per note; `held_out` is None where the epoch
was not judged. The training figure is taken while units are left out at random, the held-out one without that and of averaged weights, so that at
first the held-out one may well be the lower. The limits below are shares of the best held-out figure.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

FEWEST_ROWS = 4  # judged epochs before anything can be said
LEARNED = 0.02  # least fall of the held-out figure of a network that has learned something
RISEN = 0.01  # least rise since the best that is no chance
IMPROVES = 0.01  # least fall over the last quarter of a training that should go on
APART = 0.25  # least distance from the training figure down to the held-out one where the corpus is too small
EARLY = 0.5  # of the training: a network that is at its best before has more room than the corpus has music
LEAST_COPY = 12  # notes


class Verdict(NamedTuple):
    """One thing that is so."""

    name: str
    why: str  # with the figures behind it
    advice: str


class Copying(NamedTuple):
    """Notes of the longest run that stands in the corpus too."""

    sample: int  # in the latest samples, the median
    usual: float  # in held-out pieces, the 90th percentile
    epochs: tuple[int, int]  # of the first and the last of these samples


def verdicts(rows: Sequence[Mapping], copying: Copying | None = None) -> list[Verdict]:
    """What there is to say of a training, the most important first; at least one thing."""
    judged = [row for row in rows if row["held_out"] is not None]
    if len(judged) < FEWEST_ROWS:
        times = "once" if len(judged) == 1 else f"{len(judged)} times"
        said = [Verdict("too early", f"the held-out pieces were judged {times}, which says nothing yet", "train longer")]
    else:
        said = [_of_the_curve(judged)]
    if copying is not None and copying.sample >= LEAST_COPY and copying.sample > copying.usual:
        of = f"samples of epochs {copying.epochs[0]} to {copying.epochs[1]}"
        why = f"{of} copy {copying.sample} notes in a row, held-out pieces, which copied nothing, at most {copying.usual:g} in nine of ten"
        kept = min(judged, key=lambda row: row["held_out"])["epoch"] if judged else copying.epochs[1]
        advice = "fewer --epochs, a higher --dropout, or more music"
        said.append(
            Verdict("copying", why, advice if kept >= copying.epochs[0] else f"nothing: the weights that are kept are earlier, of epoch {kept}")
        )
    return said


def _of_the_curve(judged: Sequence[Mapping]) -> Verdict:
    first, last = judged[0], judged[-1]
    best = min(judged, key=lambda row: row["held_out"])
    nats, begin = best["held_out"], f"{first['held_out']:.3f} nats per note in epoch {first['epoch']}"
    if first["held_out"] - nats < LEARNED * nats:
        why = f"the held-out figure was {begin} and {nats:.3f} at its best, in epoch {best['epoch']}"
        return Verdict("not learning", why, "train longer, try another --learning-rate, and look with `corpus check` at what is read")
    kept = f"the weights of epoch {best['epoch']} are kept"
    since = (
        f"the held-out figure was at its best in epoch {best['epoch']}, {nats:.3f} nats per note, and {last['held_out']:.3f} in epoch {last['epoch']}"
    )
    if last["held_out"] - nats > RISEN * nats and last["training"] < best["training"]:
        fell = f"{since}, while that of training fell from {best['training']:.3f} to {last['training']:.3f}; {kept}"
        early = best["epoch"] - first["epoch"] < EARLY * (last["epoch"] - first["epoch"])
        if early and last["held_out"] - last["training"] > APART * nats:
            return Verdict("corpus too small", fell, "more music, --from a model of like music, fewer --units, or a higher --dropout")
        return Verdict(f"overfitting since epoch {best['epoch']}", fell, "a higher --dropout or more music gains more than more epochs")
    before = judged[-1 - max(1, len(judged) // 4)]
    if last is best and before["held_out"] - nats > IMPROVES * nats:
        why = f"the held-out figure fell from {before['held_out']:.3f} in epoch {before['epoch']} to {nats:.3f} nats per note in the last one"
        return Verdict("still improving", why, "train longer: more --epochs or --minutes, whose learning rate falls more slowly")
    why = f"from {begin} the held-out figure fell to {nats:.3f} in epoch {best['epoch']}, and hardly changed at the end ({last['held_out']:.3f})"
    return Verdict("done", f"{why}; {kept}", "more of the same gains little: more music, or another network, would")

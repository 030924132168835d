"""How well melodies are harmonized: the particle filter beside playing on and hoping, on chorales that the model did not learn.

The highest part of each piece is given, to the note, and the others are composed. "Clamped" is what a network that looks back only does by itself:
the melody's notes are forced, the others drawn. "Best of N" are as many clamped takes as there are particles, of which the one is kept that the
network finds likeliest: the same work without resampling. All draw from the same distributions with the same masks.

Nats are those of the whole result as a piece, melody included, by the network that composed it. Two harmonizations of one melody are compared by
their nats a note of the melody; nats a note of all forgive many likely notes. Breaches are those of four-part writing, of which the network knows
nothing. What the composer himself wrote is judged too. Intervals are of a bootstrap over pieces.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

# as musicgen.cli sets them, before NumPy loads
os.environ["OPENBLAS_NUM_THREADS"] = "1"
os.environ["VECLIB_MAXIMUM_THREADS"] = "1"

import numpy as np
from side_by_side import machine

from musicgen.composing.casting import highest_part
from musicgen.composing.givens import Givens, Rewriting
from musicgen.composing.rewriting import LEAST_EFFECTIVE, Swarm
from musicgen.judging.counterpoint import RULES, craft
from musicgen.judging.likelihood import interval
from musicgen.judging.surprise import surprises
from musicgen.model.engine import Engine
from musicgen.model.file import Model, load_model
from musicgen.piece import Piece
from musicgen.reading.gathering import read_corpus

CLAMPED = 4  # of the clamped takes, those that are judged by themselves
FOCUS = ("parallel fifths", "parallel octaves", "crossings", "wide spacings", "notes out of range", "augmented leaps")


class Row(NamedTuple):
    """Of one piece, summed over its takes."""

    nats: float
    notes: int
    melody: int  # notes
    chords: int
    breaches: np.ndarray  # in the order of RULES
    on_tonic: int  # takes that end there
    takes: int


def judge(engine: Engine, takes: Sequence[Piece], melody: int) -> Row:
    found, crafts = list(surprises(engine, takes)), [craft(take) for take in takes]
    breaches = np.sum([[one.breaches[rule.name] for rule in RULES] for one in crafts], axis=0)
    on_tonic, nats = sum(one.ending == "tonic" for one in crafts), sum(float(one.nats.sum()) for one in found)
    notes, chords = sum(one.num_notes for one in found), sum(one.num_chords for one in crafts)
    return Row(nats, notes, melody * len(takes), chords, breaches, on_tonic, len(takes))


@dataclass
class Judged:
    """Of one way, a row for each piece."""

    rows: list[Row] = field(default_factory=list)

    def figures(self, rng: np.random.Generator) -> dict:
        """Each measure with its 95 % interval."""
        nats, notes, melody, chords, breaches, on_tonic, takes = (np.array(column, float) for column in zip(*self.rows, strict=True))
        measures = {
            "nats a note of the melody": (nats, melody),
            "nats a note": (nats, notes),
            "notes a note of the melody": (notes, melody),
            "breaches in 100 chords": (100 * breaches.sum(axis=1), chords),
            **{rule.name: (100 * column, chords) for rule, column in zip(RULES, breaches.T, strict=True) if rule.name in FOCUS},
            "ends on the tonic, %": (100 * on_tonic, takes),
        }
        return {name: _with_interval(values, weights, rng) for name, (values, weights) in measures.items()}


def _with_interval(values: np.ndarray, weights: np.ndarray, rng: np.random.Generator) -> dict:
    low, high = interval(values, weights, rng, 2000)
    return {"figure": float(values.sum() / weights.sum()), "low": low, "high": high}


def harmonize(engine: Engine, givens: Givens, particles: int, random_seed: int, least_effective: float) -> Swarm:
    """All particles at the end of the piece."""
    swarm = Swarm(engine, givens, particles, np.random.default_rng(random_seed), least_effective)
    for place in swarm.places():
        swarm.play(place)
    return swarm


@dataclass
class Measured:
    """The ways by their names, and what it took."""

    ways: dict[str, Judged]
    seconds: dict[str, float] = field(default_factory=lambda: {"clamped": 0.0, "particles": 0.0})  # of the processor, in all
    effective: list[float] = field(default_factory=list)  # sample sizes, where particles are compared
    pieces: int = 0  # once for each random seed


def measure(model: Model, pieces: Sequence[Piece], particles: int, seeds: int, temperature: float) -> Measured:
    """What was measured, whatever of it, if it is interrupted."""
    engine = model.engine
    names = ("clamped", f"best of {particles} clamped", f"{particles} particles", "the composer")
    measured = Measured({name: Judged() for name in names})
    try:
        for random_seed in range(seeds):
            for piece in pieces:
                compare(engine, model, piece, particles, random_seed, temperature, measured)
    except KeyboardInterrupt:
        print(f"interrupted after {measured.pieces} pieces", file=sys.stderr)
    return measured


def compare(engine: Engine, model: Model, piece: Piece, particles: int, random_seed: int, temperature: float, measured: Measured) -> None:
    """Harmonize one melody in all ways."""
    melody = highest_part(piece) or 0
    givens = Givens(model, Rewriting(piece, melody=melody, temperature=temperature))
    begun = time.process_time()
    alone = harmonize(engine, givens, particles, random_seed, 0)
    turned = time.process_time()
    swarm = harmonize(engine, givens, particles, random_seed, LEAST_EFFECTIVE)
    ended = time.process_time()
    best = min(alone.particles, key=lambda particle: particle.nats)
    chosen = ([particle.played() for particle in alone.particles[:CLAMPED]], [best.played()], [swarm.draw().played()])
    takes = [*([givens.rewritten(played) for played in several] for several in chosen), [piece]]
    rows = [(way, judge(engine, some, len(piece.parts[melody].notes))) for way, some in zip(measured.ways.values(), takes, strict=True)]
    for way, row in rows:  # only now, so that an interruption leaves all of a piece or nothing
        way.rows.append(row)
    measured.effective += [place.effective for place in swarm.checkpoints]
    measured.seconds["clamped"] += turned - begun
    measured.seconds["particles"] += ended - turned
    measured.pieces += 1


def lines(ways: dict[str, dict]) -> Iterator[str]:
    """A table in Markdown."""
    yield "| | " + " | ".join(ways) + " |"
    yield "|---" * (len(ways) + 1) + "|"
    for name in next(iter(ways.values())):
        cells = (f"{one[name]['figure']:.2f} ({one[name]['low']:.2f} to {one[name]['high']:.2f})" for one in ways.values())
        yield f"| {name} | " + " | ".join(cells) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, help="a .safetensors file")
    parser.add_argument("corpus", type=Path, help="the folder that it learned from")
    parser.add_argument("--pieces", type=int, default=1000, help="of those that were held out, at most")
    parser.add_argument("--particles", type=int, default=64)
    parser.add_argument("--seeds", type=int, default=1, help="random seeds for each piece")
    parser.add_argument("--temperature", type=float, default=0.9)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    model = load_model(options.model)
    pieces = list(read_corpus([options.corpus]).unheard(model.corpus.held_out))[: options.pieces]
    rng = np.random.default_rng(0)
    measured = measure(model, pieces, options.particles, options.seeds, options.temperature)
    if not measured.pieces:
        raise SystemExit("no piece was judged")
    figures = {name: judged.figures(rng) for name, judged in measured.ways.items()}
    seconds = {name: spent / measured.pieces for name, spent in measured.seconds.items()}
    effective, on = float(np.median(measured.effective)), machine(["numpy"])
    if options.json:
        facts = {"pieces": measured.pieces, "temperature": options.temperature, "seconds": seconds, "effective": effective}
        print(json.dumps({**facts, "ways": figures, "machine": on}, indent=2))
        return
    print(f"{measured.pieces} held-out melodies, each random seed of {options.seeds} counted, temperature {options.temperature}")
    print(*lines(figures), sep="\n")
    print(f"  - {seconds['particles']:.1f} s of the processor for a piece with resampling, {seconds['clamped']:.1f} s without")
    print(f"  - median effective sample size where particles are compared: {effective:.1f} of {options.particles}")
    print("  " + ", ".join(f"{name} {value}" for name, value in on.items()))


if __name__ == "__main__":
    main()

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
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

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

CLAMPED = 8  # of the clamped takes, those that are judged by themselves
FOCUS = ("parallel fifths", "parallel octaves", "crossings", "wide spacings", "notes out of range", "augmented leaps")


@dataclass
class Judged:
    """Of one way, a number for each piece, or a row; of several takes of a piece their sum."""

    nats: list[float] = field(default_factory=list)
    notes: list[float] = field(default_factory=list)
    melody: list[float] = field(default_factory=list)
    chords: list[float] = field(default_factory=list)
    breaches: list[list[int]] = field(default_factory=list)  # in the order of RULES
    on_tonic: list[float] = field(default_factory=list)
    takes: list[int] = field(default_factory=list)

    def add(self, engine: Engine, takes: Sequence[Piece], melody: int) -> None:
        found, crafts = list(surprises(engine, takes)), [craft(take) for take in takes]
        self.nats.append(sum(float(one.nats.sum()) for one in found))
        self.notes.append(sum(one.num_notes for one in found))
        self.melody.append(melody * len(takes))
        self.chords.append(sum(one.num_chords for one in crafts))
        self.breaches.append(np.sum([[one.breaches[rule.name] for rule in RULES] for one in crafts], axis=0).tolist())
        self.on_tonic.append(sum(one.ending == "tonic" for one in crafts))
        self.takes.append(len(takes))

    def figures(self, rng: np.random.Generator) -> dict:
        breaches, chords = np.array(self.breaches, float), np.array(self.chords)
        measures = {
            "nats a note of the melody": (self.nats, self.melody),
            "nats a note": (self.nats, self.notes),
            "notes a note of the melody": (self.notes, self.melody),
            "breaches in 100 chords": (100 * breaches.sum(axis=1), chords),
            **{rule.name: (100 * column, chords) for rule, column in zip(RULES, breaches.T, strict=True) if rule.name in FOCUS},
            "ends on the tonic, %": (100 * np.array(self.on_tonic), self.takes),
        }
        return {name: _with_interval(np.array(values, float), np.array(weights, float), rng) for name, (values, weights) in measures.items()}


def _with_interval(values: np.ndarray, weights: np.ndarray, rng: np.random.Generator) -> dict:
    low, high = interval(values, weights, rng, 2000)
    return {"figure": float(values.sum() / weights.sum()), "low": low, "high": high}


def harmonize(engine: Engine, givens: Givens, particles: int, random_seed: int, least_effective: float) -> Swarm:
    """All particles at the end of the piece."""
    swarm = Swarm(engine, givens, particles, np.random.default_rng(random_seed), least_effective)
    for place in swarm.places():
        swarm.play(place)
    return swarm


def measure(
    model: Model, pieces: Sequence[Piece], particles: int, seeds: int, temperature: float
) -> tuple[dict[str, Judged], dict[str, float], float]:
    """The ways by their names, seconds of the processor for each piece, and the median effective sample size where particles are compared."""
    engine = model.engine(exact=False)
    ways = {name: Judged() for name in ("clamped", f"best of {particles} clamped", f"{particles} particles", "the composer")}
    spent, effective = dict.fromkeys(("clamped", "particles"), 0.0), []
    for random_seed in range(seeds):
        for piece in pieces:
            melody = highest_part(piece) or 0
            givens = Givens(model, Rewriting(piece, melody=melody, temperature=temperature))
            num_notes = len(piece.parts[melody].notes)
            begun = time.process_time()
            alone = harmonize(engine, givens, particles, random_seed, 0)
            turned = time.process_time()
            swarm = harmonize(engine, givens, particles, random_seed, LEAST_EFFECTIVE)
            for name, seconds in (("clamped", turned - begun), ("particles", time.process_time() - turned)):
                spent[name] += seconds / (seeds * len(pieces))
            effective += [place.effective for place in swarm.checkpoints]
            best = min(alone.particles, key=lambda particle: particle.nats)
            chosen = ([particle.played() for particle in alone.particles[:CLAMPED]], [best.played()], [swarm.draw().played()])
            for way, takes in zip(ways.values(), chosen, strict=False):
                way.add(engine, [givens.rewritten(played) for played in takes], num_notes)
            ways["the composer"].add(engine, [piece], num_notes)
    return ways, spent, float(np.median(effective))


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
    ways, spent, effective = measure(model, pieces, options.particles, options.seeds, options.temperature)
    figures = {name: judged.figures(rng) for name, judged in ways.items()}
    on = machine(["numpy"])
    if options.json:
        facts = {"pieces": len(pieces), "seeds": options.seeds, "temperature": options.temperature, "seconds": spent, "effective": effective}
        print(json.dumps({**facts, "ways": figures, "machine": on}, indent=2))
        return
    print(f"{len(pieces)} held-out pieces, {options.seeds} random seeds, temperature {options.temperature}")
    print(*lines(figures), sep="\n")
    print(f"  - {spent['particles']:.1f} s of the processor for a piece with resampling, {spent['clamped']:.1f} s without")
    print(f"  - median effective sample size where particles are compared: {effective:.1f} of {options.particles}")
    print("  " + ", ".join(f"{name} {value}" for name, value in on.items()))


if __name__ == "__main__":
    main()

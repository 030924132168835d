"""How a network is judged while it learns: nats per note of whole pieces that it does not learn, by the engine that plays."""

from collections.abc import Sequence

import numpy as np

from musicgen.encoding.vocabulary import NAMES
from musicgen.learning.batches import Example
from musicgen.model.engine import Engine


def held_out_nats(engine: Engine, examples: Sequence[Example]) -> dict[str, float]:
    """Nats per note by field over whole pieces, in batches of 64."""
    total = np.zeros(len(NAMES))
    for start in range(0, len(examples), 64):
        some = [example.wide() for example in examples[start : start + 64]]
        for nats in engine.nats([example.ids for example in some], [example.context for example in some]):
            total += nats.sum(axis=0, dtype=np.float64)
    notes = sum(len(example.ids) - 1 for example in examples)
    return {NAMES[field]: float(total[field] / notes) for field in engine.vocabulary.active}

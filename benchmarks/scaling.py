"""What one epoch of training costs as the corpus and the network grow.

The processor's time of whole epochs over 1, 2, 4 and 8 parts of a corpus, with a small network; and of training steps with 1, 2, 4 and 8 times as
many units, on the same batches. Each figure is a ratio to the smallest. Linear in the corpus means 2, 4 and 8; the square of the width would be 4, 16
and 64, and is not reached where the parts of a step that do not grow with the width, or only linearly, still count. What compiles is not counted.
"""

import argparse
import os
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from dataclasses import replace

from side_by_side import Row, Spread, Target, machine, show

from musicgen.encoding.tokens import encode
from musicgen.encoding.vocabulary import Vocabulary
from musicgen.learning.batches import Example, batch_of, example_of, plans_of_epoch
from musicgen.learning.fitting import Average, build
from musicgen.learning.schedule import Schedule
from musicgen.model.configuration import Configuration, num_parameters
from musicgen.model.relative import Relative
from musicgen.reading.gathering import read_corpus

TIMES = (1, 2, 4, 8)


class Learner:
    """A network that takes the steps of `musicgen train`."""

    def __init__(self, configuration: Configuration, examples: list[Example]) -> None:
        self.relative, self.schedule = Relative(configuration), Schedule()
        self.model = build(configuration, examples, self.schedule)
        self.average = Average(self.model, self.schedule.averaging)
        self._compiled: set[tuple[int, int]] = set()

    def seconds(self, examples: list[Example], epoch: int, most_steps: int | None = None) -> float:
        """The processor's, of an epoch, or of the first steps of it."""
        plans = plans_of_epoch(examples, self.schedule.batch_rows, self.schedule.window, 0, epoch)[:most_steps]
        for plan in plans:
            if (plan.size, plan.length) not in self._compiled:
                self._compiled.add((plan.size, plan.length))
                self._step(examples, plan)
        begin = time.process_time()
        for plan in plans:
            self._step(examples, plan)
        return time.process_time() - begin

    def _step(self, examples: list[Example], plan) -> None:
        self.model.train_on_batch(*batch_of(examples, plan.windows, self.relative, plan.size, plan.length))
        self.average.update()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path, help="a folder of music")
    parser.add_argument("--rounds", type=int, default=3, help="default: %(default)s")
    parser.add_argument("--units", type=int, default=64, help="of the smallest network, and of that for all sizes of corpus (default: %(default)s)")
    parser.add_argument("--json", action="store_true", dest="as_json")
    arguments = parser.parse_args()
    learned, held_out = read_corpus([arguments.corpus]).split()
    pieces = [*learned, *held_out]
    sequences = [encode(piece) for piece in pieces]
    vocabulary = Vocabulary.of(sequences)
    smallest = Configuration(vocabulary, units=arguments.units, slots=min(8, sum(vocabulary.most_at_once)))
    examples = [example_of(sequence, vocabulary, smallest.slots) for sequence in sequences]
    part = len(examples) // TIMES[-1]
    rows, learner = [], Learner(smallest, examples)
    found = {times: [learner.seconds(examples[: part * times], number) for number in range(arguments.rounds)] for times in TIMES}
    for times in TIMES:
        ratio = Spread.of(large / small for large, small in zip(found[times], found[1], strict=True))
        rows.append(Row(f"an epoch over {part * times} pieces", ratio, f"times that over {part}", Target(False, 1.15 * times)))
    widths = {times: replace(smallest, units=arguments.units * times) for times in TIMES}
    learners = {times: Learner(configuration, examples) for times, configuration in widths.items()}
    steps = {times: [one.seconds(examples, number, most_steps=2) for number in range(arguments.rounds)] for times, one in learners.items()}
    for times in TIMES:
        ratio = Spread.of(large / small for large, small in zip(steps[times], steps[1], strict=True))
        rows.append(Row(f"a step with 2 x {arguments.units * times} units", ratio, f"times that with {arguments.units}", Target(False, times**2)))
    said = [
        f"{arguments.corpus.resolve().name}: {len(pieces)} pieces, {sum(piece.num_notes for piece in pieces):,} notes; {arguments.rounds} rounds",
        f"an epoch over {part} pieces took {Spread.of(found[1])} s of the processor, two steps with {arguments.units} units {Spread.of(steps[1])} s",
        "parameters: " + ", ".join(f"{num_parameters(configuration):,} with {configuration.units} units" for configuration in widths.values()),
    ]
    show("scaling: what an epoch costs", rows, said, machine(["numpy", "keras", "tensorflow"]), arguments.as_json)


if __name__ == "__main__":
    main()

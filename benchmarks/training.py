"""How fast music is learned: an epoch of this program, beside PyTorch's nn.LSTM on a flat stream of MidiTok's REMI tokens.

Both learn the same pieces with two layers of 256 units, the same dropout between them, gradients clipped at norm 1 and on all cores, and both hold
the same number of notes in a batch: windows of 64 notes here, of as many tokens as 64 notes take there. A measured step makes its batch, too. Here
it does all that `train` does in a step, averaging of the weights included. Judging the held-out pieces is counted on neither side.

The two take turns, some steps each. Seconds for a note of music, padding being none, times the notes of all pieces is an epoch. Measure on a machine
that does nothing else: PyTorch's threads wait for one another at every token, and where another program holds one of the cores, that costs PyTorch
several times the time of one thread alone. On a busy machine `--threads 1`, and the processor time, are what can be believed.
"""

import argparse
import os
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
import tensorflow as tf
import torch
from miditok import REMI, TokenizerConfig
from side_by_side import Row, Spread, Target, alternate, machine, ratios, show
from torch import nn

from musicgen.encoding.tokens import encode
from musicgen.encoding.vocabulary import PITCH, Vocabulary
from musicgen.learning.batches import Example, batches_of_epoch, example_of
from musicgen.learning.fitting import Average, build
from musicgen.learning.schedule import Schedule
from musicgen.model.configuration import Configuration, num_parameters
from musicgen.model.relative import Relative
from musicgen.reading.gathering import read_corpus as gather

WARM_UP_STEPS = 2  # beyond the steps that compile


@dataclass(frozen=True)
class Corpus:
    """The pieces to learn from, as files and as notes."""

    files: list[Path]
    configuration: Configuration
    examples: list[Example]

    @property
    def num_notes(self) -> int:
        return sum(len(example.ids) - 1 for example in self.examples)


def read_corpus(folder: Path) -> Corpus:
    """A folder, split as `train` splits it."""
    training, held_out = gather([folder]).split()
    sequences = [encode(piece) for piece in (*training, *held_out)]
    vocabulary = Vocabulary.of(sequences)
    configuration = Configuration(vocabulary, slots=min(8, sum(vocabulary.most_at_once)))
    examples = [example_of(sequence, vocabulary, configuration.slots) for sequence in sequences[: len(training)]]
    return Corpus(training.paths, configuration, examples)


class Learner(ABC):
    """One of the two."""

    def __init__(self) -> None:
        self.processor_seconds: list[float] = []  # for a note, in each round

    @abstractmethod
    def step(self) -> float:
        """Take one training step, and return the notes of music in it."""

    def seconds_a_note(self, steps: int) -> float:
        """Train some steps."""
        begin, processor = time.perf_counter(), time.process_time()
        notes = sum(self.step() for _ in range(steps))
        self.processor_seconds.append((time.process_time() - processor) / notes)
        return (time.perf_counter() - begin) / notes


class ThisProgram(Learner):
    """The steps of `musicgen.learning.training.train`."""

    def __init__(self, corpus: Corpus, schedule: Schedule) -> None:
        super().__init__()
        self._corpus, self._schedule = corpus, schedule
        self._relative = Relative(corpus.configuration)
        self._model = build(corpus.configuration, corpus.examples, schedule)
        self._average = Average(self._model, schedule.averaging)
        self._batches = self._all_batches()
        self.num_batches = sum(1 for _ in self._epoch(0))
        self.num_parameters = num_parameters(corpus.configuration)

    def _epoch(self, number: int) -> Iterator[tuple]:
        schedule = self._schedule
        return batches_of_epoch(self._corpus.examples, self._relative, schedule.batch_rows, schedule.window, schedule.random_seed, number)

    def _all_batches(self) -> Iterator[tuple]:
        for number in count(1):
            yield from self._epoch(number)

    def warm_up(self) -> float:
        """Compile for every shape of batch, and return the seconds."""
        begin = time.perf_counter()
        shapes = {inputs["note"].shape: (inputs, targets, said) for inputs, targets, said in self._epoch(0)}
        for batch in [*shapes.values(), *shapes.values()]:
            self._model.train_on_batch(*batch)
        return time.perf_counter() - begin

    def step(self) -> float:
        inputs, targets, said = next(self._batches)
        self._model.optimizer.learning_rate.assign(self._schedule.rate(0.5))
        self.nats = float(self._model.train_on_batch(inputs, targets, said, return_dict=True)["loss"])
        self._average.update()
        return float(said[..., PITCH].sum())


class FlatNetwork(nn.Module):
    """Embedding, LSTM, linear layer: one token after the other."""

    def __init__(self, num_tokens: int, units: int, layers: int, dropout: float) -> None:
        super().__init__()
        self.embedding = nn.Embedding(num_tokens, units)
        self.lstm = nn.LSTM(units, units, layers, batch_first=True, dropout=dropout)
        self.output = nn.Linear(units, num_tokens)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Logits (B, T, V) for tokens (B, T)."""
        return self.output(self.lstm(self.embedding(tokens))[0])


class FlatStream(Learner):
    """The usual way: all pieces as one stream of tokens, cut into windows, in random order."""

    def __init__(self, corpus: Corpus, schedule: Schedule) -> None:
        super().__init__()
        tokenizer = REMI(TokenizerConfig(use_programs=True, one_token_stream_for_programs=True))
        self._stream = np.concatenate([tokenizer(file).ids for file in corpus.files])
        self.tokens_a_note = len(self._stream) / corpus.num_notes
        self._window = round(schedule.window * self.tokens_a_note)
        self._windows = schedule.batch_rows // schedule.window
        self._starts = np.arange(0, len(self._stream) - self._window, self._window)
        torch.manual_seed(schedule.random_seed)
        configuration = corpus.configuration
        self._network = FlatNetwork(len(tokenizer), configuration.units, configuration.layers, configuration.dropout)
        self._optimizer = torch.optim.Adam(self._network.parameters(), 1e-3)
        self._norm = schedule.gradient_norm
        self._batches = self._all_batches(np.random.default_rng(schedule.random_seed))
        self.num_batches = -(-len(self._starts) // self._windows)
        self.num_parameters = sum(parameter.numel() for parameter in self._network.parameters())

    def _all_batches(self, random: np.random.Generator) -> Iterator[torch.Tensor]:
        while True:
            starts = random.permutation(self._starts)
            for first in range(0, len(starts), self._windows):
                rows = starts[first : first + self._windows, None] + np.arange(self._window + 1)
                yield torch.from_numpy(self._stream[rows])

    def warm_up(self) -> float:
        """Take the first step, and return its seconds."""
        begin = time.perf_counter()
        self.step()
        return time.perf_counter() - begin

    def step(self) -> float:
        batch = next(self._batches)
        loss = nn.functional.cross_entropy(self._network(batch[:, :-1]).flatten(0, 1), batch[:, 1:].flatten())
        self._optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self._network.parameters(), self._norm)
        self._optimizer.step()
        self.nats = loss.item() * self.tokens_a_note
        return batch[:, 1:].numel() / self.tokens_a_note


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path, help="a folder of MIDI files")
    parser.add_argument("--rounds", type=int, default=8, help="default: %(default)s")
    parser.add_argument("--steps", type=int, default=4, help="training steps of each in a round (default: %(default)s)")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1, help="of each (default: %(default)s, the cores)")
    parser.add_argument("--json", action="store_true", dest="as_json")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    tf.config.threading.set_intra_op_parallelism_threads(arguments.threads)
    tf.config.threading.set_inter_op_parallelism_threads(arguments.threads)
    corpus, schedule = read_corpus(arguments.corpus), Schedule()
    ours, theirs = ThisProgram(corpus, schedule), FlatStream(corpus, schedule)
    first_ours, first_theirs = ours.warm_up(), theirs.warm_up()
    steps = arguments.steps
    for learner in (ours, theirs):
        learner.seconds_a_note(WARM_UP_STEPS)
        learner.processor_seconds.clear()
    pairs = alternate(lambda _: ours.seconds_a_note(steps), lambda _: theirs.seconds_a_note(steps), arguments.rounds)
    notes = corpus.num_notes
    rows = [
        Row("time of an epoch, PyTorch / this program", ratios((theirs, ours) for ours, theirs in pairs), "times", Target(True, 2)),
        Row("processor time, PyTorch / this program", ratios(zip(theirs.processor_seconds, ours.processor_seconds, strict=True))),
        Row("an epoch of this program", Spread.of(ours * notes for ours, _ in pairs), "s"),
        Row("an epoch of PyTorch", Spread.of(theirs * notes for _, theirs in pairs), "s"),
        Row("this program", Spread.of(1 / ours for ours, _ in pairs), "notes/s"),
        Row("PyTorch", Spread.of(1 / theirs for _, theirs in pairs), "notes/s"),
    ]
    said = [
        f"{arguments.corpus.resolve().name}: {len(corpus.files)} pieces to learn from, {notes:,} notes; an epoch is seconds a note times these notes",
        f"PyTorch reads {theirs.tokens_a_note:.2f} tokens a note",
        f"{arguments.rounds} rounds of {steps} steps each, threads of each: {arguments.threads}",
        f"an epoch has {ours.num_batches} steps here, {theirs.num_batches} there",
        f"{ours.num_parameters:,} parameters here, {theirs.num_parameters:,} there",
        f"not counted: {first_ours:.1f} s to compile here, {first_theirs:.1f} s for the first step there",
        f"nats a note after it all, on what was learned: {ours.nats:.2f} here, {theirs.nats:.2f} there (with dropout, at different rates)",
    ]
    packages = ["numpy", "keras", "tensorflow", "torch", "miditok"]
    show("training: an epoch, beside PyTorch on REMI tokens", rows, said, machine(packages), arguments.as_json)


if __name__ == "__main__":
    main()

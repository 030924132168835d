"""A corpus as a network is to learn it: what `train` reads before it loads TensorFlow."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from musicgen.cli.console import say
from musicgen.cli.copies import copies_of
from musicgen.cli.corpora import facts_of, lessons_of, read_corpus, selection_of
from musicgen.cli.run_folder import fingerprints
from musicgen.encoding.tokens import encode
from musicgen.encoding.vocabulary import Vocabulary
from musicgen.learning.batches import Example, example_of
from musicgen.model.configuration import Configuration
from musicgen.model.file import CorpusFacts
from musicgen.reading.corpus import Corpus

SHAPE = ("cell", "activation", "layers", "units", "dropout")  # options that say what the network is


@dataclass(frozen=True, slots=True)
class Material:
    """What is to be learned."""

    corpus: Corpus
    configuration: Configuration
    training: list[Example]
    held_out: list[Example]
    fingerprints: list[list[str]]  # as in `Settings.pieces`
    facts: CorpusFacts
    copies: dict[str, np.ndarray]  # the index to find copies by


def material_of(folders: list[Path], name: str, options: dict, configuration: Configuration | None, quiet: bool) -> Material:
    """Read and split a corpus.

    Args:
        options: those of `train`.
        configuration: of a training that is gone on with; None: it follows from the corpus and the options.

    Raises:
        CommandError: there is too little music.
    """
    corpus = read_corpus(folders, selection_of(options), quiet, options["use_cache"])
    training, held_out = lessons_of(corpus, options["keep_duplicates"])
    left_out = len(corpus) - len(training) - len(held_out)
    say(f"{len(training)} pieces to learn from, {len(held_out)} held out, {left_out} left out as duplicates", quiet)
    sequences = [encode(piece) for piece in (*training, *held_out)]
    if configuration is None:
        vocabulary = Vocabulary.of(sequences)
        configuration = Configuration(vocabulary, slots=min(8, sum(vocabulary.most_at_once)), **{key: options[key] for key in SHAPE})
    examples = [example_of(sequence, configuration.vocabulary, configuration.slots) for sequence in sequences]
    return Material(
        corpus,
        configuration,
        examples[: len(training)],
        examples[len(training) :],
        fingerprints(examples, [piece.title for piece in (*training, *held_out)]),
        facts_of(name, corpus, training, held_out),
        copies_of(training, held_out, quiet),
    )

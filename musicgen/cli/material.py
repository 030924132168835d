"""A corpus as a network is to learn it: what `train` reads before it loads TensorFlow."""

from dataclasses import dataclass
from pathlib import Path

from musicgen.cli.console import say
from musicgen.cli.corpora import lessons_of, read_corpus, selection_of
from musicgen.cli.encoded import Encoded, Encoding, slots_of
from musicgen.model.configuration import Configuration
from musicgen.reading.corpus import Corpus

SHAPE = ("cell", "activation", "layers", "units", "dropout")  # options that say what the network is


@dataclass(frozen=True, slots=True)
class Material:
    """What is to be learned."""

    corpus: Corpus
    configuration: Configuration
    encoded: Encoded


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
    encoded = Encoding(name, corpus, training, held_out, configuration.vocabulary if configuration else None, quiet).encoded()
    if configuration is None:
        configuration = Configuration(encoded.vocabulary, slots=slots_of(encoded.vocabulary), **{key: options[key] for key in SHAPE})
    return Material(corpus, configuration, encoded)

"""A corpus as a network is to learn it: what `train` reads before it loads TensorFlow."""

from dataclasses import dataclass
from pathlib import Path

from musicgen.cli.console import DOES_NOT_FIT, CommandError, say
from musicgen.cli.corpora import lessons_of, read_corpus, selection_of
from musicgen.cli.encoded import Encoded, Encoding, slots_of
from musicgen.cli.models import model_path, open_model
from musicgen.encoding.tokens import encode
from musicgen.encoding.vocabulary import Vocabulary
from musicgen.learning.inheritance import InheritanceError, configuration_from, news, widened
from musicgen.model.configuration import Configuration
from musicgen.model.file import Model
from musicgen.reading.corpus import Corpus, Pieces

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
    say(f"{len(training)} piece{'s' * (len(training) != 1)} to learn from, {len(held_out)} held out, {left_out} left out as duplicates", quiet)
    base = None if configuration or not options["from"] else open_model(model_path(options["from"]))
    words = configuration.vocabulary if configuration else _widened(base, training + held_out, quiet) if base else None
    encoded = Encoding(name, corpus, training, held_out, words, quiet).encoded()
    if base is not None:
        configuration = configuration_from(base, encoded.vocabulary, slots_of(encoded.vocabulary), options["dropout"])
    if configuration is None:
        configuration = Configuration(encoded.vocabulary, slots=slots_of(encoded.vocabulary), **{key: options[key] for key in SHAPE})
    return Material(corpus, configuration, encoded)


def _widened(base: Model, pieces: Pieces, quiet: bool) -> Vocabulary:
    """The model's vocabulary with what these pieces have besides. Raises CommandError."""
    try:
        words = widened(base.configuration.vocabulary, Vocabulary.of(map(encode, pieces)))
    except InheritanceError as error:
        raise CommandError(str(error), DOES_NOT_FIT) from None
    new = news(base.configuration.vocabulary, words)
    say(f"new to the model it begins with: {new}" if new else "the model it begins with knows all notes of this corpus", quiet)
    return words

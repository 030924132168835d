"""A corpus as a network sees it: encoded once, kept in the cache, and mapped into memory."""

import contextlib
import hashlib
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from musicgen.arrays import DamagedArraysError
from musicgen.cli.console import CommandError, say, with_progress
from musicgen.cli.corpora import facts_of
from musicgen.encoding.tokens import encode
from musicgen.encoding.vocabulary import Vocabulary
from musicgen.learning.batches import example_of
from musicgen.learning.examples import Examples, open_examples, write_examples
from musicgen.model.file import CorpusFacts
from musicgen.reading.cache import code_digest
from musicgen.reading.corpus import Corpus, Pieces

CODE = ("piece.py", "encoding", "learning/batches.py", "learning/examples.py")  # by which pieces are encoded
MOST_SLOTS = 8  # of sounding notes


@dataclass(frozen=True)
class Encoded:
    """Pieces to learn from and to hold out, and what a model is told about them."""

    vocabulary: Vocabulary
    slots: int  # of sounding notes
    training: Examples
    held_out: Examples
    facts: CorpusFacts


def encode_corpus(name: str, corpus: Corpus, training: Pieces, held_out: Pieces, quiet: bool, vocabulary: Vocabulary | None = None) -> Encoded:
    """Take what was encoded before, or encode it now, and keep it where it can be kept. Raises CommandError.

    Args:
        vocabulary: that of a model which is to learn on; without one it is that of the pieces.
    """
    pieces = training + held_out
    written = f"{name} {code_digest(*CODE)} {vocabulary and vocabulary.to_json()} {len(training)} {corpus.selection} {pieces.keys}"
    file = f"{hashlib.blake2b(written.encode('utf-8', 'surrogateescape'), digest_size=16).hexdigest()}.examples"

    def write(path: Path) -> None:
        words = vocabulary or Vocabulary.of(map(encode, with_progress(pieces, len(pieces), "looking for words", quiet)))
        said = {"vocabulary": words.to_json(), "facts": asdict(facts_of(name, corpus, training, held_out))}
        slots = slots_of(words)
        write_examples(
            path, lambda: (example_of(encode(piece), words, slots) for piece in with_progress(pieces, len(pieces), "encoding", quiet)), said
        )

    def taken(path: Path) -> Encoded:
        examples, said = open_examples(path)
        words = Vocabulary.from_json(said["vocabulary"])
        return Encoded(words, slots_of(words), examples[: len(training)], examples[len(training) :], CorpusFacts.from_json(said["facts"]))

    if corpus.cache is not None:
        path = corpus.cache.folder / file
        with contextlib.suppress(OSError, DamagedArraysError):
            return taken(path)
        try:
            write(path)
            return taken(path)
        except OSError as error:
            say(f"what was encoded can't be kept in {path.parent.parent} ({error.strerror or error}): it will be encoded again the next time", quiet)
    try:
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:  # what is mapped stays, though its name goes
            write(Path(folder) / file)
            return taken(Path(folder) / file)
    except OSError as error:
        raise CommandError(f"no room for the encoded corpus in {tempfile.gettempdir()}: {error.strerror or error}") from None


def slots_of(vocabulary: Vocabulary) -> int:
    """How many sounding notes a network is told of."""
    return min(MOST_SLOTS, sum(vocabulary.most_at_once))

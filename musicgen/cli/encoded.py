"""A corpus as a network sees it: encoded once, kept in the cache, and mapped into memory."""

import contextlib
import hashlib
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from musicgen.arrays import DamagedArraysError
from musicgen.cli.console import CommandError, say, with_progress
from musicgen.cli.copies import copies_of
from musicgen.cli.corpora import facts_of
from musicgen.cli.run_folder import fingerprint
from musicgen.encoding.tokens import encode
from musicgen.encoding.vocabulary import Vocabulary
from musicgen.learning.batches import Example, example_of
from musicgen.learning.examples import Examples, open_examples, write_examples
from musicgen.model.file import CorpusFacts
from musicgen.reading.cache import code_digest
from musicgen.reading.corpus import Corpus, Pieces

CODE = ("piece.py", "encoding", "judging", "learning", "cli/encoded.py", "cli/run_folder.py")  # by which pieces are encoded and indexed
MOST_SLOTS = 8  # of sounding notes


@dataclass(frozen=True)
class Encoded:
    """Pieces to learn from and to hold out, and what a model is told about them."""

    vocabulary: Vocabulary
    training: Examples
    held_out: Examples
    facts: CorpusFacts
    fingerprints: list[list[str]]  # as in `Settings.pieces`
    copies: dict[str, np.ndarray]  # the index to find copies by


@dataclass(frozen=True)
class Encoding:
    """Pieces that are to be encoded."""

    name: str  # of the corpus
    corpus: Corpus
    training: Pieces
    held_out: Pieces
    vocabulary: Vocabulary | None  # that of a model which is to learn on; without one it is that of the pieces
    quiet: bool

    def encoded(self) -> Encoded:
        """What was encoded before, or is encoded now, and kept where it can be kept. Raises CommandError."""
        cache = self.corpus.cache
        if cache is not None:
            path = cache.folder / self._file_name()
            with contextlib.suppress(OSError, DamagedArraysError):
                return self._open(path)
            try:
                self._write(path)
                return self._open(path)
            except OSError as error:
                where = f"can't be kept in {path.parent.parent} ({error.strerror or error})"
                say(f"what was encoded {where}: it will be encoded again the next time", self.quiet)
        try:
            with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:  # what is mapped stays, though its name goes
                self._write(Path(folder) / self._file_name())
                return self._open(Path(folder) / self._file_name())
        except OSError as error:
            raise CommandError(f"no room for the encoded corpus in {tempfile.gettempdir()}: {error.strerror or error}") from None

    def _file_name(self) -> str:
        """A digest of all that the file depends on."""
        keys = (self.training + self.held_out).keys
        what = (self.name, code_digest(*CODE), self.vocabulary and self.vocabulary.to_json(), len(self.training), self.corpus.selection, keys)
        return f"{hashlib.blake2b(repr(what).encode('utf-8', 'surrogateescape'), digest_size=16).hexdigest()}.examples"

    def _write(self, path: Path) -> None:
        pieces = self.training + self.held_out
        words = self.vocabulary or Vocabulary.of(map(encode, with_progress(pieces, len(pieces), "looking for words", self.quiet)))
        facts = facts_of(self.name, self.corpus, self.training, self.held_out)
        said: dict = {"vocabulary": words.to_json(), "facts": asdict(facts), "pieces": []}

        def examples() -> Iterator[Example]:
            said["pieces"].clear()
            for piece in with_progress(pieces, len(pieces), "encoding", self.quiet):
                example = example_of(encode(piece), words, slots_of(words))
                said["pieces"].append([fingerprint(example), piece.title])
                yield example

        write_examples(path, examples, said, copies_of(self.training, self.held_out, self.quiet))

    def _open(self, path: Path) -> Encoded:
        examples, said, copies = open_examples(path)
        words, facts, number = Vocabulary.from_json(said["vocabulary"]), CorpusFacts.from_json(said["facts"]), len(self.training)
        return Encoded(words, examples[:number], examples[number:], facts, said["pieces"], copies)


def slots_of(vocabulary: Vocabulary) -> int:
    """How many sounding notes a network is told of."""
    return min(MOST_SLOTS, sum(vocabulary.most_at_once))

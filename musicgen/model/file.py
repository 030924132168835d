"""The model file: one .safetensors with the weights, all runs of the corpus, and in its header, as JSON, what belongs to them.

Conventions: opening a file runs none of its content. The header is checked against the configuration it carries, names, types and
shapes, before any weight is read; a file that is no model is named as such in one sentence. Weights are kept in half precision (11 bits), which
halves the file and moves held-out figures by less than their last digit; all arithmetic is in single precision.
"""

import hashlib
import json
import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from statistics import median

import numpy as np
import safetensors
import safetensors.numpy

from musicgen import __version__
from musicgen.files import write_whole
from musicgen.model.configuration import Configuration, weight_shapes
from musicgen.model.engine import Engine
from musicgen.piece import Meter, Piece, canonical_tempo

FORMAT = 3
LARGEST_FILE = 2_000_000_000  # bytes
COPIES = "copies/"  # before the names of the arrays that are no weights
WHOLE_NUMBERS = ("I8", "U8", "I16", "U16", "I32", "U32", "I64", "U64")


class ModelFileError(Exception):
    """A file that holds no model that can be used; the message says why, without the file's name."""


@dataclass(frozen=True)
class CorpusFacts:
    """What a model remembers of its corpus beside its vocabulary."""

    name: str
    fingerprint: str  # of the pieces, hexadecimal
    num_pieces: int
    num_notes: int
    meter: tuple[int, int]  # the commonest first meter
    tempo: float  # median of the first tempi, quarters a minute
    held_out: tuple[str, ...] = ()  # fingerprints of the pieces that it did not learn from
    parts: str = "all"  # which were taken, as `train --parts` says it
    drums: bool = True  # whether they were taken
    meters: tuple[tuple[int, int], ...] = ()  # all that it has; () where that is not known

    @classmethod
    def of(cls, name: str, fingerprint: str, pieces: Iterable[Piece], **others) -> "CorpusFacts":
        """Of pieces, each of which is looked at once; the other fields are given."""
        meters: Counter[tuple[int, int]] = Counter()
        every: set[tuple[int, int]] = set()
        tempos, notes = [], 0
        for piece in pieces:
            meters[piece.meters[0].numerator, piece.meters[0].denominator] += 1
            every.update((meter.numerator, meter.denominator) for meter in piece.meters)
            tempos.append(piece.tempos[0].quarters_per_minute)
            notes += piece.num_notes
        commonest = min(meters, key=lambda meter: (-meters[meter], meter))
        name = "".join(character if character.isprintable() else " " for character in name)
        return cls(name, fingerprint, len(tempos), notes, commonest, canonical_tempo(round(median(tempos))), meters=tuple(sorted(every)), **others)

    @classmethod
    def from_json(cls, document: dict) -> "CorpusFacts":
        """Raises KeyError or TypeError where the document holds no facts."""
        meters = tuple(tuple(meter) for meter in document.get("meters", ()))
        return cls(**{**document, "meter": tuple(document["meter"]), "held_out": tuple(document.get("held_out", ())), "meters": meters})


@dataclass(frozen=True)
class Model:
    """A trained network and where it comes from."""

    configuration: Configuration
    weights: dict[str, np.ndarray]  # float32, as `weight_shapes` lists them; a file keeps them as float16
    corpus: CorpusFacts
    held_out_nats: dict[str, float] = field(default_factory=dict)  # nats a note on held-out pieces, by field; their sum is the figure
    training: dict = field(default_factory=dict)  # settings and history, for people to read
    copies: dict[str, np.ndarray] = field(default_factory=dict, compare=False)  # all runs of the corpus: a judging.originality.CorpusIndex; or none

    @property
    def held_out_nats_per_note(self) -> float:
        return sum(self.held_out_nats.values())

    @cached_property
    def fingerprint(self) -> str:
        """Of all that the music depends on: equal for equal models, whatever they are called and whatever else is in their files. Hexadecimal."""
        digest = hashlib.sha256(json.dumps([self.configuration.to_json(), self.corpus.meter, self.corpus.tempo]).encode())
        for name in sorted(self.weights):
            digest.update(name.encode() + self.weights[name].astype(np.float16).tobytes())
        return digest.hexdigest()[:16]

    @cached_property
    def engine(self) -> Engine:
        """The engine of these weights, which are not to change any more."""
        return Engine(self.configuration, self.weights)


def save_model(model: Model, path: Path) -> None:
    """Write the file whole or not at all. Raises OSError, and ValueError for weights that half precision can't hold."""
    document = {
        "format": FORMAT,
        "version": __version__,
        "configuration": model.configuration.to_json(),
        "corpus": asdict(model.corpus),
        "held_out_nats": model.held_out_nats,
        "training": model.training,
    }
    with np.errstate(over="ignore"):
        weights = {name: np.ascontiguousarray(array, np.float16) for name, array in model.weights.items()}
    if not all(np.isfinite(array).all() for array in weights.values()):
        raise ValueError("weights beyond 65,504 or no numbers")
    copies = {f"{COPIES}{name}": np.ascontiguousarray(array) for name, array in model.copies.items()}
    write_whole(path, safetensors.numpy.save({**weights, **copies}, {"musicgen": json.dumps(document)}))


def load_model(path: Path) -> Model:
    """The model in a file. Raises ModelFileError for anything that is not one, FileNotFoundError where there is no file."""
    try:
        if not path.is_file():
            raise ModelFileError("not a regular file") if path.exists() else FileNotFoundError(path)
        if path.stat().st_size > LARGEST_FILE:
            raise ModelFileError(f"larger than the limit of {LARGEST_FILE:,} bytes")
        with safetensors.safe_open(path, framework="numpy") as file:
            return _checked(file)
    except safetensors.SafetensorError as error:
        raise ModelFileError(f"cut off, damaged or no .safetensors file at all ({error})") from None
    except PermissionError:
        raise ModelFileError("no permission to read it") from None


def _checked(file) -> Model:
    header = (file.metadata() or {}).get("musicgen")
    if header is None:
        raise ModelFileError("a .safetensors file, but not one that this program wrote")
    try:
        document = json.loads(header)
        version = document["format"]
        if type(version) is int and version > FORMAT:
            raise ModelFileError(f"written by a newer version of this program ({document.get('version')}; this is {__version__}): update it")
        if type(version) is int and 1 <= version < FORMAT:
            raise ModelFileError(f"written by an older version of this program ({document.get('version')}), with another network: train it again")
        if version != FORMAT:
            raise ValueError("no such format")
        configuration = Configuration.from_json(document["configuration"])
        corpus = CorpusFacts.from_json(document["corpus"])
        _check_facts(corpus, configuration.vocabulary.steps_per_quarter)
        held_out = {str(name): float(value) for name, value in document["held_out_nats"].items()}
        if not all(map(math.isfinite, held_out.values())):
            raise ValueError("held-out figures that are no numbers")
        training = dict(document["training"])
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError, RecursionError) as error:
        raise ModelFileError(f"its header is damaged ({type(error).__name__}: {error})") from None
    expected = weight_shapes(configuration)
    names = {name for name in list(file.keys()) if not name.startswith(COPIES)}
    if names != set(expected):
        odd = sorted(names ^ set(expected))[0]
        raise ModelFileError(f"its weights do not fit its configuration ({odd!r} is {'missing' if odd in expected else 'foreign'})")
    for name, shape in expected.items():
        stored = file.get_slice(name)
        if tuple(stored.get_shape()) != shape or stored.get_dtype() != "F16":
            raise ModelFileError(f"its weight {name} is {stored.get_dtype()} {tuple(stored.get_shape())}, expected F16 {shape}")
    weights = {name: file.get_tensor(name).astype(np.float32) for name in expected}
    if not all(np.isfinite(array).all() for array in weights.values()):
        raise ModelFileError("its weights are not all finite numbers")
    return Model(configuration, weights, corpus, held_out, training, _copies(file))


def _copies(file) -> dict[str, np.ndarray]:
    """The arrays that are no weights."""
    names = [name for name in list(file.keys()) if name.startswith(COPIES)]
    for name in names:
        if (kind := file.get_slice(name).get_dtype()) not in WHOLE_NUMBERS:
            raise ModelFileError(f"the index of its corpus is damaged ({name!r} is {kind})")
    return {name.removeprefix(COPIES): file.get_tensor(name) for name in names}


def _check_facts(corpus: CorpusFacts, steps_per_quarter: int) -> None:
    """Raises TypeError or ValueError where these are no facts of a corpus."""
    kinds = {"name": str, "fingerprint": str, "num_pieces": int, "num_notes": int, "parts": str, "drums": bool}
    for name, kind in kinds.items():
        if type(getattr(corpus, name)) is not kind:
            raise TypeError(f"the corpus' {name} is no {kind.__name__}")
    if not all(type(fingerprint) is str for fingerprint in corpus.held_out):
        raise TypeError("the corpus' held_out are no words")
    if not all(word.isprintable() for word in (corpus.name, corpus.fingerprint, corpus.parts, *corpus.held_out)):
        raise ValueError("names that can't be shown")
    canonical_tempo(corpus.tempo)
    if not all(len(meter) == 2 and all(type(number) is int for number in meter) for meter in corpus.meters):
        raise ValueError("no such meters")
    numerator, denominator = corpus.meter
    if type(numerator) is not int or not 1 <= numerator <= 255 or denominator not in (1, 2, 4, 8, 16, 32, 64):
        raise ValueError("no such meter")
    if Meter(0, numerator, int(denominator)).bar_steps(steps_per_quarter) < 1:
        raise ValueError("the corpus' meter does not fit the grid")

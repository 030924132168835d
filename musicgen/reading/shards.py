"""A list of files read in shards, each on its own: by hand, by any scheduler, on any machine that sees the files.

Conventions: a folder holds `plan.json`, the list of files and how they are to be read, written by whoever comes first; the segments of each shard;
and for each shard that is complete `shard-K-of-N.json`, which is written last. Every file appears whole. What is written depends on the files
alone, so it is the same to the byte whoever reads. Shards are counted from 1.
"""

import contextlib
import hashlib
import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from musicgen.arrays import DamagedArraysError
from musicgen.files import write_whole
from musicgen.reading.cache import Cache
from musicgen.reading.corpus import Corpus
from musicgen.reading.finding import Found
from musicgen.reading.gathering import Gathering, Watch, wanted_files
from musicgen.reading.guard import Limits
from musicgen.reading.reasons import Reason, UnreadableFileError
from musicgen.reading.segments import Segment
from musicgen.reading.selection import Selection

PLAN = "plan.json"
FORMAT = "musicgen shards 1"


class ShardsError(Exception):
    """Shards that can't be read or written; the message says why and what to do."""


@dataclass(frozen=True)
class Plan:
    """What is to be read, and in how many shards."""

    folder: Path  # of the shards
    files: list[Found]
    selection: Selection
    num_shards: int

    def name(self, shard: int) -> str:
        return f"shard-{shard}-of-{self.num_shards}"

    def numbers(self, shard: int) -> range:
        """The files of a shard, which are neighbours in the list."""
        ends = [len(self.files) * number // self.num_shards for number in range(self.num_shards + 1)]
        return range(ends[shard - 1], ends[shard])

    def is_complete(self, shard: int) -> bool:
        return (self.folder / f"{self.name(shard)}.json").is_file()

    @cached_property
    def digest(self) -> str:
        """Of all that the shards depend on."""
        return hashlib.sha256(json.dumps(self.to_json()).encode()).hexdigest()

    @property
    def missing(self) -> list[int]:
        """Shards that are not complete."""
        return [shard for shard in range(1, self.num_shards + 1) if not self.is_complete(shard)]

    def to_json(self) -> dict:
        files = [[str(one.path), *([one.refused.reason.value, str(one.refused)] if one.refused else [])] for one in self.files]
        return {"format": FORMAT, "shards": self.num_shards, "selection": asdict(self.selection), "files": files}


def is_plan(folder: Path) -> bool:
    """Whether a folder holds shards."""
    return os.path.isfile(folder / PLAN)  # which is no error where nobody may look into the folder


def make_plan(roots: Iterable[Path], selection: Selection, folder: Path, num_shards: int) -> Plan:
    """The plan of a folder, which is made if it is not there. Raises ShardsError, or OSError where it can't be written."""
    if not is_plan(folder):
        roots = [Path(os.path.abspath(root)) for root in roots]  # other machines read from another place
        wanted = Plan(folder, wanted_files(roots, selection), selection, num_shards)
        write_whole(folder / PLAN, json.dumps(wanted.to_json()).encode())
    plan = open_plan(folder)
    if (plan.selection, plan.num_shards) != (selection, num_shards):
        raise ShardsError(f"{folder} was begun with {plan.num_shards} shards or other options: take the same, or another folder")
    return plan


def open_plan(folder: Path) -> Plan:
    """Raises ShardsError."""
    try:
        document = json.loads((folder / PLAN).read_bytes())
        if document["format"] != FORMAT:
            raise ValueError(document["format"])
        files = [Found(Path(path), _refusal(*why)) for path, *why in document["files"]]
        given = document["selection"]
        limits, meter = Limits(**given["limits"]), tuple(given["meter"]) if given["meter"] else None
        selection = Selection(**{**given, "limits": limits, "meter": meter, "exclude": tuple(given["exclude"])})
        return Plan(folder, files, selection, document["shards"])
    except OSError as error:
        raise ShardsError(f"can't read {folder / PLAN}: {error.strerror or error}") from None
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise ShardsError(f"{folder / PLAN} is no plan of shards ({error})") from None


def _refusal(name: str = "", message: str = "") -> UnreadableFileError | None:
    return next((UnreadableFileError(message, reason) for reason in Reason if reason.value == name), None)


def read_shard(plan: Plan, shard: int, watch: Watch = lambda records, _: records, num_workers: int | None = None) -> None:
    """Read the files of a shard, and complete it. Raises OSError where it can't be written."""
    names: list[str] = []

    def keep(segment: Segment) -> tuple[str, Segment]:
        names.append(f"{plan.name(shard)}-{len(names) + 1}.segment")
        segment.write(plan.folder / names[-1])
        return names[-1], Segment.open(plan.folder / names[-1], check=False)

    numbers = plan.numbers(shard)
    gathering = Gathering([plan.files[number] for number in numbers], keep)
    gathering.read(plan.selection, watch, num_workers)
    digests = {name: hashlib.sha256((plan.folder / name).read_bytes()).hexdigest() for name in names}
    document = {"plan": plan.digest, "files": [numbers.start, numbers.stop], "places": gathering.places.tolist(), "segments": digests}
    write_whole(plan.folder / f"{plan.name(shard)}.json", json.dumps(document).encode())


def open_shards(folder: Path, selection: Selection, cache: Cache | None = None) -> Corpus:
    """The corpus of all shards. Raises ShardsError where one is missing or damaged, or was not read as the selection wants."""
    plan = open_plan(folder)
    if plan.selection.of_reading() != selection.of_reading():
        raise ShardsError(f"the shards in {folder} were read with other options (a grid of {plan.selection.steps_per_quarter}): give the same")
    if missing := plan.missing:
        told = ", ".join(f"{shard}/{plan.num_shards}" for shard in missing[:8])
        raise ShardsError(f"{len(missing)} of {plan.num_shards} shards in {folder} are not complete: read them with `corpus read --shard` {told}")
    segments: list[Segment] = []
    places = np.full((len(plan.files), 2), -1, np.int64)
    for shard in range(1, plan.num_shards + 1):
        path = folder / f"{plan.name(shard)}.json"
        try:
            document = json.loads(path.read_bytes())
            if document["plan"] != plan.digest:
                raise ValueError("of another list of files")
            own = np.array(document["places"], np.int64).reshape(-1, 2)
            places[slice(*document["files"])] = np.where(own[:, :1] < 0, -1, own + np.array([len(segments), 0]))
            segments += [Segment.open(folder / name) for name in document["segments"]]
        except (OSError, ValueError, KeyError, TypeError, DamagedArraysError) as error:
            with contextlib.suppress(OSError):
                path.unlink()
            raise ShardsError(
                f"{plan.name(shard)} in {folder} is damaged ({error}): read it again with `corpus read --shard {shard}/{plan.num_shards}`"
            ) from None
    return Corpus(plan.files, segments, places, selection, cache)

"""How reading a corpus scales: two processes beside one, a start from the cache, and memory, on files made from real ones.

The files are those of a corpus, transposed and moved later, as many as are asked for, in a temporary folder. Every measurement is a process of its
own, from its first line on, as a command is, and none shares a cache with another unless that is what is measured.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ["OPENBLAS_NUM_THREADS"] = "1"

from side_by_side import Row, Spread, Target, alternate, machine, ratios, show

TRANSPOSITIONS = range(-6, 6)


def make(corpus: Path, folder: Path, number: int) -> None:
    """So many files, a thousand in each folder."""
    import symusic

    from musicgen.reading.finding import find_files

    scores = [symusic.Score.from_midi(path.read_bytes()) for path in find_files([corpus]) if path.suffix == ".mid"]
    for index in range(number):
        score, round_ = scores[index % len(scores)], index // len(scores)
        later, up = divmod(round_, len(TRANSPOSITIONS))
        place = folder / f"{index // 1000:04}"
        place.mkdir(exist_ok=True)
        other = score.shift_time(later * score.ticks_per_quarter).shift_pitch(TRANSPOSITIONS[up])
        (place / f"{index:06}.mid").write_bytes(other.dumps_midi())


def start(folder: Path, workers: int, cache: Path | None) -> dict[str, float]:
    """What a command does before it can learn: read, find copies, split, encode. Seconds, and the peak memory of this process and of any other."""
    os.environ["MUSICGEN_WORKERS"] = str(workers)
    begin = time.perf_counter()
    from musicgen.cli.corpora import lessons_of
    from musicgen.reading.cache import Cache
    from musicgen.reading.gathering import read_corpus
    from musicgen.reading.selection import Selection

    selection = Selection()
    kept = Cache(selection, cache) if cache else None
    read_begin = time.perf_counter()
    corpus = read_corpus([folder], selection, kept)
    read_seconds = time.perf_counter() - read_begin
    training, held_out = lessons_of(corpus)
    if kept:
        from musicgen.cli.encoded import Encoding

        Encoding(folder.name, corpus, training, held_out, None, True).encoded()
    facts = {"seconds": time.perf_counter() - begin, "read_seconds": read_seconds, "files": len(corpus.files), "pieces": len(corpus)}
    try:
        import resource
    except ModuleNotFoundError:  # Windows
        return facts
    unit = 1 if sys.platform == "darwin" else 1024
    peaks = {
        name: resource.getrusage(whose).ru_maxrss * unit / 1e6
        for name, whose in (("own", resource.RUSAGE_SELF), ("worker", resource.RUSAGE_CHILDREN))
    }
    return {**facts, **peaks}


def started(folder: Path, workers: int, cache: Path | None = None) -> dict[str, float]:
    """The same in a process of its own."""
    command = [sys.executable, "-W", "ignore", __file__, str(folder), "--start", str(workers), *(["--cache", str(cache)] if cache else [])]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path, help="a folder of MIDI files")
    parser.add_argument("--rounds", type=int, default=5, help="of what is measured in rounds; default: %(default)s")
    parser.add_argument("--files", type=int, default=10_000, help="for two processes, and for the start from the cache; default: %(default)s")
    parser.add_argument("--many", type=int, default=100_000, help="for memory; 0 leaves it out; default: %(default)s")
    parser.add_argument("--json", action="store_true", dest="as_json")
    parser.add_argument("--start", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--cache", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.start is not None:
        print(json.dumps(start(arguments.corpus, arguments.start, arguments.cache)))
        return
    with tempfile.TemporaryDirectory() as place:
        files, cache = Path(place) / "files", Path(place) / "cache"
        files.mkdir()
        make(arguments.corpus, files, arguments.files)
        started(files, 1)  # so that no round waits for the disk
        pairs = alternate(lambda _: started(files, 1)["read_seconds"], lambda _: started(files, 2)["read_seconds"], arguments.rounds)
        first = started(files, 2, cache)
        again = [started(files, 2, cache) for _ in range(arguments.rounds)]
        rows = [
            Row("files a second, two processes / one", ratios(pairs), "times", Target(True, 1.7)),
            Row("one process", Spread.of(arguments.files / one for one, _ in pairs), "files/s"),
            Row(f"the first start, {arguments.files:,} files", Spread.of([first["seconds"]]), "s"),
            Row(f"a start from the cache, {arguments.files:,} files", Spread.of(one["seconds"] for one in again), "s", Target(False, 1)),
        ]
        if arguments.many:
            many = Path(place) / "many"
            many.mkdir()
            make(arguments.corpus, many, arguments.many)
            facts = started(many, 2, cache)
            if "own" in facts:
                both = facts["own"] + 2 * facts["worker"]
                rows.append(
                    Row(f"peak memory, {arguments.many:,} files, two processes that read included", Spread.of([both]), "MB", Target(False, 1000))
                )
            rows.append(Row(f"the first start, {arguments.many:,} files", Spread.of([facts["seconds"]]), "s"))
    notes = [f"files of {arguments.corpus.resolve().name}, transposed and moved later", f"{len(pairs)} rounds"]
    show("reading: how it scales", rows, notes, machine(["numpy", "symusic"]), arguments.as_json)


if __name__ == "__main__":
    main()

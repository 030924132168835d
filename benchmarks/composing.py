"""How fast whole pieces are played: masks, context, choices and network together, with a model that comes along.

Takes are played without endings, in alternate rounds of one take and of many, so that other work on the machine slows both; the ratio is of notes a
second. The time to the first note is that of a streamed piece, with the model loaded. All times are the processor's. Memory is what Python and NumPy
allocate at most while a piece of so many bars is streamed and its notes are dropped.
"""

import argparse
import os
import time
import tracemalloc

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # before NumPy loads
os.environ["VECLIB_MAXIMUM_THREADS"] = "1"

from side_by_side import Row, Spread, Target, alternate, machine, ratios, show

import musicgen

TAKES, BARS = 64, 16
SHORT, LONG = 100, 400  # bars


def notes_a_second(model: musicgen.Composer, takes: int, random_seed: int) -> float:
    """Of the processor's time."""
    begin = time.process_time()
    played = model.compose_takes(takes, bars=BARS, end=False, random_seed=random_seed)
    return sum(take.piece.num_notes for take in played) / (time.process_time() - begin)


def first_note(model: musicgen.Composer, random_seed: int) -> float:
    """Milliseconds of the processor's time until it is there."""
    begin = time.process_time()
    next(model.stream(bars=BARS, random_seed=random_seed))
    return 1e3 * (time.process_time() - begin)


def peak(model: musicgen.Composer, bars: int) -> float:
    """Megabytes."""
    tracemalloc.start()
    for _ in model.stream(bars=bars, end=False, random_seed=1):
        pass
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return most / 1e6


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="chorales", help="default: %(default)s")
    parser.add_argument("--rounds", type=int, default=5, help="default: %(default)s, after one that does not count")
    parser.add_argument("--json", action="store_true", dest="as_json")
    arguments = parser.parse_args()
    model = musicgen.load(arguments.model)

    def both(rounds: int) -> list[tuple[float, float]]:
        return alternate(lambda number: notes_a_second(model, TAKES, number), lambda number: notes_a_second(model, 1, number), rounds)

    both(1)
    pairs = both(arguments.rounds)
    _, *memory = [peak(model, bars) for bars in (SHORT, SHORT, LONG)]  # the first finds what is kept for all pieces
    rows = [
        Row(f"notes a second, {TAKES} takes / one take", ratios(pairs), "times", Target(True, 10)),
        Row(f"  {TAKES} takes of {BARS} bars", Spread.of(many for many, _ in pairs), "notes/s"),
        Row("  one take", Spread.of(one for _, one in pairs), "notes/s", Target(True, 1500)),
        Row("first note of a streamed piece", Spread.of(first_note(model, number) for number in range(20)), "ms", Target(False, 5)),
        Row(f"memory, {LONG} bars / {SHORT} bars", Spread.of([memory[1] / memory[0]]), "times", Target(False, 1.5)),
        Row(f"  {LONG} bars", Spread.of([memory[1]]), "MB"),
    ]
    show("composing: whole pieces", rows, [f"model {arguments.model}", f"{arguments.rounds} rounds"], machine(["numpy"]), arguments.as_json)


if __name__ == "__main__":
    main()

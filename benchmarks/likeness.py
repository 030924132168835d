"""How well copies are found: variants that are made of real pieces, and which of different pieces are taken for copies.

Each piece is changed in all the ways of VARIANTS, and looked for among all pieces, as `corpus check` does it. What is found of pieces that nobody
changed is printed too, the most alike first, for a person to judge.
"""

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
from side_by_side import Row, Spread, machine, show

from musicgen.reading.copies import AKIN, COPY, find_copies
from musicgen.reading.gathering import read_corpus
from musicgen.reading.likeness import likeness, pairs_to_compare, rows_of, sketch_of, sound_of
from musicgen.reading.records import drums_of, notes_of

Change = Callable[[np.ndarray, np.random.Generator], np.ndarray]  # of rows (N, 3): onset, pitch, duration
BAR = 48  # steps


def sorted_rows(rows: np.ndarray) -> np.ndarray:
    return rows[np.lexsort(rows.T[[2, 1, 0]])]


def edited(share: float) -> Change:
    """So many of the notes are a little higher or lower, earlier or later, or gone."""

    def change(rows: np.ndarray, random: np.random.Generator) -> np.ndarray:
        rows, kind = rows.copy(), np.where(random.random(len(rows)) < share, random.integers(0, 3, len(rows)), 3)
        rows[kind == 0, 1] += random.choice((-2, -1, 1, 2), int((kind == 0).sum()))
        rows[kind == 1, 0] += random.choice((-6, -3, 3, 6), int((kind == 1).sum()))
        return sorted_rows(np.maximum(rows[kind != 2], 0))

    return change


def faster(factor: float) -> Change:
    return lambda rows, _: sorted_rows(np.round(rows * (1 / factor, 1, 1 / factor)).astype(np.int64))


VARIANTS: dict[str, Change] = {
    "transposed": lambda rows, _: rows + np.array([0, 3, 0]),
    "a bar of silence before": lambda rows, _: rows + np.array([BAR, 0, 0]),
    "note values doubled": faster(1 / 2),
    "note values halved": faster(2),
    "played out at 1.25 times the speed": faster(1.25),
    "on a grid of 4 steps": lambda rows, _: sorted_rows(rows // (3, 1, 1) * (3, 1, 1)),
    "repeated": lambda rows, _: np.concatenate((rows, rows + np.array([-(-rows[:, 0].max() // BAR) * BAR + BAR, 0, 0]))),
    "its last tenth left out": lambda rows, _: rows[: int(0.9 * len(rows))],
    "2 % of its notes edited": edited(0.02),
    "5 % of its notes edited": edited(0.05),
    "10 % of its notes edited": edited(0.1),
    "5 % edited, transposed, halved": lambda rows, random: edited(0.05)(faster(2)(rows + np.array([0, -4, 0]), random), random),
}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path, help="a folder of music")
    parser.add_argument("--pieces", type=int, default=300, help="that variants are made of; default: %(default)s")
    parser.add_argument("--pairs", type=int, default=12, help="of unchanged pieces to print; default: %(default)s")
    parser.add_argument("--json", action="store_true", dest="as_json")
    arguments = parser.parse_args()
    pieces = read_corpus([arguments.corpus]).pieces
    random = np.random.default_rng(0)
    chosen = np.sort(random.permutation(len(pieces))[: arguments.pieces]).tolist()
    every = [rows_of(notes_of(piece), drums_of([(part.is_drum, len(part.notes)) for part in piece.parts])) for piece in pieces]
    grid = pieces[0].steps_per_quarter
    sketches = [sketch_of(rows, grid) for rows in every]
    rows = []
    for name, change in VARIANTS.items():
        made = [change(every[number], random) for number in chosen]
        found, wrong = search(every, sketches, made, chosen, grid)
        rows.append(Row(name, Spread.of([found]), "% found"))
        rows.append(Row("    taken for another piece", Spread.of([wrong]), "%"))
    pairs = pairs_to_compare(np.stack(sketches))
    alike = [likeness(sound_of(every[ours]), sound_of(every[theirs])) for ours, theirs in pairs.tolist()]
    order = np.argsort(alike)[::-1]
    notes = [f"{len(every)} pieces that are no copies by {COPY}; of their pairs {sum(one >= AKIN for one in alike)} are akin ({AKIN} and more)"]
    notes += [
        f"{alike[one]:.3f} {pieces[int(pairs[one, 0])].title} and {pieces[int(pairs[one, 1])].title}" for one in order[: arguments.pairs].tolist()
    ]
    show("how well copies are found", rows, notes, machine(["numpy"]), arguments.as_json)


def search(every: list[np.ndarray], sketches: list[np.ndarray], made: list[np.ndarray], sources: list[int], grid: int) -> tuple[float, float]:
    """Percent of variants that are found to be copies of what they were made of, and of some other piece."""
    together, all_sketches = [*every, *made], np.stack([*sketches, *(sketch_of(rows, grid) for rows in made)])
    fingerprints = np.arange(len(together), dtype=np.int64).view(np.uint8).reshape(-1, 8)
    first = find_copies(np.pad(fingerprints, ((0, 0), (8, 0))), all_sketches, lambda number: sound_of(together[number])).first[len(every) :]
    right = first == np.array(sources)
    return 100 * float(right.mean()), 100 * float((~right & (first < len(every))).mean())


if __name__ == "__main__":
    main()

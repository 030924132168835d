"""Copies on the command line: the index that a model carries, and what is said of a piece beside it."""

from collections.abc import Sequence

import numpy as np

from musicgen.cli.console import UNREADABLE, CommandError, say
from musicgen.judging.originality import MIN_NOTES, Copied, CorpusIndex, Run
from musicgen.judging.summary import of_usual_copying
from musicgen.model.file import Model
from musicgen.piece import Piece

MOST_NOTES = 5_000_000  # of a corpus that is indexed: 35 MB in the model's file, and 1 GB of memory to make it
MOST_HELD_OUT = 400  # pieces that are compared with the corpus
NO_INDEX = "the model carries no index of its corpus, so copies cannot be found: train it again"


def copies_of(learned: Sequence[Piece], held_out: Sequence[Piece], quiet: bool) -> dict[str, np.ndarray]:
    """What a model's file keeps of a corpus to find copies; nothing where the corpus is too large."""
    if (notes := sum(piece.num_notes for piece in learned)) > MOST_NOTES:
        say(f"copies will not be found: a corpus of {notes:,} notes is not indexed, at most {MOST_NOTES:,} are", quiet)
        return {}
    return CorpusIndex.of(learned, held_out[:MOST_HELD_OUT]).to_arrays()


def index_of(model: Model) -> CorpusIndex | None:
    """The index that a model carries, if it does. Raises CommandError where it is damaged."""
    try:
        return CorpusIndex.from_arrays(model.copies) if model.copies else None
    except ValueError as error:
        raise CommandError(f"the model is damaged: {error}", UNREADABLE) from None


def as_json(copied: Copied | None, index: CorpusIndex | None) -> dict:
    """The longest copies of a piece, and what held-out pieces share with the corpus; None for what is not known, and for no copy."""
    if copied is None or index is None:
        return {"longest_copy": None, "longest_passage": None, "copied_share": None, "usual_copying": None}
    return {
        "longest_copy": copied.longest and _run_as_json(copied.longest),
        "longest_passage": copied.passage and _run_as_json(copied.passage),
        "copied_share": round(copied.share, 4),
        "usual_copying": index.usual and {"least_notes": MIN_NOTES, "pieces": len(index.held_out), **of_usual_copying(index.usual)},
    }


def _run_as_json(run: Run) -> dict:
    """Where a copy stands in the corpus: bars count from 1, parts from 0; its onset in the piece, in steps."""
    there = {"piece": run.corpus_title, "bar": run.corpus_bar, "part": run.corpus_part}
    return {"notes": run.num_notes, **there, "in_part": run.part, "onset": run.onset}


def in_words(copied: Copied, index: CorpusIndex) -> str:
    """The copy report of a piece in a line, and what is usual in brackets: the medians of held-out pieces."""
    if copied.longest is None:
        return "no two notes in a row stand in the corpus"
    usual = [f" (held-out {value})" for value in _usual(index)] or ["", "", ""]
    said = f"longest copy {copied.num_notes} notes{usual[0]}: {_place(copied.longest)}; {copied.share:.0%} in runs of {MIN_NOTES} or more{usual[1]}"
    return f"{said}; all parts together {copied.passage.num_notes}{usual[2]}: {_place(copied.passage)}" if copied.passage else said


def refusal(shortest: Sequence[int], takes: int, max_copy: int, tries: int) -> str:
    """That takes are not written, whose copies are longer than was allowed, the shortest of each having so many notes; and what would do."""
    whose = "the take" if takes == 1 else f"{len(shortest)} of {takes} takes"
    wanted, every = min(shortest), f"in each of {tries + 1} tries " if tries else ""
    return (
        f"{whose} not written: {every}more than {max_copy} notes in a row stand in the corpus, {wanted} at least: "
        f"--max-copy {wanted} would do, or more --tries"
    )


def _place(run: Run) -> str:
    return f"{run.corpus_title!r} bar {run.corpus_bar}"


def _usual(index: CorpusIndex) -> list[str]:
    usual = index.usual
    return [f"{usual.num_notes[0]:g}", f"{usual.share[0]:.0%}", f"{usual.passage[0]:g}"] if usual else []

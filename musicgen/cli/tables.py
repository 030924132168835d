"""The figures of an evaluation as tables, for people to read.

Conventions: figures are what `evaluate --json` prints. A figure that is not there is shown as a dash; shares are percentages.
"""

from pathlib import Path

from musicgen.listening.page import Table
from musicgen.model.shelf import model_title

DASH = "-"
LIKENESS = (("overlapped_area", 2), ("divergence", 3))  # and their decimals


def tables_of(figures: dict) -> list[Table]:
    """All tables of an evaluation, in order."""
    tables = [_likelihood(figures), _measures(figures), _faults(figures), _copies(figures)]
    return tables if figures["craft"] is None else [*tables, _craft(figures["craft"])]


def as_text(table: Table) -> str:
    """A table for a terminal: the first column to the left, the others to the right."""
    rows = [table.head, *table.rows]
    widths = [max(len(row[column]) for row in rows) for column in range(len(table.head))]
    lines = [f"{row[0]:<{widths[0]}}" + "".join(f"  {cell:>{width}}" for cell, width in zip(row[1:], widths[1:], strict=True)) for row in rows]
    return "\n".join([table.title, *([table.note] if table.note else []), *(f"  {line}".rstrip() for line in lines)])


def facts_of(figures: dict) -> list[str]:
    """What was judged, in sentences."""
    corpus, pieces = figures["corpus"], figures["pieces"]
    if corpus["held_out_pieces"] == 0:
        judged = f"Its file does not say which pieces were held out, so all {pieces} are judged, and nats per note say too little."
    elif corpus["is_the_models"]:
        judged = f"Judged are the {pieces} of its {corpus['pieces']} pieces that were held out from learning; they chose which weights were kept."
        if (left_out := corpus["held_out_pieces"] - pieces) > 0:
            judged += f" Not judged are {left_out} that were held out, but are copies of pieces that were learned, or are not there."
    else:
        judged = f"This is another corpus than the model learned from ({figures['learned_from']}), so all {pieces} pieces are judged."
    facts = [f"Model {model_title(Path(figures['model']))}, corpus {corpus['name']}. {judged}"]
    if foreign := figures["foreign_notes"]:
        facts.append(
            f"{foreign:,} notes are not in the model's vocabulary: they were left out or heard as the nearest, so nats per note say too little."
        )
    facts.append(f"{figures['takes']} takes of {figures['bars']} bars, random seeds from {figures['random_seed']} on.")
    return facts


def number(value: float | None, decimals: int) -> str:
    return DASH if value is None else f"{value:,.{decimals}f}"


def percentage(share: float | None) -> str:
    return DASH if share is None else f"{100 * share:.1f} %"


def _likelihood(figures: dict) -> Table:
    interval = figures["nats_per_note_interval"]
    rows = [(name, number(nats, 3)) for name, nats in figures["nats_per_field"].items()]
    rows += [
        ("all", number(figures["nats_per_note"], 3)),
        ("all, 95 % interval", f"{number(interval[0], 3)} to {number(interval[1], 3)}" if interval else DASH),
        ("perplexity", number(figures["perplexity"], 1)),
    ]
    kind = "held-out" if figures["corpus"]["is_the_models"] else "judged"
    return Table(f"Nats per note, {figures['pieces']} {kind} pieces", "Lower is better.", ("field", "nats per note"), tuple(rows))


def _measures(figures: dict) -> Table:
    rows = []
    for measure in figures["measures"]:
        ceiling = measure["ceiling"] or {}
        means = [DASH if isinstance(measure[name], list) else number(measure[name], 3) for name in ("takes", "corpus")]
        likeness = [number(source.get(name), decimals) for name, decimals in LIKENESS for source in (measure, ceiling)]
        rows.append((f"{measure['name']} ({measure['unit']})", *means, *likeness))
    return Table(
        f"How alike {figures['takes']} takes and the corpus are",
        "Overlap 0 to 1, divergence in nats; the ceiling is half of the corpus against the other half.",
        ("measure", "takes, mean", "corpus, mean", "overlap", "ceiling", "divergence", "ceiling"),
        tuple(rows),
    )


def _faults(figures: dict) -> Table:
    rows = [
        (f"{name}: {fault['meaning']}", percentage(fault["takes"]), percentage(fault["corpus"]))
        for name, fault in figures["faults"].items()
        if name == "any" or fault["takes"] or fault["corpus"]
    ]
    twins = figures["twins"]
    rows.append((f"twins: {twins['least_share']:.0%} or more of the notes as in another take", percentage(twins["share_of_takes"]), DASH))
    return Table("Share of pieces with a fault", "Faults that no piece has are not shown.", ("fault", "takes", "corpus"), tuple(rows))


def _copies(figures: dict) -> Table:
    copies = figures["copies"]
    names = {"median": "median", "percentile_90": "90th percentile"}

    def pair(what: str, key: str) -> list[float | None]:
        return [copies[pieces][what][key] if copies[pieces] else None for pieces in ("takes", "held_out")]

    rows = [(f"longest copied run (notes), {name}", *(number(notes, 1) for notes in pair("longest_run", key))) for key, name in names.items()]
    rows += [(f"copied notes, {name}", *map(percentage, pair("copied_share", key))) for key, name in names.items()]
    rows += [
        (f"longest copied passage (notes of all parts), {name}", *(number(notes, 1) for notes in pair("longest_passage", key)))
        for key, name in names.items()
    ]
    known = "the pieces that the model learned" if figures["corpus"]["is_the_models"] else "nine tenths of this corpus"
    note = (
        f"Notes in a row of one part that also stand, transposed or not, in {known} ({copies['pieces']}); from {copies['least_notes']} on they count."
    )
    return Table("Copies", note, ("figure", "takes", "held-out pieces"), tuple(rows))


def _craft(craft: dict) -> Table:
    rows = [(name, number(pair["takes"], 2), number(pair["held_out"], 2)) for name, pair in craft["per_hundred_chords"].items()]
    rows += [(f"ends on: {name}", percentage(pair["takes"]), percentage(pair["held_out"])) for name, pair in craft["endings"].items()]
    return Table(
        "Part writing, breaches in a hundred chords",
        f"{craft['pieces']['takes']} takes and {craft['pieces']['held_out']} pieces that are made of voices.",
        ("rule", "takes", "corpus"),
        tuple(rows),
    )

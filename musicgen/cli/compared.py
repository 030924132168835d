"""What `compare` has found: the document that it keeps, and the table and the figure that are made of it.

Conventions: nats are per note, on the held-out pieces, over all fields. A cell's figures are over its random seeds; a training that failed has none.
"""

import csv
import io
import statistics

from musicgen.cli.tables import DASH, as_text, number
from musicgen.listening.lines import Curve, Curves, Row, Rows, figure
from musicgen.listening.page import Table

HEAD = ("model", "held-out nats per note", "least", "greatest", "random seeds", "parameters", "notes a second")
KINDS = {"rnn": 0, "gru": 1, "lstm": 2}  # the colour and the mark of each cell
FLOORS = {"ngram": "n-gram", "frequencies": "note frequencies"}


def lines_of(document: dict) -> list[dict]:
    """A line for each cell and each floor, the best first."""
    lines = []
    for cell in document["settings"]["cells"]:
        runs = [run for run in document["runs"] if run["cell"] == cell and "nats_per_note" in run]
        nats = [run["nats_per_note"] for run in runs]
        rates = [run["notes_per_second"] for run in runs if run["notes_per_second"]]  # none where all steps have compiled something
        lines.append(
            {
                "model": cell,
                "nats_per_note": statistics.mean(nats) if nats else None,
                "least": min(nats, default=None),
                "greatest": max(nats, default=None),
                "standard_deviation": statistics.stdev(nats) if len(nats) > 1 else None,
                "random_seeds": len(nats),
                "parameters": document["parameters"][cell],
                "notes_per_second": statistics.median(rates) if rates else None,
            }
        )
    empty = dict.fromkeys(lines[0])
    lines += [{**empty, "model": name, "nats_per_note": document["floors"][key]["nats_per_note"]} for key, name in FLOORS.items()]
    return sorted(lines, key=lambda line: (line["nats_per_note"] is None, line["nats_per_note"]))


def table_text(document: dict) -> str:
    """The table for people."""
    rows = []
    for line in lines_of(document):
        spread = [number(line[key], 3) if (line["random_seeds"] or 0) > 1 else DASH for key in ("least", "greatest")]
        counts = [number(line[key], 0) for key in ("random_seeds", "parameters", "notes_per_second")]
        rows.append((line["model"], number(line["nats_per_note"], 3), *spread, *counts))
    failed = [f"{run['cell']}, random seed {run['random_seed']}: {run['error']}" for run in document["runs"] if "error" in run]
    return "\n".join([as_text(Table(_title(document), _note(document), HEAD, tuple(rows))), *failed]) + "\n"


def table_csv(document: dict) -> str:
    """The same for programs, and a column more."""
    lines, text = lines_of(document), io.StringIO()
    writer = csv.DictWriter(text, list(lines[0]))
    writer.writeheader()
    writer.writerows(lines)
    return text.getvalue()


def _title(document: dict) -> str:
    return f"{document['corpus']['name']}: {document['corpus']['training']} pieces to learn from, {document['corpus']['held_out']} held out"


def _note(document: dict) -> str:
    settings, order = document["settings"], document["floors"]["ngram"]["order"]
    budget = f"{settings['minutes']:g} minutes" if settings["minutes"] else f"{settings['epochs']} epochs"
    known = f"{order - 1} note{'s' * (order != 2)} before"
    return f"{settings['layers']} x {settings['units']} units, {budget} each. Lower is better. The n-gram model knows {known}."


def drawing(document: dict) -> str:
    """The figure, an SVG document."""
    panels: list[Rows | Curves] = [_results(document)]
    if found := document["looks"]:
        panels += [_fading(found), _lookback(found)]
    return figure(f"Recurrent cells compared: {document['corpus']['name']}", panels)


def _results(document: dict) -> Rows:
    rows = []
    for line in lines_of(document):
        runs = [run["nats_per_note"] for run in document["runs"] if run["cell"] == line["model"] and "nats_per_note" in run]
        values = runs or ([line["nats_per_note"]] if line["nats_per_note"] is not None else [])
        rows.append(Row(line["model"], values, KINDS.get(line["model"], 4)))
    caption = (
        f"{_note(document)} One mark for each random seed, the line ends at their mean. All of them are judged by the exact probability of the same "
        "events, all fields of all notes and the ends of the pieces; on these pieces the best epoch and the n-gram's order were chosen, too."
    )
    return Rows(_title(document), caption, "nats per note on held-out pieces", rows)


def _fading(looks: dict) -> Curves:
    curves = []
    for cell, look in looks.items():
        norms = look["gradient_norms"]
        if norms:
            curves.append(Curve(cell, range(len(norms)), [norm / norms[0] for norm in norms], KINDS[cell], marked=False))
    caption = (
        "The norm of d loss / d h of the states h of all layers, so many notes before the note whose loss it is, as a share of its norm at that "
        "note: medians over windows of held-out pieces, without dropout, one random seed. A gradient that fades can't teach the network to remember; "
        "above 1 it explodes."
    )
    return Curves("How the gradient fades", caption, "notes between state and loss", "share of the norm", curves, log_y=True)


def _lookback(looks: dict) -> Curves:
    curves = []
    for key, name in (("state", "state alone cut off"), ("all", "all cut off")):
        for cell, look in looks.items():
            heard = look["lookback"]
            notes, nats = [row["notes"] for row in heard], [row[key] for row in heard]
            curves.append(Curve(f"{cell}, {name}", notes, nats, KINDS[cell], dashed=key == "all"))
    caption = (
        "The same held-out notes, foretold by a network that has heard so many notes before them and began anew with the first. Solid: only its "
        "state is cut off; what it is told of music besides (what sounds, the latest pitch classes, what came when last the same was heard) still "
        "looks back on its own. Dashed: that is cut off too, as if the piece began there, but for the bar lines. These notes have that many before "
        "them, so their mean is not that of the table."
    )
    return Curves("How many notes back it still gains from", caption, "notes heard", "nats per note", curves, log_x=True)

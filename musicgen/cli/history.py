"""The figures of a run's epochs: history.csv, their curves, and what they mean."""

import csv
import io
from pathlib import Path

from musicgen.cli.specimens import copying_of
from musicgen.files import write_whole
from musicgen.learning.verdict import Verdict, verdicts
from musicgen.listening.lines import Curve, Curves, figure

HISTORY, CURVES = "history.csv", "curves.svg"


def keep_history(run: Path, rows: list[dict]) -> None:
    """Write history.csv and curves.svg. Raises OSError."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    write_whole(run / HISTORY, text.getvalue().encode())
    write_whole(run / CURVES, curves(rows).encode())


def read_history(run: Path) -> list[dict]:
    """The rows of a run; none where there are none, or they can't be read."""
    try:
        with open(run / HISTORY, newline="", encoding="utf-8") as file:
            return [{name: float(value) if value else None for name, value in row.items()} for row in csv.DictReader(file)]
    except (OSError, ValueError, TypeError, csv.Error):
        return []


def verdicts_of(run: Path) -> list[Verdict]:
    """How the training in a folder went; nothing where there was none."""
    rows = [{**row, "epoch": int(row["epoch"])} for row in read_history(run) if {"epoch", "training", "held_out"} <= row.keys() and row["epoch"]]
    return verdicts(rows, copying_of(run)) if rows else []


def in_words(said: list[Verdict]) -> str:
    """Verdicts, a line each."""
    return "\n".join(f"{verdict.name}: {verdict.why}. What to do: {verdict.advice}" for verdict in said)


def curves(rows: list[dict]) -> str:
    """Nats per note and the norm of the gradient by epochs, as an SVG document."""
    judged = [row for row in rows if row["held_out"] is not None]

    def curve(name: str, column: str, of: list[dict], kind: int, dashed: bool = False) -> Curve:
        return Curve(name, [row["epoch"] for row in of], [row[column] for row in of], kind, dashed, marked=len(of) <= 40)

    best = min((row["held_out"] for row in judged), default=float("nan"))
    caption = f"The best held-out figure is {best:.3f}. The training figure is taken while units are left out at random, so it may be the higher one."
    nats = [curve("training", "training", rows, 0), curve("held-out pieces", "held_out", judged, 1)]
    norms = [curve("mean of the epoch", "gradient_norm", rows, 2), curve("highest", "highest_gradient_norm", rows, 3, dashed=True)]
    return figure(
        "How the training went",
        [
            Curves("What is learned", caption, "epoch", "nats per note", nats),
            Curves(
                "The gradient before it is clipped", "A norm that rises from epoch to epoch announces trouble.", "epoch", "norm", norms, log_y=True
            ),
        ],
    )

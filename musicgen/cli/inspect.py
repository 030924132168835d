"""`inspect`: what is in a model file, and what there is to say of a piece."""

from pathlib import Path

import click

from musicgen.cli.console import is_there, show_json
from musicgen.cli.history import verdicts_of
from musicgen.cli.inspection import inspect_music
from musicgen.cli.models import MODEL_NAME, model_path, open_model
from musicgen.model.configuration import num_parameters
from musicgen.reading.finding import MIDI_SUFFIXES


@click.command()
@click.argument("file", metavar="MODEL_OR_FILE")
@click.option("--model", "model_name", help="Judge a piece by this model.  [default: the one that made it, if it is here]")
@click.option("--notes", "all_notes", is_flag=True, help="Show every note of a piece.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def inspect(file: str, model_name: str | None, all_notes: bool, as_json: bool) -> None:
    """Show what is in a model, or what there is to say of a MIDI file.

    A model is a file, a run's folder, or the name of one that comes along. Of a MIDI file: how it was made, faults, copies, and how likely a model
    finds each of its notes.
    """
    if is_music(Path(file)):
        inspect_music(Path(file), model_name, as_json, all_notes)
        return
    path = model_path(file)
    model = open_model(path)
    configuration, vocabulary = model.configuration, model.configuration.vocabulary
    facts = {
        "path": str(path),
        "cell": configuration.cell,
        "layers": configuration.layers,
        "units": configuration.units,
        "dropout": configuration.dropout,
        "parameters": num_parameters(configuration),
        "corpus": model.corpus.name,
        "corpus_fingerprint": model.corpus.fingerprint,
        "pieces": model.corpus.num_pieces,
        "notes": model.corpus.num_notes,
        "meter": "/".join(map(str, model.corpus.meter)),
        "tempo": model.corpus.tempo,
        "steps_per_quarter": vocabulary.steps_per_quarter,
        "parts": list(vocabulary.part_names),
        "held_out_nats_per_note": round(model.held_out_nats_per_note, 4),
        "held_out_nats_per_field": {name: round(nats, 4) for name, nats in model.held_out_nats.items()},
        "training": model.training,
    }
    verdicts = verdicts_of(path.parent) if path.name == MODEL_NAME else []
    if as_json:
        show_json({**facts, "verdicts": [verdict._asdict() for verdict in verdicts]})
        return
    learned = {name: value for name, value in model.training.items() if name != "schedule"}
    for name, value in {**facts, "training": learned, "schedule": model.training.get("schedule", {})}.items():
        if isinstance(value, dict):
            value = ", ".join(f"{key.replace('_', ' ')} {item}" for key, item in value.items() if item is not None)
        elif isinstance(value, list):
            value = ", ".join(value)
        elif isinstance(value, int):
            value = f"{value:,}"
        click.echo(f"{name.replace('_', ' ') + ':':<26} {value}")
    for verdict in verdicts:
        click.echo(f"\n{verdict.name}: {verdict.why}.\nWhat to do: {verdict.advice}.")


def is_music(path: Path) -> bool:
    """Whether a path is a MIDI file by its content, or by its name where that holds something else than a model, or nothing."""
    if not is_there(path):
        return path.suffix.lower() in MIDI_SUFFIXES  # that it is not there is said of music then
    if not path.is_file() or path.suffix == ".safetensors":
        return False
    try:
        with path.open("rb") as file:
            start = file.read(9)
    except OSError:
        return False
    return start[:4] == b"MThd" or (path.suffix.lower() in MIDI_SUFFIXES and start[8:] != b"{")

"""What `inspect` shows of a piece: how it was made, what is wrong with it, what of it is copied, and how likely a model finds each note."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import click
import numpy as np

from musicgen.cli import copies
from musicgen.cli.console import DOES_NOT_FIT, CommandError, say, show_json, with_progress
from musicgen.cli.generate import faults_as_json
from musicgen.cli.models import find_model, model_path, open_model
from musicgen.cli.replay import Written, open_written, read_notes
from musicgen.composing.controls import Course, Density, Range, RequestError, spelled
from musicgen.composing.givens import Rewriting
from musicgen.composing.takes import Judge
from musicgen.encoding.hearing import heard_as, judged_as
from musicgen.encoding.vocabulary import NAMES
from musicgen.judging.faults import Finding, find_faults
from musicgen.judging.notes import JudgedNote, judged_notes
from musicgen.judging.originality import CorpusIndex, copied
from musicgen.model.file import Model
from musicgen.piece import Key, Meter, Piece
from musicgen.reading.guard import shown

MOST_ROWS = 40  # of the table of bars
STRANGEST = 5  # notes that are shown
GIVEN = ("seed", "piece")  # settings that are music
UNSAID: tuple[object, ...] = (None, [], "")
OFF = {"top_k": 0, "min_p": 0}  # of other settings 0 says something: the first part, no heat
PITCHES = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")


def inspect_music(file: Path, model_name: str | None, as_json: bool, all_notes: bool) -> None:
    """Show what there is to say of a MIDI file. Raises CommandError."""
    written = open_written(file)
    path, model = judging_model(written, model_name)
    piece = read_notes(file, written, model.configuration.vocabulary.steps_per_quarter)
    notes = list(with_progress(judged_notes(model.engine, piece, heard_as if written.record else judged_as), piece.num_notes + 1, "judging"))
    index = copies.index_of(model)
    copy = copied(piece, index) if index else None
    faults = faults_as_json(faults_of(written, piece, model, index))
    if as_json:
        show_json(document_of(written, path, model, piece, notes) | {"faults": faults, **copies.as_json(copy, index), "notes": rows_of(piece, notes)})
        return
    for line in lines_of(file, written, path, model, piece, notes):
        click.echo(line)
    click.echo("copies      " + (copies.in_words(copy, index) if copy and index else copies.NO_INDEX))
    for fault in faults:
        where = "" if fault["bar"] is None else f", from bar {fault['bar']} on"
        click.echo(f"fault       {fault['fault']}: {fault['meaning']}{where}")
    if not faults:
        click.echo("faults      none")
    click.echo("")
    for line in note_table(piece, notes) if all_notes else [*bar_table(piece, notes), "", *strangest(piece, notes)]:
        click.echo(line)


def judging_model(written: Written, name: str | None) -> tuple[Path, Model]:
    """The model that is named, else the one that made the piece, else the one that `generate` would take. Raises CommandError."""
    record = written.record
    if name is None and record is not None:
        if found := find_model(record.model_name, record.model_fingerprint):
            return found
        say(f"the model {record.model_name!r} that made the piece is not here, so another one judges it")
    path = model_path(name)
    return path, open_model(path)


def faults_of(written: Written, piece: Piece, model: Model, index: CorpusIndex | None) -> Sequence[Finding]:
    """What is wrong with a piece: beside what was asked for, where that is known. Raises CommandError."""
    if written.record is None or isinstance(written.record.request, Rewriting):
        return find_faults(piece)
    try:
        return Judge(model, written.record.request, index).faults(piece)
    except (RequestError, ValueError) as error:
        raise CommandError(f"the model does not fit the settings in the file: {error}", DOES_NOT_FIT) from None


def document_of(written: Written, path: Path, model: Model, piece: Piece, notes: Sequence[JudgedNote]) -> dict:
    """What `--json` says beside faults, copies and notes."""
    record = written.record
    made = {"version": record.version, "model": record.model_name, "fingerprint": record.model_fingerprint} if record else None
    return {
        "random_seed": record.attempt.random_seed if record else None,
        "tries": record.attempt.number + 1 if record else None,
        "warmer": record.attempt.warmer if record else None,
        "model": str(path),
        "model_fingerprint": model.fingerprint,
        "made_by": made,
        "settings": record.settings if record else None,
        "bars": len(piece.bar_lines),
        "steps_per_quarter": piece.steps_per_quarter,
        "parts": [part.name for part in piece.parts],
        "nats_per_note": nats_per_note(notes),
        "nats_per_field": {NAMES[field]: round(total, 4) for field, total in enumerate(per_field(notes)) if field in model_fields(model)},
        "held_out_nats_per_note": round(model.held_out_nats_per_note, 4),
        "end_nats": round(notes[-1].total, 4),
        "unheard_notes": sum(note.nats is None for note in notes),
    }


def rows_of(piece: Piece, notes: Sequence[JudgedNote]) -> list[dict]:
    """Of each note: steps, parts from 0, MIDI note numbers; nats of all fields and of each; and what the model would rather have played."""
    bar_lines = piece.bar_lines
    return [
        {
            "onset": judged.note.onset,
            "bar": int(np.searchsorted(bar_lines, judged.note.onset, side="right")),
            "part": judged.part,
            "pitch": judged.note.pitch,
            "duration": judged.note.duration,
            "nats": None if judged.nats is None else round(judged.total, 4),
            "probability": None if judged.nats is None else float(np.exp(-judged.total)),
            "nats_per_field": {name: round(float(judged.nats[NAMES.index(name)]), 4) for name in judged.alternatives if judged.nats is not None},
            "alternatives": {
                name: [{"value": other.value, "probability": round(other.probability, 4)} for other in others]
                for name, others in judged.alternatives.items()
            },
        }
        for judged in notes
        if judged.note is not None
    ]


def model_fields(model: Model) -> tuple[int, ...]:
    """The fields that a model predicts."""
    return model.configuration.vocabulary.active


def per_field(notes: Sequence[JudgedNote]) -> list[float]:
    """Nats of each of FIELDS by the number of notes that are heard."""
    heard = [judged.nats for judged in notes if judged.nats is not None]
    return (np.sum(heard, axis=0) / max(1, len(heard) - 1)).tolist()


def nats_per_note(notes: Sequence[JudgedNote]) -> float | None:
    """None where the model hears no note."""
    return round(sum(per_field(notes)), 4) if any(judged.note is not None and judged.nats is not None for judged in notes) else None


def in_words(value: object) -> str:
    """A setting as it is written on the command line."""
    match value:
        case Course(begin, end):
            return f"{begin:g}..{end:g}" if value.moves else f"{begin:g}"
        case Density(amount, is_relative):
            return f"{amount:g}{'x' if is_relative else ''}"
        case Range(part, low, high):
            return f"{part}={spelled(low)}-{spelled(high)}"
        case Key():
            return f"{PITCHES[value.tonic]} {'minor' if value.is_minor else 'major'}"
        case Meter():
            return f"{value.numerator}/{value.denominator}"
        case tuple():
            return ",".join(map(in_words, value))
    return str(value)


def lines_of(file: Path, written: Written, path: Path, model: Model, piece: Piece, notes: Sequence[JudgedNote]) -> Iterator[str]:
    """What is known of the piece as a whole."""
    yield f"{shown(file)}: {len(piece.bar_lines)} bars, {piece.num_notes} notes, {piece.seconds:.1f} s"
    yield f"parts       {', '.join(part.name or 'without a name' for part in piece.parts)}"
    if record := written.record:
        attempt = record.attempt
        tries = f", try {attempt.number + 1}, {attempt.warmer:+} steps warmer" if attempt.number else ""
        yield f"made by     musicgen {record.version}, {record.model_name} ({record.model_fingerprint}), random seed {attempt.random_seed}{tries}"
        given = f"of {record.given.num_notes} notes" if record.given else ""
        asked = {
            name: given if name in GIVEN else in_words(getattr(record.request, name))
            for name, value in record.settings.items()
            if value not in UNSAID and value is not False and value != OFF.get(name)
        }
        yield f"settings    {', '.join(f'{name} {value}' for name, value in asked.items())}"
    else:
        yield "made by     not by this program, or its settings were lost"
    total = nats_per_note(notes)
    said = "hears none of its notes" if total is None else f"{total:.2f} nats per note (held-out pieces {model.held_out_nats_per_note:.2f})"
    unheard = sum(judged.nats is None for judged in notes)
    yield f"model       {shown(path)}: {said}" + (f"; {unheard} notes are of parts that it does not know" if unheard else "")


def bar_table(piece: Piece, notes: Sequence[JudgedNote]) -> Iterator[str]:
    """Nats per note of bars, of several together where there are many."""
    bar_lines = np.array(piece.bar_lines)
    heard = [judged for judged in notes if judged.note is not None and judged.nats is not None]
    bars = np.searchsorted(bar_lines, [judged.note.onset for judged in heard if judged.note], side="right")
    nats = np.array([judged.total for judged in heard])
    size = -(-len(bar_lines) // MOST_ROWS)
    yield "bars         notes  nats per note"
    for first in range(1, len(bar_lines) + 1, size):
        inside = (bars >= first) & (bars < first + size)
        name = f"{first}" if size == 1 else f"{first}-{min(first + size - 1, len(bar_lines))}"
        mean = float(nats[inside].mean()) if inside.any() else 0.0
        yield f"{name:<12} {int(inside.sum()):>5}  {mean:5.2f} {'#' * min(60, round(10 * mean))}".rstrip()


def strangest(piece: Piece, notes: Sequence[JudgedNote]) -> Iterator[str]:
    """The notes that the model finds least likely."""
    yield "the least likely notes"
    yield from (line_of(piece, judged) for judged in sorted(notes, key=lambda judged: -judged.total)[:STRANGEST] if judged.note and judged.total)


def note_table(piece: Piece, notes: Sequence[JudgedNote]) -> Iterator[str]:
    """Every note."""
    yield from (line_of(piece, judged) for judged in notes if judged.note is not None)


def line_of(piece: Piece, judged: JudgedNote) -> str:
    """A note with its probability and the likeliest other pitches."""
    note, part = judged.note, piece.parts[judged.part or 0]
    assert note is not None
    bar = int(np.searchsorted(piece.bar_lines, note.onset, side="right"))
    beat = 1 + (note.onset - piece.bar_lines[bar - 1]) / piece.steps_per_quarter
    said = f"bar {bar:>3} quarter {beat:<5.4g} {part.name[:16]:<16} {pitch_name(note.pitch):<4} {note.duration / piece.steps_per_quarter:<6.3g}"
    if judged.nats is None:
        return f"{said} not heard"
    others = ", ".join(f"{pitch_name(int(other.value or 0))} {other.probability:.0%}" for other in judged.alternatives.get("pitch", ()))
    return f"{said} {judged.total:6.2f} nats ({np.exp(-judged.total):.1%}); other pitches {others}"


def pitch_name(pitch: int) -> str:
    """C4 for middle C, MIDI note number 60."""
    return f"{PITCHES[pitch % 12]}{pitch // 12 - 1}"

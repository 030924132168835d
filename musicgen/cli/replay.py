"""`replay`: the same music again, from the settings that its file carries."""

from dataclasses import dataclass
from pathlib import Path

import click

from musicgen import __version__
from musicgen.cli.console import DOES_NOT_FIT, FAILURE, UNREADABLE, CommandError, check_writable, say, show_json, write_file
from musicgen.cli.models import find_model, model_path, open_model
from musicgen.composing.controls import RequestError
from musicgen.composing.record import Record, RecordError, find_record, fingerprint_of_notes
from musicgen.listening.midi import midi_bytes
from musicgen.model.file import Model
from musicgen.piece import Piece
from musicgen.reading.guard import Limits, read_bytes, shown
from musicgen.reading.midi import read_midi
from musicgen.reading.reasons import UnreadableFileError
from musicgen.reading.texts import read_texts


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--model", "model_name", help="Compose with this model.  [default: the one that wrote the file, if it is here]")
@click.option("--out", type=click.Path(path_type=Path), help="Write the file as it is composed now, a .mid file.")
@click.option("--force", is_flag=True, help="Overwrite.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--quiet", is_flag=True, help="Print nothing but errors.")
def replay(file: Path, model_name: str | None, out: Path | None, force: bool, as_json: bool, quiet: bool) -> None:
    """Compose FILE again, a MIDI file that `generate` or `rewrite` wrote, and say whether the same bytes come of it, or else what differs."""
    if out is not None:
        check_writable(out, force)
    written = open_written(file)
    if written.record is None:
        raise CommandError(
            f"{shown(file)} carries no settings: it was written by neither `generate` nor `rewrite`, or another program has written it anew",
            UNREADABLE,
        )
    path, model = model_of(written.record, model_name)
    try:
        piece = written.record.play(model)
    except RequestError as error:
        raise CommandError(f"the model {shown(path)} can't play what the file asks for: {error}", DOES_NOT_FIT) from None
    content = midi_bytes(piece, written.text)
    same = content == written.content
    differs = differences(written.record, model, piece, None if same else read_notes(file, written, piece.steps_per_quarter))
    if out is not None:
        write_file(out, content)
    if as_json:
        show_json({"path": str(file), "same": same, "differs": differs, "model": str(path), "random_seed": written.record.attempt.random_seed})
    elif not quiet:
        click.echo(f"{shown(file)}: {'the same bytes again' if same else 'not the same'}, random seed {written.record.attempt.random_seed}")
        for difference in differs:
            say(f"    {difference}")
    if not same:
        raise SystemExit(FAILURE)


@dataclass(frozen=True)
class Written:
    """What a MIDI file says of itself."""

    content: bytes
    record: Record | None  # None where the file carries none
    text: str  # of the record


def open_written(file: Path) -> Written:
    """The bytes of a MIDI file, and how it was made, if it says so. Raises CommandError."""
    try:
        content = read_bytes(file, Limits())
        record, text = find_record(read_texts(content)) or (None, "")
    except UnreadableFileError as error:
        raise CommandError(f"can't read {shown(file)}: {error}", UNREADABLE) from None
    except RecordError as error:
        raise CommandError(f"the settings in {shown(file)} are damaged, or not of this program: {error}", UNREADABLE) from None
    return Written(content, record, text)


def read_notes(file: Path, written: Written, steps_per_quarter: int) -> Piece:
    """The piece in a MIDI file that was opened. Raises CommandError."""
    try:
        return read_midi(written.content, steps_per_quarter, title=file.stem)
    except UnreadableFileError as error:
        raise CommandError(f"can't read {shown(file)}: {error}", UNREADABLE) from None


def model_of(record: Record, name: str | None) -> tuple[Path, Model]:
    """The model that is named, else the one that made a piece. Raises CommandError."""
    if name is not None:
        path = model_path(name)
        return path, open_model(path)
    found = find_model(record.model_name, record.model_fingerprint)
    if found is None:
        raise CommandError(
            f"the model {record.model_name!r} (fingerprint {record.model_fingerprint}) is neither among the runs nor among those that come along: "
            "name it with --model",
            UNREADABLE,
        )
    return found


def differences(record: Record, model: Model, composed: Piece, written: Piece | None) -> list[str]:
    """What is not as it was when a file was written, in words.

    Args:
        composed: what is composed now.
        written: what is in the file, None for the same.
    """
    said = []
    if record.version != __version__:
        said.append(f"version: written by {record.version}, this is {__version__}")
    if model.fingerprint != record.model_fingerprint:
        said.append(f"model: {record.model_name!r} had the fingerprint {record.model_fingerprint}, this one has {model.fingerprint}")
    if written is not None and fingerprint_of_notes(written) != record.notes_fingerprint:
        said.append("notes: those in the file were edited after it was composed")
    if written is not None and not said and fingerprint_of_notes(composed) != record.notes_fingerprint:
        said.append("settings: what they ask for gives other notes than were written, so they were edited, or this machine calculates otherwise")
    if written is not None and not said:
        said.append("bytes: the notes are the same, but another program has written the file anew, or tempo, names or the like were edited")
    return said

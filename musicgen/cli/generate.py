"""`generate`: new music from a model."""

import re
import secrets
from pathlib import Path

import click

from musicgen.cli import copies
from musicgen.cli.console import (
    DOES_NOT_FIT,
    UNREADABLE,
    USAGE,
    CommandError,
    NumberRange,
    check_writable,
    is_there,
    make_folder,
    say,
    show_json,
    write_file,
)
from musicgen.cli.controls import Worded, control_options
from musicgen.cli.models import RUNS, model_path, model_title, open_model
from musicgen.composing.attempts import Attempt
from musicgen.composing.composer import compose
from musicgen.composing.controls import RequestError
from musicgen.composing.record import Record
from musicgen.composing.request import Frame, Request
from musicgen.composing.seeds import SeedError, parse_notes
from musicgen.composing.wording import read_meter
from musicgen.judging.faults import FAULTS, Facts, find_faults
from musicgen.judging.originality import copied
from musicgen.judging.summary import ranges_of
from musicgen.listening.midi import midi_bytes
from musicgen.model.file import Model
from musicgen.piece import Piece
from musicgen.reading.corpus import MIDI_SUFFIXES
from musicgen.reading.guard import UnreadableFileError
from musicgen.reading.midi import read_midi_file

LARGEST_SEED = 2**32
SOUND = ".wav"


@click.command()
@click.option("--seed", help='Music to continue: a MIDI file, or notes like "C4:1 E4:1/2 G4:1/2". Or a whole number, the random seed.')
@click.option("--random-seed", type=click.IntRange(0, LARGEST_SEED), help="The same number plays the same music again.  [default: drawn and printed]")
@click.option("--model", "model_name", help="A file, a run's folder, or a model that comes along.  [default: the newest run, else chorales]")
@click.option("--bars", type=click.IntRange(1, 10_000), default=16, show_default=True, help="Bars of the piece, the seed included.")
@click.option("--end/--no-end", "closes", default=True, show_default=True, help="Let the piece close where its bars are full, or cut it off there.")
@control_options
@click.option("--takes", type=click.IntRange(1, 1000), default=1, show_default=True, help="How many pieces to write.")
@click.option("--tempo", type=NumberRange(4, 1000), help="Quarter notes a minute.  [default: the seed's, else the corpus']")
@click.option(
    "--meter", type=Worded("METER", read_meter), help="Like 3/4; beside a seed it begins after it.  [default: the seed's, else the corpus']"
)
@click.option("--drop-seed", is_flag=True, help="Write the continuation alone; --bars then counts it alone.")
@click.option("--out", type=click.Path(path_type=Path), help="A .mid file, or a folder.  [default: a new name in outputs/]")
@click.option("--wav", is_flag=True, help="Write the sound of each piece too, beside its .mid file.")
@click.option("--force", is_flag=True, help="Overwrite.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--quiet", is_flag=True, help="Print nothing but errors.")
def generate(
    seed: str | None,
    random_seed: int | None,
    model_name: str | None,
    takes: int,
    out: Path | None,
    wav: bool,
    force: bool,
    as_json: bool,
    quiet: bool,
    **settings,
) -> None:
    """Write new music as MIDI files."""
    if seed is not None and seed.strip().isdecimal():
        if random_seed is not None:
            raise CommandError(f"--seed {seed} is a random seed too: give either it or --random-seed", USAGE)
        if len(seed.strip()) > len(str(LARGEST_SEED)) or int(seed) > LARGEST_SEED:
            raise CommandError(f"a random seed lies between 0 and {LARGEST_SEED}, not {seed.strip()[:40]}", USAGE)
        random_seed, seed = int(seed), None
    if random_seed is None:
        random_seed = secrets.randbelow(1_000_000)
    path = model_path(model_name)
    model = open_model(path)
    index = copies.index_of(model)
    studio = None
    if wav:
        from musicgen.cli.sounds import Studio  # who wants no sound need not wait for it

        studio = Studio(quiet=quiet)
    request = Request(seed=None if seed is None else read_seed(seed, model, settings["tempo"]), **settings)
    if request.drop_seed and request.seed is None:
        raise CommandError("--drop-seed needs music to continue: give it with --seed", USAGE)
    try:
        for notice in Frame(model, request).notices():
            say(notice, quiet)
        paths = output_paths(out, model.corpus.name, random_seed, takes, force, wav)
        pieces = compose(model, request, random_seed, takes)
    except RequestError as error:
        raise CommandError(str(error), DOES_NOT_FIT) from None
    rows: list[dict] = []
    said: list[str] = []  # of the copies of each
    for number, (piece, file) in enumerate(zip(pieces, paths, strict=True)):
        record = Record.of(piece, model, model_title(path), request, Attempt(random_seed + number))
        write_file(file, midi_bytes(piece, record.to_text()))
        row: dict = {"path": str(file), "bars": len(piece.bar_lines), "notes": piece.num_notes, "seconds": round(piece.seconds, 2)}
        copy = copied(piece, index) if index else None
        rows.append({**row, "random_seed": random_seed + number, "faults": faults_of(piece, request, model), **copies.as_json(copy, index)})
        said.append(copies.in_words(copy, index) if copy and index else "")
        if studio is not None:
            studio.write_wav(piece, file.with_suffix(SOUND))
            rows[-1]["wav"] = str(file.with_suffix(SOUND))
    if as_json:
        show_json({"model": str(path), "takes": rows})
    elif not quiet:
        say(f"model {path}")
        if index is None:
            say(copies.NO_INDEX)
        for row, report in zip(rows, said, strict=True):
            sound = f", sound in {row['wav']}" if wav else ""
            click.echo(f"{row['path']}: {row['bars']} bars, {row['notes']} notes, {row['seconds']:.1f} s, random seed {row['random_seed']}{sound}")
            if report:
                say(f"    {report}")
            for fault in row["faults"]:
                where = "" if fault["bar"] is None else f", from bar {fault['bar']} on"
                say(f"    {fault['fault']}: {fault['meaning']}{where}", quiet)


def faults_of(piece: Piece, request: Request, model: Model) -> list[dict]:
    """What is wrong with a take, by name, with its place: bars count from 1."""
    is_all_ours = request.seed is None  # what a person gave to begin with may lie anywhere
    facts = Facts(request.bars, ranges=ranges_of(piece, model.configuration.vocabulary)) if is_all_ours else Facts()
    meanings = {fault.name: fault.meaning for fault in FAULTS}
    return [{**finding._asdict(), "meaning": meanings[finding.fault]} for finding in find_faults(piece, facts)]


def read_seed(seed: str, model: Model, tempo: float | None) -> Piece:
    """The music to continue, from a file or as written out. Raises CommandError."""
    path = Path(seed)
    grid = model.configuration.vocabulary.steps_per_quarter
    try:
        if is_there(path):
            return read_midi_file(path, grid).without_silent_bars()
        if path.suffix.lower() in MIDI_SUFFIXES or "/" in seed.split(":")[0]:
            raise UnreadableFileError("there is no such file")
        return parse_notes(seed, grid, model.corpus.meter, tempo or model.corpus.tempo)
    except UnreadableFileError as error:
        raise CommandError(f"can't read the seed {seed}: {error}", UNREADABLE) from None
    except SeedError as error:
        raise CommandError(f"--seed: {error}", USAGE) from None


def output_paths(out: Path | None, name: str, random_seed: int, takes: int, force: bool, wav: bool) -> list[Path]:
    """A MIDI file for each take. Raises CommandError where one, or its sound if there is to be one, could not be written."""
    stem = re.sub(r"[^\w.-]+", "-", name)[:60].strip(".-") or "piece"  # a model from elsewhere must not say where to write
    names = [f"{stem}-{random_seed + take}.mid" for take in range(takes)]
    if out is None:
        make_folder(RUNS)
        return [unused(RUNS / name, wav) for name in names]
    if out.suffix.lower() not in MIDI_SUFFIXES:
        if out.exists() and not out.is_dir():
            raise CommandError(f"{out} is no folder: --out takes a .mid file or a folder", USAGE)
        if not out.parent.is_dir():
            raise CommandError(f"can't write into {out}: there is no folder {out.parent}", USAGE)
        make_folder(out)
        paths = [out / name for name in names]
    elif takes == 1:
        paths = [out]
    else:
        paths = [out.with_name(f"{out.stem}-{take}{out.suffix}") for take in range(1, takes + 1)]
    for path in paths:
        check_writable(path, force)
        if wav:
            check_writable(path.with_suffix(SOUND), force)
    return paths


def unused(path: Path, wav: bool) -> Path:
    """The path, or the first of its like that nothing has yet; with `wav` no sound either."""
    number, free = 1, path
    while free.exists() or (wav and free.with_suffix(SOUND).exists()):
        number += 1
        free = path.with_name(f"{path.stem}.{number}{path.suffix}")
    return free

"""`generate`: new music from a model."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import click

from musicgen.cli import copies
from musicgen.cli.console import (
    DOES_NOT_FIT,
    USAGE,
    CommandError,
    NumberRange,
    check_writable,
    make_folder,
    say,
    show_json,
    with_progress,
    write_file,
)
from musicgen.cli.controls import NumberOfTakes, Worded, control_options, megabytes
from musicgen.cli.models import RUNS, model_path, model_title, open_model
from musicgen.cli.seeds import LARGEST_SEED, read_seed, told_apart
from musicgen.composing.controls import RequestError
from musicgen.composing.record import Record
from musicgen.composing.request import Frame, Request
from musicgen.composing.takes import AT_ONCE, MEANINGS, TRIES, Judge, play_takes, ranks
from musicgen.composing.takes import Take as Judged
from musicgen.composing.wording import read_bars, read_meter
from musicgen.judging.faults import Finding
from musicgen.judging.originality import CorpusIndex
from musicgen.listening.midi import midi_bytes
from musicgen.model.file import Model
from musicgen.piece import Piece
from musicgen.reading.finding import MIDI_SUFFIXES

SOUND = ".wav"
SEED_HELP = """Music to continue: any music file that can be read, or notes. C4:1 is middle C for a quarter note, F#4:1/2 or F#4:e for an
eighth, q. a dotted quarter, e3 an eighth of a triplet, R:1 a rest, [C4 E4 G4]:2 a chord, C4:2~ C4:1 a tie; | stands where a bar of the meter is
full, and a shorter first bar is an upbeat; "Soprano: C5:1 D5 ; Bass: C3:2" are parts. Or a whole number, the random seed."""


@click.command()
@click.option("--seed", help=SEED_HELP)
@click.option(
    "--seed-bars", type=Worded("A-B", read_bars), help="Continue these bars of the seed alone, counted from 1, in the meter, tempo and key there."
)
@click.option("--random-seed", type=click.IntRange(0, LARGEST_SEED), help="The same number plays the same music again.  [default: drawn and printed]")
@click.option("--model", "model_name", help="A file, a run's folder, or a model that comes along.  [default: the newest run, else chorales]")
@click.option("--bars", type=click.IntRange(1, 10_000), default=16, show_default=True, help="Bars of the piece, exactly; the seed's count too.")
@click.option("--end/--no-end", "closes", default=True, show_default=True, help="Let the piece close where its bars are full, or cut it off there.")
@control_options
@click.option("--takes", type=NumberOfTakes(), default=1, show_default=True, help="How many to write; the best is shown first.")
@click.option(
    "--tries", type=click.IntRange(0, 100), default=TRIES, show_default=True, help="Times that a take with a fault is played again, at most."
)
@click.option("--max-copy", type=click.IntRange(1), help="Write no take with a longer run of notes, in one part, that stands in the corpus.")
@click.option("--tempo", type=NumberRange(4, 1000), help="Quarter notes a minute.  [default: the seed's, else the corpus']")
@click.option(
    "--meter", type=Worded("METER", read_meter), help="Like 3/4; beside a seed it begins after it.  [default: the seed's, else the corpus']"
)
@click.option("--drop-seed", is_flag=True, help="Write the continuation alone; --bars then counts it alone.")
@click.option("--out", type=click.Path(path_type=Path), help="A .mid file, or a folder.  [default: a new name in outputs/]")
@click.option("--wav", is_flag=True, help="Write the sound of each piece too, beside its .mid file.")
@click.option("--page", type=click.Path(path_type=Path), help="Write one HTML page too, in which all takes are seen, heard and compared.")
@click.option("--force", is_flag=True, help="Overwrite.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--quiet", is_flag=True, help="Print nothing but errors.")
def generate(
    seed: str | None,
    seed_bars: tuple[int, int | None] | None,
    random_seed: int | None,
    model_name: str | None,
    takes: int,
    tries: int,
    max_copy: int | None,
    out: Path | None,
    wav: bool,
    page: Path | None,
    force: bool,
    as_json: bool,
    quiet: bool,
    **settings,
) -> None:
    """Write new music as MIDI files."""
    seed, random_seed = told_apart(seed, random_seed)
    path = model_path(model_name)
    model = open_model(path)
    index = copies.index_of(model)
    if max_copy is not None and index is None:
        raise CommandError(f"--max-copy: {copies.NO_INDEX}", DOES_NOT_FIT)
    studio = None
    if page is not None:
        check_writable(page, force, "--page")
    if wav or page is not None:
        from musicgen.cli.sounds import Studio  # who wants no sound need not wait for it

        studio = Studio(quiet=quiet)
    request = request_of(seed, seed_bars, model, quiet, **settings)
    try:
        for notice in Frame(model, request).notices():
            say(notice, quiet)
        paths = output_paths(out, model.corpus.name, random_seed, takes, force, wav)
        judge = Judge(model, request, index, max_copy)
    except RequestError as error:
        raise CommandError(str(error), DOES_NOT_FIT) from None
    if takes > AT_ONCE:
        say(f"{takes:,} takes, {AT_ONCE} at once: about {megabytes(takes)} MB of memory; each is written when it is played", quiet)
    rows: list[dict] = []
    kept: list[Judged] = []  # without their notes
    refused: list[Judged] = []
    played: list[tuple] = []  # for the page
    every = play_takes(judge, range(random_seed, random_seed + takes), tries)
    for take, file in zip(with_progress(every, takes, "composing", quiet), paths, strict=True):
        if take.copy_length:
            refused.append(replace(take, piece=Piece(())))
            continue
        record = Record.of(take.piece, model, model_title(path), request, take.attempt)
        midi = midi_bytes(take.piece, record.to_text())
        write_file(file, midi)
        rows.append(row_of(take, file, index))
        kept.append(replace(take, piece=Piece(())))
        if page is not None:
            played.append((take.piece, file, midi, rows[-1], said_of_copies(take, index), record.settings))
        if studio is not None and wav:
            studio.write_wav(take.piece, file.with_suffix(SOUND))
            rows[-1]["wav"] = str(file.with_suffix(SOUND))
    if max_copy is not None and refused:
        said = copies.refusal([take.copy_length for take in refused], takes, max_copy, tries)
        if not rows:
            raise CommandError(said, DOES_NOT_FIT)
        say(said)
    places = ranks(kept, model, index)
    for row, place in zip(rows, places, strict=True):
        row["rank"] = place
    rejected = Counter(name for take in (*kept, *refused) for names in take.rejected for name in names)
    if page is not None and studio is not None:
        from musicgen.cli.decks import Take, page_of_takes

        write_file(page, page_of_takes(path, model, model_title(path), [Take(*one) for one in played], studio))
        say(f"page {page}", quiet)
    if as_json:
        show_json(
            {
                "model": str(path),
                "takes": rows,
                "rejected": dict(rejected),
                "refused": [take.attempt.random_seed for take in refused],
                **({"page": str(page)} if page else {}),
            }
        )
    elif not quiet:
        say(f"model {path}")
        if index is None:
            say(copies.NO_INDEX)
        for number in sorted(range(len(rows)), key=places.__getitem__):
            show_take(rows[number], said_of_copies(kept[number], index), model)
        if rejected:
            times = sum(len(take.rejected) for take in (*kept, *refused))
            say(f"{times} tries rejected, and played again: " + ", ".join(f"{name} {count}" for name, count in rejected.most_common()))


def row_of(take: Judged, file: Path, index: CorpusIndex | None) -> dict:
    """What `--json` says of a take; of its faults bars count from 1 and parts from 0."""
    piece = take.piece
    return {
        "path": str(file),
        "bars": len(piece.bar_lines),
        "notes": piece.num_notes,
        "seconds": round(piece.seconds, 2),
        "random_seed": take.attempt.random_seed,
        "tries": take.attempt.number + 1,
        "warmer": take.attempt.warmer,
        "rejected": list(map(list, take.rejected)),
        "faults": faults_as_json(take.faults),
        "nats_per_note": None if take.nats_per_note is None else round(take.nats_per_note, 4),
        **copies.as_json(take.copied, index),
    }


def faults_as_json(faults: Iterable[Finding]) -> list[dict]:
    """Faults with what they mean."""
    return [{**finding._asdict(), "meaning": MEANINGS[finding.fault]} for finding in faults]


def said_of_copies(take: Judged, index: CorpusIndex | None) -> str:
    """The copy report of a take, nothing without an index."""
    return copies.in_words(take.copied, index) if take.copied and index else ""


def show_take(row: dict, report: str, model: Model) -> None:
    """A take and its figures for a person."""
    sound = f", sound in {row['wav']}" if "wav" in row else ""
    tries = f", try {row['tries']}" if row["tries"] > 1 else ""
    click.echo(f"{row['path']}: {row['bars']} bars, {row['notes']} notes, {row['seconds']:.1f} s, random seed {row['random_seed']}{tries}{sound}")
    if row["nats_per_note"] is not None:
        report = f"{row['nats_per_note']:.2f} nats per note (held-out {model.held_out_nats_per_note:.2f}); {report}".removesuffix("; ")
    say(f"    {report}")
    for fault in row["faults"]:
        where = "" if fault["bar"] is None else f", from bar {fault['bar']} on"
        say(f"    {fault['fault']}: {fault['meaning']}{where}")


def request_of(seed: str | None, seed_bars: tuple[int, int | None] | None, model: Model, quiet: bool, **settings) -> Request:
    """What is asked for, with the music to continue. Raises CommandError."""
    if seed is None:
        for name, value in (("--drop-seed", settings["drop_seed"]), ("--seed-bars", seed_bars)):
            if value:
                raise CommandError(f"{name} needs music to continue: give it with --seed", USAGE)
        return Request(**settings)
    given = read_seed(seed, seed_bars, model, settings["meter"], settings["tempo"], quiet)
    return Request(seed=given.piece, seed_end=given.end, **settings)


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

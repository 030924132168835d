"""`rewrite`: a piece of which some is kept and the rest is new."""

import re
from bisect import bisect_right
from pathlib import Path
from statistics import median

import click

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
from musicgen.cli.controls import Worded
from musicgen.cli.generate import unused
from musicgen.cli.models import RUNS, model_path, model_title, open_model
from musicgen.cli.music import read_music
from musicgen.cli.seeds import LARGEST_SEED, told_apart
from musicgen.composing.attempts import Attempt
from musicgen.composing.casting import highest_part
from musicgen.composing.controls import RequestError
from musicgen.composing.givens import Rewriting
from musicgen.composing.record import MOST_PARTICLES, Record
from musicgen.composing.rewriting import Rewritten
from musicgen.composing.rewriting import rewrite as rewrite_piece
from musicgen.composing.wording import read_bars
from musicgen.listening.midi import midi_bytes
from musicgen.piece import Piece


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--bars", type=Worded("A-B", read_bars), help="Rewrite these bars alone, counted from 1, like 5-8.  [default: all]")
@click.option("--part", "names", multiple=True, help="Rewrite this part alone, by its name or number; may be given several times.  [default: all]")
@click.option("--harmonize", is_flag=True, help="Keep the melody and compose all other parts, also those that the file lacks.")
@click.option("--melody", help="The part that --harmonize keeps.  [default: the highest]")
@click.option("--rhythm", is_flag=True, help="Keep the rhythm of what is rewritten: its pitches are new.")
@click.option("--pitches", is_flag=True, help="Keep the pitches of what is rewritten: its rhythm is new.")
@click.option("--model", "model_name", help="A file, a run's folder, or a model that comes along.  [default: the newest run, else chorales]")
@click.option("--particles", type=click.IntRange(1, MOST_PARTICLES), default=64, show_default=True, help="More look for a better fit, for longer.")
@click.option("--random-seed", type=click.IntRange(0, LARGEST_SEED), help="The same number plays the same music again.  [default: drawn and printed]")
@click.option("--temperature", type=NumberRange(0, 10), default=0.9, show_default=True, help="Below 1 tamer, above wilder, 0 the likeliest.")
@click.option("--out", type=click.Path(path_type=Path), help="A .mid file.  [default: a new name in outputs/]")
@click.option("--force", is_flag=True, help="Overwrite.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--quiet", is_flag=True, help="Print nothing but errors.")
def rewrite(
    file: Path,
    bars: tuple[int, int | None] | None,
    names: tuple[str, ...],
    harmonize: bool,
    melody: str | None,
    rhythm: bool,
    pitches: bool,
    model_name: str | None,
    particles: int,
    random_seed: int | None,
    temperature: float,
    out: Path | None,
    force: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Write a piece anew in part: the notes that are kept stay to the note."""
    check_options(bool(names), harmonize, melody is not None, rhythm, pitches)
    _, random_seed = told_apart(None, random_seed)
    path = model_path(model_name)
    model = open_model(path)
    piece = read_music(file, model.configuration.vocabulary.steps_per_quarter, quiet)
    rewriting = Rewriting(
        piece,
        bars,
        tuple(sorted({index for name in names for index in parts_called(name, piece, "--part")})) or None,
        "rhythm" if rhythm else "pitches" if pitches else "",
        melody_of(melody, piece) if harmonize else None,
        temperature,
        particles,
    )
    out = output_path(out, piece, random_seed, force)
    try:
        result = rewrite_piece(model, rewriting, random_seed, lambda places: with_progress(places, len(places), "rewriting", quiet))
    except RequestError as error:
        raise CommandError(str(error), DOES_NOT_FIT) from None
    for notice in result.notices:
        say(notice, quiet)
    record = Record.of(result.piece, model, model_title(path), rewriting, Attempt(random_seed))
    write_file(out, midi_bytes(result.piece, record.to_text()))
    show(result, out, path, particles, random_seed, as_json, quiet)


def check_options(names: bool, harmonize: bool, melody: bool, rhythm: bool, pitches: bool) -> None:
    """Raises CommandError where options contradict each other."""
    if rhythm and pitches:
        raise CommandError("--rhythm and --pitches together leave nothing to rewrite: give one of them", USAGE)
    if harmonize and (names or rhythm or pitches):
        given = "--part" if names else "--rhythm" if rhythm else "--pitches"
        raise CommandError(f"--harmonize composes all parts but the melody anew: leave {given} out", USAGE)
    if melody and not harmonize:
        raise CommandError("--melody says what --harmonize keeps: give --harmonize too", USAGE)


def parts_called(name: str, piece: Piece, option: str) -> list[int]:
    """The parts of that name, whatever its case, or of that number, from 1 on. Raises CommandError."""
    found = [index for index, part in enumerate(piece.parts) if part.name.casefold() == name.strip().casefold()]
    if not found and name.strip().isdecimal() and 1 <= int(name) <= len(piece.parts):
        found = [int(name) - 1]
    if not found:
        there = ", ".join(f"{number} {part.name}".rstrip() for number, part in enumerate(piece.parts, 1))
        raise CommandError(f"{option} {name!r}: there is no such part, the file has {there}", USAGE)
    return found


def melody_of(name: str | None, piece: Piece) -> int:
    """The part to harmonize. Raises CommandError."""
    if name is not None:
        found = parts_called(name, piece, "--melody")
        if len(found) > 1:
            raise CommandError(f"--melody {name!r} names {len(found)} parts: give the number of one, {found[0] + 1} for example", USAGE)
        return found[0]
    highest = highest_part(piece)
    if highest is None:
        raise CommandError("the file has nothing but drums, so there is no melody to harmonize", DOES_NOT_FIT)
    return highest


def output_path(out: Path | None, piece: Piece, random_seed: int, force: bool) -> Path:
    """The file to write. Raises CommandError where it could not be written."""
    if out is not None:
        check_writable(out, force)
        return out
    make_folder(RUNS)
    stem = re.sub(r"[^\w.-]+", "-", piece.title)[:60].strip(".-") or "piece"
    return unused(RUNS / f"{stem}-rewritten-{random_seed}.mid", wav=False)


def show(result: Rewritten, out: Path, model: Path, particles: int, random_seed: int, as_json: bool, quiet: bool) -> None:
    """What came of it: the figures of the particle filter for a program, a summary for a person."""
    piece, checkpoints = result.piece, result.checkpoints
    lines = piece.bar_lines
    if as_json:
        show_json(
            {
                "path": str(out),
                "model": str(model),
                "random_seed": random_seed,
                "particles": particles,
                "bars": len(lines),
                "notes": piece.num_notes,
                "new_notes": result.num_new,
                "as_before": result.num_as_before,
                "seconds": round(piece.seconds, 2),
                "log_evidence": result.log_evidence,
                "nats": result.nats,
                "checkpoints": [
                    {"bar": bisect_right(lines, place.onset), "effective": round(place.effective, 2), "resampled": place.is_resampled}
                    for place in checkpoints
                ],
                "notices": result.notices,
            }
        )
    elif not quiet:
        say(f"model {model}")
        new = f"{result.num_new} new notes of {piece.num_notes}" + (f", {result.num_as_before} of them as before" if result.num_as_before else "")
        click.echo(f"{out}: {len(lines)} bars, {new}, {piece.seconds:.1f} s, random seed {random_seed}")
        effective = [place.effective for place in checkpoints]
        resampled = sum(place.is_resampled for place in checkpoints)
        say(
            f"    {particles} particles, compared at {len(effective)} places and resampled at {resampled}: "
            f"effective sample size {median(effective):.1f} in the middle, {min(effective):.1f} at the least"
        )

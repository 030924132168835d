"""`render`: music files as sound, as scores and as piano rolls."""

from pathlib import Path

import click
import numpy as np

from musicgen.cli.colours import KINDS, all_colourings, colouring_of
from musicgen.cli.console import USAGE, CommandError, check_writable, is_there, show_json, write_file
from musicgen.cli.models import model_path, open_model
from musicgen.cli.music import AS_PLAYED, read_music
from musicgen.cli.sounds import Studio, sound_file, sound_options
from musicgen.listening.audio import FORMATS, RATE
from musicgen.listening.deck import sounding
from musicgen.model.file import Model
from musicgen.piece import STEPS_PER_QUARTER, Piece
from musicgen.reading.guard import Limits, read_bytes

ROLLS = ("roll", "png")
SUFFIXES = (".svg", ".png")  # of a roll


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--wav", type=click.Path(path_type=Path), help="Write the sound: 16 bits, uncompressed.")
@click.option("--flac", type=click.Path(path_type=Path), help="The same without loss in half of the space.")
@click.option("--ogg", type=click.Path(path_type=Path), help="Ogg Vorbis, a tenth of the space.")
@click.option("--mp3", type=click.Path(path_type=Path), help="MP3, a tenth of the space.")
@click.option("--musicxml", type=click.Path(path_type=Path), help="Write the score for notation programs.")
@click.option("--svg", type=click.Path(path_type=Path), help="The score as a picture.")
@click.option("--pdf", type=click.Path(path_type=Path), help="The score on sheets of A4; needs Chromium or rsvg-convert.")
@click.option("--roll", type=click.Path(path_type=Path), help="Write the piano roll: .svg or .png.")
@click.option("--png", type=click.Path(path_type=Path), help="The piano roll as a PNG, whatever the name.")
@click.option("--page", type=click.Path(path_type=Path), help="Write one HTML page with roll, score and sound.")
@click.option("--colours", type=click.Choice(KINDS), default=KINDS[0], show_default=True, help="Of the roll; all but parts need --model.")
@click.option("--model", "model_name", help="Whose surprise and whose corpus: a file, a run's folder, or a model that comes along.")
@click.option("--dark", is_flag=True, help="Draw PNGs on a dark ground; SVGs follow the viewer's.")
@click.option("--two-staves", is_flag=True, help="Write two parts on each staff of the score, as hymn books do.")
@sound_options
@click.option("--force", is_flag=True, help="Overwrite.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--quiet", is_flag=True, help="Print nothing but errors.")
def render(
    file: Path,
    colours: str,
    model_name: str | None,
    dark: bool,
    two_staves: bool,
    soundfont: Path | None,
    fluidsynth: bool,
    max_minutes: float,
    force: bool,
    as_json: bool,
    quiet: bool,
    **outputs: Path | None,
) -> None:
    """Write what the notes in a music file sound like, how they are written down, or what they look like: say which, and where to.

    Controllers and pitch bends, which this program does not learn either, are not heard. In the score, notes stand on a grid of twelve steps to the
    quarter note.
    """
    targets = {kind: path for kind, path in outputs.items() if path is not None}
    check_targets(targets, [path for path in (file, soundfont) if path is not None], force)
    if colours != KINDS[0] and model_name is None:
        raise CommandError(f"--colours {colours} needs a model: name one with --model", USAGE)
    model = None if model_name is None else open_model(model_path(model_name))
    facts: dict = {}
    contents: dict[str, bytes] = {}
    sounds = [kind for kind in targets if kind in FORMATS]
    if sounds or "page" in targets:
        piece = read_music(file, AS_PLAYED, quiet)
        studio = Studio(soundfont, fluidsynth, max_minutes, quiet)
    if sounds:
        samples = studio.record(piece, file)
        contents.update({kind: sound_file(samples, kind) for kind in sounds})
        facts = {"synthesizer": studio.player, "soundfont": studio.soundfont and str(studio.soundfont.path), **facts_of(samples)}
    sheets = [kind for kind in targets if kind not in FORMATS]
    if sheets:
        from musicgen.cli.sheets import roll_file, sheet

        heard = piece if "page" in targets else None
        piece = read_music(file, model.configuration.vocabulary.steps_per_quarter if model else STEPS_PER_QUARTER, quiet or bool(sounds))
        colouring = colouring_of(piece, colours, model) if model and colours != KINDS[0] else None
        for kind in sheets:
            if kind == "page":
                contents[kind] = page_of_file(file, piece, heard, two_staves, studio, model)
            elif kind in ROLLS:
                contents[kind] = roll_file(piece, kind == "png" or targets[kind].suffix.lower() == ".png", dark, colouring)
            else:
                contents[kind] = sheet(piece, kind, two_staves)
    for kind, content in contents.items():
        write_file(targets[kind], content)
    if as_json:
        show_json({"piece": facts_of_piece(file, piece), **facts, **listed(targets, contents, sounds, sheets)})
    elif not quiet:
        for kind, path in targets.items():
            length = f"{facts['seconds']:.1f} s, " if kind in sounds else ""
            click.echo(f"{path}: {length}{len(contents[kind]):,} bytes")


def page_of_file(file: Path, piece: Piece, heard: Piece | None, two_staves: bool, studio: Studio, model: Model | None) -> bytes:
    """A page of one piece. Raises CommandError."""
    from musicgen.cli.decks import deck_of, page_of

    colourings = all_colourings(sounding(piece), model) if model else {}
    content = read_bytes(file, Limits())
    midi = content if content[:4] == b"MThd" else None  # whatever its name says
    title = piece.title or file.stem
    return page_of(title, [], [deck_of(piece, title, file.stem, midi=midi, heard=heard, on_two_staves=two_staves, colourings=colourings)], studio)


def facts_of(samples: np.ndarray) -> dict:
    """How long and how loud a sound is."""
    return {
        "seconds": round(len(samples) / RATE, 3),
        "peak": round(float(np.abs(samples).max()), 4),
        "rms": round(float(np.sqrt(np.square(samples, dtype=np.float64).mean())), 4),
    }


def facts_of_piece(file: Path, piece: Piece) -> dict:
    return {"path": str(file), "seconds": round(piece.seconds, 3), "parts": len(piece.parts), "notes": piece.num_notes}


def listed(targets: dict[str, Path], contents: dict[str, bytes], sounds: list[str], sheets: list[str]) -> dict:
    """The files that were written."""
    return {
        name: [{"path": str(targets[kind]), "kind": kind, "bytes": len(contents[kind])} for kind in kinds]
        for name, kinds in (("sounds", sounds), ("sheets", sheets))
    }


def check_targets(targets: dict[str, Path], sources: list[Path], force: bool) -> None:
    """Refuse before any work what could not be written, or would destroy what is read. Raises CommandError."""
    if not targets:
        raise CommandError(
            "say what to write: at least one of --wav, --flac, --ogg, --mp3, --musicxml, --svg, --pdf, --roll, --png and --page", USAGE
        )
    if "roll" in targets and targets["roll"].suffix.lower() not in SUFFIXES:
        raise CommandError(f"--roll takes a name that ends in .svg or .png, not {targets['roll'].name}", USAGE)
    taken = [source.resolve() for source in sources if is_there(source)]
    for kind, path in targets.items():
        check_writable(path, force, f"--{kind}")
        if path.resolve() in taken:
            raise CommandError(f"can't write {path}: it would overwrite what is read, or another of the files", USAGE)
        taken.append(path.resolve())

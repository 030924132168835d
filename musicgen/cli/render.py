"""`render`: MIDI files as sound files."""

from pathlib import Path

import click
import numpy as np

from musicgen.cli.console import USAGE, CommandError, check_writable, is_there, show_json, write_file
from musicgen.cli.sounds import Studio, read_music, sound_file, sound_options
from musicgen.listening.audio import RATE


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--wav", type=click.Path(path_type=Path), help="Write 16 bits, uncompressed.")
@click.option("--flac", type=click.Path(path_type=Path), help="Write the same without loss in half of the space.")
@click.option("--ogg", type=click.Path(path_type=Path), help="Write Ogg Vorbis, a tenth of the space.")
@click.option("--mp3", type=click.Path(path_type=Path), help="Write MP3, a tenth of the space.")
@sound_options
@click.option("--force", is_flag=True, help="Overwrite.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--quiet", is_flag=True, help="Print nothing but errors.")
def render(
    file: Path, soundfont: Path | None, fluidsynth: bool, max_minutes: float, force: bool, as_json: bool, quiet: bool, **outputs: Path | None
) -> None:
    """Write what the notes in a MIDI file sound like; at least one of --wav, --flac, --ogg and --mp3 says where.

    Controllers and pitch bends, which this program does not learn either, are not heard.
    """
    targets = {kind: path for kind, path in outputs.items() if path is not None}
    check_targets(targets, [path for path in (file, soundfont) if path is not None], force)
    piece = read_music(file)
    studio = Studio(soundfont, fluidsynth, max_minutes, quiet)
    samples = studio.record(piece, file)
    sounds = [(path, kind, sound_file(samples, kind)) for kind, path in targets.items()]
    for path, _, content in sounds:
        write_file(path, content)
    if as_json:
        facts = {
            "piece": {"path": str(file), "seconds": round(piece.seconds, 3), "parts": len(piece.parts), "notes": piece.num_notes},
            "synthesizer": studio.player,
            "soundfont": studio.soundfont and str(studio.soundfont.path),
            "seconds": round(len(samples) / RATE, 3),
            "peak": round(float(np.abs(samples).max()), 4),
            "rms": round(float(np.sqrt(np.square(samples, dtype=np.float64).mean())), 4),
            "sounds": [{"path": str(path), "kind": kind, "bytes": len(content)} for path, kind, content in sounds],
        }
        show_json(facts)
    elif not quiet:
        for path, _, content in sounds:
            click.echo(f"{path}: {len(samples) / RATE:.1f} s, {len(content):,} bytes")


def check_targets(targets: dict[str, Path], sources: list[Path], force: bool) -> None:
    """Refuse before any work what could not be written, or would destroy what is read. Raises CommandError."""
    if not targets:
        raise CommandError("say what to write: at least one of --wav, --flac, --ogg and --mp3", USAGE)
    taken = [source.resolve() for source in sources if is_there(source)]
    for kind, path in targets.items():
        check_writable(path, force, f"--{kind}")
        if path.resolve() in taken:
            raise CommandError(f"can't write {path}: it would overwrite what is read, or another of the sounds", USAGE)
        taken.append(path.resolve())

"""`play`: a music file, heard at once."""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import click

from musicgen.cli.console import CommandError, clock, say
from musicgen.cli.music import AS_PLAYED, read_music
from musicgen.cli.sounds import Studio, sound_file, sound_options
from musicgen.listening.audio import RATE

PLAYERS: tuple[tuple[str, ...], ...] = (  # programs that play a WAV file, the likeliest to work first
    ("afplay",),  # macOS
    ("paplay",),  # PulseAudio
    ("pw-play",),  # PipeWire
    ("aplay", "-q"),  # ALSA
    ("ffplay", "-nodisp", "-autoexit", "-loglevel", "error"),  # FFmpeg
    ("play", "-q"),  # SoX
)


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@sound_options
@click.option("--quiet", is_flag=True, help="Print nothing but errors.")
def play(file: Path, soundfont: Path | None, fluidsynth: bool, max_minutes: float, quiet: bool) -> None:
    """Play the notes in a music file."""
    players = [command for command in PLAYERS if shutil.which(command[0])]
    if not players and sys.platform != "win32":
        raise CommandError(
            "there is no program that plays sound: install one, for example with `apt install alsa-utils` or `apt install ffmpeg`, "
            f"or write a file with `musicgen render {file} --wav FILE`"
        )
    piece = read_music(file, AS_PLAYED, quiet)
    samples = Studio(soundfont, fluidsynth, max_minutes, quiet).record(piece, file)
    with tempfile.TemporaryDirectory(prefix="musicgen-") as folder:
        sound = Path(folder) / "piece.wav"
        try:
            sound.write_bytes(sound_file(samples, "wav"))
        except OSError as error:
            raise CommandError(f"can't write {sound}: {error.strerror or error}") from None
        say(f"playing {file}, {clock(len(samples) / RATE)}", quiet)
        play_file(sound, players)


def play_file(sound: Path, players: list[tuple[str, ...]]) -> None:
    """Play a WAV file to its end by the first of the players that can. Raises CommandError."""
    if sys.platform == "win32":
        import winsound

        winsound.PlaySound(str(sound), winsound.SND_FILENAME)
        return
    failures = []
    for command in players:
        done = subprocess.run([*command, sound], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        if done.returncode == 0:
            return
        said = done.stderr.decode(errors="replace").strip().splitlines() or [f"exit code {done.returncode}"]
        failures.append(f"{command[0]}: {said[-1]}")
    raise CommandError(f"no program could play the sound ({'; '.join(failures)})")

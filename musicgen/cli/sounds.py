"""What `render`, `play` and `generate --wav` share: music made sound, and what is said about it."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import click
import numpy as np

from musicgen.cli.console import DOES_NOT_FIT, FAILURE, UNREADABLE, CommandError, NumberRange, say, without_native_messages, write_file
from musicgen.listening.audio import SoundError, TooLongError, check_length, encoded, has_midirenderer, render
from musicgen.listening.soundfont import MOST_BYTES, Soundfont, SoundfontError, default_soundfont
from musicgen.piece import Piece
from musicgen.reading.guard import Limits, UnreadableFileError, read_bytes

MOST_MINUTES = 60.0
Decorated = TypeVar("Decorated", bound=Callable)


def sound_options(command: Decorated) -> Decorated:
    """The options of all commands that make sound of a file."""
    for option in (
        click.option("--max-minutes", type=NumberRange(0, 360), default=MOST_MINUTES, show_default=True, help="Refuse what lasts longer."),
        click.option("--fluidsynth", is_flag=True, help="Let the program fluidsynth play, if it is installed."),
        click.option("--soundfont", type=click.Path(path_type=Path), help="An SF2 file.  [default: the one that comes along]"),
    ):
        command = option(command)
    return command


class Studio:
    """One synthesizer for any number of pieces; each thing that a person should know is said once."""

    def __init__(self, soundfont: Path | None = None, fluidsynth: bool = False, max_minutes: float = MOST_MINUTES, quiet: bool = False) -> None:
        """Choose who plays. Raises CommandError."""
        self.max_minutes, self.quiet = max_minutes, quiet
        self.by_fluidsynth = fluidsynth
        self._said: set[str] = set()
        path = soundfont or default_soundfont()
        self.soundfont = None if path is None else open_soundfont(path)
        if fluidsynth and self.soundfont is None:
            raise CommandError("fluidsynth needs a soundfont: name an SF2 file with --soundfont")
        if self.soundfont is None:
            self._say("there is no soundfont, so plain waves play instead of instruments: name an SF2 file with --soundfont")
        elif not fluidsynth and not has_midirenderer():
            self.soundfont = None
            self._say("midirenderer is not installed, so plain waves play instead of instruments: `pip install midirenderer`")

    @property
    def player(self) -> str:
        """Who plays: midirenderer, fluidsynth or numpy."""
        return "numpy" if self.soundfont is None else "fluidsynth" if self.by_fluidsynth else "midirenderer"

    def record(self, piece: Piece, name: object) -> np.ndarray:
        """The sound of a piece, (N, 2). Raises CommandError."""
        try:
            check_length(piece, self.max_minutes)
            if self.soundfont is not None:
                for notice in self.soundfont.cast(piece)[1]:
                    self._say(notice)
            with without_native_messages():
                return render(piece, self.soundfont, self.by_fluidsynth)
        except TooLongError as error:
            raise CommandError(f"no sound of {name}: {error}; allow it with --max-minutes", DOES_NOT_FIT) from None
        except SoundfontError as error:
            raise CommandError(f"no sound of {name}: the soundfont has {error}", UNREADABLE) from None
        except SoundError as error:
            raise CommandError(f"no sound of {name}: {error}") from None
        except MemoryError:
            raise CommandError(f"no sound of {name}: there is not enough memory for {piece.seconds / 60:,.1f} minutes") from None

    def write_wav(self, piece: Piece, path: Path) -> None:
        """The sound of a piece as a file. Raises CommandError."""
        write_file(path, sound_file(self.record(piece, path), "wav"))

    def _say(self, message: str) -> None:
        if message not in self._said:
            self._said.add(message)
            say(message, self.quiet)


def open_soundfont(path: Path) -> Soundfont:
    """The soundfont in a file. Raises CommandError."""
    try:
        return Soundfont.of(read_bytes(path, Limits(file_bytes=MOST_BYTES)), path)
    except (UnreadableFileError, SoundfontError) as error:
        raise CommandError(f"can't use the soundfont {path}: {error}", UNREADABLE) from None


def sound_file(samples: np.ndarray, kind: str) -> bytes:
    """The sound as a file of one of `audio.FORMATS`. Raises CommandError."""
    try:
        return encoded(samples, kind)
    except SoundError as error:
        raise CommandError(str(error), FAILURE) from None

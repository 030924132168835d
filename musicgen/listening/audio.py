"""Piece -> sound: samples by midirenderer or FluidSynth with a soundfont, or else by the NumPy synthesizer; then the bytes of a sound file.

Conventions: samples are (N, 2) float32 at RATE Hz, left and right, at most LOUDEST; nothing was clipped on the way. A sound lasts as long as its
piece and at most TAIL seconds more, until it has died away, and its last FADE seconds fade to zero. midirenderer (rustysynth inside) plays at
48,000 Hz into 16 bits and clips what is too loud, and FluidSynth clips too: so what reaches full scale is played again more quietly.
"""

import io
import math
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile

from musicgen.listening.ogg import with_serial
from musicgen.listening.performance import FULL_VOLUME, performance
from musicgen.listening.resampling import resampled
from musicgen.listening.soundfont import Soundfont
from musicgen.listening.synthesizer import RATE, synthesize
from musicgen.piece import Piece

LOUDEST = 0.98  # of full scale
FULL_SCALE = 32767 / 32768  # the largest sample of 16 bits
SILENCE = 1e-4  # 80 dB below full scale
TAIL = 2.0  # seconds
FADE = 0.05  # seconds
VOLUMES = (FULL_VOLUME, 90, 64, 45, 32, 23, 16, 11, 8)  # each half as loud as the one before: the last is 250 times below full scale
MEGABYTES_A_MINUTE = 80  # of memory at its peak, as measured
FORMATS = {"wav": ("WAV", "PCM_16"), "flac": ("FLAC", "PCM_16"), "ogg": ("OGG", "VORBIS"), "mp3": ("MP3", "MPEG_LAYER_III")}
BLOCK = 1 << 16  # samples that are encoded at once: libsndfile takes more Vorbis than that from the stack


class SoundError(Exception):
    """Music that cannot be made sound here; the message says why, and what to do."""


class TooLongError(SoundError):
    """Music that would fill the memory."""


def has_midirenderer() -> bool:
    """Whether midirenderer is installed and can be loaded."""
    try:
        import midirenderer  # noqa: F401 (a wheel for another machine is found, but cannot be loaded)
    except ImportError:
        return False
    return True


def check_length(piece: Piece, max_minutes: float) -> None:
    """Raises TooLongError."""
    minutes = piece.seconds / 60
    if minutes > max_minutes:
        gigabytes = minutes * MEGABYTES_A_MINUTE / 1000
        raise TooLongError(f"it lasts {minutes:,.1f} minutes, where the limit is {max_minutes:g}, and would take {gigabytes:,.1f} GB of memory")


def render(piece: Piece, soundfont: Soundfont | None = None, by_fluidsynth: bool = False) -> np.ndarray:
    """The sound of a piece.

    Args:
        piece: at least one note; what the soundfont lacks is played as `Soundfont.cast` says.
        soundfont: without one the NumPy synthesizer plays.
        by_fluidsynth: instead of midirenderer.

    Returns:
        (N, 2) float32 at RATE Hz.

    Raises:
        SoundError: where the synthesizer is missing or fails.
        SoundfontError: where the soundfont has nothing that could play.
    """
    if soundfont is None:
        samples = np.repeat(synthesize(piece, TAIL)[:, None], 2, axis=1)
    else:
        samples = _unclipped(soundfont.cast(piece)[0], soundfont, _by_fluidsynth if by_fluidsynth else _by_midirenderer)
    return _finished(samples, piece.seconds)


def _unclipped(piece: Piece, soundfont: Soundfont, play: Callable[[Soundfont, bytes], bytes]) -> np.ndarray:
    """Samples at the full volume of all channels, played as quietly as they need to be: (N, 2) at RATE Hz."""
    for volume in VOLUMES:
        wave = play(soundfont, performance(piece, volume, TAIL))
        samples, rate = soundfile.read(io.BytesIO(wave), dtype="float32", always_2d=True)
        if _peak(samples) < FULL_SCALE:
            break
    samples = resampled(samples, rate, RATE)
    samples *= (FULL_VOLUME / volume) ** 2
    return samples


def _by_midirenderer(soundfont: Soundfont, midi: bytes) -> bytes:
    try:
        import midirenderer

        return midirenderer.render_wave_from(soundfont.content, midi)
    except ImportError:
        raise SoundError("midirenderer is not installed: `pip install midirenderer`") from None
    except BaseException as error:
        # Rust panics where a soundfont contradicts itself, and a panic is no Exception
        if isinstance(error, (RuntimeError, ValueError)) or type(error).__name__ == "PanicException":
            raise SoundError(f"midirenderer cannot play with the soundfont {soundfont.path.name} ({error})") from None
        raise


def _by_fluidsynth(soundfont: Soundfont, midi: bytes) -> bytes:
    program = shutil.which("fluidsynth")
    if program is None:
        raise SoundError(
            "there is no program fluidsynth: install it (`apt install fluidsynth`, `brew install fluid-synth`), or do without --fluidsynth"
        )
    try:
        with tempfile.TemporaryDirectory() as folder:
            source, target = Path(folder) / "piece.mid", Path(folder) / "piece.wav"
            source.write_bytes(midi)
            command = [program, "-ni", "-F", str(target), "-r", str(RATE), str(soundfont.path.absolute()), str(source)]
            done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace")
            if done.returncode == 0 and target.exists():
                return target.read_bytes()
    except OSError as error:
        raise SoundError(f"fluidsynth could not be run ({error.strerror or error})") from None
    said = (done.stderr or done.stdout).strip().splitlines() or [f"exit code {done.returncode}"]
    raise SoundError(f"fluidsynth failed: {said[-1]}")


def _finished(samples: np.ndarray, seconds: float) -> np.ndarray:
    """The sound as long as it can be heard, with an end that does not click, and no louder than LOUDEST.

    Args:
        samples: (N, 2).
        seconds: how long the piece lasts.
    """
    least, fade = math.ceil(seconds * RATE), round(FADE * RATE)
    most = least + round(TAIL * RATE)
    begin = max(0, least - fade)
    audible = np.flatnonzero(np.abs(samples[begin:most]).max(axis=1) > SILENCE)
    end = begin + int(audible[-1]) + 1 + fade if len(audible) else 0
    length = min(max(end, least), most)
    out = np.zeros((length, 2), np.float32)
    out[: len(samples)] = samples[:length]
    fade = min(fade, length)
    out[length - fade :] *= np.cos(np.linspace(0, np.pi / 2, fade, dtype=np.float32))[:, None] ** 2
    out[-1:] = 0
    out *= min(1.0, LOUDEST / max(_peak(out), LOUDEST))
    return out


def _peak(samples: np.ndarray) -> float:
    return float(max(samples.max(initial=0), -samples.min(initial=0)))


def encoded(samples: np.ndarray, kind: str) -> bytes:
    """The sound as the bytes of a file.

    Args:
        samples: (N, 2), or (N, 1) for one channel; at most 1.
        kind: a key of FORMATS.

    Raises:
        SoundError: where the libsndfile that is installed cannot write this kind.
    """
    container, subtype = FORMATS[kind]
    file = io.BytesIO()
    try:
        with soundfile.SoundFile(file, "w", RATE, samples.shape[1], subtype, format=container) as sound:
            for begin in range(0, len(samples), BLOCK):
                sound.write(samples[begin : begin + BLOCK])
    except (soundfile.LibsndfileError, ValueError) as error:
        raise SoundError(f"this libsndfile ({soundfile.__libsndfile_version__}) cannot write {kind.upper()}: {error}") from None
    return with_serial(file.getvalue(), serial=0) if kind == "ogg" else file.getvalue()

"""`doctor`: whether this machine has all that the program needs, how fast it is, and what to do about what is broken."""

import importlib
import multiprocessing
import os
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass, field
from importlib import metadata
from pathlib import Path

import click

from musicgen import __version__
from musicgen.cli.console import FAILURE, CommandError, say, show_json, without_native_messages
from musicgen.cli.models import DEFAULT, PACKAGED, RUNS
from musicgen.cli.play import PLAYERS
from musicgen.composing.composer import compose
from musicgen.composing.request import Request
from musicgen.encoding.tokens import encode
from musicgen.learning.hardware import faster_precision
from musicgen.learning.schedule import PRECISIONS, Schedule
from musicgen.listening.audio import has_midirenderer
from musicgen.listening.soundfont import MOST_BYTES, Soundfont, SoundfontError, default_soundfont
from musicgen.model.configuration import Configuration
from musicgen.model.file import Model, ModelFileError, load_model
from musicgen.piece import Piece
from musicgen.reading.guard import Limits, UnreadableFileError, read_bytes

LIBRARIES = ("numpy", "symusic", "music21", "pretty_midi", "safetensors", "soundfile", "rich", "keras", "tensorflow")
LOAD_SLOWLY = ("music21", "keras", "tensorflow")
LEAST_DISK, ENOUGH_DISK = 100e6, 2e9  # bytes: below the first nothing can be trained, below the second not much
TAKES, BARS = 4, 8  # that the self-test composes
TRAINING_SECONDS = 6.0  # the whole self-test takes ten, without what is loaded and compiled first
INSTALL = "install the program again: `pip install -e .` in its folder"
WORTH_IT = 1.05  # times as fast, from which on another precision is advised
OK, NOTE, BROKEN = "ok", "note", "broken"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    name: str
    status: str  # OK, NOTE or BROKEN
    what: str
    advice: str = ""  # what to do about it
    figures: Mapping[str, object] = field(default_factory=dict)  # for programs


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--quiet", is_flag=True, help="Print the findings and errors alone.")
def doctor(as_json: bool, quiet: bool) -> None:
    """Look for what is missing or broken, and measure how fast this machine composes and learns.

    Takes about half a minute, most of it to load TensorFlow. The exit code is 1 where something is broken.
    """
    findings = []
    for finding in examined(quiet):
        findings.append(finding)
        if not as_json:
            click.echo(
                f"{finding.status:<6}  {finding.name + ':':<12} {finding.what}" + (f"\n{'':8}{'':13}-> {finding.advice}" if finding.advice else "")
            )
    broken = [finding.name for finding in findings if finding.status == BROKEN]
    if as_json:
        show_json({"ok": not broken, "findings": [asdict(finding) for finding in findings]})
    if broken:
        raise CommandError(f"broken: {', '.join(broken)}", FAILURE)


def examined(quiet: bool) -> Iterator[Finding]:
    """All findings, as they come; the slow ones last."""
    yield _system()
    yield from _libraries()
    yield _folder(RUNS)
    yield _soundfont()
    yield _players()
    try:
        model = load_model(PACKAGED / f"{DEFAULT}.safetensors")
        say("composing", quiet)
        takes, finding = _composing(model)
    except (FileNotFoundError, ModelFileError) as error:
        yield Finding("composing", BROKEN, f"the model that comes along can't be used: {error}", INSTALL)
        return
    yield finding
    say("learning", quiet)
    yield from _learning(model, takes)


def _system() -> Finding:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    figures = {"musicgen": __version__, "python": platform.python_version(), "system": platform.platform(terse=True), "cores": cores}
    what = f"musicgen {__version__}, Python {figures['python']}, {figures['system']}, {cores} cores for this program"
    if not (3, 10) <= sys.version_info[:2] <= (3, 13):
        return Finding("system", NOTE, what, "use Python 3.10 to 3.13, for which the program was tried", figures)
    return Finding("system", OK, what, figures=figures)


def _libraries() -> Iterator[Finding]:
    """Which are there, and a finding on each that is missing or can't be loaded; those that load slowly are not tried here."""
    versions: dict[str, str] = {}
    for name in LIBRARIES:
        try:
            versions[name] = metadata.version(name)
            if name not in LOAD_SLOWLY:
                importlib.import_module(name)
        except metadata.PackageNotFoundError:
            yield Finding(name, BROKEN, "not installed", INSTALL)
        except (ImportError, OSError) as error:
            yield Finding(
                name, BROKEN, f"{versions[name]} is installed but can't be loaded ({_sentence(error)})", f"`pip install --force-reinstall {name}`"
            )
    yield Finding("libraries", OK, ", ".join(f"{name} {version}" for name, version in versions.items()), figures=versions)


def _folder(folder: Path) -> Finding:
    """Whether there is room and permission for runs in a folder that may not be there yet."""
    place = next(path for path in (folder, *folder.absolute().parents) if path.is_dir())
    shown = place if place == folder else place.absolute()
    free = shutil.disk_usage(place).free
    what, figures = f"{free / 1e9:,.1f} GB free for {folder}/", {"free_bytes": free}
    try:
        with tempfile.TemporaryFile(dir=place) as file:
            file.write(b"\0")
    except OSError as error:
        return Finding("disk", BROKEN, f"{what}, but nothing can be written into {shown}: {error.strerror}", "work in a folder of your own", figures)
    if free < ENOUGH_DISK:
        return Finding("disk", BROKEN if free < LEAST_DISK else NOTE, what, "make room: a run takes about 100 MB, its sound more", figures)
    return Finding("disk", OK, what, figures=figures)


def _soundfont() -> Finding:
    path = default_soundfont()
    if path is None:
        return Finding("soundfont", NOTE, "none is installed, so plain waves play", "`pip install pretty_midi`, or name one with --soundfont")
    try:
        found = Soundfont.of(read_bytes(path, Limits(file_bytes=MOST_BYTES)), path)
    except (UnreadableFileError, SoundfontError) as error:
        return Finding("soundfont", BROKEN, f"{path} can't be used: {error}", "`pip install --force-reinstall pretty_midi`")
    what = f"{path.name}, {len(found.programs)} instruments and {len(found.kits)} drum kits"
    if not has_midirenderer():
        return Finding("soundfont", NOTE, f"{what}, but nothing that plays it", "`pip install midirenderer`")
    return Finding("soundfont", OK, f"{what}, played by midirenderer", figures={"path": str(path)})


def _players() -> Finding:
    found = [command[0] for command in PLAYERS if shutil.which(command[0])]
    if found or sys.platform == "win32":
        return Finding("player", OK, ", ".join(found) or "Windows", figures={"programs": found})
    return Finding(
        "player", NOTE, "there is no program that plays sound, so `play` can't", "`apt install alsa-utils`, or write files with `render --wav`"
    )


def _composing(model: Model) -> tuple[list[Piece], Finding]:
    begin = time.perf_counter()
    takes = compose(model, Request(bars=BARS, closes=False), random_seed=0, takes=TAKES)
    notes, seconds = sum(take.num_notes for take in takes), time.perf_counter() - begin
    what = f"{TAKES} takes of {BARS} bars in {seconds:.1f} s, {notes / seconds:,.0f} notes a second"
    return takes, Finding("composing", OK, what, figures={"notes_per_second": notes / seconds})


def _learning(model: Model, takes: list[Piece]) -> Iterator[Finding]:
    """Devices and a short training, in a process of its own: a TensorFlow that does not fit the processor ends it."""
    try:
        with without_native_messages(), ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
            found, narrow = pool.submit(_tried, model.configuration, takes, TRAINING_SECONDS).result()
    except BrokenProcessPool:
        yield Finding("learning", BROKEN, "TensorFlow ended the process, as it does on processors without AVX or where memory is short", INSTALL)
        return
    except Exception as error:  # whatever keeps TensorFlow from working is what this command is there to say
        yield Finding("learning", BROKEN, f"it failed: {_sentence(error)}", INSTALL)
        return
    advice = "install the program with `pip install '.[gpu]'`, and look whether `nvidia-smi` shows the GPU" if found.has_unused_gpu else ""
    shown = f"Keras {found.versions['keras']} on {found.versions['backend']}, {found.gpus or 'no'} GPU{'s' * (found.gpus > 1)}"
    yield Finding("devices", NOTE if advice else OK, shown, advice, {"gpus": found.gpus, **found.versions})
    said = [f"{cell} {'yes' if not why else f'no, because {why}'}" for cell, why in found.cudnn_obstacles.items()]
    yield Finding("cuDNN", OK, "; ".join(said), figures={cell: not why for cell, why in found.cudnn_obstacles.items()})
    rate = f"{found.notes_per_second:,.0f} notes a second with 2 x 256 units, after {found.seconds_to_compile:.0f} s to compile"
    rates = {"notes_per_second": found.notes_per_second, "seconds_to_compile": found.seconds_to_compile}
    nats = f"{found.first_nats:.2f} to {found.last_nats:.2f} nats a note in {found.steps} steps"
    if found.has_learned:
        yield Finding("learning", OK, f"{rate}; from {nats}", figures=rates)
    else:
        yield Finding("learning", BROKEN, f"{rate}, but nothing was learned: from {nats}", INSTALL, rates)
    if narrow is not None:
        yield _precision(found.step_seconds / narrow.step_seconds)


def _precision(ratio: float) -> Finding:
    what = f"a step is {ratio:.2f} times as fast with bfloat16 in the recurrent layers' products"
    chosen = faster_precision()
    what += f"; `train` takes {chosen} here"
    other, gain = (PRECISIONS[0], 1 / ratio) if chosen == PRECISIONS[1] else (PRECISIONS[1], ratio)
    advice = f"`train --precision {other}` learns faster" if gain >= WORTH_IT else ""
    return Finding("precision", NOTE if advice else OK, what, advice, {"bfloat16_per_float32": ratio})


def _tried(configuration: Configuration, takes: list[Piece], seconds: float):
    """A `Trial`, and another in bfloat16 where the hardware knows that, or None."""
    from musicgen.learning.batches import example_of
    from musicgen.learning.devices import multiplies_bfloat16
    from musicgen.learning.trial import trial

    examples = [example_of(encode(take), configuration.vocabulary, configuration.slots) for take in takes]
    if not multiplies_bfloat16():
        return trial(examples, configuration, seconds), None
    return tuple(trial(examples, configuration, seconds / 2, Schedule(precision=precision)) for precision in PRECISIONS)


def _sentence(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]

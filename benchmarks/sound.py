"""How soon a piece can be heard: four-part music to samples, with the soundfont that comes along, beside the synthesizer of sine waves.

The music is drawn at random: four voices of a choir, each one note at a time, quarter notes for the most part. What a file costs is printed too.
"""

import argparse
import time
from collections.abc import Callable
from functools import partial

from side_by_side import Row, Spread, alternate, machine, ratios, show

import musicgen.cli  # noqa: F401  sets what NumPy's threads must be told before it loads

import numpy as np  # isort: skip

from musicgen.listening.audio import FORMATS, RATE, encoded, render
from musicgen.listening.soundfont import Soundfont, default_soundfont
from musicgen.piece import Note, Part, Piece, Tempo

VOICES = (("Soprano", 60, 81), ("Alto", 55, 74), ("Tenor", 48, 69), ("Bass", 40, 62))
CHOIR = 52  # General MIDI program
TEMPO = 80.0  # quarter notes a minute
LENGTHS = (6, 12, 12, 24)  # steps


def chorale(rng: np.random.Generator, minutes: float) -> Piece:
    """Four voices that walk at random."""
    steps = round(minutes * TEMPO * 12)
    return Piece(tuple(Part(name, CHOIR, False, voice(rng, low, high, steps)) for name, low, high in VOICES), tempos=(Tempo(0, TEMPO),))


def voice(rng: np.random.Generator, low: int, high: int, steps: int) -> tuple[Note, ...]:
    """One note after the other between two pitches."""
    notes, onset, pitch = [], 0, (low + high) // 2
    while onset < steps:
        duration = min(int(rng.choice(LENGTHS)), steps - onset)
        pitch = int(np.clip(pitch + rng.integers(-4, 5), low, high))
        notes.append(Note(onset, pitch, duration))
        onset += duration
    return tuple(notes)


def seconds_of(work: Callable[[], object]) -> float:
    """Wall time."""
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=1.0, help="length of the music (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="default: %(default)s, after one that does not count")
    parser.add_argument("--json", action="store_true", dest="as_json")
    arguments = parser.parse_args()
    path = default_soundfont()
    if path is None:
        raise SystemExit("pretty_midi, with its soundfont, is not installed")
    soundfont = Soundfont.of(path.read_bytes(), path)
    piece = chorale(np.random.default_rng(0), arguments.minutes)
    processor: list[float] = []

    def sampled(_: int) -> float:
        begin = time.process_time()
        seconds = seconds_of(lambda: render(piece, soundfont))
        processor.append(time.process_time() - begin)
        return seconds

    def computed(_: int) -> float:
        return seconds_of(lambda: render(piece))

    alternate(sampled, computed, 1)  # the first round loads what the others find
    processor.clear()
    pairs = alternate(sampled, computed, arguments.rounds)
    samples = render(piece, soundfont)
    rows = [
        Row("seconds of music / seconds to render", Spread.of(piece.seconds / ours for ours, _ in pairs)),
        Row("the same by the processor's time", Spread.of(piece.seconds / seconds for seconds in processor)),
        Row("soundfont / sine waves, wall time", ratios(pairs)),
        Row("wall time with the soundfont", Spread.of(ours for ours, _ in pairs), "s"),
        Row("wall time of the sine waves", Spread.of(theirs for _, theirs in pairs), "s"),
        *(Row(f"wall time to write {kind}", Spread.of([seconds_of(partial(encoded, samples, kind))]), "s") for kind in FORMATS),
    ]
    notes = [
        f"{piece.num_notes} notes in 4 parts, {piece.seconds:.1f} s of music, {len(samples) / RATE:.1f} s of sound, soundfont {path.name}",
        f"{len(pairs)} rounds; each sound file was written once",
    ]
    show("sound: four-part music to samples", rows, notes, machine(["numpy", "midirenderer", "soundfile"]), arguments.as_json)


if __name__ == "__main__":
    main()

"""Who reads what: pretty_midi, symusic, mido, music21 and this program on the odd and hostile files that tests/hostile.py makes.

Each reader gets each file in a process of its own, with 2 GB of memory and 20 seconds of the processor, and says the notes in quarter notes. What is
in a file is known. "reads" is just those notes; "loses" is fewer or none without a word; "misreads" is other ones, or music where there is
none that can be trusted (a tick bomb, say); "refuses" is any exception of Python; "hangs" and "crashes" are the end of the process, for memory
too. mido has messages and no notes: they are paired here, the oldest note of a pitch first.

    python benchmarks/readers.py
"""

import argparse
import io
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

os.environ["OPENBLAS_NUM_THREADS"] = "1"
ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

SECONDS, WALL_SECONDS, MEMORY_BYTES = 20, 300, 2_000_000_000
TOLERANCE = 0.02  # quarter notes
SUFFIXES = {"score": ".musicxml", "tune": ".abc", "kern": ".krn", "zip": ".zip", "billion": ".musicxml", "foreign-entity": ".musicxml", "web": ".xml"}
RIGHT = {"reads", "refuses as it should"}
Notes = list[tuple[float, int, float]]  # onset, pitch, duration; quarter notes


def with_pretty_midi(path: Path) -> Notes:
    import pretty_midi

    song = pretty_midi.PrettyMIDI(io.BytesIO(path.read_bytes()))
    notes = [note for instrument in song.instruments for note in instrument.notes]
    spans = [(song.time_to_tick(note.start), note.pitch, song.time_to_tick(note.end)) for note in notes]
    return [(begin / song.resolution, pitch, (end - begin) / song.resolution) for begin, pitch, end in spans]


def with_symusic(path: Path) -> Notes:
    import symusic

    score = symusic.Score.from_midi(path.read_bytes())
    quarter = score.ticks_per_quarter
    return [(note.time / quarter, note.pitch, note.duration / quarter) for track in score.tracks for note in track.notes]


def with_mido(path: Path) -> Notes:
    import mido

    song = mido.MidiFile(file=io.BytesIO(path.read_bytes()))
    notes: Notes = []
    for track in song.tracks:
        at = 0
        sounding: dict[tuple[int, int], list[int]] = {}
        for message in track:
            at += message.time
            if message.type in ("note_on", "note_off"):
                begun = sounding.setdefault((message.channel, message.note), [])
                if message.type == "note_on" and message.velocity:
                    begun.append(at)
                elif begun:
                    begin = begun.pop(0)
                    notes.append((begin / song.ticks_per_beat, message.note, (at - begin) / song.ticks_per_beat))
    return notes


def with_music21(path: Path) -> Notes:
    from music21 import converter

    score = converter.parse(path, forceSource=True, storePickle=False)
    found = [(element.getOffsetInHierarchy(score), element) for element in score.recurse().notes]
    return [(float(at), pitch.midi, float(element.quarterLength)) for at, element in found for pitch in element.pitches]


def with_this_program(path: Path) -> Notes:
    from musicgen.reading.formats import read_music

    pieces = [reading.piece for reading in read_music(path.read_bytes(), path.name)]
    return [(n.onset / p.steps_per_quarter, n.pitch, n.duration / p.steps_per_quarter) for p in pieces for part in p.parts for n in part.notes]


READERS: dict[str, Callable[[Path], Notes]] = {
    "pretty_midi": with_pretty_midi,
    "symusic": with_symusic,
    "mido": with_mido,
    "music21": with_music21,
    "this program": with_this_program,
}


def serve(reader: str, path: Path) -> None:
    """Be the process that reads: the notes as JSON, or null and why not."""
    import resource
    import warnings

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS + 1))
    warnings.simplefilter("ignore")
    try:
        print(json.dumps(READERS[reader](path)))
    except MemoryError:
        os._exit(99)
    except Exception as error:
        print(json.dumps(f"{type(error).__name__}: {error}"[:200]))


def outcome_of(reader: str, path: Path, expected: Notes | tuple[str, ...]) -> str:
    """What a reader makes of a file, in a word."""
    command = [sys.executable, __file__, "--reader", reader, str(path)]
    try:
        child = subprocess.run(command, capture_output=True, text=True, timeout=WALL_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return "hangs"
    if child.returncode:
        return "hangs" if child.returncode == -signal.SIGXCPU else "crashes"
    notes = json.loads(child.stdout.splitlines()[-1])
    if isinstance(notes, str):
        return "refuses as it should" if isinstance(expected, tuple) else "refuses"
    if isinstance(expected, tuple):
        return "misreads" if notes else "loses"
    if len(notes) < len(expected):
        return "loses"
    pairs = list(zip(sorted(notes), sorted(expected), strict=False))
    return "reads" if len(notes) == len(expected) and all(_is_same(*pair) for pair in pairs) else "misreads"


def _is_same(found: tuple[float, int, float], true: tuple[float, int, float]) -> bool:
    """A note without a length may be given any, up to a quarter note."""
    has_length = abs(found[2] - true[2]) < TOLERANCE or (true[2] < 0.1 and 0 < found[2] <= 1)
    return abs(found[0] - true[0]) < TOLERANCE and found[1] == true[1] and has_length


def main() -> None:
    """Read everything with everybody, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("path", type=Path, nargs="?", help=argparse.SUPPRESS)
    parser.add_argument("--reader", choices=list(READERS), help=argparse.SUPPRESS)
    parser.add_argument("--json", action="store_true", dest="as_json")
    arguments = parser.parse_args()
    if arguments.reader:
        serve(arguments.reader, arguments.path)
        return
    from hostile import HOSTILE, MIDI_FILES  # type: ignore[import-not-found]

    table: dict[str, dict[str, str]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, (content, expected) in HOSTILE.items():
            suffix = next((suffix for start, suffix in SUFFIXES.items() if name.startswith(start)), ".mid")
            path = Path(folder, name + suffix)
            path.write_bytes(content)
            readers = READERS if name in MIDI_FILES else {"music21", "this program"}
            table[name] = {reader: outcome_of(reader, path, expected) for reader in READERS if reader in readers}
            if not arguments.as_json:
                print(f"| {name} | " + " | ".join(table[name].get(reader, "") for reader in READERS) + " |", flush=True)
    if arguments.as_json:
        print(json.dumps(table, indent=2))
        return
    for which, names in (("MIDI", MIDI_FILES), ("others", HOSTILE.keys() - MIDI_FILES.keys())):
        for reader in READERS:
            counts = Counter(table[name][reader] for name in names if reader in table[name])
            right = sum(counts[outcome] for outcome in RIGHT)
            if counts:
                print(f"{which}, {reader}: right with {right} of {counts.total()}; " + ", ".join(f"{n} {what}" for what, n in counts.most_common()))


if __name__ == "__main__":
    main()

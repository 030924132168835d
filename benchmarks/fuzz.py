"""Throws damaged MIDI files at the reader: bytes that are changed, put in, left out, repeated and mixed, many at once.

Each input must give pieces that keep the laws (times at least 0, durations at least 1, pitches 0 to 127, finite tempi, and equal again when written
and read), or be refused with a reason, within seconds. A child process reads, so that a crash or a hang costs one input, and is counted.

    python benchmarks/fuzz.py 100000 --random-seed 1
"""

import argparse
import math
import os
import random
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

os.environ["OPENBLAS_NUM_THREADS"] = "1"
ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

SECONDS = 20  # of the processor, for one input
LIKELY = (0x00, 0x01, 0x3C, 0x7F, 0x80, 0x90, 0x99, 0xC0, 0xE0, 0xF0, 0xF7, 0xF8, 0xFF)  # bytes that mean something
LONGEST = 20_000  # bytes of an input
SOON_WRITTEN = 20_000  # steps, of a piece that is written again: the longest would take seconds each


def seeds() -> list[bytes]:
    """What is damaged: a song with all that MIDI has, and the small ones of the odd files."""
    from hostile import MIDI_FILES, midi  # type: ignore[import-not-found]

    song = midi(
        "00 FF 58 04 03 02 18 08  00 FF 51 03 07 A1 20  00 FF 59 02 02 00  60 FF 58 04 04 02 18 08  83 00 FF 51 03 0A 2C 2B  00 FF 2F 00",
        "00 FF 03 01 41  00 C0 28  " + "00 90 3C 50 30 3C 00 00 40 60 18 40 00 " * 8 + "00 F0 03 01 02 F7  10 E0 01 02  00 B0 40 7F  00 FF 2F 00",
        "00 C1 2A  " + "00 91 30 50 00 34 50 00 37 50 83 00 30 00 00 34 00 00 37 00 " * 4 + "00 FF 2F 00",
        "00 99 24 50  08 89 24 00  " * 6 + "00 FF 01 05 68 65 6C 6C 6F  00 FF 2F 00",
    )
    return [song] * 8 + [content for content, _ in MIDI_FILES.values() if 14 < len(content) < LONGEST]


def damaged(sources: list[bytes], number: int, random_seed: int) -> bytes:
    """The input of a number, always the same."""
    chance = random.Random(f"{random_seed}/{number}")
    content = bytearray(chance.choice(sources))
    for _ in range(chance.choice((1, 1, 2, 3, 5, 8, 20))):
        at = chance.randrange(len(content) + 1)
        length = min(chance.choice((1, 1, 2, 4, 8, 30, 200)), len(content) - at)
        byte = chance.choice(LIKELY) if chance.random() < 0.6 else chance.randrange(256)
        change = chance.randrange(7)
        if change <= 1 and at < len(content):
            content[at] = byte
        elif change == 2 and at < len(content):
            content[at] ^= 1 << chance.randrange(8)
        elif change == 3:
            content[at:at] = bytes([byte]) * chance.choice((1, 1, 2, 4, 300))
        elif change == 4:
            del content[at : at + length]
        elif change == 5:
            content[at:at] = content[at : at + length] * chance.choice((1, 2, 50))
        else:
            other = chance.choice(sources)
            begin = chance.randrange(len(other))
            content[at : at + length] = other[begin : begin + length]
        del content[LONGEST:]
    return bytes(content)


def check(content: bytes) -> str:
    """What became of an input: "read", or why it was refused. Raises AssertionError where a law is broken."""
    from musicgen.listening.midi import midi_bytes
    from musicgen.reading.formats import read_each
    from musicgen.reading.midi import read_midi
    from musicgen.reading.readings import Refusal

    reason = ""
    for result in read_each(content):
        if isinstance(result, Refusal):
            reason = reason or result.error.reason.value
            continue
        piece = result.piece
        assert piece.num_notes > 0
        assert all(note.onset >= 0 and note.duration >= 1 and 0 <= note.pitch < 128 for part in piece.parts for note in part.notes)
        assert all(math.isfinite(tempo.quarters_per_minute) and tempo.quarters_per_minute > 0 for tempo in piece.tempos)
        assert 0 <= result.moved_median_ms <= result.moved_most_ms < math.inf
        if piece.end < SOON_WRITTEN:
            assert read_midi(midi_bytes(piece)) == piece, "another piece when written and read again"
        reason = "read"
    return reason


def serve(first: int, after: int, random_seed: int, place: Path) -> None:
    """Be the child: read the inputs, and leave in a file how far it came, for whoever finds it dead."""
    sources, outcomes = seeds(), Counter[str]()
    with open(place, "wb", buffering=0) as file:
        for number in range(first, after):
            file.seek(0)
            file.write(b"%20d" % number)
            signal.setitimer(signal.ITIMER_PROF, SECONDS)  # and it ends
            try:
                outcomes[check(damaged(sources, number, random_seed))] += 1
            except Exception as error:
                outcomes["BROKEN"] += 1
                print(f"input {number} of random seed {random_seed}: {type(error).__name__}: {str(error)[:200]}", file=sys.stderr)
    for outcome, count in outcomes.items():
        print(count, outcome)


def main() -> None:
    """Fuzz and count."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("count", type=int, nargs="?", default=10_000, help="inputs (default: %(default)s)")
    parser.add_argument("--random-seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0, help="number of the first input")
    parser.add_argument("--show", type=int, metavar="NUMBER", help="print an input in hexadecimal instead")
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.show is not None:
        print(damaged(seeds(), arguments.show, arguments.random_seed).hex(" "))
        return
    after = arguments.first + arguments.count
    if arguments.child:
        serve(arguments.first, after, arguments.random_seed, arguments.child)
        return
    outcomes = Counter[str]()
    with tempfile.TemporaryDirectory() as folder:
        place, batch, first = Path(folder, "place"), 5_000, arguments.first
        while first < after:
            here = min(batch, after - first)
            command = [sys.executable, __file__, f"{here}", "--first", f"{first}", "--random-seed", f"{arguments.random_seed}", "--child", str(place)]
            child = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
            if child.returncode:  # what it had counted before is lost with it: it is read again, without what broke it
                broken = int(place.read_bytes())
                outcomes["HANGS" if child.returncode == -signal.SIGPROF else "CRASHES"] += 1
                print(f"input {broken} of random seed {arguments.random_seed}: exit code {child.returncode}", file=sys.stderr)
                after_broken, here = broken + 1, broken - first
                if here:
                    outcomes.update(_counted(first, here, arguments.random_seed, place))
                first = after_broken
                continue
            outcomes.update(_parsed(child.stdout))
            first += here
    for outcome, count in outcomes.most_common():
        print(f"{count:>9,}  {outcome}")
    print(f"{outcomes.total():>9,}  inputs")
    sys.exit(bool(outcomes["BROKEN"] + outcomes["HANGS"] + outcomes["CRASHES"]))


def _counted(first: int, count: int, random_seed: int, place: Path) -> Counter[str]:
    command = [sys.executable, __file__, f"{count}", "--first", f"{first}", "--random-seed", f"{random_seed}", "--child", str(place)]
    return _parsed(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout)


def _parsed(said: str) -> Counter[str]:
    return Counter({outcome: int(count) for count, outcome in (line.split(" ", 1) for line in said.splitlines())})


if __name__ == "__main__":
    main()

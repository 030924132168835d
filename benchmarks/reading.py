"""How fast music is read: MIDI files to ids by this program, and to REMI tokens by MidiTok, one process each, one thread.

Both read every file from its path to the whole numbers that a network learns from. This program's vocabulary comes from the corpus,
and is made before the clock starts, as MidiTok's comes from its settings.
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

os.environ["OPENBLAS_NUM_THREADS"] = "1"

from side_by_side import Row, Spread, Target, alternate, machine, ratios, show


def this_program(corpus: Path) -> tuple[int, Callable[[], int]]:
    """The number of files, and a function that reads them all and returns the notes."""
    from musicgen.encoding.tokens import encode
    from musicgen.encoding.vocabulary import Vocabulary
    from musicgen.reading.finding import find_files
    from musicgen.reading.midi import read_midi_file

    files = find_files([corpus])
    vocabulary = Vocabulary.of(encode(read_midi_file(file)) for file in files)
    return len(files), lambda: sum(len(vocabulary.ids(encode(read_midi_file(file)), goes_on=0)) for file in files)


def miditok(corpus: Path) -> tuple[int, Callable[[], int]]:
    """The number of files, and a function that reads them all and returns the tokens."""
    from miditok import REMI, TokenizerConfig

    from musicgen.reading.finding import find_files

    files = find_files([corpus])
    tokenizer = REMI(TokenizerConfig(use_programs=True, one_token_stream_for_programs=True))
    return len(files), lambda: sum(len(tokenizer(file).ids) for file in files)


READERS = {"this program": this_program, "miditok": miditok}


class Reader:
    """A process that reads the corpus each time it is asked to, and says how many seconds that took."""

    def __init__(self, name: str, corpus: Path) -> None:
        command = [sys.executable, "-W", "ignore", __file__, str(corpus), "--reader", name]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.num_files = int(self._answer())

    def seconds(self, number: int) -> float:
        """Read everything once more."""
        assert self._process.stdin is not None
        print("again", file=self._process.stdin, flush=True)
        seconds, self.num_symbols = map(float, self._answer().split())
        return seconds

    def _answer(self) -> str:
        assert self._process.stdout is not None
        if not (line := self._process.stdout.readline()):
            raise SystemExit(f"the reader stopped with code {self._process.wait()}")
        return line

    def close(self) -> None:
        """Let the process end."""
        self._process.communicate()


def serve(name: str, corpus: Path) -> None:
    """Be a Reader's process."""
    num_files, read_all = READERS[name](corpus)
    print(num_files, flush=True)
    for _ in sys.stdin:
        begin = time.perf_counter()
        num_symbols = read_all()
        print(time.perf_counter() - begin, num_symbols, flush=True)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path, help="a folder of MIDI files")
    parser.add_argument("--rounds", type=int, default=9, help="default: %(default)s, after one that does not count")
    parser.add_argument("--json", action="store_true", dest="as_json")
    parser.add_argument("--reader", choices=list(READERS), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.reader:
        return serve(arguments.reader, arguments.corpus)
    ours, theirs = (Reader(name, arguments.corpus) for name in READERS)
    alternate(ours.seconds, theirs.seconds, 1)
    pairs = alternate(ours.seconds, theirs.seconds, arguments.rounds)
    rows = [
        Row("files a second, this program / MidiTok", ratios((theirs, ours) for ours, theirs in pairs), "times", Target(True, 1)),
        Row("this program", Spread.of(ours.num_files / seconds for seconds, _ in pairs), "files/s"),
        Row("MidiTok", Spread.of(theirs.num_files / seconds for _, seconds in pairs), "files/s"),
    ]
    notes = [
        f"{arguments.corpus.resolve().name}: {ours.num_files} files, {ours.num_symbols:,.0f} notes, {theirs.num_symbols:,.0f} tokens of REMI",
        f"{len(pairs)} rounds",
    ]
    ours.close()
    theirs.close()
    show("reading: MIDI files to ids, beside MidiTok's REMI", rows, notes, machine(["numpy", "symusic", "miditok"]), arguments.as_json)
    return None


if __name__ == "__main__":
    main()

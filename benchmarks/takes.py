"""Judged takes: faults before and after they are tried again, lengths, endings and copies beside the corpus', and replay.

    python benchmarks/takes.py chorales --takes 1000 --corpus corpus/bach-chorales

Each take is one of `generate` at its default settings. A take replays equal if the settings in its file give the same bytes, alone, in another
process.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import click

from musicgen.cli.copies import index_of
from musicgen.cli.models import model_path, model_title, open_model
from musicgen.composing.record import Record, find_record
from musicgen.composing.request import Request
from musicgen.composing.takes import TRIES, Judge, Take, play_takes
from musicgen.judging.faults import Facts, find_faults
from musicgen.judging.key import estimate_key
from musicgen.judging.originality import UsualCopying
from musicgen.listening.midi import midi_bytes
from musicgen.piece import Piece
from musicgen.reading.finding import find_files
from musicgen.reading.midi import read_midi_file
from musicgen.reading.texts import read_texts

REPLAY = "import sys; from benchmarks.takes import replay; replay(sys.argv[1], sys.argv[2:])"


@click.command()
@click.argument("model_name", metavar="MODEL")
@click.option("--takes", type=click.IntRange(1), default=1000, show_default=True)
@click.option("--random-seed", type=click.IntRange(0), default=0, show_default=True, help="Of the first take.")
@click.option(
    "--corpus", type=click.Path(exists=True, path_type=Path), help="Pieces whose endings, and excerpts as long as a take, stand beside the takes."
)
@click.option("--threads", default="1,2", show_default=True, help="BLAS threads of the processes that replay.")
@click.option("--json", "as_json", is_flag=True)
def main(model_name: str, takes: int, random_seed: int, corpus: Path | None, threads: str, as_json: bool) -> None:
    """Play takes, judge them and replay them."""
    model = open_model(model_path(model_name))
    index = index_of(model)
    request = Request()
    judge = Judge(model, request, index)
    with tempfile.TemporaryDirectory() as folder:
        played: list[Take] = []
        for take in play_takes(judge, range(random_seed, random_seed + takes), TRIES):
            record = Record.of(take.piece, model, model_title(model_path(model_name)), request, take.attempt)
            Path(folder, f"{take.attempt.random_seed}.mid").write_bytes(midi_bytes(take.piece, record.to_text()))
            played.append(take)
        files = sorted(Path(folder).glob("*.mid"))
        same = {number: replays(model_name, files, number) for number in threads.split(",") if number}
    pieces = [read_midi_file(path) for path in find_files([corpus])] if corpus else []
    first = [take.rejected[0] if take.rejected else take.names for take in played]
    usual = index.usual if index else None
    figures = {
        "model": model_name,
        "takes": takes,
        "faults_before": shares(first),
        "faults_after": shares([take.names for take in played]),
        "tries_a_take": sum(take.attempt.number + 1 for take in played) / takes,
        "exact_length": sum(len(take.piece.bar_lines) == request.bars for take in played) / takes,
        "ends_on_tonic": sum(ends_on_tonic(take.piece) for take in played) / takes,
        "corpus_ends_on_tonic": sum(map(ends_on_tonic, pieces)) / len(pieces) if pieces else None,
        "faults_of_excerpts": shares([faults_of(one) for piece in pieces for one in excerpts(piece, request.bars)]) if pieces else None,
        "longest_run": UsualCopying.of(take.copied.figures for take in played if take.copied).num_notes if index else None,
        "longest_run_of_held_out": usual.num_notes if usual else None,
        "copied_share": UsualCopying.of(take.copied.figures for take in played if take.copied).share if index else None,
        "copied_share_of_held_out": usual.share if usual else None,
        "replayed_equal": same,
    }
    for name, value in figures.items():
        click.echo(json.dumps({name: value}) if not as_json else "", nl=not as_json)
    if as_json:
        click.echo(json.dumps(figures, indent=2))


def shares(faults: list[tuple[str, ...]]) -> dict[str, float]:
    """The share of takes with any fault and with each."""
    counts = Counter(name for names in faults for name in names)
    return {"any": sum(map(bool, faults)) / len(faults), **{name: count / len(faults) for name, count in counts.most_common()}}


def replays(model: str, files: list[Path], threads: str) -> int:
    """How many files come out equal in a process with so many BLAS threads."""
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": threads, "PYTHONPATH": os.pathsep.join(filter(None, (os.getcwd(), os.getenv("PYTHONPATH"))))}
    done = subprocess.run([sys.executable, "-c", REPLAY, model, *map(str, files)], env=environment, check=True, capture_output=True, text=True)
    return int(done.stdout)


def replay(model_name: str, files: list[str]) -> None:
    """Compose each file alone and print how many have the same bytes."""
    model = open_model(model_path(model_name))
    same = 0
    for file in files:
        content = Path(file).read_bytes()
        record, text = find_record(read_texts(content)) or (None, "")
        if record is not None:
            same += midi_bytes(record.play(model), text) == content
    print(same)


def ends_on_tonic(piece: Piece) -> bool:
    """Whether the lowest note that sounds last is the tonic of the key that fits the whole piece best."""
    last = [note for part in piece.parts if not part.is_drum for note in part.notes if note.end == piece.end]
    return bool(last) and min(note.pitch for note in last) % 12 == estimate_key(piece).tonic


def excerpts(piece: Piece, bars: int) -> Iterator[Piece]:
    """The piece in stretches of so many bars, cut off as they are; what is left of it is left out."""
    lines = (*piece.bar_lines, piece.end)
    for first, last in pairwise(lines[::bars]):
        excerpt = piece.between(first, last)
        yield replace(excerpt, parts=tuple(part for part in excerpt.parts if part.notes))


def faults_of(excerpt: Piece) -> tuple[str, ...]:
    """What would be wrong with an excerpt if it were a take that is cut off."""
    return tuple(dict.fromkeys(finding.fault for finding in find_faults(excerpt, Facts(closes=False))))


if __name__ == "__main__":
    main()

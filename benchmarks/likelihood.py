"""How well music is modelled: nats on the published benchmarks, by networks that this program trains on their training split.

DATA is gzipped JSON, {split: [piece: [frame: [MIDI pitches]]]}: 88-key rolls (a frame is the pitches that sound, rising), or voices (each frame
has the same number of pitches, -1 where a voice is silent). Each run of a pitch, in a voice or in the roll, is one note; a piece is its notes in
the program's own order and its end, its probability the product of their probabilities, each renormalized over what could have stood there. So
the figure is exact: nats of all pieces of the split divided by their frames, with a 95 % interval by a bootstrap over pieces. Networks are trained
on `train`, their best weights are chosen on `valid`, and no other split is looked at but the one that is asked for.
"""

import argparse
import json
import math
import os
import sys
import time
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before NumPy loads: its small products are slower on several
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
from benchmark_data import HIGHEST, SILENT, Data, DataError, floor, read_data, steps_of

from musicgen.encoding.context import Context, without
from musicgen.encoding.tokens import encode
from musicgen.encoding.vocabulary import DURATION, PITCH, TIME_SHIFT, Vocabulary
from musicgen.judging.likelihood import ESCAPE, interval, nats
from musicgen.learning.schedule import PRECISIONS
from musicgen.model.configuration import CELLS, LONGEST, Configuration
from musicgen.model.file import CorpusFacts, Model, ModelFileError, load_model, save_model
from musicgen.model.relative import POINTS, Relative

FORGETTABLE = {  # what a network can be trained without, as columns of its context
    "recall": ("familiar", "recalled"),
    "pitch-classes": ("recent", "own_recent"),
    "voice-leading": ("follows", "unfollowed", "leap"),
    "sounding": ("sounding", "num_sounding"),
    "bars": ("place", "bar", "next_place", "next_bar"),
}
COMPARISONS = {  # and as tables of what the values of a field are relative to
    "motion": ("by_motion",),
    "lags": ("by_lag",),
    "comparisons": ("by_place", "by_sounding", "by_age", "by_lag", "by_interval", "by_followed", "by_motion", "by_recent", "by_left", "by_recall"),
}
FARTHEST = 6  # semitones of transposition


def wide(vocabulary: Vocabulary) -> Vocabulary:
    """A vocabulary that can say what another split may hold: all lengths up to LONGEST quarters, and room to transpose."""
    values = list(vocabulary.values)
    lengths = range(LONGEST * vocabulary.steps_per_quarter + 1)
    values[TIME_SHIFT] = tuple(sorted({*values[TIME_SHIFT], *lengths}))
    values[DURATION] = tuple(sorted({*values[DURATION], *lengths[1:]}))
    values[PITCH] = tuple(range(values[PITCH][0] - FARTHEST, values[PITCH][-1] + FARTHEST + 1))
    pitches = tuple(tuple(range(own[0] - FARTHEST, own[-1] + FARTHEST + 1)) for own in vocabulary.pitches)
    return replace(vocabulary, values=tuple(values), pitches=pitches)


def train_network(data: Data, steps_per_quarter: int, arguments: argparse.Namespace, random_seed: int) -> Model:
    """A network that learned `train`, its weights chosen on `valid`."""
    from musicgen.learning.batches import example_of
    from musicgen.learning.schedule import Schedule
    from musicgen.learning.training import Training

    pieces = {split: data.pieces(split, steps_per_quarter) for split in ("train", "valid")}
    sequences = {split: [encode(piece) for piece in pieces[split]] for split in pieces}
    vocabulary = wide(Vocabulary.of(sequences["train"]))
    settings = {name: getattr(arguments, name) for name in ("cell", "layers", "units", "dropout") if getattr(arguments, name) is not None}
    configuration = Configuration(vocabulary, slots=min(8, sum(vocabulary.most_at_once)), **settings)
    examples = {split: [example_of(sequence, vocabulary, configuration.slots) for sequence in sequences[split]] for split in sequences}
    columns = forgotten(arguments)
    examples = {split: [example._replace(context=without(example.context, columns)) for example in examples[split]] for split in examples}
    learned = [example._replace(lowest=-arguments.transpose, highest=arguments.transpose) for example in examples["train"]]
    facts = CorpusFacts.of(arguments.data.name, "", pieces["train"])
    schedule = Schedule(
        minutes=arguments.minutes,
        epochs=None if arguments.minutes else arguments.epochs,
        random_seed=random_seed,
        precision=arguments.precision,
        **({"learning_rate": arguments.learning_rate} if arguments.learning_rate else {}),
    )
    best: Model | None = None
    training = Training(configuration, learned, examples["valid"], schedule)
    for epoch in training.run():
        if epoch.held_out is None:
            continue
        if epoch.improved:
            history = {"random_seed": random_seed, "epoch": epoch.number, "minutes": epoch.seconds / 60, "transpose": arguments.transpose}
            best = Model(configuration, training.weights(), facts, epoch.held_out, history)
        now = f"random seed {random_seed}, epoch {epoch.number}, {epoch.seconds / 60:.1f} min"
        nats_a_note = f"{sum(epoch.held_out.values()):.4f} nats a note on valid, best {epoch.best_nats:.4f}, {epoch.training_nats:.3f} in training"
        print(f"{now}: {nats_a_note}", file=sys.stderr, flush=True)
    assert best is not None, "the first figure is the best so far"
    return best


def forgotten(arguments: argparse.Namespace) -> list[str]:
    """The columns of the context that are left out."""
    return [column for what in arguments.without for column in FORGETTABLE.get(what, ())]


def compare_less(tables: set[str]) -> None:
    """From now on all comparisons by these tables give nothing, in training and in judging."""
    compare = Relative.compare

    def less(self: Relative, field: int, note: np.ndarray, around: Context) -> dict[str, np.ndarray]:
        return {
            name: np.full_like(keys, nothing(self, field, name)) if name in tables else keys
            for name, keys in compare(self, field, note, around).items()
        }

    Relative.compare = less  # type: ignore[method-assign]


def nothing(relative: Relative, field: int, table: str) -> int:
    """The key of a table that stands for nothing."""
    size, count = relative.sizes[field][table], relative.vocabulary.sizes[field]
    if table in POINTS:
        return size * (count + 1) + count
    return 0 if (field, table) in relative.index or table == "by_recent" else size


def models_of(data: Data, steps_per_quarter: int, arguments: argparse.Namespace) -> list[Model]:
    """The networks: those that lie in the folder, and the missing ones trained."""
    models = []
    for random_seed in range(arguments.random_seed, arguments.random_seed + arguments.networks):
        name = "-".join([arguments.data.name.split(".")[0], *(f"without-{what}" for what in arguments.without), str(random_seed)])
        path = arguments.keep and arguments.keep / f"{name}.safetensors"
        if path and path.exists():
            try:
                models.append(load_model(path))
            except ModelFileError as error:
                raise SystemExit(f"{path}: {error}") from None
            continue
        models.append(train_network(data, steps_per_quarter, arguments, random_seed))
        if path:
            path.parent.mkdir(parents=True, exist_ok=True)
            save_model(models[-1], path)
    return models


def measure(data: Data, models: list[Model], steps_per_quarter: int, arguments: argparse.Namespace) -> dict:
    """The figures of a split."""
    frames = np.array([len(piece) for piece in data.frames(arguments.split)])
    pieces = data.pieces(arguments.split, steps_per_quarter)
    begin = time.monotonic()
    engines = [model.engine for model in models]
    judged = nats(
        engines,
        pieces,
        transpositions=range(-arguments.averaged, arguments.averaged + 1),
        most_at_once=HIGHEST if data.num_voices is None else 1,
        repeats=False,
        forgotten=forgotten(arguments),
    )
    silence = [trailing_silence(frames) for frames in data.frames(arguments.split)]
    surprise = np.array([rows.sum() + nats_of_silence for rows, nats_of_silence in zip(judged, silence, strict=True)])
    fields = sum(rows.sum(axis=0) for rows in judged)
    voices = data.num_voices or 0
    low, high = interval(surprise, frames, np.random.default_rng(0))
    per_frame = float(surprise.sum() / frames.sum())
    return {
        "data": arguments.data.name,
        "split": arguments.split,
        "nats_per_frame": per_frame,
        "low": low,
        "high": high,
        "nats_per_voice_step": per_frame / voices if voices else None,
        "low_per_voice_step": low / voices if voices else None,
        "high_per_voice_step": high / voices if voices else None,
        "nats_per_frame_by_field": dict(zip(("time_shift", "part", "pitch", "duration"), (fields / frames.sum()).tolist(), strict=False)),
        "floor_nats_per_frame": floor(data, arguments.split),
        "frames": int(frames.sum()),
        "pieces": len(frames),
        "notes": sum(piece.num_notes for piece in pieces),
        "without": arguments.without,
        "networks": len(models),
        "transpositions": 2 * arguments.averaged + 1,
        "training_minutes": sum(model.training["minutes"] for model in models),
        "judging_seconds": time.monotonic() - begin,
    }


def shown(figures: dict) -> str:
    """The figures, to read."""
    lines = [
        f"{figures['data']}, {figures['split']}: {figures['pieces']} pieces, {figures['frames']:,} frames, {figures['notes']:,} notes",
        f"{figures['nats_per_frame']:.4f} nats a frame (95 %: {figures['low']:.4f} to {figures['high']:.4f})",
    ]
    if figures["nats_per_voice_step"] is not None:
        low, high = figures["low_per_voice_step"], figures["high_per_voice_step"]
        lines.append(f"{figures['nats_per_voice_step']:.4f} nats a voice and frame (95 %: {low:.4f} to {high:.4f})")
    lines.append("by field: " + ", ".join(f"{name} {value:.4f}" for name, value in figures["nats_per_frame_by_field"].items()))
    lines.append(f"without memory: {figures['floor_nats_per_frame']:.4f} nats a frame")
    networks = f"{figures['networks']} networks, {figures['transpositions']} transpositions averaged"
    lines.append(f"{networks}; the weights kept stood after {figures['training_minutes']:.1f} minutes, judged in {figures['judging_seconds']:.0f} s")
    return "\n".join(lines)


def trailing_silence(frames: list[list[int]]) -> float:
    """Nats to say how many empty frames follow a piece's last note, which its notes do not."""
    sounding = [step for step, frame in enumerate(frames) if set(frame) - {SILENT}]
    empty = len(frames) - 1 - (sounding[-1] if sounding else -1)
    return -math.log(ESCAPE / (empty * (empty + 1))) if empty else -math.log1p(-ESCAPE)


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--split", default="valid", help="to judge (default: %(default)s)")
    parser.add_argument("--networks", type=int, default=1, help="to train, of as many random seeds, and to average (default: %(default)s)")
    parser.add_argument("--random-seed", type=int, default=0, help="of the first (default: %(default)s)")
    parser.add_argument("--epochs", type=int, default=32, help="of training each: the same on a busy machine (default: %(default)s)")
    parser.add_argument("--minutes", type=float, help="of training each, instead of epochs")
    parser.add_argument("--keep", type=Path, help="a folder to keep the networks in; those that lie there are not trained again")
    parser.add_argument("--steps-per-quarter", type=int, help="frames a quarter note (default: by the file's name, else 4)")
    parser.add_argument("--transpose", type=int, choices=range(FARTHEST + 1), help="semitones at most in training (default: 6, rolls 0)")
    parser.add_argument("--averaged", type=int, default=0, choices=range(FARTHEST + 1), help="semitones up and down, to average (default: 0)")
    parser.add_argument(
        "--without", action="append", default=[], choices=[*FORGETTABLE, *COMPARISONS], help="leave this out of what the network is told"
    )
    parser.add_argument("--cell", choices=CELLS)
    parser.add_argument("--layers", type=int)
    parser.add_argument("--units", type=int)
    parser.add_argument("--dropout", type=float)
    parser.add_argument("--learning-rate", type=float)
    parser.add_argument("--precision", choices=PRECISIONS, default=PRECISIONS[0], help="of the recurrent layers' products (default: %(default)s)")
    parser.add_argument("--json", action="store_true", dest="as_json")
    return parser


def main() -> None:
    """Measure and print."""
    arguments = parser().parse_args()
    try:
        data = read_data(arguments.data)
        for split in (arguments.split, "train", "valid"):
            data.frames(split)
    except DataError as error:
        raise SystemExit(f"{arguments.data}: {error}") from None
    compare_less({table for what in arguments.without for table in COMPARISONS.get(what, ())})
    if arguments.transpose is None:
        arguments.transpose = 0 if data.num_voices is None else FARTHEST
    steps_per_quarter = arguments.steps_per_quarter or steps_of(arguments.data)
    figures = measure(data, models_of(data, steps_per_quarter, arguments), steps_per_quarter, arguments)
    print(json.dumps(figures, indent=2) if arguments.as_json else shown(figures))


if __name__ == "__main__":
    main()

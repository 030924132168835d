"""A comparison at work: a corpus, all trainings in order, what is known so far, and where it is kept."""

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np

from musicgen.cli import compared
from musicgen.cli.console import FAILURE, CommandError, clock, say, status_line, without_native_messages, write_file
from musicgen.cli.corpora import corpus_name, facts_of, lessons_of, read_corpus
from musicgen.cli.models import open_model
from musicgen.encoding.tokens import encode
from musicgen.encoding.vocabulary import Vocabulary
from musicgen.judging.lookback import heard, nats
from musicgen.judging.ngram import NGram
from musicgen.learning.schedule import Schedule
from musicgen.model.configuration import Configuration, num_parameters
from musicgen.model.file import CorpusFacts, Model, save_model
from musicgen.reading.selection import Selection

DOCUMENT = "comparison.json"


def model_name(cell: str, random_seed: int) -> str:
    """The file of what a training learned, in the folder of the comparison."""
    return f"{cell}-{random_seed}.safetensors"


class Comparison:
    """All trainings of a comparison, in order, and what is known so far."""

    def __init__(self, folder: Path | None, settings: dict, quiet: bool) -> None:
        """Read the corpus. Raises CommandError."""
        self.settings, self.quiet = settings, quiet
        self._has_estimated = False
        self.folder = folder or Path()
        folders = [Path(name) for name in settings["corpora"]]
        self.name = corpus_name(folders)
        self.corpus = read_corpus(folders, Selection(), quiet)
        self.learned, self.held_out = lessons_of(self.corpus)
        self.sequences = [encode(piece) for piece in (*self.learned, *self.held_out)]
        self.vocabulary = Vocabulary.of(self.sequences)
        self.every = [(cell, seed) for seed in range(settings["random_seeds"]) for cell in settings["cells"]]
        corpus = {"name": self.name, "fingerprint": self.corpus.fingerprint, "training": len(self.learned), "held_out": len(self.held_out)}
        parameters = {cell: num_parameters(self.configuration(cell)) for cell in settings["cells"]}
        self.document: dict = {"settings": settings, "corpus": corpus, "parameters": parameters, "floors": {}, "runs": [], "looks": {}}

    def configuration(self, cell: str) -> Configuration:
        slots, shape = min(8, sum(self.vocabulary.most_at_once)), {key: self.settings[key] for key in ("layers", "units", "dropout")}
        return Configuration(self.vocabulary, cell=cell, slots=slots, **shape)

    def run(self) -> None:
        """Train what is not trained yet, and write everything after each training. Raises CommandError."""
        if not self.document["floors"]:
            say("counting n-grams", self.quiet)
            self.document["floors"] = self.floors()
        done = {(run["cell"], run["random_seed"]) for run in self.document["runs"]}
        left = [one for one in self.every if one not in done]
        if self.settings["minutes"]:
            say(
                f"{len(left)} trainings of {self.settings['minutes']:g} minutes, {clock(60 * self.settings['minutes'] * len(left))} in all",
                self.quiet,
            )
        self.write()
        if not left and not self.unseen():
            return
        say("loading TensorFlow", self.quiet)
        with without_native_messages():
            from musicgen.learning.batches import example_of
            from musicgen.learning.fitting import wake

            wake()
        slots = self.configuration(self.settings["cells"][0]).slots
        examples = [example_of(sequence, self.vocabulary, slots) for sequence in self.sequences]
        self.look_at_the_unseen(examples)  # where the program was ended at that
        for number, (cell, seed) in enumerate(left):
            self.train(cell, seed, examples, len(left) - number - 1)
            self.write()
            self.look_at_the_unseen(examples)

    def unseen(self) -> dict[str, Path]:
        """A model of each cell that has been trained and not been looked at."""
        trained = {run["cell"]: run["random_seed"] for run in reversed(self.document["runs"]) if "nats_per_note" in run}
        return {cell: self.folder / model_name(cell, seed) for cell, seed in trained.items() if cell not in self.document["looks"]}

    def look_at_the_unseen(self, examples: list) -> None:
        """Raises CommandError."""
        for cell, path in self.unseen().items():
            say(f"looking at the gradient and at the history of the {cell}", self.quiet)
            self.document["looks"][cell] = self.look(open_model(path), examples[len(self.learned) :])
            self.write()

    def floors(self) -> dict:
        """Nats per note of the n-gram model, at its best order, and of the frequencies of values."""
        ids = [self.vocabulary.ids(sequence) for sequence in self.sequences]
        judged = NGram(ids[: len(self.learned)], self.vocabulary).nats(ids[len(self.learned) :])
        notes = sum(piece.num_notes for piece in self.held_out)
        per_order = judged.sum(axis=(1, 2)) / notes
        best = 1 + int(per_order[1:].argmin())
        return {
            "ngram": {"nats_per_note": float(per_order[best]), "order": best, "by_order": per_order.tolist()},
            "frequencies": {"nats_per_note": float(per_order[0])},
        }

    def train(self, cell: str, seed: int, examples: list, others: int) -> None:
        """One training, which may fail. `others` are still to come after it."""
        from musicgen.learning.training import Training, TrainingError

        settings, configuration = self.settings, self.configuration(cell)
        schedule = Schedule(minutes=settings["minutes"], epochs=settings["epochs"], learning_rate=settings["learning_rate"], random_seed=seed)
        training = Training(configuration, examples[: len(self.learned)], examples[len(self.learned) :], schedule)
        best = None
        try:
            for epoch in training.run():
                self._estimate(cell, epoch, others)
                if epoch.improved:
                    record = {"schedule": asdict(schedule), "epochs": epoch.number, "steps": epoch.steps, "minutes": round(epoch.seconds / 60, 2)}
                    best = Model(configuration, training.weights(), self._facts(), epoch.held_out or {}, record)
                if not self.quiet:
                    self._show(cell, seed, epoch, others)
        except TrainingError as error:
            self.document["runs"].append({"cell": cell, "random_seed": seed, "error": str(error)})
            return
        if best is None:
            return
        run = {"cell": cell, "random_seed": seed, "nats_per_note": best.held_out_nats_per_note, "nats_per_field": best.held_out_nats}
        self._write(model_name(cell, seed), best)
        self.document["runs"].append({**run, "training_nats": epoch.training_nats, "notes_per_second": epoch.notes_per_second, **best.training})

    def _estimate(self, cell: str, epoch, others: int) -> None:
        """Say once, after the first steps, how long all of it will take; by the clock that is known before."""
        if self._has_estimated or self.settings["minutes"] or epoch.seconds_left is None:
            return
        self._has_estimated = True
        seconds = epoch.seconds + epoch.seconds_left
        say(f"{clock(seconds)} for this training of the {cell}, so about {clock((1 + others) * seconds)} for all {1 + others}", self.quiet)

    def _show(self, cell: str, seed: int, epoch, others: int) -> None:
        """The progress line; a line that stays at the end of a training."""
        name = f"{cell}, random seed {seed}"
        if epoch.progress >= 1 and epoch.held_out is not None:
            said = f"{name}: {epoch.best_nats:.3f} nats per note after {epoch.number} epochs, {epoch.notes_per_second:,.0f} notes/s"
            return status_line(said, last=True)
        left = ""
        if epoch.seconds_left is not None:
            left = f"  {clock(epoch.seconds_left + others * (epoch.seconds + epoch.seconds_left))} left of all"
        best = f"  best {epoch.best_nats:.3f}" if epoch.best_nats < float("inf") else ""
        return status_line(f"{name}  epoch {epoch.number}  training {epoch.training_nats:.3f}{best}  {epoch.notes_per_second:,.0f} notes/s{left}")

    def look(self, model: Model, held_out: list) -> dict:
        """How the gradient fades, and the nats by the notes heard."""
        from musicgen.learning.fading import fading

        norms = fading(model.configuration, model.weights, held_out)
        notes = heard(self.held_out, self.vocabulary, model.configuration.slots, np.random.default_rng(0))
        found = [] if notes is None else list(nats(model.engine, notes))
        return {
            "gradient_norms": np.median(norms, axis=0).tolist() if len(norms) else [],
            "lookback": [{"notes": length, "state": state, "all": everything} for length, state, everything in found],
        }

    def write(self) -> None:
        """What is known so far."""
        write_file(self.folder / DOCUMENT, json.dumps(self.document, indent=2).encode())
        write_file(self.folder / "comparison.txt", compared.table_text(self.document).encode())
        write_file(self.folder / "comparison.csv", compared.table_csv(self.document).encode())
        write_file(self.folder / "comparison.svg", compared.drawing(self.document).encode())

    def _facts(self) -> CorpusFacts:
        return facts_of(self.name, self.corpus, self.learned, self.held_out)

    def _write(self, name: str, model: Model) -> None:
        try:
            save_model(model, self.folder / name)
        except OSError as error:
            raise CommandError(f"can't write the model into {self.folder}: {error.strerror or error}", FAILURE) from None

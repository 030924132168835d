"""A run at work: a training from where its folder says that it stands to its end, what is said of it, and what is kept on the way."""

from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from musicgen.cli import console
from musicgen.cli.console import FAILURE, INTERRUPTED, UNREADABLE, CommandError, say, status_line
from musicgen.cli.history import in_words, verdicts_of
from musicgen.cli.interruption import Interruption
from musicgen.cli.journal import Journal
from musicgen.cli.material import Material
from musicgen.cli.models import MODEL_NAME, model_path, open_model
from musicgen.cli.run_folder import CHECKPOINTS, Settings, resuming, saying_where
from musicgen.cli.specimens import Specimens
from musicgen.learning.checkpoints import Checkpoint, Checkpoints, agreed
from musicgen.learning.cluster import place
from musicgen.learning.inheritance import inherited
from musicgen.learning.position import Epoch, Position
from musicgen.learning.schedule import PATIENCE, PRECISIONS, Schedule
from musicgen.learning.trouble import TrainingError
from musicgen.model.configuration import num_parameters
from musicgen.model.file import Model, save_model

if TYPE_CHECKING:
    from musicgen.learning.fitting import Replicas
    from musicgen.learning.training import Training


class Run:
    """The training of one folder."""

    def __init__(self, folder: Path, settings: Settings, material: Material, interruption: Interruption, quiet: bool) -> None:
        self._folder, self._settings, self._material = folder, settings, material
        self._interruption, self._quiet = interruption, quiet
        self._schedule, self._checkpoints = schedule_of(settings.options), Checkpoints(folder / CHECKPOINTS)
        self._again = f"`{resuming(folder)}`"

    def learn(self) -> None:
        """Train to the end. Raises CommandError."""
        configuration = self._material.configuration
        what = f"{configuration.layers} x {configuration.units} {configuration.cell}, {num_parameters(configuration):,} parameters"
        say(f"{what}; run folder {self._folder}", self._quiet)
        try:
            training = self._training()
            from musicgen.cli.run_page import RunPage

            page = RunPage(self._folder, f"Learning {self._settings.name}", [f"{what}."])
            self._train(training, page)
        except TrainingError as error:
            best = f"; the best model so far is {self._folder / MODEL_NAME}" if (self._folder / MODEL_NAME).exists() else ""
            raise CommandError(f"{error}{best}", FAILURE) from None
        except KeyboardInterrupt:
            status_line("", last=True)
            raise CommandError(f"interrupted at once: {self._again} goes on from the last checkpoint", INTERRUPTED) from None
        with saying_where(self._folder, self._again):
            page.write([in_words(verdicts_of(self._folder))], is_last=True)
        self._end(training.position)

    def _training(self) -> "Training":
        """As it was when it was last saved, or before its first step. Raises CommandError."""
        material, options = self._material, self._settings.options
        replicas = self._replicas()
        from musicgen.learning.training import Training

        checkpoint = self._checkpoint(replicas)
        weights = None if checkpoint or not options["from"] else inherited(open_model(model_path(options["from"])), material.configuration)
        training = Training(material.configuration, material.encoded.training, material.encoded.held_out, self._schedule, weights, replicas)
        with saying_where(self._folder, self._again):
            if checkpoint:
                self._restore(training, checkpoint)
            else:
                self._checkpoints.save(training.good, training.good)  # which shows that there is room, too
        return training

    def _replicas(self) -> "Replicas":
        """What takes the steps. TensorFlow is slow to load, so it comes when what can go wrong before it has gone right."""
        say("loading TensorFlow", self._quiet)
        with console.without_native_messages():
            from musicgen.learning.devices import cudnn_obstacle, has_unused_gpu, num_gpus
            from musicgen.learning.distribution import found_replicas
            from musicgen.learning.fitting import wake

            replicas = found_replicas()
            wake()
        if self._schedule.precision != PRECISIONS[0]:
            say(f"the recurrent layers multiply in {self._schedule.precision}; --precision {PRECISIONS[0]} would not", self._quiet)
        if replicas.count > 1:
            say(f"{replicas.count} replicas take each step together", self._quiet)
        if (num_gpus() or has_unused_gpu()) and (obstacle := cudnn_obstacle(self._material.configuration.cell)):
            say(f"cuDNN does not speed the recurrent layers up, because {obstacle}", self._quiet)
        return replicas

    def _checkpoint(self, replicas: "Replicas") -> Checkpoint | None:
        """The newest that is whole, with a word on each that is not."""
        checkpoint, damaged = self._checkpoints.newest()
        if damaged:
            say(f"{', and '.join(damaged)}; {'the one before is taken' if checkpoint else 'the training begins anew'}", self._quiet)
        # several machines may have stopped at different steps
        return agreed(checkpoint, replicas.of_first) if place().workers > 1 else checkpoint

    def _restore(self, training: "Training", checkpoint: Checkpoint) -> None:
        try:
            training.restore(checkpoint.now, checkpoint.good)
        except (ValueError, KeyError, TypeError) as error:
            raise CommandError(f"the checkpoints in {self._folder} are of another version of this program: {error}", UNREADABLE) from None
        if training.position.steps:
            say(f"going on in epoch {training.position.epoch}, after {training.position.steps:,} steps", self._quiet)

    def _train(self, training: "Training", page) -> None:
        options = self._settings.options
        journal = Journal(self._folder, self._schedule, options["tensorboard"], self._quiet)
        specimens = Specimens(self._folder, options["samples"], options["random_seed"], self._quiet)
        self._interruption.is_patient = True
        for epoch in training.run():
            with saying_where(self._folder, self._again):
                model = self._model(training, epoch) if epoch.held_out is not None else None
                if model and epoch.improved:
                    save_model(model, self._folder / MODEL_NAME)
                journal.report(epoch, training.position.history)
                if model:
                    specimens.offer(epoch, model)
                    page.write([f"{model.held_out_nats_per_note:.3f} nats per note on held-out pieces after epoch {epoch.number}."])
                if self._checkpoints.is_due() or self._interruption.is_asked:
                    self._checkpoints.save(training.snapshot(), training.good)
            if self._interruption.is_asked:
                status_line("", last=True)
                raise CommandError(f"interrupted in epoch {epoch.number}, and saved: {self._again} goes on", INTERRUPTED)

    def _model(self, training: "Training", epoch: Epoch) -> Model:
        """As it is after an epoch."""
        record = {"schedule": asdict(self._schedule), "epochs": epoch.number, "steps": epoch.steps, "minutes": round(epoch.seconds / 60, 2)}
        encoded = self._material.encoded
        return Model(self._material.configuration, training.weights(), encoded.facts, epoch.held_out or {}, record, encoded.copies)

    def _end(self, position: Position) -> None:
        """Nothing is left to go on with."""
        replace(self._settings, has_ended=True).write(self._folder)
        self._checkpoints.clear()
        if position.stopped_early:
            say(f"stopped early: no better figure in the last {PATIENCE:.0%} of the training (--no-early-stop goes on to the end)", self._quiet)
        say(f"best {position.best_nats:.3f} nats per note on held-out pieces", self._quiet)
        say(in_words(verdicts_of(self._folder)), self._quiet)
        click.echo(self._folder / MODEL_NAME)


def schedule_of(options: dict) -> Schedule:
    """How long and how hard to train, by the options."""
    stops_early = options["epochs"] is not None if options["early_stop"] is None else options["early_stop"]
    settings = {name: options[name] for name in ("minutes", "epochs", "learning_rate", "random_seed", "precision") if name in options}
    return Schedule(**settings, patience=PATIENCE if stops_early else None)

"""Arrays -> weights: the loop, which can be stopped after any step, taken down and gone on with, and the best weights by held-out nats per note.

Conventions: a nat is the unit of -ln p; nats per note is the sum over all fields of all notes and over the ends of the pieces, divided by the
number of notes. The weights that are judged and kept are an exponential moving average. What comes of a training follows from its settings and, by
epochs, from nothing else: with `--minutes` from the readings of the clock too.
"""

import math
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from statistics import median

import numpy as np

from musicgen.encoding.vocabulary import PITCH
from musicgen.learning.batches import Example, Plan, batch_of, plans_of_epoch
from musicgen.learning.fitting import Alone, Average, Replicas, build, named_weights
from musicgen.learning.held_out import held_out_nats
from musicgen.learning.position import Epoch, Position, Snapshot
from musicgen.learning.schedule import Schedule
from musicgen.learning.trouble import MOST_HALVINGS, MemoryTroubleError, TrainingError, TroubleError, blown_up_for_good, is_out_of_memory
from musicgen.model.configuration import Configuration, weight_shapes
from musicgen.model.engine import Engine
from musicgen.model.relative import Relative

HELD_OUT_SHARE = 0.1  # of the time at most goes into judging, where the clock decides
BLOWN_UP = 2  # times as surprised as one who knows nothing
LARGEST_WEIGHT = float(np.finfo(np.float16).max)  # that a model file holds
FEWEST_STEPS, PACE_STEPS = 3, 32  # that say how long a step takes


class Training:
    """A training that can be stopped after any step and gone on with."""

    def __init__(
        self,
        configuration: Configuration,
        training: Sequence[Example],
        held_out: Sequence[Example],
        schedule: Schedule,
        weights: dict[str, np.ndarray] | None = None,
        replicas: Replicas | None = None,
    ) -> None:
        """`weights`: to begin with, those that are missing random; `replicas`: that take the steps, instead of one device."""
        self._replicas = replicas or Alone()
        self.configuration, self.schedule = configuration, schedule
        self._examples, self._held_out = training, held_out
        self._relative = Relative(configuration)
        self.position = Position()
        with self._replicas.scope():
            self._model = build(configuration, training, schedule)
        for name, array in (weights or {}).items():
            named_weights(self._model)[name].assign(array)
        self._average = Average(self._model, schedule.averaging)
        self._blown_up = BLOWN_UP * sum(math.log(configuration.vocabulary.sizes[field]) for field in configuration.vocabulary.active)
        self._steps_an_epoch = len(self._plans())
        self._pace: deque[tuple[float, float]] = deque(maxlen=PACE_STEPS)  # seconds and notes of a step
        self._compiled: set[tuple[int, int]] = set()
        self.good = self.snapshot()  # as the latest epoch began of which a loss has been seen

    def weights(self) -> dict[str, np.ndarray]:
        """A copy of the average, in the order of `weight_shapes`."""
        return {name: self._average.weights[name].copy() for name in weight_shapes(self.configuration)}

    def snapshot(self) -> Snapshot:
        """All that the training needs to go on from here."""
        arrays = {name: np.array(variable.numpy()) for name, variable in self._variables().items()}
        arrays |= {f"average/{name}": array.copy() for name, array in self._average.weights.items()}
        return Snapshot(arrays, {**asdict(self.position), "averaged": self._average.steps})

    def restore(self, snapshot: Snapshot, good: Snapshot | None = None) -> None:
        """Go on from there; `good` is where to go back to if the loss blows up. Raises ValueError where it is of another network."""
        expected = {name: (array.shape, array.dtype) for name, array in self.good.arrays.items()}
        if {name: (array.shape, array.dtype) for name, array in snapshot.arrays.items()} != expected:
            raise ValueError("its arrays are those of another network")
        for name, variable in self._variables().items():
            variable.assign(snapshot.arrays[name])
        self._average.weights = {name: snapshot.arrays[f"average/{name}"].copy() for name in self._average.weights}
        self._average.steps = snapshot.position["averaged"]
        position = {**snapshot.position, "history": [dict(row) for row in snapshot.position["history"]]}
        del position["averaged"]
        self.position = Position(**position)
        self.good = good or snapshot

    def run(self) -> Iterator[Epoch]:
        """Train until the schedule is through. After every step, and after every epoch, the training pauses and says where it stands.

        Raises:
            TrainingError: the loss blew up again and again.
        """
        self._begin = time.monotonic() - self.position.seconds
        while not self.position.has_ended:
            try:
                yield from self._epoch()
            except TroubleError as trouble:
                yield self._go_back(str(trouble))
            except MemoryTroubleError:
                yield self._halve()

    def _variables(self) -> dict:
        """By a name that is the same in every process, which Keras' own are not."""
        every = {"network": self._model.variables, "optimizer": self._model.optimizer.variables}
        return {f"{kind}/{number}": variable for kind, variables in every.items() for number, variable in enumerate(variables)}

    def _plans(self) -> list[Plan]:
        rows = self.schedule.batch_rows >> self.position.batch_halvings
        return plans_of_epoch(self._examples, rows, self.schedule.window, self.schedule.random_seed, self.position.epoch)

    def _progress(self) -> float:
        at = self.position
        return self.schedule.progress(at.seconds, at.epoch - 1 + at.batch / self._steps_an_epoch)

    def _epoch(self) -> Iterator[Epoch]:
        """The rest of the running epoch."""
        at = self.position
        begun = self.snapshot() if at.batch == 0 else None  # good only if the next loss is: the last step may have spoilt it
        plans = self._plans()
        self._steps_an_epoch = len(plans)
        for plan in plans[at.batch :]:
            if self._progress() >= 1:
                break
            self._step(plan)
            self.good, begun = begun or self.good, None
            yield self._report(self._progress())
        progress = self._progress()
        held_out = self._judge() if self._is_due(progress) else None
        figure = math.inf if held_out is None else sum(held_out.values())
        improved = figure < at.best_nats
        if improved:
            at.best_nats, at.best_progress, at.judged_since_best = figure, progress, 0
        elif held_out is not None:
            at.judged_since_best += 1
        at.stopped_early = self.schedule.is_hopeless(progress - at.best_progress, at.judged_since_best)
        at.has_ended = progress >= 1 or at.stopped_early
        state = self._report(progress, held_out, improved)
        at.history.append(state.row(self.configuration.vocabulary.active))
        at.epoch, at.batch, at.notes, at.nats, at.gradient_norms, at.highest_gradient_norm = at.epoch + 1, 0, 0.0, 0.0, 0.0, 0.0
        yield state

    def _step(self, plan: Plan) -> None:
        at, begin = self.position, time.monotonic()
        size = -(-plan.size // self._replicas.count) * self._replicas.count  # that can be dealt out evenly
        inputs, targets, said = batch_of(self._examples, plan.windows, self._relative, size, plan.length)
        self._model.optimizer.learning_rate.assign(self._rate())
        try:
            nats = self._replicas.step(self._model, inputs, targets, said)
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            raise MemoryTroubleError from error
        norm = float(self._model.optimizer.gradient_norm.numpy())
        at.first_nats = nats if math.isinf(at.first_nats) else at.first_nats  # of other music than a model learned before it may be high
        if self._has_blown_up(nats) or not math.isfinite(norm):
            raise TroubleError(f"the loss became {nats:.3g}" if self._has_blown_up(nats) else f"the gradient became {norm}")
        self._average.update()
        notes = float(said[..., PITCH].sum())
        at.batch, at.steps, at.notes, at.nats = at.batch + 1, at.steps + 1, at.notes + notes, at.nats + nats * notes
        at.gradient_norms, at.highest_gradient_norm = at.gradient_norms + norm, max(at.highest_gradient_norm, norm)
        at.seconds = (now := time.monotonic()) - self._begin
        if (plan.size, plan.length) in self._compiled:
            self._pace.append((now - begin, notes))
        self._compiled.add((plan.size, plan.length))

    def _has_blown_up(self, nats: float) -> bool:
        return not nats <= max(self._blown_up, BLOWN_UP * self.position.first_nats)  # which is so of what is no number, too

    def _rate(self) -> float:
        """With half a batch Adam takes steps smaller by the square root (Malladi et al. 2022)."""
        at = self.position
        return self.schedule.rate(self._progress()) / 2 ** (at.halvings + at.batch_halvings / 2)

    def _is_due(self, progress: float) -> bool:
        """Whether the epoch is to be judged: by the clock, or where that must not decide, by its number."""
        at = self.position
        if self.schedule.minutes:
            return progress >= 1 or at.judging_seconds <= HELD_OUT_SHARE * (at.seconds - at.judged_at)
        return progress >= 1 or at.epoch % self.schedule.epochs_a_judgement == 0

    def _judge(self) -> dict[str, float]:
        at, begin = self.position, time.monotonic()
        weights = self.weights()
        if not all(np.abs(array).max() <= LARGEST_WEIGHT for array in weights.values()):
            raise TroubleError("the weights became too large")
        fields = held_out_nats(Engine(self.configuration, weights), self._held_out)
        nats = sum(fields.values())
        knows_nothing = at.nats > at.notes * self._blown_up / BLOWN_UP  # else it learns, if by heart, and then all else may surprise
        if not math.isfinite(nats) or (self._has_blown_up(nats) and knows_nothing):
            raise TroubleError(f"the held-out figure became {nats:.3g}")
        now = time.monotonic()
        at.judging_seconds, at.seconds = now - begin, now - self._begin
        at.judged_at = at.seconds
        return fields

    def _go_back(self, trouble: str) -> Epoch:
        """With half the learning rate. Raises TrainingError."""
        halvings = self.position.halvings + 1
        if halvings > MOST_HALVINGS:
            raise blown_up_for_good(trouble, self.position.epoch, self.schedule, self.configuration)
        return self._begin_again(trouble, f"1/{2**halvings} of the learning rate", halvings=halvings)

    def _halve(self) -> Epoch:
        """With half the batch. Raises TrainingError."""
        halvings = self.position.batch_halvings + 1
        notes = self.schedule.batch_rows >> halvings
        if notes < self.schedule.window:
            raise TrainingError("there is not enough memory to train on a single window: try fewer --units or --layers")
        return self._begin_again("a step did not fit into the memory", f"batches of {notes:,} notes", batch_halvings=halvings)

    def _begin_again(self, trouble: str, remedy: str, **changes) -> Epoch:
        """From where the weights were good, with something changed."""
        epoch, best = self.position.epoch, self.position.best_nats  # whose weights have been kept
        self.restore(self.good)
        self.position = replace(self.position, seconds=time.monotonic() - self._begin, best_nats=best, **changes)
        said = f"{trouble} in epoch {epoch}: back to where epoch {self.position.epoch} began, with {remedy}"
        return replace(self._report(self._progress()), trouble=said)

    def _report(self, progress: float, held_out: dict[str, float] | None = None, improved: bool = False) -> Epoch:
        at = self.position
        seconds, notes = map(sum, zip(*self._pace, strict=True)) if self._pace else (0.0, 0.0)
        return Epoch(
            number=at.epoch,
            training_nats=at.nats / max(at.notes, 1.0),
            held_out=held_out,
            best_nats=at.best_nats,
            improved=improved,
            notes_per_second=notes / seconds if seconds else 0.0,
            step_seconds=self._step_seconds(),
            progress=progress,
            seconds=at.seconds,
            seconds_left=self._seconds_left(),
            steps=at.steps,
            steps_an_epoch=self._steps_an_epoch,
            learning_rate=self._rate(),
            gradient_norm=at.gradient_norms / max(at.batch, 1),
            highest_gradient_norm=at.highest_gradient_norm,
        )

    def _step_seconds(self) -> float:
        return median(seconds for seconds, _ in self._pace) if self._pace else 0.0

    def _seconds_left(self) -> float | None:
        at = self.position
        if self.schedule.minutes:
            return max(0.0, 60 * self.schedule.minutes - at.seconds)
        if len(self._pace) < FEWEST_STEPS:
            return None
        epochs = (self.schedule.epochs or 1) - at.epoch
        return self._step_seconds() * (epochs * self._steps_an_epoch + self._steps_an_epoch - at.batch) + at.judging_seconds * (epochs + 1)

"""The training loop that joint training, pruning and quantization share.

A checkpoint after each epoch; everything random derives from the seed, so that
a run that was killed and resumed ends at the same weights as one that was not.
What happens within a step is `learn2compress.training.step`'s.
"""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Iterator
from typing import Any, Protocol

import keras
import numpy as np
import tensorflow as tf

from learn2compress import progress
from learn2compress.data.batches import TrainingData
from learn2compress.results.reports import EpochRecord
from learn2compress.teachers.live import LiveTeacher
from learn2compress.training.accuracy import HeldOutAccuracy
from learn2compress.training.checkpoint import Checkpoint
from learn2compress.training.plan import TrainingPlan
from learn2compress.training.step import TEACHER, TrainStep
from learn2compress.training.weight_copies import WeightAverage, WeightCopies


class TrainingDivergedError(RuntimeError):
    """A loss stopped being a number."""


class StepHook(Protocol):
    """Something that acts before each step and has state to keep."""

    @property
    def variables(self) -> list[keras.Variable]:
        """State that a checkpoint must hold."""
        ...

    def before_step(self, step: int) -> None:
        """Called with the 0-based step."""


def make_deterministic(seed: int) -> None:
    """Makes every later computation of this process a function of `seed`."""
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()


def fit(
    network: keras.Model,
    data: TrainingData,
    plan: TrainingPlan,
    *,
    teacher: LiveTeacher | None = None,
    checkpoint: Checkpoint | None = None,
    hook: StepHook | None = None,
    sparsity_of: Callable[[], float] | None = None,
    frozen_at: Callable[[int], frozenset[str]] | None = None,
) -> dict[str, tuple[EpochRecord, ...]]:
    """Trains every student of a network at once, in place.

    Args:
      network: Gives a dict of logits `[batch, num_classes]` by student name.
      data: Examples, beside the teacher's logits unless `teacher` is given.
      plan: How long, how fast, with which loss.
      teacher: Runs in each step; optimised with the students where the plan has
        a `teacher_learning_rate`.
      checkpoint: Where state is kept after each epoch; an interrupted training
        goes on from there.
      hook: Acts before each step, such as a pruner.
      sparsity_of: Measures sparsity for the history.
      frozen_at: Names of the layers that stand still in a 0-based epoch.

    Returns:
      One record for each epoch in which it trained, by student name; a jointly
      optimised teacher's under "teacher".

    Raises:
      TrainingDivergedError: a loss is not finite; the message names the step.
    """
    training = Training(network, data, plan, teacher=teacher, hook=hook, sparsity_of=sparsity_of, frozen_at=frozen_at)
    for _ in training.epochs(checkpoint):
        pass
    return training.finish()


def by_name(student: keras.Model, name: str) -> keras.Model:
    """A view of one student that gives a dict of logits, as `fit` takes it; weights are shared."""
    return keras.Model(student.input, {name: student.output})


class Training:
    """What `fit` does, epoch by epoch; arguments as there."""

    def __init__(
        self,
        network: keras.Model,
        data: TrainingData,
        plan: TrainingPlan,
        *,
        teacher: LiveTeacher | None = None,
        hook: StepHook | None = None,
        sparsity_of: Callable[[], float] | None = None,
        frozen_at: Callable[[int], frozenset[str]] | None = None,
    ):
        self._network, self._data, self._plan = network, data, plan
        self._teacher, self._hook = teacher, hook
        self._sparsity_of, self._frozen_at = sparsity_of, frozen_at
        # The optimizer must know every variable that will ever learn.
        self._freeze(frozenset())
        self._step = TrainStep(
            network,
            plan.distillation,
            learning_rate=plan.learning_rate,
            weight_decay=plan.weight_decay,
            gradient_clip_norm=plan.gradient_clip_norm,
            loss_weights=plan.loss_weights,
            largest=plan.largest,
            teacher=teacher,
            train_teacher=plan.teacher_learning_rate is not None,
        )
        self._accuracy = HeldOutAccuracy.of_students(network)
        self._teacher_accuracy = (
            HeldOutAccuracy(lambda inputs: {TEACHER: teacher(inputs)[0]})
            if teacher is not None and self._step.teacher_optimizer is not None
            else None
        )
        self._average = (
            WeightAverage(network.variables, plan.weight_average_decay) if plan.weight_average_decay else None
        )
        self._best = WeightCopies(network.variables) if plan.early_stopping_epochs else None
        self._total_steps = data.steps_per_epoch * plan.epochs
        self._history: dict[str, list[EpochRecord]] = {name: [] for name in self._step.losses_of(self._step.students)}

    def epochs(self, checkpoint: Checkpoint | None = None) -> Iterator[int]:
        """Trains, and yields the number of epochs done after each that is trained here."""
        first_epoch = self._restore(checkpoint)
        self._started, self._first_step = time.monotonic(), first_epoch * self._data.steps_per_epoch
        for epoch in range(first_epoch, self._plan.epochs):
            if self._plan.stops(self._mean_accuracies()):
                return
            if self._frozen_at is not None:
                self._freeze(self._frozen_at(epoch))
            losses = self._run_epoch(epoch)
            self._evaluate(epoch, losses)
            if checkpoint is not None:
                checkpoint.save(self._state(), self._history)
            yield epoch + 1

    def finish(self) -> dict[str, tuple[EpochRecord, ...]]:
        """Leaves the weights that the plan asks for in the network; gives the history by student name."""
        self._freeze(frozenset())
        for leaving in (self._average, self._best):
            if leaving is not None:
                leaving.give()
        return {name: tuple(records) for name, records in self._history.items()}

    def _restore(self, checkpoint: Checkpoint | None) -> int:
        """Number of epochs that are done already."""
        restored = checkpoint.restore(self._state()) if checkpoint else None
        if restored is None:
            return 0
        self._history = restored
        done = max(records[-1].epoch for records in restored.values() if records)
        work = f"{self._plan.phase} epoch {done}/{self._plan.epochs}"
        progress.report(work, done, self._plan.epochs, "done before: resumed from its checkpoint")
        return done

    def _state(self) -> list[keras.Variable]:
        state = [*self._network.variables, *self._step.variables]
        for keeper in (self._average, self._best):
            state += keeper.copies if keeper else []
        return state + (self._hook.variables if self._hook else [])

    def _active(self, epoch: int) -> list[str]:
        return [name for name in self._step.students if epoch >= self._plan.joins_at_epoch.get(name, 0)]

    def _freeze(self, frozen: frozenset[str]) -> None:
        if self._frozen_at is not None:
            for layer in self._network.layers:
                layer.trainable = layer.name not in frozen

    def _run_epoch(self, epoch: int) -> dict[str, float]:
        """Mean loss of each student that took part, and of a teacher that learns."""
        active = self._active(epoch)
        names = self._step.losses_of(active)
        sums = np.zeros(len(names))
        running: tuple[int, Any] | None = None
        for index, batch in enumerate(self._data.epoch(self._plan.seed, epoch)):
            step = epoch * self._data.steps_per_epoch + index
            self._before_step(step)
            losses = self._step.run(batch, active)
            if self._average is not None:
                self._average.update(step)
            # One step late, so that a device that computes ahead is not waited for.
            sums += self._finite(running, names)
            running = step, losses
            self._report(epoch, step)
        sums += self._finite(running, names)
        return dict(zip(names, sums / self._data.steps_per_epoch, strict=True))

    def _before_step(self, step: int) -> None:
        share = self._plan.schedule(step, self._total_steps)
        self._step.optimizer.learning_rate.assign(self._plan.learning_rate * share)
        if self._step.teacher_optimizer is not None and self._plan.teacher_learning_rate is not None:
            self._step.teacher_optimizer.learning_rate.assign(self._plan.teacher_learning_rate * share)
        if self._hook is not None:
            self._hook.before_step(step)

    def _finite(self, running: tuple[int, Any] | None, names: list[str]) -> Any:
        if running is None:
            return 0.0
        step, losses = running[0], running[1].numpy()
        for name, loss in zip(names, losses, strict=True):
            if not math.isfinite(loss):
                raise TrainingDivergedError(
                    f"student {name!r}: the loss is {loss} in step {step + 1} of {self._total_steps} of phase "
                    f"{self._plan.phase!r}; lower its learning_rate, found {self._plan.learning_rate}"
                )
        return losses

    def _evaluate(self, epoch: int, losses: dict[str, float]) -> None:
        """Measures on the held-out split what would leave the training now, and writes the epoch down."""
        with self._average.applied() if self._average else contextlib.nullcontext():
            accuracy = self._accuracy.measure(self._data)
            if self._teacher_accuracy is not None:
                accuracy |= self._teacher_accuracy.measure(self._data)
            self._append(epoch, losses, accuracy)
            *before, latest = self._mean_accuracies()
            if self._best is not None and latest > max(before, default=-1.0):
                self._best.take()

    def _append(self, epoch: int, losses: dict[str, float], accuracy: dict[str, float]) -> None:
        sparsity_ratio = self._sparsity_of() if self._sparsity_of else 0.0
        last_step = (epoch + 1) * self._data.steps_per_epoch - 1
        share = self._plan.schedule(last_step, self._total_steps)
        for name, loss in losses.items():
            highest = self._plan.teacher_learning_rate if name == TEACHER else self._plan.learning_rate
            learning_rate = share * (highest or 0.0)
            self._history[name].append(
                EpochRecord(self._plan.phase, epoch + 1, float(loss), accuracy[name], sparsity_ratio, learning_rate)
            )

    def _mean_accuracies(self) -> list[float]:
        """Mean held-out accuracy after each epoch of the students that took part in it."""
        epochs: dict[int, list[float]] = {}
        for name, records in self._history.items():
            for record in records if name != TEACHER else []:
                epochs.setdefault(record.epoch, []).append(record.held_out_top_1)
        return [float(np.mean(epochs[epoch])) for epoch in sorted(epochs)]

    def _report(self, epoch: int, step: int) -> None:
        seconds = max(1e-9, time.monotonic() - self._started)
        pace = f"{(step - self._first_step + 1) / seconds:.1f} steps/s"
        progress.report(f"{self._plan.phase} epoch {epoch + 1}/{self._plan.epochs}", step + 1, self._total_steps, pace)

"""The training loop that joint training, pruning and quantization share.

A checkpoint after each epoch; everything random derives from the seed, so that
a run that was killed and resumed ends at the same weights as one that was not.
`learn2compress.training.step` has what happens within a step.
"""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Iterator
from typing import Any, Protocol, cast

import keras
import numpy as np
import tensorflow as tf

from learn2compress import progress
from learn2compress.config.training import MIN_VALIDATION_EXAMPLES
from learn2compress.data.batches import TrainingData
from learn2compress.results.reports import EpochRecord
from learn2compress.students.unsharing import copy_student, joint_layer_name, unshared_network
from learn2compress.teachers.live import LiveTeacher
from learn2compress.training.accuracy import HeldOutAccuracy, check_validation_examples
from learn2compress.training.checkpoint import Checkpoint
from learn2compress.training.early_stopping import is_best, last_change, stops
from learn2compress.training.history import TrainingHistory
from learn2compress.training.joining import widened_variables
from learn2compress.training.plan import TrainingPlan
from learn2compress.training.step import TEACHER, Step, TrainStep
from learn2compress.training.weight_copies import Lookahead, WeightAverage, WeightCopies, best_copies


class TrainingDivergedError(RuntimeError):
    """A loss stopped being a number."""


class StepHook(Protocol):
    """Something that acts before each step and has state to keep."""

    @property
    def variables(self) -> list[keras.Variable]:
        """Returns the state that a checkpoint must hold."""
        ...

    def before_step(self, step: int) -> None:
        """Acts before a 0-based step."""


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

    Several students that may stop early leave with weights of different epochs,
    and those that cease to share leave the network: `Training` hands them out
    one by one.

    Example:
      >>> from pathlib import Path
      >>> from sklearn.datasets import load_digits
      >>> from learn2compress.config import DistillationConfig, StageConfig, StudentConfig, TaskConfig, TrainingConfig
      >>> from learn2compress.data.batches import TrainingData
      >>> from learn2compress.data.examples import encode_example, shard_path, write_shard
      >>> from learn2compress.students.joint import build_joint_network
      >>> from learn2compress.training.loop import fit, make_deterministic
      >>> from learn2compress.training.plan import TrainingPlan
      >>> digits = load_digits()
      >>> pixels = (digits.images * 15).astype("uint8")
      >>> def example(i):
      ...     return encode_example(pixels[i].tobytes(), int(digits.target[i]), f"{i:064x}", f"digit {i}")
      >>> write_shard(shard_path("train", 0, 1), map(example, range(1000)))
      >>> write_shard(shard_path("held_out", 0, 1), map(example, range(1000, 1500)))
      >>> data = TrainingData(
      ...     train=Path("train"), train_logits=None, held_out=Path("held_out"), num_train=1000, num_held_out=500,
      ...     num_classes=10, input_shape=(8, 8, 1), batch_size=32, shuffle_buffer=1000)
      >>> make_deterministic(7)
      >>> training = TrainingConfig(stages=(StageConfig(16),))
      >>> network = build_joint_network(TaskConfig(), 10, training, [StudentConfig("small")])
      >>> labels_alone = DistillationConfig(weight=0.0)  # without a teacher
      >>> plan = TrainingPlan("train", epochs=3, learning_rate=0.03, distillation=labels_alone, seed=7)
      >>> history = fit(network, data, plan)
      >>> [record.epoch for record in history["small"]]
      [1, 2, 3]
      >>> history["small"][-1].held_out_top_1 > 0.8
      True

    Args:
      network: Returns a dict of logits `[batch, num_classes]` by student name.
      data: Examples, beside the teacher's logits unless `teacher` is given.
      plan: How long, how fast, with which loss.
      teacher: Runs in each step; optimised with the students where the plan has
        a `teacher_learning_rate`.
      checkpoint: Where state is kept after each epoch; an interrupted training
        resumes from there.
      hook: Acts before each step, such as a pruner.
      sparsity_of: Measures sparsity for the history.
      frozen_at: Returns the names of the layers that are frozen in a 0-based epoch.

    Returns:
      One record for each epoch in which it trained, by student name; a jointly
      optimised teacher's under "teacher".

    Raises:
      ConfigError: too few labelled examples are kept back to stop early by.
      TrainingDivergedError: a loss is not finite; the message names the step.
    """
    if plan.early_stopping_epochs and len(network.output) > 1:
        raise ValueError("found early stopping of several students, accepted is one; use Training for several")
    if plan.unshared_from_epoch is not None and len(network.output) > 1:
        raise ValueError("found unshared_from_epoch with several students, accepted is None; use Training for several")
    training = Training(network, data, plan, teacher=teacher, hook=hook, sparsity_of=sparsity_of, frozen_at=frozen_at)
    for _ in training.epochs(checkpoint):
        pass
    history = training.finish()
    for name in history:
        training.assign_weights_of(name)
    return history


def by_name(student: keras.Model, name: str) -> keras.Model:
    """Returns a view of one student that returns a dict of logits, as `fit` takes it.

    Args:
      student: Returns logits `[batch, num_classes]`; its weights are the view's, too.
      name: Key of the dict.
    """
    return keras.Model(student.input, {name: student.output})


class Training:
    """Trains as `fit` does, epoch by epoch; arguments as there, and two more.

    Args:
      step: What each step does; left out, every student that takes part sees the whole batch. It trains to the end what
        it trains: its students don't cease to share.
      before_epoch: Called with each 0-based epoch before it; returns whether it changed weights, after which moments
        and averages begin anew.

    Attributes:
      network: What holds the trained weights: the network that was given, or, from the plan's `unshared_from_epoch` on,
        one in which no two students share any.

    Raises:
      ConfigError: too few labelled examples are kept back to stop early by.
    """

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
        step: Step | None = None,
        before_epoch: Callable[[int], bool] | None = None,
    ):
        self._data, self._plan = data, plan
        self._hook, self._frozen_at, self._before_epoch = hook, frozen_at, before_epoch
        self.network = network
        # The optimizer must know every variable that will ever learn.
        self._freeze(frozenset())
        shares_to_the_end = step is not None
        step = step or TrainStep(
            network,
            plan.distillation,
            learning_rate=plan.learning_rate,
            weight_decay=plan.weight_decay,
            gradient_clip_norm=plan.gradient_clip_norm,
            loss_weights=plan.loss_weights,
            largest=plan.largest,
            teacher=teacher,
            train_teacher=plan.teacher_learning_rate is not None,
            precision=plan.precision,
            optimizer=plan.optimizer,
            momentum=plan.momentum,
            batch_norm_bias_rate=plan.batch_norm_bias_rate,
        )
        self._learner = teacher if step.teacher_optimizer is not None else None
        self._train_on(network, step)
        self._is_unshared = False
        may_cease = not shares_to_the_end and len(step.students) > 1
        self._unshared_from = plan.unshared_from_epoch if may_cease else None
        self._stops_from_epoch = 0
        if plan.early_stopping_epochs:
            field = "training.early_stopping_epochs"
            check_validation_examples(data.num_labelled_validation, field, "leave early_stopping_epochs out")
            self._stops_from_epoch = last_change(plan.joins_at_epoch, frozen_at, plan.epochs, self._unshared_from)
        joins = plan.joins_at_epoch
        self._widened = widened_variables(_shown(network, step), joins) if any(joins.values()) else {}
        self._has_validation = data.num_labelled_validation >= MIN_VALIDATION_EXAMPLES
        self._total_steps = data.steps_per_epoch * plan.epochs
        self._history = TrainingHistory(self._step.losses_of(self._step.students), plan, sparsity_of)

    def _train_on(self, network: keras.Model, step: Step) -> None:
        """Trains this network from here on, with copies of its weights where the plan needs some."""
        plan = self._plan
        self.network, self._step = network, step
        self._accuracy = HeldOutAccuracy.of_students(_shown(network, step), self._learner)
        self._average = (
            WeightAverage(network, step.optimizer, plan.weight_average_decay) if plan.weight_average_decay else None
        )
        self._lookahead = Lookahead(network.variables) if plan.lookahead_steps else None
        self._best: dict[str, WeightCopies] = best_copies(network, self._learner) if plan.early_stopping_epochs else {}

    def epochs(self, checkpoint: Checkpoint | None = None) -> Iterator[int]:
        """Trains, from the checkpoint on where there is one.

        Args:
          checkpoint: Where state is kept after each epoch.

        Yields:
          The number of epochs done, after each that is trained here.

        Raises:
          TrainingDivergedError: a loss is not finite; the message names the step.
        """
        first_epoch = self._restore(checkpoint)
        self._started, self._first_step = time.monotonic(), first_epoch * self._data.steps_per_epoch
        for epoch in range(first_epoch, self._plan.epochs):
            if stops(self._history.of_students, self._plan.early_stopping_epochs, self._stops_from_epoch):
                return
            if epoch == self._unshared_from and not self._is_unshared:
                self._unshare()
            if self._frozen_at is not None:
                self._freeze(self._frozen_at(epoch))
            self._step.optimizer.restart(self._widened.get(epoch, ()))
            if self._before_epoch is not None and self._before_epoch(epoch):
                self._begin_anew()
            losses = self._run_epoch(epoch)
            self._evaluate(epoch, losses)
            if checkpoint is not None:
                self._part(checkpoint).save(self._state(), self._history.records)
            yield epoch + 1

    def finish(self) -> dict[str, tuple[EpochRecord, ...]]:
        """Ends the training, and puts the average into the network where there is one.

        Returns:
          The history by student name, with the epoch marked that each leaves with.
        """
        self._freeze(frozenset())
        if self._average is not None:
            self._average.give()
        return self._history.finished()

    def assign_weights_of(self, name: str) -> None:
        """Puts the weights that a student leaves with into the network, after `finish`.

        Students share weights: those of the others may be overwritten.

        Args:
          name: The student's, or "teacher" for a jointly optimised one.
        """
        if name in self._best:
            self._best[name].give()

    def _restore(self, checkpoint: Checkpoint | None) -> int:
        """Restores a saved state, and returns the number of epochs that it has."""
        restored = checkpoint.restore(self._state()) if checkpoint else None
        if checkpoint is None or restored is None:
            return 0
        self._history.records = restored
        if self._history.num_epochs == self._unshared_from:
            self._unshare()
            self._history.records = self._part(checkpoint).restore(self._state()) or restored
        done = self._history.num_epochs
        work = f"{self._plan.phase} epoch {done}/{self._plan.epochs}"
        progress.report(work, done, self._plan.epochs, "done before: resumed from its checkpoint", unit="epochs")
        return done

    def _part(self, checkpoint: Checkpoint) -> Checkpoint:
        """Returns where state is kept now: the network that is shared no more has other variables."""
        return checkpoint.part("unshared") if self._is_unshared else checkpoint

    def _unshare(self) -> None:
        """Trains each student on its own copy of its part of the network from here on, with moments that begin anew."""
        self._freeze(frozenset())
        shared, best = self.network, self._best
        unshared = unshared_network(shared)
        self._train_on(unshared, cast(TrainStep, self._step).on_network(unshared))
        self._is_unshared, self._widened = True, {}
        for name, copies in best.items():
            # Students may leave with an epoch from before.
            if name == TEACHER:
                self._best[name] = copies
                continue
            latest = [keras.ops.convert_to_numpy(variable) for variable in shared.variables]
            copies.give()
            copy_student(shared, unshared, name)
            self._best[name].take()
            for variable, value in zip(shared.variables, latest, strict=True):
                variable.assign(value)
            copy_student(shared, unshared, name)
        progress.report(f"{self._plan.phase}: a trunk of its own for each student", 1, 1)

    def _begin_anew(self) -> None:
        """Forgets moments and averages of the weights before they were changed."""
        self._step.optimizer.restart(self.network.trainable_variables)
        for keeper in (self._average, self._lookahead):
            if keeper is not None:
                keeper.take()

    def _state(self) -> list[keras.Variable]:
        state = [*self.network.variables, *self._step.variables]
        for keeper in (self._average, self._lookahead, *self._best.values()):
            state += keeper.copies if keeper else []
        return state + (self._hook.variables if self._hook else [])

    def _active(self, epoch: int) -> list[str]:
        return [name for name in self._step.students if epoch >= self._plan.joins_at_epoch.get(name, 0)]

    def _freeze(self, frozen: frozenset[str]) -> None:
        if self._frozen_at is not None:
            for layer in self.network.layers:
                layer.trainable = joint_layer_name(self.network, layer.name) not in frozen

    def _run_epoch(self, epoch: int) -> dict[str, float]:
        """Trains for an epoch, and returns the mean loss of each student in it, and of a teacher that learns."""
        active = self._active(epoch)
        names = self._step.losses_of(active)
        sums = np.zeros(len(names))
        running: tuple[int, Any] | None = None
        for index, batch in enumerate(self._data.epoch(self._plan.data_seed, epoch)):
            step = epoch * self._data.steps_per_epoch + index
            self._before_step(step)
            losses = self._step.run(batch, active)
            self._look_ahead(step)
            if self._average is not None:
                self._average.update()
            # One step late, so that a device that computes ahead is not waited for.
            sums += self._finite(running, names)
            running = step, losses
            self._report(epoch, step)
        sums += self._finite(running, names)
        return dict(zip(names, sums / self._data.steps_per_epoch, strict=True))

    def _look_ahead(self, step: int) -> None:
        decay = self._plan.lookahead_decay_after(step, self._total_steps)
        if self._lookahead is not None and decay is not None:
            self._lookahead.update(tf.constant(decay, tf.float32))

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
        """Measures what would leave the training now, records the epoch, and copies what is the best so far."""
        with self._average.applied() if self._average else contextlib.nullcontext():
            held_out = self._accuracy.measure(self._data)
            validation = self._accuracy.measure_validation(self._data) if self._has_validation else {}
            last_step = (epoch + 1) * self._data.steps_per_epoch - 1
            share = self._plan.schedule(last_step, self._total_steps)
            self._history.append(epoch, share, losses, held_out, validation)
            for name in losses:
                if name in self._best and is_best(self._history.records[name]):
                    self._best[name].take()

    def _report(self, epoch: int, step: int) -> None:
        seconds = max(1e-9, time.monotonic() - self._started)
        pace = f"{(step - self._first_step + 1) / seconds:.1f} steps/s"
        progress.report(
            f"{self._plan.phase} epoch {epoch + 1}/{self._plan.epochs}", step + 1, self._total_steps, pace, unit="steps"
        )


def _shown(network: keras.Model, step: Step) -> keras.Model:
    """Returns a view of a network that returns what is measured after each epoch."""
    if list(network.output) == step.students:
        return network
    return keras.Model(network.input, {name: network.output[name] for name in step.students})

"""The training loop that joint training, pruning and quantization share.

One forward pass per batch, the teacher's logits read from disk, a checkpoint
after each epoch. Everything random derives from the seed, so that a run that
was killed and resumed ends at the same weights as one that was not.
"""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable
from typing import Any, Protocol

import keras
import tensorflow as tf

from learn2compress import progress
from learn2compress.checkpoint import Checkpoint
from learn2compress.config import DistillationConfig
from learn2compress.data.batches import TrainingData
from learn2compress.distillation import student_loss, top_1
from learn2compress.results import EpochRecord


class TrainingDivergedError(RuntimeError):
    """A loss stopped being a number."""


@dataclasses.dataclass(frozen=True)
class TrainingPlan:
    """One phase of training.

    Attributes:
      phase: "train", "prune" or "quantize".
      epochs: Passes over the training split.
      learning_rate: Highest learning rate.
      warmup_ratio: Share of the steps spent rising to it.
      weight_decay: Decoupled, of kernels alone.
      seed: Seed of the order of examples.
      distillation: The loss.
    """

    phase: str
    epochs: int
    learning_rate: float
    distillation: DistillationConfig
    seed: int
    warmup_ratio: float = 0.0
    weight_decay: float = 0.0

    def learning_rate_at(self, step: int, total_steps: int) -> float:
        """Linear warm-up, then half a cosine to zero (SGDR, arXiv:1608.03983)."""
        warmup_steps = int(self.warmup_ratio * total_steps)
        if step < warmup_steps:
            return self.learning_rate * (step + 1) / warmup_steps
        progressed = (step - warmup_steps) / max(1, total_steps - warmup_steps)
        return self.learning_rate * 0.5 * (1.0 + math.cos(math.pi * progressed))


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
    checkpoint: Checkpoint | None = None,
    hook: StepHook | None = None,
    sparsity_of: Callable[[], float] | None = None,
) -> dict[str, tuple[EpochRecord, ...]]:
    """Trains every student of a network at once, in place.

    Args:
      network: Gives a dict of logits `[batch, num_classes]` by student name.
      data: Examples beside the teacher's logits.
      plan: How long, how fast, with which loss.
      checkpoint: Where state is kept after each epoch; an interrupted training
        goes on from there.
      hook: Acts before each step, such as a pruner.
      sparsity_of: Measures sparsity for the history.

    Returns:
      One record per epoch, by student name.

    Raises:
      TrainingDivergedError: a loss is not finite; the message names the epoch.
    """
    names = list(network.output)
    optimizer = optimizer_for(network, plan)
    train_step = train_step_of(network, optimizer, plan.distillation)
    state = [*network.variables, *optimizer.variables, *(hook.variables if hook else [])]
    history: dict[str, list[EpochRecord]] = {name: [] for name in names}
    first_epoch = 0
    if checkpoint is not None and (restored := checkpoint.restore(state)) is not None:
        history = restored
        first_epoch = len(history[names[0]])
        work = f"{plan.phase} epoch {first_epoch}/{plan.epochs}"
        progress.report(work, first_epoch, plan.epochs, "done before: resumed from its checkpoint")
    steps = data.steps_per_epoch
    total_steps = steps * plan.epochs
    started, first_step = time.monotonic(), first_epoch * steps

    for epoch in range(first_epoch, plan.epochs):
        sums = {name: tf.zeros(()) for name in names}
        for index, batch in enumerate(data.epoch(plan.seed, epoch)):
            step = epoch * steps + index
            if hook is not None:
                hook.before_step(step)
            optimizer.learning_rate.assign(plan.learning_rate_at(step, total_steps))
            losses = train_step(*batch)
            sums = {name: sums[name] + losses[name] for name in names}
            progress.report(
                f"{plan.phase} epoch {epoch + 1}/{plan.epochs}",
                step + 1,
                total_steps,
                _pace(started, step - first_step),
            )
        accuracy = held_out_top_1(network, data)
        for name in names:
            loss = float(sums[name]) / steps
            if not math.isfinite(loss):
                raise TrainingDivergedError(
                    f"student {name!r}: the loss is {loss} in epoch {epoch + 1} of phase {plan.phase!r}; "
                    f"lower its learning_rate, found {plan.learning_rate}"
                )
            sparsity_ratio = sparsity_of() if sparsity_of else 0.0
            history[name].append(EpochRecord(plan.phase, epoch + 1, loss, accuracy[name], sparsity_ratio))
        if checkpoint is not None:
            checkpoint.save(state, history)
    return {name: tuple(records) for name, records in history.items()}


def held_out_top_1(network: keras.Model, data: TrainingData) -> dict[str, float]:
    """Accuracy of each student of a network on the held-out split, 0..1."""
    count = _count_correct(network)
    correct = dict.fromkeys(network.output, 0)
    for inputs, labels in data.held_out():
        for name, number in count(inputs, labels).items():
            correct[name] += int(number)
    return {name: number / data.num_held_out for name, number in correct.items()}


def by_name(student: keras.Model, name: str) -> keras.Model:
    """A view of one student that gives a dict of logits, as `fit` takes it; weights are shared."""
    return keras.Model(student.input, {name: student.output})


def optimizer_for(network: keras.Model, plan: TrainingPlan) -> keras.optimizers.Optimizer:
    """AdamW (Loshchilov & Hutter, arXiv:1711.05101) with the plan's decay on kernels alone."""
    optimizer = keras.optimizers.AdamW(plan.learning_rate, weight_decay=plan.weight_decay)
    kernels = {id(variable) for variable in network.trainable_variables if variable.name == "kernel"}
    optimizer.exclude_from_weight_decay([v for v in network.trainable_variables if id(v) not in kernels])
    optimizer.build(network.trainable_variables)
    return optimizer


def train_step_of(
    network: keras.Model, optimizer: keras.optimizers.Optimizer, config: DistillationConfig
) -> Callable[..., dict[str, Any]]:
    """One step on one batch: a forward and a backward pass for all students together.

    Returns:
      A function of inputs `[batch, *input_shape]`, labels `[batch]` and teacher
      logits `[batch, num_classes]` that gives each student's loss by name.
    """

    @tf.function(reduce_retracing=True)
    def step(inputs: Any, labels: Any, teacher_logits: Any) -> dict[str, Any]:
        with tf.GradientTape() as tape:
            outputs = network(inputs, training=True)
            losses = {name: student_loss(labels, logits, teacher_logits, config) for name, logits in outputs.items()}
            total = tf.add_n(list(losses.values()))
        gradients = tape.gradient(total, network.trainable_variables)
        optimizer.apply_gradients(zip(gradients, network.trainable_variables, strict=True))
        return losses

    return step


def _count_correct(network: keras.Model) -> Callable[[Any, Any], dict[str, Any]]:
    @tf.function(reduce_retracing=True)
    def count(inputs: Any, labels: Any) -> dict[str, Any]:
        return {name: top_1(logits, labels) for name, logits in network(inputs, training=False).items()}

    return count


def _pace(started: float, steps_before: int) -> str:
    seconds = max(1e-9, time.monotonic() - started)
    return f"{(steps_before + 1) / seconds:.1f} steps/s"

"""Prunes one student, by whichever method is configured."""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

import keras

from learn2compress import progress
from learn2compress.config import PruneConfig, PruneMethod
from learn2compress.data.batches import TrainingData
from learn2compress.pruning.channels import prune_channels
from learn2compress.pruning.sparsity import MaskPruner, sparsity_of, why_no_zeros
from learn2compress.results.reports import EpochRecord
from learn2compress.teachers.live import LiveTeacher
from learn2compress.training.checkpoint import Checkpoint
from learn2compress.training.loop import by_name, fit
from learn2compress.training.plan import TrainingPlan


class PrunedStudent(NamedTuple):
    """What pruning made of a student.

    Attributes:
      student: The pruned student, or the very one that was given where nothing was pruned.
      records: One for each epoch of fine-tuning; none where nothing was pruned.
      note: Why nothing was pruned although the configuration asks for it, a sentence; `None` otherwise.
    """

    student: keras.Model
    records: tuple[EpochRecord, ...]
    note: str | None = None

    def continued(self, history: tuple[EpochRecord, ...]) -> tuple[EpochRecord, ...]:
        """Returns a student's history with its pruning at the end: its records, or its note at the last epoch before.

        Args:
          history: Epochs before the pruning, at least one.
        """
        if self.note is None:
            return history + self.records
        return (*history[:-1], dataclasses.replace(history[-1], note=self.note))


def prune_student(
    student: keras.Model,
    name: str,
    data: TrainingData,
    config: PruneConfig,
    plan: TrainingPlan,
    *,
    teacher: LiveTeacher | None = None,
    checkpoint: Checkpoint | None = None,
) -> PrunedStudent:
    """Prunes and fine-tunes a student.

    A student that has nothing to prune stays as it is, and is not fine-tuned:
    the result and the progress listener are told why.

    Example:
      >>> from pathlib import Path
      >>> from sklearn.datasets import load_digits
      >>> from learn2compress.config import DistillationConfig, PruneConfig, StageConfig, StudentConfig, TaskConfig
      >>> from learn2compress.config import TrainingConfig
      >>> from learn2compress.data.batches import TrainingData
      >>> from learn2compress.data.examples import encode_example, shard_path, write_shard
      >>> from learn2compress.pruning import prune_student, sparsity_of
      >>> from learn2compress.students.joint import build_joint_network, standalone_student
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
      >>> training = TrainingConfig(stages=(StageConfig(16),))
      >>> joint = build_joint_network(TaskConfig(), 10, training, [StudentConfig("small")])
      >>> student = standalone_student(joint, "small")
      >>> config = PruneConfig(sparsity_ratio=0.75, min_layer_weights=100)
      >>> plan = TrainingPlan("prune", 2, learning_rate=0.01, distillation=DistillationConfig(weight=0.0), seed=7)
      >>> pruned, records, note = prune_student(student, "small", data, config, plan)
      >>> round(sparsity_of(pruned.layers, config.min_layer_weights), 2)
      0.75

    Args:
      student: A model `[batch, *input] -> [batch, num_classes]` of logits.
      name: Its name in the history.
      data: Examples, beside the teacher's logits unless `teacher` is given.
      config: What is pruned, how much, and its schedule; ratios of 0 change nothing.
      plan: How to train meanwhile.
      teacher: Runs in each step.
      checkpoint: Where an interrupted pruning resumes.

    Returns:
      The pruned student and its epochs. With `channels` it is a new, smaller
      model; otherwise it is `student` itself, with zeros.

    Raises:
      ConfigError: channels can't be ranked by the importance that is configured, or a layer with a ratio of its own
        is not among those that are pruned.
    """
    if config.changes_nothing:
        return PrunedStudent(student, ())
    if config.method is PruneMethod.CHANNELS:
        smaller, records, reason = prune_channels(
            student, name, data, config, plan, teacher=teacher, checkpoint=checkpoint
        )
        if reason is None:
            return PrunedStudent(smaller, records)
    else:
        reason = why_no_zeros(student, config)
    if reason is not None:
        note = f"not pruned: {reason}"
        progress.notice(plan.phase, note)
        return PrunedStudent(student, (), note)
    history = fit(
        by_name(student, name),
        data,
        plan,
        teacher=teacher,
        checkpoint=checkpoint,
        hook=MaskPruner(student, config, data.steps_per_epoch * plan.epochs),
        sparsity_of=lambda: sparsity_of(student.layers, config.min_layer_weights),
    )
    return PrunedStudent(student, history[name])

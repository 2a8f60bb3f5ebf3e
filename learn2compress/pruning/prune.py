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

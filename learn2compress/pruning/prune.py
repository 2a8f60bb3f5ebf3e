"""Prunes one student, by whichever method is configured."""

from __future__ import annotations

import keras

from learn2compress.config import PruneConfig, PruneMethod
from learn2compress.data.batches import TrainingData
from learn2compress.pruning.channels import prune_channels
from learn2compress.pruning.sparsity import MaskPruner, sparsity_of
from learn2compress.results.reports import EpochRecord
from learn2compress.teachers.live import LiveTeacher
from learn2compress.training.checkpoint import Checkpoint
from learn2compress.training.loop import by_name, fit
from learn2compress.training.plan import TrainingPlan


def prune_student(
    student: keras.Model,
    name: str,
    data: TrainingData,
    config: PruneConfig,
    plan: TrainingPlan,
    *,
    teacher: LiveTeacher | None = None,
    checkpoint: Checkpoint | None = None,
) -> tuple[keras.Model, tuple[EpochRecord, ...]]:
    """Prunes and fine-tunes a student.

    Args:
      student: A model `[batch, *input] -> [batch, num_classes]` of logits.
      name: Its name in the history.
      data: Examples, beside the teacher's logits unless `teacher` is given.
      config: What goes, how much, and its schedule; ratios of 0 change nothing.
      plan: How to train meanwhile.
      teacher: Runs in each step.
      checkpoint: Where an interrupted pruning goes on.

    Returns:
      The pruned student and one record per epoch. With `channels` it is a new,
      smaller model; otherwise it is `student` itself, with zeros.

    Raises:
      ConfigError: channels can't be judged by the importance that is configured, or a layer with a share of its own
        is not among those that are pruned.
    """
    if config.changes_nothing:
        return student, ()
    if config.method is PruneMethod.CHANNELS:
        return prune_channels(student, name, data, config, plan, teacher=teacher, checkpoint=checkpoint)
    history = fit(
        by_name(student, name),
        data,
        plan,
        teacher=teacher,
        checkpoint=checkpoint,
        hook=MaskPruner(student, config, data.steps_per_epoch * plan.epochs),
        sparsity_of=lambda: sparsity_of(student.layers, config.min_layer_weights),
    )
    return student, history[name]

"""One student pruned and fine-tuned, and its sensitivity where it is asked for."""

from __future__ import annotations

from typing import NamedTuple

import keras

from learn2compress.config import PruneConfig
from learn2compress.pruning import prune_student
from learn2compress.pruning.sensitivity import prune_sensitivity
from learn2compress.results.pruning import PruneSensitivity
from learn2compress.steps.student_folder import History
from learn2compress.steps.training_inputs import TrainingInputs


class PrunedStep(NamedTuple):
    """What pruning left.

    Attributes:
      student: The smaller student.
      history: All its epochs.
      sensitivity: What pruning each layer alone costs; `None` where nobody asked.
    """

    student: keras.Model
    history: History
    sensitivity: PruneSensitivity | None = None


def prune_and_analyse(
    inputs: TrainingInputs, student: keras.Model, name: str, history: History, prune: PruneConfig
) -> PrunedStep:
    """Prunes and fine-tunes a student, after an analysis of its sensitivity where `prune.sensitivity` asks for it.

    Args:
      inputs: What to train with.
      student: A float student that returns logits.
      name: Its name.
      history: Its epochs so far.
      prune: What is pruned, and how.

    Raises:
      ConfigError: what the configuration asks for is not possible with this student.
    """
    plan = inputs.plan("prune", prune.epochs, prune.learning_rate)
    analysis = None
    if prune.sensitivity:
        sample = inputs.sample(0).decision_examples()
        analysis = prune_sensitivity(
            student,
            name,
            inputs.data,
            prune,
            plan,
            sample.network_top_1,
            num_examples=len(sample.labels),
            num_kept_back=sample.num_kept_back,
            teacher=inputs.teacher,
        )
    pruned = prune_student(
        student, name, inputs.data, prune, plan, teacher=inputs.teacher, checkpoint=inputs.checkpoint
    )
    return PrunedStep(pruned.student, pruned.continued(history), analysis)

"""The settings of one phase of training: how long, how fast, with which loss. Pure functions of numbers."""

from __future__ import annotations

import dataclasses
import hashlib
import math
from collections.abc import Mapping, Sequence

from learn2compress.config import DistillationConfig, Optimizer, Precision, StudentConfig, TrainingConfig
from learn2compress.config.ratios import count_at_ratio


@dataclasses.dataclass(frozen=True)
class TrainingPlan:
    """One phase of training.

    Attributes:
      phase: "train", "prune" or "quantize".
      epochs: Passes over the training split.
      learning_rate: Highest learning rate.
      distillation: The loss.
      seed: The run's seed.
      warmup_ratio: Share of the steps spent rising to it.
      weight_decay: Of kernels alone; with AdamW decoupled.
      gradient_clip_norm: Longest gradient; `None` doesn't clip.
      weight_average_decay: Of the moving average of weights that leaves the training; 0 for none.
      lookahead_steps: Set the weights to Lookahead's average every so many steps; `None` for never.
      lookahead_decay: Share of that average that is kept at the end.
      early_stopping_epochs: Stop after so many epochs without a better mean
        accuracy on the training examples that are kept back, and take each
        student's best epoch; `None` doesn't stop.
      loss_weights: By student name; 1 where left out.
      joins_at_epoch: 0-based epoch in which a student joins; 0 where left out.
      unshared_from_epoch: 0-based epoch from which each student trains on its
        own copy of what it shared before; `None` where they share to the end.
      largest: The student whose signal the others follow, too.
      optimizer: What moves the students' weights; a teacher that is optimised jointly has AdamW.
      momentum: With SGD, share of the sum of gradients that a step keeps.
      batch_norm_bias_rate: Multiplies the students' learning rate of batch normalization's biases.
      precision: What students are computed in; weights and batch statistics are float32.
      teacher_learning_rate: Highest of a teacher that is optimised jointly; `None` for a fixed one.
    """

    phase: str
    epochs: int
    learning_rate: float
    distillation: DistillationConfig
    seed: int
    warmup_ratio: float = 0.0
    weight_decay: float = 0.0
    gradient_clip_norm: float | None = None
    weight_average_decay: float = 0.0
    lookahead_steps: int | None = None
    lookahead_decay: float = 0.77
    early_stopping_epochs: int | None = None
    loss_weights: Mapping[str, float] = dataclasses.field(default_factory=dict)
    joins_at_epoch: Mapping[str, int] = dataclasses.field(default_factory=dict)
    unshared_from_epoch: int | None = None
    largest: str | None = None
    teacher_learning_rate: float | None = None
    precision: Precision = Precision.FLOAT32
    optimizer: Optimizer = Optimizer.ADAMW
    momentum: float = 0.9
    batch_norm_bias_rate: float = 1.0

    def schedule(self, step: int, total_steps: int) -> float:
        """Returns the learning rate of a 0-based step as a share of the highest, 0..1; see `cosine_share`."""
        return cosine_share(step, total_steps, self.warmup_ratio)

    def lookahead_decay_after(self, step: int, total_steps: int) -> float | None:
        """Returns the share of Lookahead's average that is kept after a step; `None` where the weights stay.

        Args:
          step: 0-based.
          total_steps: Of the whole phase.
        """
        if self.lookahead_steps is None or (step + 1) % self.lookahead_steps:
            return None
        return self.lookahead_decay * ((step + 1) / total_steps) ** 3

    @property
    def data_seed(self) -> int:
        """Returns the seed of the order of examples and of their fresh augmentations, of this phase alone.

        Stored views of the teacher derive from the run's seed and stay what they are.
        """
        return int.from_bytes(hashlib.sha256(f"{self.phase} {self.seed}".encode()).digest()[:4], "big")


def cosine_share(step: int, total_steps: int, warmup_ratio: float) -> float:
    """Returns the learning rate of a step: linear warm-up, then half a cosine to zero (SGDR, arXiv:1608.03983).

    Args:
      step: 0-based.
      total_steps: Of the whole phase.
      warmup_ratio: Share of the steps spent rising.

    Returns:
      A share of the highest, 0..1.
    """
    warmup_steps = count_at_ratio(warmup_ratio, total_steps)
    if step < warmup_steps:
        return (step + 1) / warmup_steps
    progressed = (step - warmup_steps) / max(1, total_steps - warmup_steps)
    return 0.5 * (1.0 + math.cos(math.pi * progressed))


def phase_plan(training: TrainingConfig, phase: str, epochs: int, learning_rate: float, seed: int) -> TrainingPlan:
    """Returns the plan of a phase of training of one student, with the run's common settings.

    Args:
      training: The common settings.
      phase: "prune" or "quantize".
      epochs: Passes over the training split.
      learning_rate: Highest learning rate.
      seed: The run's.
    """
    return TrainingPlan(
        phase=phase,
        epochs=epochs,
        learning_rate=learning_rate,
        weight_decay=training.weight_decay,
        gradient_clip_norm=training.gradient_clip_norm,
        # Hints shape features early on; a student that is being compressed has its features. It is alone, and would
        # follow itself.
        distillation=dataclasses.replace(training.distillation, hint_weight=0.0, exits_weight=0.0),
        seed=seed,
        # What an 8-bit kernel will compute is known to more bits than bfloat16 has.
        precision=Precision.FLOAT32 if phase == "quantize" else training.precision,
    )


def joint_plan(
    training: TrainingConfig,
    students: Sequence[StudentConfig],
    largest: str,
    seed: int,
    teacher_learning_rate: float | None = None,
) -> TrainingPlan:
    """Returns the plan of the joint training.

    Args:
      training: How it trains.
      students: All of them.
      largest: Name of the one whose signal the others may follow.
      seed: The run's.
      teacher_learning_rate: Highest of a teacher that is optimised jointly; `None` for a fixed one.
    """
    return dataclasses.replace(
        phase_plan(training, "train", training.epochs, training.learning_rate, seed),
        distillation=training.distillation,
        optimizer=training.optimizer,
        momentum=training.momentum,
        batch_norm_bias_rate=training.batch_norm_bias_rate,
        warmup_ratio=training.warmup_ratio,
        weight_average_decay=training.weight_average_decay,
        lookahead_steps=training.lookahead_steps,
        lookahead_decay=training.lookahead_decay,
        early_stopping_epochs=training.early_stopping_epochs,
        loss_weights={student.name: student.loss_weight for student in students},
        joins_at_epoch={
            student.name: count_at_ratio(student.joins_after_ratio, training.epochs) for student in students
        },
        unshared_from_epoch=training.unshared_from_epoch,
        largest=largest,
        teacher_learning_rate=teacher_learning_rate,
    )

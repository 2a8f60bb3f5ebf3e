"""What one phase of training is to do: how long, how fast, with which loss. Pure functions of numbers."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping

import numpy as np

from learn2compress.config import DistillationConfig
from learn2compress.config.ratios import count_at_ratio


@dataclasses.dataclass(frozen=True)
class TrainingPlan:
    """One phase of training.

    Attributes:
      phase: "train", "prune" or "quantize".
      epochs: Passes over the training split.
      learning_rate: Highest learning rate.
      distillation: The loss.
      seed: Seed of the order of examples.
      warmup_ratio: Share of the steps spent rising to it.
      weight_decay: Decoupled, of kernels alone.
      gradient_clip_norm: Longest gradient; `None` doesn't clip.
      weight_average_decay: Of the moving average of weights that leaves the training; 0 for none.
      early_stopping_epochs: Stop after so many epochs without a better mean
        accuracy, and take the best epoch's weights; `None` doesn't stop.
      loss_weights: By student name; 1 where left out.
      joins_at_epoch: 0-based epoch in which a student joins; 0 where left out.
      largest: The student whose signal the others follow, too.
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
    early_stopping_epochs: int | None = None
    loss_weights: Mapping[str, float] = dataclasses.field(default_factory=dict)
    joins_at_epoch: Mapping[str, int] = dataclasses.field(default_factory=dict)
    largest: str | None = None
    teacher_learning_rate: float | None = None

    def schedule(self, step: int, total_steps: int) -> float:
        """Share of the highest learning rate: linear warm-up, then half a cosine to zero (SGDR, arXiv:1608.03983)."""
        warmup_steps = count_at_ratio(self.warmup_ratio, total_steps)
        if step < warmup_steps:
            return (step + 1) / warmup_steps
        progressed = (step - warmup_steps) / max(1, total_steps - warmup_steps)
        return 0.5 * (1.0 + math.cos(math.pi * progressed))

    def stops(self, accuracies: list[float]) -> bool:
        """Whether training ends early after epochs of these mean held-out accuracies."""
        if self.early_stopping_epochs is None or not accuracies:
            return False
        return len(accuracies) - 1 - int(np.argmax(accuracies)) >= self.early_stopping_epochs

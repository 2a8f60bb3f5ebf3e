"""Accuracy while training: on the held-out split, to show, and on the training examples kept back, to decide by."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import keras
import tensorflow as tf

from learn2compress.config.parsing import ConfigError
from learn2compress.config.training import MIN_VALIDATION_EXAMPLES
from learn2compress.data.batches import TrainingData
from learn2compress.teachers.live import LiveTeacher
from learn2compress.training.losses import top_1
from learn2compress.training.step import TEACHER, as_float


class HeldOutAccuracy:
    """Measures accuracy on examples that no weight is fitted to; compiled once, for any number of epochs.

    Args:
      logits_of: Returns logits `[batch, num_classes]` by name for inputs uint8 `[batch, *input_shape]`.
    """

    def __init__(self, logits_of: Callable[[Any], dict[str, Any]]):
        @tf.function(reduce_retracing=True)
        def count(inputs: Any, labels: Any) -> dict[str, Any]:
            return {name: top_1(logits, labels) for name, logits in logits_of(inputs).items()}

        self._count = count

    @classmethod
    def of_students(cls, network: keras.Model, teacher: LiveTeacher | None = None) -> HeldOutAccuracy:
        """Makes one of a network that returns a dict of logits by student name.

        Args:
          network: Takes float32 0..1.
          teacher: Measured, too, under the name "teacher".
        """

        def logits_of(inputs: Any) -> dict[str, Any]:
            logits = dict(network(as_float(inputs), training=False))
            return logits if teacher is None else logits | {TEACHER: teacher.float32_logits(inputs)}

        return cls(logits_of)

    def measure(self, data: TrainingData, max_examples: int | None = None) -> dict[str, float]:
        """Measures on the held-out split, which `Evaluate` reports: what is decided by it can't be trusted there.

        Args:
          data: Holds the split.
          max_examples: Measure on the first so many; `None` for all.

        Returns:
          Top-1 accuracy by name, 0..1.
        """
        num_examples = data.num_held_out if max_examples is None else min(max_examples, data.num_held_out)
        return self._measure(data.held_out(), num_examples)

    def measure_validation(self, data: TrainingData, max_examples: int | None = None) -> dict[str, float]:
        """Measures on the labelled training examples that are kept back: what decisions while training go by.

        Args:
          data: Holds them; see `TrainingData.num_labelled_validation` for how many.
          max_examples: Measure on the first so many; `None` for all.

        Returns:
          Top-1 accuracy by name, 0..1; empty where no labelled example is kept back.
        """
        num_examples = data.num_labelled_validation
        return self._measure(data.validation(), min(num_examples, max_examples or num_examples))

    def _measure(self, batches: Iterable[tuple[Any, Any]], num_examples: int) -> dict[str, float]:
        correct: dict[str, int] = {}
        left = num_examples
        for inputs, labels in batches:
            if left <= 0:
                break
            if not len(labels):
                continue
            for name, number in self._count(inputs[:left], labels[:left]).items():
                correct[name] = correct.get(name, 0) + int(number)
            left -= len(labels)
        return {name: number / num_examples for name, number in correct.items()}


def check_validation_examples(num_labelled: int, field: str, otherwise: str) -> None:
    """Checks that there are examples to decide by.

    Args:
      num_labelled: Labelled training examples that are kept back.
      field: What decides by them.
      otherwise: What else may be done than to keep back more.

    Raises:
      ConfigError: there are fewer than accuracy can be told from.
    """
    if num_labelled < MIN_VALIDATION_EXAMPLES:
        raise ConfigError(
            f"{field}: found {num_labelled} labelled examples kept back from training to decide by, accepted are "
            f"{MIN_VALIDATION_EXAMPLES} or more; raise training.validation_ratio, or {otherwise}"
        )

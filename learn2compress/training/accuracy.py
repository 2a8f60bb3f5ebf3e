"""Accuracy on the held-out split while training."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from learn2compress.data.batches import TrainingData
from learn2compress.training.losses import top_1
from learn2compress.training.step import as_float


class HeldOutAccuracy:
    """Counts hits; compiled once, for as many epochs as there are.

    Args:
      logits_of: Gives logits `[batch, num_classes]` by name for inputs uint8 `[batch, *input_shape]`.
    """

    def __init__(self, logits_of: Callable[[Any], dict[str, Any]]):
        @tf.function(reduce_retracing=True)
        def count(inputs: Any, labels: Any) -> dict[str, Any]:
            return {name: top_1(logits, labels) for name, logits in logits_of(inputs).items()}

        self._count = count

    @classmethod
    def of_students(cls, network: keras.Model) -> HeldOutAccuracy:
        """Of a network that gives a dict of logits by student name."""
        return cls(lambda inputs: network(as_float(inputs), training=False))

    def measure(self, data: TrainingData, max_examples: int | None = None) -> dict[str, float]:
        """Top-1 accuracy by name, 0..1, on all of the split or on its first `max_examples`."""
        correct: dict[str, int] = {}
        num_examples = data.num_held_out if max_examples is None else min(max_examples, data.num_held_out)
        left = num_examples
        for inputs, labels in data.held_out():
            if left <= 0:
                break
            for name, number in self._count(inputs[:left], labels[:left]).items():
                correct[name] = correct.get(name, 0) + int(number)
            left -= len(labels)
        return {name: number / num_examples for name, number in correct.items()}

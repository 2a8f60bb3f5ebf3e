"""From what a network returns to one score for each class of the data.

Most networks return just that. One sigmoid unit stands for two classes, and a
network of more classes than the data has an output for each of the data's among
others: what is left is the distribution given that it is one of these.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from learn2compress.config import TeacherOutput
from learn2compress.config.parsing import ConfigError

# Far below every probability that counts, and far above what float32 can't divide by.
_SMALLEST_SUM = 1e-30


@dataclasses.dataclass(frozen=True)
class ClassScores:
    """How the outputs of a network become a score for each class of the data.

    Attributes:
      unit: What the only output of a network for two classes is: the second
        class' probability, or its logit (the first one's is 0). `None` where there
        are more outputs.
      outputs: The number of each class' output, in the order of the data's
        classes. `None` where outputs and classes are the same.
      are_probabilities: Whether the outputs that are chosen are scaled to sum to 1.
    """

    unit: TeacherOutput | None = None
    outputs: tuple[int, ...] | None = None
    are_probabilities: bool = False

    def __call__(self, raw: Any) -> Any:
        """Returns scores, inside a graph or outside.

        Args:
          raw: What the network returns, float32 `[batch, outputs]`.

        Returns:
          float32 `[batch, num_classes]`.
        """
        if self.unit is TeacherOutput.PROBABILITIES:
            raw = tf.concat([1.0 - raw, raw], axis=-1)
        elif self.unit is TeacherOutput.LOGITS:
            raw = tf.concat([tf.zeros_like(raw), raw], axis=-1)
        if self.outputs is not None:
            raw = tf.gather(raw, self.outputs, axis=-1)
            if self.are_probabilities:
                raw = (raw + _SMALLEST_SUM) / tf.reduce_sum(raw + _SMALLEST_SUM, axis=-1, keepdims=True)
        return raw


def check_outputs(outputs: Sequence[int], num_outputs: int, num_classes: int, field: str) -> None:
    """Checks that there is an output for each class, and that the network has it.

    Args:
      outputs: Numbers of outputs, in the order of the data's classes.
      num_outputs: Of the network.
      num_classes: Of the data.
      field: Where they stand in the configuration.

    Raises:
      ConfigError: naming the field.
    """
    if len(outputs) != num_classes:
        raise ConfigError(f"{field}: found {len(outputs)} outputs, accepted are {num_classes}: one for each class")
    if max(outputs) >= num_outputs:
        raise ConfigError(
            f"{field}: found output {max(outputs)}, accepted are 0 to {num_outputs - 1}, the teacher's outputs"
        )

"""Copies of a network's weights that live beside it: a moving average, and the best epoch's."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

import keras
import tensorflow as tf


class WeightCopies:
    """One copy of each variable.

    Args:
      variables: The network's, normalization statistics among them.
    """

    def __init__(self, variables: Sequence[keras.Variable]):
        self._variables = variables
        # By way of NumPy: a Keras variable made from a TensorFlow variable shares its memory.
        values = [keras.ops.convert_to_numpy(variable) for variable in variables]
        self.copies = [keras.Variable(value, trainable=False) for value in values]

    def take(self) -> None:
        """Makes the copies equal to the variables."""
        for copy, variable in zip(self.copies, self._variables, strict=True):
            copy.assign(variable.value)

    def give(self) -> None:
        """Makes the variables equal to the copies."""
        for copy, variable in zip(self.copies, self._variables, strict=True):
            variable.assign(copy.value)


class WeightAverage(WeightCopies):
    """An exponential moving average of weights over steps (Izmailov et al., arXiv:1806.05594, and Polyak before).

    Normalization statistics are averaged with the weights that they belong to.

    Args:
      variables: The network's.
      decay: 0..1. The first steps use less, `(1 + step) / (10 + step)`, so that
        the initial weights are soon forgotten.
    """

    def __init__(self, variables: Sequence[keras.Variable], decay: float):
        super().__init__(variables)
        self._decay = decay

    def update(self, step: int) -> None:
        """Moves the average towards the variables, after 0-based `step`."""
        self._update(tf.constant(min(self._decay, (1.0 + step) / (10.0 + step)), tf.float32))

    @contextlib.contextmanager
    def applied(self) -> Iterator[None]:
        """The variables hold the average inside the block, and their own values after it."""
        own = [keras.ops.convert_to_numpy(variable) for variable in self._variables]
        self.give()
        try:
            yield
        finally:
            for variable, value in zip(self._variables, own, strict=True):
                variable.assign(value)

    @tf.function
    def _update(self, decay: tf.Tensor) -> None:
        for copy, variable in zip(self.copies, self._variables, strict=True):
            if copy.dtype.startswith("float"):
                copy.assign(copy.value + (1.0 - decay) * (variable.value - copy.value))
            else:
                copy.assign(variable.value)

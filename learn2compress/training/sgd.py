"""Stochastic gradient descent with Nesterov momentum, as most published trainings of convolutional networks use it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from learn2compress.training.optimizer import DECAYED, StepCountingOptimizer


class Sgd(StepCountingOptimizer):
    """SGD with Nesterov momentum in the form of Sutskever et al. (2013), and weight decay within the gradient.

    The momentum is the sum of gradients, without the learning rate. It starts at
    zero, so that a variable that is trained later starts as gently as one that is
    trained at once.

    Args:
      variables: All that will ever be trained.
      learning_rate: The first; later ones are assigned to `learning_rate`.
      momentum: Share of the sum of gradients that a step keeps, 0..1.
      settings: Those of `StepCountingOptimizer`; `weight_decay` is the share of a kernel that is added to its gradient,
        after clipping.
    """

    _num_moments = 1

    def __init__(
        self, variables: Sequence[keras.Variable], learning_rate: float, *, momentum: float = 0.9, **settings: Any
    ):
        super().__init__(variables, learning_rate, **settings)
        self._momentum = momentum

    def _move(
        self, variables: Sequence[keras.Variable], places: Sequence[int], gradients: Sequence[Any], num_steps: Any
    ) -> None:
        (sums,) = self._moments
        rate = tf.convert_to_tensor(self.learning_rate.value)
        for variable, place, gradient in zip(variables, places, gradients, strict=True):
            decays = self._weight_decay and variable.name == DECAYED
            tf.raw_ops.ResourceApplyMomentum(
                var=variable.value.handle,
                accum=sums[place].value.handle,
                lr=self._rate_of(variable, rate),
                grad=gradient + self._weight_decay * variable.value if decays else gradient,
                momentum=self._momentum,
                use_nesterov=True,
            )

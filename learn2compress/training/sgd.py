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
      weight_decay: Share of a kernel that is added to its gradient, after clipping.
      gradient_clip_norm: Longest gradient of all variables together; `None` does not clip.
      batch_norm_bias_rate: Multiplies the learning rate of batch normalization's biases.
    """

    def __init__(
        self,
        variables: Sequence[keras.Variable],
        learning_rate: float,
        *,
        momentum: float = 0.9,
        weight_decay: float = 0.0,
        gradient_clip_norm: float | None = None,
        batch_norm_bias_rate: float = 1.0,
    ):
        super().__init__(
            variables,
            learning_rate,
            1,
            weight_decay=weight_decay,
            gradient_clip_norm=gradient_clip_norm,
            batch_norm_bias_rate=batch_norm_bias_rate,
        )
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

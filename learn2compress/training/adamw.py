"""AdamW in which each variable counts its own steps.

Adam (Kingma & Ba, arXiv:1412.6980) corrects its moments, which start at zero, by
the number of steps that they have seen. One count for all variables is wrong for
a student that joins later and for a trunk that is released later: their moments
are as young as their first gradient, and corrected by an old count they make
steps of several times the learning rate.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from learn2compress.training.optimizer import DECAYED, StepCountingOptimizer

_BETA_1 = 0.9
_BETA_2 = 0.999
_EPSILON = 1e-7


class AdamW(StepCountingOptimizer):
    """AdamW (Loshchilov & Hutter, arXiv:1711.05101): weight decay apart from the gradient.

    Arguments are those of `StepCountingOptimizer`; a step takes away a kernel's share `weight_decay` times the rate.
    """

    _num_moments = 2

    def _move(
        self, variables: Sequence[keras.Variable], places: Sequence[int], gradients: Sequence[Any], num_steps: Any
    ) -> None:
        means, squares = self._moments
        steps = tf.cast(num_steps, tf.float32)
        mean_powers, square_powers = (tf.unstack(tf.pow(beta, steps), len(places)) for beta in (_BETA_1, _BETA_2))
        rate = tf.convert_to_tensor(self.learning_rate.value)
        for index, (variable, place, gradient) in enumerate(zip(variables, places, gradients, strict=True)):
            if self._weight_decay and variable.name == DECAYED:
                variable.value.assign_sub(variable.value * (self._weight_decay * rate))
            # One pass over the memory, where Keras' optimizer makes one for each term of the formula.
            tf.raw_ops.ResourceApplyAdam(
                var=variable.value.handle,
                m=means[place].value.handle,
                v=squares[place].value.handle,
                beta1_power=mean_powers[index],
                beta2_power=square_powers[index],
                lr=self._rate_of(variable, rate),
                beta1=_BETA_1,
                beta2=_BETA_2,
                epsilon=_EPSILON,
                grad=gradient,
            )

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
import numpy as np
import tensorflow as tf

_BETA_1 = 0.9
_BETA_2 = 0.999
_EPSILON = 1e-7
_DECAYED = "kernel"


class AdamW:
    """AdamW (Loshchilov & Hutter, arXiv:1711.05101) with decoupled weight decay of kernels alone.

    Args:
      variables: All that will ever be trained.
      learning_rate: The first; later ones are assigned to `learning_rate`.
      weight_decay: Share of a kernel, times the learning rate, that a step takes away.
      gradient_clip_norm: Longest gradient of all variables together
        (arXiv:1211.5063); `None` does not clip.

    Attributes:
      learning_rate: A scalar variable.
      num_steps: Steps that each variable has been trained for, int32 `[num_variables]`.
    """

    def __init__(
        self,
        variables: Sequence[keras.Variable],
        learning_rate: float,
        *,
        weight_decay: float = 0.0,
        gradient_clip_norm: float | None = None,
    ):
        self._places = {id(variable): place for place, variable in enumerate(variables)}
        self._weight_decay = weight_decay
        self._gradient_clip_norm = gradient_clip_norm
        self.learning_rate = _state(np.float32(learning_rate), "learning_rate")
        self.num_steps = _state(np.zeros(len(variables), np.int32), "num_steps")
        self._means = [_state(np.zeros(variable.shape, np.float32), "mean") for variable in variables]
        self._squares = [_state(np.zeros(variable.shape, np.float32), "square") for variable in variables]

    @property
    def variables(self) -> list[keras.Variable]:
        """State that a checkpoint must hold."""
        return [self.learning_rate, self.num_steps, *self._means, *self._squares]

    def place_of(self, variable: keras.Variable) -> int | None:
        """Returns the place of a variable in `num_steps`, `None` where it is none of the optimizer's."""
        return self._places.get(id(variable))

    def apply(self, gradients: Sequence[Any], variables: Sequence[keras.Variable]) -> None:
        """Makes one step; to be called inside a `tf.function`.

        Args:
          gradients: One for each variable, of its shape; `None` for a variable
            that takes no part in the step, which neither moves nor decays.
          variables: Some of those that the optimizer was made with.
        """
        pairs = zip(gradients, variables, strict=True)
        taking_part = [(tf.convert_to_tensor(found), variable) for found, variable in pairs if found is not None]
        places = [self._places[id(variable)] for _, variable in taking_part]
        clipped = self._clip([gradient for gradient, _ in taking_part])
        steps = tf.cast(self._count(places), tf.float32)
        mean_powers, square_powers = (tf.unstack(tf.pow(beta, steps), len(places)) for beta in (_BETA_1, _BETA_2))
        rate = tf.convert_to_tensor(self.learning_rate.value)
        for index, (place, gradient) in enumerate(zip(places, clipped, strict=True)):
            variable = taking_part[index][1]
            if self._weight_decay and variable.name == _DECAYED:
                variable.value.assign_sub(variable.value * (self._weight_decay * rate))
            # One pass over the memory, where Keras' optimizer makes one for each term of the formula.
            tf.raw_ops.ResourceApplyAdam(
                var=variable.value.handle,
                m=self._means[place].value.handle,
                v=self._squares[place].value.handle,
                beta1_power=mean_powers[index],
                beta2_power=square_powers[index],
                lr=rate,
                beta1=_BETA_1,
                beta2=_BETA_2,
                epsilon=_EPSILON,
                grad=gradient,
            )
            if variable.constraint is not None:
                variable.assign(variable.constraint(variable))

    def restart(self, variables: Sequence[keras.Variable]) -> None:
        """Forgets the moments and the step counts of some variables, as if they had never been trained."""
        num_steps = keras.ops.convert_to_numpy(self.num_steps).copy()
        for variable in variables:
            place = self._places[id(variable)]
            num_steps[place] = 0
            for moment in (self._means[place], self._squares[place]):
                moment.assign(np.zeros(moment.shape, np.float32))
        self.num_steps.assign(num_steps)

    def _count(self, places: Sequence[int]) -> Any:
        """Counts a step of these variables, and returns how many each has seen with it."""
        counted = np.zeros(self.num_steps.shape, np.int32)
        counted[list(places)] = 1
        return tf.gather(self.num_steps.value.assign_add(counted), places)

    def _clip(self, gradients: Sequence[Any]) -> Sequence[Any]:
        if self._gradient_clip_norm is None:
            return gradients
        share = tf.minimum(1.0, self._gradient_clip_norm / tf.linalg.global_norm(gradients))
        return [gradient * share for gradient in gradients]


def _state(value: Any, name: str) -> keras.Variable:
    return keras.Variable(value, dtype=value.dtype.name, trainable=False, name=name)

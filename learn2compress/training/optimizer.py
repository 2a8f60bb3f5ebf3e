"""What the optimizers have in common: each variable counts its own steps.

A student that joins later and a trunk that is released later are trained for
fewer steps than the rest, and their state is as young as their first gradient.
"""

from __future__ import annotations

import abc
from collections.abc import Sequence
from typing import Any, ClassVar

import keras
import numpy as np
import tensorflow as tf

DECAYED = "kernel"
"""Name of the variables that decay."""
_BATCH_NORM_BIAS = "beta"


class StepCountingOptimizer(abc.ABC):
    """An optimizer whose subclass moves each variable by one fused operator.

    Args:
      variables: All that will ever be trained.
      learning_rate: The first; later ones are assigned to `learning_rate`.
      weight_decay: Weight decay of kernels alone; the subclass says what it multiplies.
      gradient_clip_norm: Longest gradient of all variables together
        (arXiv:1211.5063); `None` does not clip.
      batch_norm_bias_rate: Multiplies the learning rate of batch normalization's
        biases (arXiv:2404.00498).

    Attributes:
      learning_rate: A scalar variable.
      num_steps: Steps that each variable has been trained for, int32 `[num_variables]`.
    """

    _num_moments: ClassVar[int]
    """Moments that the subclass keeps of each variable's gradients."""

    def __init__(
        self,
        variables: Sequence[keras.Variable],
        learning_rate: float,
        *,
        weight_decay: float = 0.0,
        gradient_clip_norm: float | None = None,
        batch_norm_bias_rate: float = 1.0,
    ):
        self._places = {id(variable): place for place, variable in enumerate(variables)}
        self._weight_decay = weight_decay
        self._gradient_clip_norm = gradient_clip_norm
        self._batch_norm_bias_rate = batch_norm_bias_rate
        self.learning_rate = _state(np.float32(learning_rate), "learning_rate")
        self.num_steps = _state(np.zeros(len(variables), np.int32), "num_steps")
        self._moments = [
            [_state(np.zeros(variable.shape, np.float32), "moment") for variable in variables]
            for _ in range(self._num_moments)
        ]

    @property
    def variables(self) -> list[keras.Variable]:
        """State that a checkpoint must hold."""
        return [self.learning_rate, self.num_steps, *(moment for moments in self._moments for moment in moments)]

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
        trained = [variable for _, variable in taking_part]
        places = [self._places[id(variable)] for variable in trained]
        clipped = self._clip([gradient for gradient, _ in taking_part])
        self._move(trained, places, clipped, self._count(places))
        for variable in trained:
            if variable.constraint is not None:
                variable.assign(variable.constraint(variable))

    def restart(self, variables: Sequence[keras.Variable]) -> None:
        """Forgets the moments and the step counts of some variables, as if they had never been trained."""
        num_steps = keras.ops.convert_to_numpy(self.num_steps).copy()
        for variable in variables:
            place = self._places[id(variable)]
            num_steps[place] = 0
            for moments in self._moments:
                moments[place].assign(np.zeros(variable.shape, np.float32))
        self.num_steps.assign(num_steps)

    @abc.abstractmethod
    def _move(
        self, variables: Sequence[keras.Variable], places: Sequence[int], gradients: Sequence[Any], num_steps: Any
    ) -> None:
        """Moves variables, and their moments.

        Args:
          variables: All that take part in the step.
          places: Where their moments are.
          gradients: One for each, of its shape, clipped.
          num_steps: Steps that each has seen with this one, int32 `[len(variables)]`.
        """

    def _rate_of(self, variable: keras.Variable, rate: Any) -> Any:
        """Returns a variable's own learning rate.

        Args:
          variable: One that takes part in the step.
          rate: That of the step, a float32 scalar.

        Returns:
          A float32 scalar.
        """
        if variable.name == _BATCH_NORM_BIAS and self._batch_norm_bias_rate != 1.0:
            return rate * self._batch_norm_bias_rate
        return rate

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

"""Copies of a network's weights that live beside it: moving averages, and the best epoch's."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import keras
import tensorflow as tf

from learn2compress.keras_internals import leaf_layers
from learn2compress.teachers.live import LiveTeacher
from learn2compress.training.optimizer import StepCountingOptimizer
from learn2compress.training.step import TEACHER


class WeightCopies:
    """One copy of each variable.

    Args:
      variables: A network's, normalization statistics among them.
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

    Each variable is averaged over the steps that it was trained for: `decay` is
    `n / (9 + n)` in its n-th step until that is more than the highest, so that
    its initial weights are soon forgotten, whenever it starts. A variable that
    was never trained is its own average.

    Args:
      network: Normalization statistics are averaged with the weights of their layer.
      optimizer: Trains the network, and counts each variable's steps.
      decay: The highest, 0..1.
    """

    def __init__(self, network: keras.Model, optimizer: StepCountingOptimizer, decay: float):
        super().__init__(network.variables)
        self._decay = decay
        self._num_steps = optimizer.num_steps
        self._places = _places(network, optimizer)

    @contextlib.contextmanager
    def applied(self) -> Iterator[None]:
        """Makes the variables hold the average inside the block, and their own values after it."""
        own = [keras.ops.convert_to_numpy(variable) for variable in self._variables]
        self.give()
        try:
            yield
        finally:
            for variable, value in zip(self._variables, own, strict=True):
                variable.assign(value)

    @tf.function
    def update(self) -> None:
        """Moves the average towards the variables, after a step of the optimizer."""
        num_steps = tf.cast(self._num_steps.value, tf.float32)
        decays = tf.minimum(self._decay, num_steps / (9.0 + num_steps))
        by_place = tf.unstack(decays)
        longest = tf.reduce_max(decays)
        for copy, variable, place in zip(self.copies, self._variables, self._places, strict=True):
            if copy.dtype.startswith("float"):
                decay = longest if place is None else by_place[place]
                copy.assign(copy.value + (1.0 - decay) * (variable.value - copy.value))
            else:
                copy.assign(variable.value)


class Lookahead(WeightCopies):
    """A moving average that the weights are set to every few steps (Zhang et al., arXiv:1907.08610).

    With a share that rises to the end (arXiv:2404.00498) it hardly matters while
    weights move far, and averages the last epochs. Weights that are not trained
    yet are their own average, whatever the share.
    """

    @tf.function
    def update(self, decay: Any) -> None:
        """Moves the average towards the variables, and makes the variables equal to it.

        Args:
          decay: Share of the average that is kept, a float32 scalar 0..1.
        """
        for copy, variable in zip(self.copies, self._variables, strict=True):
            if copy.dtype.startswith("float"):
                # Exact where the weight is its average, and where all of the average is kept.
                copy.assign(copy.value + (1.0 - decay) * (variable.value - copy.value))
                variable.assign(copy.value)


def best_copies(network: keras.Model, teacher: LiveTeacher | None) -> dict[str, WeightCopies]:
    """Makes room for weights of an epoch of its own for each student of a network.

    Args:
      network: Returns logits by student name. What students share is copied for each.
      teacher: One that is optimised jointly.

    Returns:
      Copies by the student's name; the teacher's by "teacher".
    """
    views = {name: keras.Model(network.input, logits) for name, logits in network.output.items()}
    copies = {name: WeightCopies(view.variables) for name, view in views.items()}
    return copies if teacher is None else copies | {TEACHER: WeightCopies(teacher.variables)}


def _places(network: keras.Model, optimizer: StepCountingOptimizer) -> list[int | None]:
    """Returns for each of a network's variables the place of its step count in `optimizer.num_steps`.

    That of statistics is their layer's first weight's; `None` where a layer has no weights.
    """
    places: dict[int, int] = {}
    for layer in leaf_layers(network):
        trained = [place for place in map(optimizer.place_of, layer.variables) if place is not None]
        for variable in layer.variables if trained else []:
            own = optimizer.place_of(variable)
            places[id(variable)] = trained[0] if own is None else own
    return [places.get(id(variable)) for variable in network.variables]

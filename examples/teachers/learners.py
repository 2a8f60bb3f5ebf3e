"""Networks with their optimizers, as `training.train` takes them: one step at a time, and accuracy."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from learn2compress.config import InputScaling, Precision
from learn2compress.precision.view import faster_view
from learn2compress.teachers.input_scaling import scaled_inputs
from learn2compress.training.adamw import AdamW
from learn2compress.training.plan import cosine_share
from learn2compress.training.weight_copies import Lookahead
from teachers.recipes import Recipe
from teachers.schedules import lookahead_decay, side_in_epoch, triangle_share
from teachers.views import EpochViews
from teachers.whitened_networks import WHITENING

_MEASURED_AT_ONCE = 500


@dataclass(frozen=True)
class Examples:
    """Examples as the pipeline stores them.

    Attributes:
      inputs: uint8 `[n, *input_shape]`.
      labels: Class indices, int64 `[n]`.
    """

    inputs: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class Length:
    """How long a training is.

    Attributes:
      epochs: Passes over the examples.
      batch_size: Examples in a step.
      steps_per_epoch: Full batches; what remains of an epoch's order is left out of it.
    """

    epochs: int
    batch_size: int
    steps_per_epoch: int

    @classmethod
    def of(cls, num_examples: int, epochs: int, batch_size: int) -> Length:
        """Returns the length of a training on so many examples."""
        batch_size = min(batch_size, num_examples)
        return cls(epochs, batch_size, num_examples // batch_size)

    @property
    def total_steps(self) -> int:
        """Returns the steps of all epochs."""
        return self.epochs * self.steps_per_epoch


class Learner(ABC):
    """A network in training.

    Args:
      network: float32, of scaled inputs; it returns logits.
      view: The same weights in layers that train faster.
      scaling: How bytes become its inputs.

    Attributes:
      network: The same.
      view: The same.
      scaling: How bytes become inputs.
      accuracy: Returns the share of examples that it is right on, as it is computed in training.
    """

    def __init__(self, network: keras.Model, view: keras.Model, scaling: InputScaling):
        self.network = network
        self.view = view
        self.scaling = scaling
        self.accuracy = accuracy_measure(self.view, scaling)

    @property
    @abstractmethod
    def variables(self) -> list[keras.Variable]:
        """All state of the training."""

    @abstractmethod
    def learning_rate(self, step: int) -> float:
        """Returns the learning rate of a 0-based step."""

    @abstractmethod
    def step(self, inputs: np.ndarray, labels: np.ndarray, step: int) -> Any:
        """Makes one step.

        Args:
          inputs: uint8 `[batch, *input_shape]`.
          labels: Class indices `[batch]`.
          step: 0-based, of the training.

        Returns:
          Mean loss and share of right answers, float32 `[2]`.
        """

    def epoch_inputs(self, inputs: np.ndarray, epoch: int) -> Callable[[np.ndarray], np.ndarray]:
        """Returns a function of places `[batch]` that returns what an epoch sees there, uint8.

        Args:
          inputs: All examples, uint8 `[n, *input_shape]`.
          epoch: 0-based.
        """
        del epoch  # The network changes its inputs by itself, if at all.
        return lambda places: inputs[places]


class AdamWLearner(Learner):
    """Cross-entropy by AdamW with half a cosine: what most networks are content with.

    Args:
      network: As for `Learner`; it changes its inputs by itself in training, if at all.
      scaling: How bytes become its inputs.
      precision: What convolutions are computed in.
      length: Of the training.
      weight_decay: Decoupled, of kernels alone.
    """

    _HIGHEST_LEARNING_RATE = 0.002
    _WARMUP_RATIO = 0.05

    def __init__(
        self, network: keras.Model, scaling: InputScaling, precision: Precision, length: Length, weight_decay: float
    ):
        super().__init__(network, faster_view(network, precision), scaling)
        self._length = length
        variables = network.trainable_variables
        self._optimizer = AdamW(variables, self._HIGHEST_LEARNING_RATE, weight_decay=weight_decay)

        @tf.function
        def compiled(inputs: Any, labels: Any) -> Any:
            with tf.GradientTape() as tape:
                logits = self.view(scaled_inputs(inputs, scaling), training=True)
                loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits))
            self._optimizer.apply(tape.gradient(loss, [variable.value for variable in variables]), variables)
            return tf.stack([loss, _share_right(logits, labels)])

        self._compiled = compiled

    @property
    def variables(self) -> list[keras.Variable]:
        """All state of the training."""
        return [*self.network.variables, *self._optimizer.variables]

    def learning_rate(self, step: int) -> float:
        """Returns the learning rate of a 0-based step."""
        return self._HIGHEST_LEARNING_RATE * cosine_share(step, self._length.total_steps, self._WARMUP_RATIO)

    def step(self, inputs: np.ndarray, labels: np.ndarray, step: int) -> Any:
        """Makes one step.

        Args:
          inputs: uint8 `[batch, *input_shape]`.
          labels: Class indices `[batch]`.
          step: 0-based, of the training.

        Returns:
          Mean loss and share of right answers, float32 `[2]`.
        """
        self._optimizer.learning_rate.assign(self.learning_rate(step))
        return self._compiled(inputs, labels)


class WhitenedLearner(Learner):
    """Trains a whitened network as its recipe says: SGD with Nesterov's momentum, fast biases, and Lookahead.

    Args:
      network: From `whitened_networks.build_for_training`.
      scaling: How bytes become its inputs.
      precision: What convolutions are computed in.
      length: Of the training.
      recipe: The numbers.
      seed: Of the views.
    """

    def __init__(
        self,
        network: keras.Model,
        scaling: InputScaling,
        precision: Precision,
        length: Length,
        recipe: Recipe,
        seed: int,
    ):
        super().__init__(network, _view_of_whitened(network, precision), scaling)
        self._length, self._recipe, self._seed = length, recipe, seed
        whitening = network.get_layer(WHITENING)
        # The whitening kernel is frozen; its bias is trained in the first epochs.
        self._whitening_bias = whitening.bias
        self._trained = [variable for variable in network.trainable_variables if variable is not whitening.kernel]
        self._momenta = [keras.Variable(np.zeros(v.shape, np.float32), trainable=False) for v in self._trained]
        self._lookahead = Lookahead(network.variables)
        # As if gradients were the same in each step, and summed over examples.
        kilostep = 1024 * (1.0 + 1.0 / (1.0 - recipe.momentum))
        self._highest_rate = recipe.learning_rate * length.batch_size / kilostep
        self._decay_per_step = recipe.weight_decay * length.batch_size / kilostep
        self._step = tf.function(self._make_step)

    @property
    def variables(self) -> list[keras.Variable]:
        """All state of the training."""
        return [*self.network.variables, *self._momenta, *self._lookahead.copies]

    def learning_rate(self, step: int) -> float:
        """Returns the learning rate of a 0-based step."""
        return self._highest_rate * triangle_share(step, self._length.total_steps, self._recipe)

    def epoch_inputs(self, inputs: np.ndarray, epoch: int) -> Callable[[np.ndarray], np.ndarray]:
        """Returns a function of places `[batch]` that returns the views of an epoch, uint8.

        Args:
          inputs: All examples, uint8 `[n, *input_shape]`.
          epoch: 0-based.
        """
        recipe = self._recipe
        views = EpochViews(
            len(inputs),
            inputs.shape[1:],
            self._seed,
            epoch,
            flip=recipe.flip,
            shift_pixels=recipe.shift_pixels,
            cutout_pixels=recipe.cutout_pixels,
            colour=np.round(inputs.mean((0, 1, 2))).astype(np.uint8) if recipe.cutout_pixels else 0,
        )
        return lambda places: views.of(inputs, places)

    def step(self, inputs: np.ndarray, labels: np.ndarray, step: int) -> Any:
        """Makes one step.

        Args:
          inputs: uint8 `[batch, height, width, channels]`.
          labels: Class indices `[batch]`.
          step: 0-based, of the training.

        Returns:
          Mean loss and share of right answers, float32 `[2]`.
        """
        recipe, length = self._recipe, self._length
        epoch = step // length.steps_per_epoch
        side = side_in_epoch(epoch, length.epochs, inputs.shape[1], recipe.sizes)
        rate = tf.constant(self.learning_rate(step), tf.float32)
        bias_rate = rate if epoch < recipe.whitening_bias_epochs else tf.zeros_like(rate)
        result = self._step(inputs, labels, rate, bias_rate, side)
        decay = lookahead_decay(step, length.total_steps, length.batch_size)
        if decay is not None:
            self._lookahead.update(tf.constant(decay, tf.float32))
        return result

    def _make_step(self, inputs: Any, labels: Any, rate: Any, whitening_bias_rate: Any, side: int) -> Any:
        images = _shrunk(scaled_inputs(inputs, self.scaling), side)
        values = [variable.value for variable in self._trained]
        with tf.GradientTape() as tape:
            logits = self.view(images, training=True)
            smoothing = self._recipe.label_smoothing
            targets = tf.one_hot(labels, logits.shape[1]) * (1.0 - smoothing) + smoothing / logits.shape[1]
            loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(targets, logits))
        for variable, momentum, gradient in zip(self._trained, self._momenta, tape.gradient(loss, values), strict=True):
            times_rate = self._recipe.bias_rate if variable.name == "beta" else 1.0
            decay = self._decay_per_step / (self._highest_rate * times_rate)
            # The learning rate is outside the momentum, as in the recipes.
            tf.raw_ops.ResourceApplyMomentum(
                var=variable.value.handle,
                accum=momentum.value.handle,
                lr=whitening_bias_rate if variable is self._whitening_bias else rate * times_rate,
                grad=gradient + decay * variable.value,
                momentum=self._recipe.momentum,
                use_nesterov=True,
            )
        return tf.stack([loss, _share_right(logits, labels)])


def accuracy_measure(network: keras.Model, scaling: InputScaling) -> Callable[[Examples], float]:
    """Returns a function of examples that returns the share whose highest logit is their class', 0..1.

    Args:
      network: Of scaled inputs.
      scaling: How bytes become them.
    """

    @tf.function(reduce_retracing=True)
    def num_right(inputs: Any, labels: Any) -> Any:
        logits = network(scaled_inputs(inputs, scaling), training=False)
        return tf.math.count_nonzero(tf.argmax(logits, 1) == labels)

    def measure(examples: Examples) -> float:
        right = 0
        for start in range(0, len(examples), _MEASURED_AT_ONCE):
            part = slice(start, start + _MEASURED_AT_ONCE)
            right += int(num_right(examples.inputs[part], examples.labels[part]))
        return right / len(examples)

    return measure


def _view_of_whitened(network: keras.Model, precision: Precision) -> keras.Model:
    """Returns a view for training, in which the whitening is computed in float32 whatever the precision is.

    Its filters take small differences of large numbers, which bfloat16 has not the digits for.
    """
    whitened = network.get_layer(WHITENING).output
    behind = faster_view(keras.Model(whitened, network.output), precision)
    return keras.Model(network.input, behind(whitened))


def _shrunk(images: Any, side: int) -> Any:
    """Returns images of another height.

    Args:
      images: float32 `[batch, height, width, channels]`.
      side: Wanted height; the width follows it.

    Returns:
      float32 `[batch, side, width * side / height, channels]`.
    """
    height, width = images.shape[1:3]
    if side == height:
        return images
    return tf.image.resize(images, (side, round(width * side / height)), antialias=True)


def _share_right(logits: Any, labels: Any) -> Any:
    return tf.reduce_mean(tf.cast(tf.argmax(logits, 1) == labels, tf.float32))

"""SGD: the steps that Keras makes, and weight decay of kernels."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from learn2compress.training.optimizer import StepCountingOptimizer
from learn2compress.training.sgd import Sgd

LEARNING_RATE = 0.01
NAMES = ("kernel", "bias", "beta")


def variables() -> list[keras.Variable]:
    random = np.random.default_rng(0)
    return [keras.Variable(random.normal(size=(4,)).astype(np.float32), name=name) for name in NAMES]


def gradients(step: int) -> list[tf.Tensor]:
    random = np.random.default_rng(step)
    return [tf.constant(random.normal(size=(4,)).astype(np.float32)) for _ in NAMES]


def apply(optimizer: StepCountingOptimizer, found: list[tf.Tensor | None], trained: list[keras.Variable]) -> None:
    tf.function(lambda: optimizer.apply(found, trained))()


@pytest.mark.parametrize("clip", [None, 0.5])
def test_variables_are_trained_as_keras_trains_them(clip: float | None) -> None:
    ours, theirs = variables(), variables()
    optimizer = Sgd(ours, LEARNING_RATE, momentum=0.8, gradient_clip_norm=clip)
    keras_optimizer = keras.optimizers.SGD(LEARNING_RATE, momentum=0.8, nesterov=True, global_clipnorm=clip)
    for step in range(20):
        apply(optimizer, gradients(step), ours)
        keras_optimizer.apply_gradients(zip(gradients(step), theirs, strict=True))
    for variable, expected in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(variable.numpy(), expected.numpy(), atol=1e-6)


def test_weight_decay_is_a_part_of_the_gradients_of_kernels() -> None:
    decayed, expected = variables(), variables()
    optimizer, plain = Sgd(decayed, LEARNING_RATE, weight_decay=0.5), Sgd(expected, LEARNING_RATE)
    for step in range(5):
        found = gradients(step)
        with_decay = [found[0] + 0.5 * expected[0].numpy(), *found[1:]]
        apply(optimizer, found, decayed)
        apply(plain, with_decay, expected)
    for variable, other in zip(decayed, expected, strict=True):
        np.testing.assert_allclose(variable.numpy(), other.numpy(), atol=1e-6)

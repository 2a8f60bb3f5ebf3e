"""SGD: the steps that Keras makes, weight decay of kernels, and batch-norm biases at a rate of their own."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from learn2compress.training.adamw import AdamW
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


@pytest.mark.parametrize("kind", [AdamW, Sgd])
def test_batch_norm_biases_have_a_rate_of_their_own(kind: type[AdamW] | type[Sgd]) -> None:
    moves = []
    for rate in (1.0, 8.0):
        trained = variables()
        before = [variable.numpy() for variable in trained]
        optimizer = kind(trained, LEARNING_RATE, batch_norm_bias_rate=rate)
        for step in range(3):
            apply(optimizer, gradients(step), trained)
        moves.append([variable.numpy() - old for variable, old in zip(trained, before, strict=True)])
    for name, slow, fast in zip(NAMES, *moves, strict=True):
        np.testing.assert_allclose(fast, (8.0 if name == "beta" else 1.0) * slow, atol=1e-5)


def test_a_restarted_variable_begins_anew_and_one_without_a_gradient_stays() -> None:
    trained = variables()
    optimizer = Sgd(trained, LEARNING_RATE, weight_decay=0.1)
    apply(optimizer, gradients(0), trained)
    optimizer.restart(trained[1:2])
    before = [variable.numpy() for variable in trained]
    apply(optimizer, [None, tf.ones(4), None], trained)
    assert optimizer.num_steps.numpy().tolist() == [1, 1, 1]
    np.testing.assert_allclose(trained[1].numpy(), before[1] - 1.9 * LEARNING_RATE, atol=1e-6)
    for place in (0, 2):
        np.testing.assert_array_equal(trained[place].numpy(), before[place])


def test_a_constraint_holds_after_every_step() -> None:
    trained = variables()
    trained[0].constraint = keras.constraints.NonNeg()
    apply(Sgd(trained, LEARNING_RATE), gradients(0), trained)
    assert trained[0].numpy().min() >= 0.0


def test_the_state_restores_to_the_same_steps() -> None:
    results = []
    for interrupted in (False, True):
        trained = variables()
        optimizer = Sgd(trained, LEARNING_RATE)
        for step in range(6):
            if interrupted and step == 3:
                state = [variable.numpy() for variable in optimizer.variables]
                optimizer = Sgd(trained, 0.5)
                for variable, value in zip(optimizer.variables, state, strict=True):
                    variable.assign(value)
            apply(optimizer, gradients(step), trained)
        results.append([variable.numpy() for variable in trained])
    for expected, found in zip(*results, strict=True):
        np.testing.assert_array_equal(expected, found)

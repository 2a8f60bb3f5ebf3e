"""What holds of every optimizer: no gradient no step, a restart, constraints, a state to restore, biases' own rate."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import keras
import numpy as np
import pytest
import tensorflow as tf

from learn2compress.training.adamw import AdamW
from learn2compress.training.optimizer import StepCountingOptimizer
from learn2compress.training.sgd import Sgd

LEARNING_RATE = 0.01
NAMES = ("kernel", "bias", "beta")
Make = Callable[..., StepCountingOptimizer]
each_optimizer = pytest.mark.parametrize("make", [AdamW, Sgd])


def variables() -> list[keras.Variable]:
    random = np.random.default_rng(0)
    return [keras.Variable(random.normal(size=(4,)).astype(np.float32), name=name) for name in NAMES]


def gradients(step: int) -> list[tf.Tensor]:
    random = np.random.default_rng(step)
    return [tf.constant(random.normal(size=(4,)).astype(np.float32)) for _ in NAMES]


def apply(
    optimizer: StepCountingOptimizer, found: Sequence[tf.Tensor | None], trained: Sequence[keras.Variable]
) -> None:
    tf.function(lambda: optimizer.apply(found, trained))()


@each_optimizer
def test_a_variable_without_a_gradient_neither_moves_nor_decays_nor_counts(make: Make) -> None:
    trained = variables()
    optimizer = make(trained, LEARNING_RATE, weight_decay=0.5)
    before = trained[0].numpy()
    apply(optimizer, [None, tf.ones(4), tf.ones(4)], trained)
    np.testing.assert_array_equal(trained[0].numpy(), before)
    assert optimizer.num_steps.numpy().tolist() == [0, 1, 1]


@each_optimizer
def test_a_restarted_variable_makes_its_first_step_again(make: Make) -> None:
    trained = variables()
    optimizer = make(trained, LEARNING_RATE)
    before = trained[0].numpy()
    apply(optimizer, gradients(0), trained)
    first_move = trained[0].numpy() - before
    optimizer.restart(trained[:1])
    assert optimizer.num_steps.numpy().tolist() == [0, 1, 1]
    before = trained[0].numpy()
    apply(optimizer, gradients(0), trained)
    np.testing.assert_allclose(trained[0].numpy() - before, first_move, atol=1e-6)


@each_optimizer
def test_a_constraint_holds_after_every_step(make: Make) -> None:
    trained = variables()
    trained[0].constraint = keras.constraints.NonNeg()
    apply(make(trained, LEARNING_RATE), gradients(0), trained)
    assert trained[0].numpy().min() >= 0.0


@each_optimizer
def test_batch_norm_biases_have_a_rate_of_their_own(make: Make) -> None:
    moves = []
    for rate in (1.0, 8.0):
        trained = variables()
        before = [variable.numpy() for variable in trained]
        optimizer = make(trained, LEARNING_RATE, batch_norm_bias_rate=rate)
        for step in range(3):
            apply(optimizer, gradients(step), trained)
        moves.append([variable.numpy() - old for variable, old in zip(trained, before, strict=True)])
    for name, slow, fast in zip(NAMES, *moves, strict=True):
        np.testing.assert_allclose(fast, (8.0 if name == "beta" else 1.0) * slow, atol=1e-5)


@each_optimizer
def test_the_state_restores_to_the_same_steps(make: Make) -> None:
    results = []
    for interrupted in (False, True):
        trained = variables()
        optimizer = make(trained, LEARNING_RATE)
        for step in range(6):
            if interrupted and step == 3:
                state = [variable.numpy() for variable in optimizer.variables]
                optimizer = make(trained, 0.5)
                for variable, value in zip(optimizer.variables, state, strict=True):
                    variable.assign(value)
            apply(optimizer, gradients(step), trained)
        results.append([variable.numpy() for variable in trained])
    for expected, found in zip(*results, strict=True):
        np.testing.assert_array_equal(expected, found)

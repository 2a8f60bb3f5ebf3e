"""The optimizer: Keras' steps where variables start together, and no longer ones where one starts late."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import keras
import numpy as np
import pytest
import tensorflow as tf

from learn2compress.training.adamw import AdamW

LEARNING_RATE = 0.01


def variables() -> list[keras.Variable]:
    random = np.random.default_rng(0)
    return [
        keras.Variable(random.normal(size=shape).astype(np.float32), name=name)
        for shape, name in (((3, 4), "kernel"), ((4,), "bias"))
    ]


def gradients(step: int) -> list[tf.Tensor]:
    random = np.random.default_rng(step)
    return [tf.constant(random.normal(size=shape).astype(np.float32)) for shape in ((3, 4), (4,))]


def step_of(
    optimizer: AdamW, found: Sequence[tf.Tensor | None], trained: Sequence[keras.Variable]
) -> Callable[[], None]:
    return tf.function(lambda: optimizer.apply(found, trained))


def apply(optimizer: AdamW, found: Sequence[tf.Tensor | None], trained: Sequence[keras.Variable]) -> None:
    step_of(optimizer, found, trained)()


@pytest.mark.parametrize("clip", [None, 0.5])
def test_variables_that_start_together_are_trained_as_keras_trains_them(clip: float | None) -> None:
    ours, theirs = variables(), variables()
    optimizer = AdamW(ours, LEARNING_RATE, weight_decay=0.1, gradient_clip_norm=clip)
    keras_optimizer = keras.optimizers.AdamW(LEARNING_RATE, weight_decay=0.1, global_clipnorm=clip)
    keras_optimizer.exclude_from_weight_decay([theirs[1]])
    keras_optimizer.build(theirs)
    for step in range(20):
        apply(optimizer, gradients(step), ours)
        keras_optimizer.apply_gradients(zip(gradients(step), theirs, strict=True))
        for variable, expected in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(variable.numpy(), expected.numpy(), atol=1e-6)


def test_a_variable_that_starts_late_makes_the_steps_of_one_that_starts_at_once() -> None:
    moves = []
    for late in (0, 1000):
        kernel, bias = variables()
        optimizer = AdamW([kernel, bias], LEARNING_RATE)
        kernel_alone = step_of(optimizer, [tf.ones((3, 4))], [kernel])
        for _ in range(late):
            kernel_alone()
        moves.append([])
        for step in range(30):
            before = bias.numpy()
            apply(optimizer, gradients(step), [kernel, bias])
            moves[-1].append(bias.numpy() - before)
        assert optimizer.num_steps.numpy().tolist() == [late + 30, 30]
    np.testing.assert_allclose(moves[0], moves[1], atol=1e-6)
    # With random gradients no step of Adam is much longer than its first, which is the learning rate.
    assert np.abs(moves[1]).max() < 1.1 * LEARNING_RATE


def test_sparse_gradients_are_taken() -> None:
    table = keras.Variable(np.ones((5, 2), np.float32))
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(tf.gather(table.value, [1, 3]))
    found = tape.gradient(loss, table.value)
    assert isinstance(found, tf.IndexedSlices)
    apply(AdamW([table], LEARNING_RATE), [found], [table])
    np.testing.assert_allclose(table.numpy()[:, 0], [1, 1 - LEARNING_RATE, 1, 1 - LEARNING_RATE, 1], rtol=1e-4)

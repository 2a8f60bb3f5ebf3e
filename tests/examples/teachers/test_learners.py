"""Tests of `examples/teachers/learners.py`: real trainings of a few channels on the bundled digits."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from types import ModuleType
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from learn2compress.config import InputScaling, Precision
from learn2compress.training.loop import make_deterministic

SCALING = InputScaling()


@pytest.fixture
def new_learner(example: Callable[[str], ModuleType], digits: Any) -> Callable[..., Any]:
    """Makes one of a small network of three resolutions, which begins with the same weights each time."""

    def make(precision: Precision = Precision.FLOAT32, **changes: Any) -> Any:
        make_deterministic(3)
        recipe = example("teachers.recipes").RECIPES["airbench94"]
        changes = {"widths": (16, 24, 24), "epochs": 5, "batch_size": 64, **changes}
        recipe = dataclasses.replace(recipe, shift_pixels=1, **changes)
        length = example("teachers.learners").Length.of(len(digits), recipe.epochs, recipe.batch_size)
        images = digits.inputs[:500].astype(np.float32) / 255.0
        network = example("teachers.whitened_networks").build_for_training(recipe, images, 10)
        return example("teachers.learners").WhitenedLearner(network, SCALING, precision, length, recipe, seed=3)

    return make


def trained(learner: Any, digits: Any, epochs: int, steps_per_epoch: int) -> list[float]:
    """The losses of all steps, on examples in their order."""
    losses = []
    for epoch in range(epochs):
        inputs_at = learner.epoch_inputs(digits.inputs, epoch)
        for index in range(steps_per_epoch):
            places = np.arange(64) + 64 * index
            result = learner.step(inputs_at(places), digits.labels[places], epoch * steps_per_epoch + index)
            losses.append(float(result[0]))
    return losses


def test_lengths_are_of_full_batches(example: Callable[[str], ModuleType]) -> None:
    length = example("teachers.learners").Length
    assert length.of(1000, 3, 300) == length(3, 300, 3)
    assert length.of(1000, 3, 300).total_steps == 9
    assert length.of(100, 3, 300) == length(3, 100, 1)


def test_a_step_is_nesterovs_with_decoupled_rates(new_learner: Callable[..., Any], digits: Any) -> None:
    learner, reference = new_learner(label_smoothing=0.0), new_learner().network
    inputs, labels = digits.inputs[:64], digits.labels[:64]
    learner.step(inputs, labels, 0)
    variables = reference.trainable_variables
    with tf.GradientTape() as tape:
        logits = reference(tf.cast(inputs, tf.float32) / 255.0, training=True)
        loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits))
    gradients = tape.gradient(loss, [variable.value for variable in variables])
    rate = 11.5 * 64 / (1024 * (1 + 1 / 0.15))
    decay = 0.0153 * 64 / (1024 * (1 + 1 / 0.15))
    seen = set()
    for found, variable, gradient in zip(learner.network.trainable_variables, variables, gradients, strict=True):
        if variable is reference.get_layer("whitening").kernel:
            np.testing.assert_array_equal(found, variable)
            continue
        times_rate = 64.0 if variable.name == "beta" else 1.0
        change = (rate * times_rate * gradient + decay * variable.value) * 1.85 * 0.2
        np.testing.assert_allclose(found, variable.value - change, rtol=1e-3, atol=1e-4)
        seen.add(variable.name)
    assert seen == {"bias", "kernel", "beta"}


@pytest.mark.parametrize("precision", list(Precision))
def test_a_whitened_network_learns_and_its_whitening_stays(
    precision: Precision, new_learner: Callable[..., Any], digits: Any
) -> None:
    learner = new_learner(precision, sizes=(12,))
    whitening = learner.network.get_layer("whitening")
    kernel = np.array(whitening.kernel)
    losses = trained(learner, digits, 5, 28)
    np.testing.assert_array_equal(whitening.kernel, kernel)
    assert np.mean(losses[-10:]) < 0.9 * losses[0]


def test_bfloat16_begins_behind_the_whitening(new_learner: Callable[..., Any]) -> None:
    view = new_learner(Precision.BFLOAT16).view
    function = tf.function(lambda images: view(images, training=True)).get_concrete_function(
        tf.TensorSpec([4, 16, 16, 3])
    )

    def types(graph: Any) -> list[tf.DType]:
        return [operator.outputs[0].dtype for operator in graph.get_operations() if operator.type == "Conv2D"]

    assert types(function.graph) == [tf.float32] + 6 * [tf.bfloat16]


def test_the_whitening_bias_is_trained_in_the_first_epochs_alone(new_learner: Callable[..., Any], digits: Any) -> None:
    learner = new_learner(whitening_bias_epochs=1, batch_size=64)
    bias = learner.network.get_layer("whitening").bias
    values = [np.array(bias)]
    for step in (0, 28):
        learner.step(digits.inputs[:64], digits.labels[:64], step)
        values.append(np.array(bias))
    assert not np.array_equal(values[0], values[1])
    np.testing.assert_array_equal(values[1], values[2])


def test_the_training_ends_with_the_average_of_its_weights(new_learner: Callable[..., Any], digits: Any) -> None:
    # An average of every fifth of the steps of 1024, of which there are six.
    learner = new_learner(batch_size=1024, epochs=6)
    before_last = None
    for step in range(6):
        learner.step(digits.inputs[:1024], digits.labels[:1024], step)
        if step == 4:
            before_last = [np.array(weight) for weight in learner.network.get_weights()]
    assert before_last is not None
    for weight, averaged in zip(learner.network.get_weights(), before_last, strict=True):
        np.testing.assert_array_equal(weight, averaged)


def test_adamw_learns_and_accuracy_counts_right_answers(example: Callable[[str], ModuleType], digits: Any) -> None:
    learners = example("teachers.learners")
    make_deterministic(3)
    network = example("teachers.general_networks").build_residual((16, 16, 3), 10, width=8)
    learner = learners.AdamWLearner(network, SCALING, Precision.FLOAT32, learners.Length.of(1797, 4, 64), 0.01)
    before = learner.accuracy(digits)
    trained(learner, digits, 4, 28)
    after = learner.accuracy(digits)
    logits = keras.ops.convert_to_numpy(network(digits.inputs / np.float32(255.0), training=False))
    assert after == pytest.approx(np.mean(logits.argmax(1) == digits.labels), abs=0.002)
    assert before < 0.3 < 0.7 < after

"""Tests of `learn2compress.precision.fused_normalization`."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from learn2compress.config import Precision
from learn2compress.precision.view import faster_view


def networks(shape: tuple[int, ...], **config: object) -> tuple[keras.Model, keras.Model]:
    """Two networks of the same weights, the second seen through a view that fuses."""
    keras.utils.set_random_seed(3)
    inputs = keras.Input(shape)
    norm = keras.layers.BatchNormalization(momentum=0.9, name="norm", **config)
    plain = keras.Model(inputs, {"logits": keras.layers.ReLU()(norm(inputs))})
    for weight in norm.weights:
        weight.assign(np.random.default_rng(1).uniform(0.5, 1.5, weight.shape))
    copy = keras.models.clone_model(plain)
    copy.set_weights(plain.get_weights())
    return plain, copy


def step(network: keras.Model, variables: list[keras.Variable], inputs: tf.Tensor) -> tuple[np.ndarray, ...]:
    """Outputs, and gradients of inputs and variables."""
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        outputs = network(inputs, training=True)["logits"]
        loss = tf.reduce_mean(tf.cos(outputs))
    gradients = tape.gradient(loss, [inputs, *(variable.value for variable in variables)])
    return tuple(value.numpy() for value in (outputs, *gradients))


@pytest.mark.parametrize("shape", [(6, 5, 8), (7,)])
@pytest.mark.parametrize("config", [{}, {"scale": False}, {"center": False}, {"epsilon": 0.1}])
def test_trains_as_keras_does(shape: tuple[int, ...], config: dict[str, object]) -> None:
    plain, copy = networks(shape, **config)
    fused = faster_view(copy)
    inputs = tf.constant(np.random.default_rng(2).normal(2.0, 3.0, (16, *shape)), tf.float32)
    expected = step(plain, plain.trainable_variables, inputs)
    found = step(fused, copy.trainable_variables, inputs)
    for one, other in zip(expected, found, strict=True):
        np.testing.assert_allclose(other, one, rtol=1e-3, atol=1e-5)
    for one, other in zip(plain.weights, copy.weights, strict=True):
        np.testing.assert_allclose(other.numpy(), one.numpy(), rtol=1e-5, err_msg=one.path)


def test_uses_one_operator_in_training_and_leaves_the_network_alone() -> None:
    _, copy = networks((6, 5, 8))
    fused = faster_view(copy)
    operators = {
        training: {
            operator.type
            for operator in tf.function(lambda inputs, training=training: fused(inputs, training=training)["logits"])
            .get_concrete_function(tf.TensorSpec([4, 6, 5, 8]))
            .graph.get_operations()
        }
        for training in (True, False)
    }
    assert "FusedBatchNormV3" in operators[True] - operators[False]
    assert type(copy.get_layer("norm")) is keras.layers.BatchNormalization
    assert [weight.path for weight in fused.weights] == [weight.path for weight in copy.weights]


def test_in_bfloat16_inference_is_one_operator_with_the_moving_statistics() -> None:
    plain, copy = networks((6, 5, 8), scale=False)
    view = faster_view(copy, Precision.BFLOAT16)
    inputs = tf.random.normal([4, 6, 5, 8])
    function = tf.function(lambda inputs: view(inputs, training=False)["logits"])
    kinds = [operator.type for operator in function.get_concrete_function(inputs).graph.get_operations()]
    assert kinds.count("FusedBatchNormV3") == 1
    assert not {"Mul", "Rsqrt"} & set(kinds)
    expected = plain(inputs, training=False)["logits"]
    np.testing.assert_allclose(tf.cast(function(inputs), tf.float32), expected, rtol=0.02, atol=0.02)


def test_a_frozen_layer_keeps_its_statistics() -> None:
    _, copy = networks((6, 5, 8))
    copy.get_layer("norm").trainable = False
    inputs = tf.random.normal([4, 6, 5, 8])
    before = copy.get_weights()
    outputs = faster_view(copy)(inputs, training=True)["logits"]
    np.testing.assert_allclose(outputs, copy(inputs, training=False)["logits"], rtol=1e-6)
    for one, other in zip(before, copy.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_subclasses_and_other_axes_are_left_as_they_are() -> None:
    class Other(keras.layers.BatchNormalization):
        pass

    inputs = keras.Input((6, 5, 8))
    network = keras.Model(inputs, Other(name="other")(keras.layers.BatchNormalization(axis=1, name="rows")(inputs)))
    fused = faster_view(network)
    assert fused.get_layer("other") is network.get_layer("other")
    assert fused.get_layer("rows") is network.get_layer("rows")

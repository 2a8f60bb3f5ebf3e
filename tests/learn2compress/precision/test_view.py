"""Tests of `learn2compress.precision.view`."""

import keras
import numpy as np
import tensorflow as tf

from learn2compress.config import Precision
from learn2compress.precision.view import faster_view, num_in_bfloat16


def network() -> keras.Model:
    keras.utils.set_random_seed(5)
    inputs = keras.Input((8, 8, 3))
    features = keras.layers.Conv2D(16, 3, padding="same", use_bias=False)(inputs)
    features = keras.layers.ReLU()(keras.layers.BatchNormalization(momentum=0.9)(features))
    other = keras.layers.Conv2D(16, 3, padding="same", use_bias=False)(features)
    features = keras.layers.Add()([features, keras.layers.BatchNormalization(momentum=0.9)(other)])
    features = keras.layers.GlobalAveragePooling2D()(features)
    return keras.Model(inputs, keras.layers.Dense(10)(features))


def trained(precision: Precision, steps: int = 20) -> tuple[list[np.ndarray], float]:
    """The weights after some steps on one batch, and the last loss."""
    plain = network()
    view = faster_view(plain, precision)
    random = np.random.default_rng(2)
    inputs = tf.constant(random.random((32, 8, 8, 3)), tf.float32)
    labels = tf.constant(random.integers(0, 10, 32))
    loss = tf.constant(0.0)
    for _ in range(steps):
        with tf.GradientTape() as tape:
            logits = view(inputs, training=True)
            assert logits.dtype == tf.float32
            loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits))
        variables = plain.trainable_variables
        gradients = tape.gradient(loss, [variable.value for variable in variables])
        for variable, gradient in zip(variables, gradients, strict=True):
            assert gradient.dtype == tf.float32
            variable.assign_sub(0.1 * gradient)
    assert {weight.dtype for weight in plain.weights} == {"float32"}
    return plain.get_weights(), float(loss)


def test_bfloat16_learns_as_float32_does_and_is_the_same_twice() -> None:
    exact, exact_loss = trained(Precision.FLOAT32)
    rough, rough_loss = trained(Precision.BFLOAT16)
    again, _ = trained(Precision.BFLOAT16)
    for one, other in zip(rough, again, strict=True):
        np.testing.assert_array_equal(one, other)
    assert abs(exact_loss - rough_loss) < 0.05
    assert any(not np.array_equal(one, other) for one, other in zip(exact, rough, strict=True))
    for one, other in zip(exact, rough, strict=True):
        np.testing.assert_allclose(other, one, atol=0.1)


def test_bfloat16_is_computed_between_the_input_and_the_pooling() -> None:
    view = faster_view(network(), Precision.BFLOAT16)
    function = tf.function(lambda inputs: view(inputs, training=True)).get_concrete_function(
        tf.TensorSpec([4, 8, 8, 3])
    )
    types = {
        operator.type: operator.outputs[0].dtype for operator in function.graph.get_operations() if operator.outputs
    }
    assert types["Conv2D"] == types["FusedBatchNormV3"] == types["Relu"] == tf.bfloat16
    assert types["MatMul"] == tf.float32


def types_of(view: keras.Model, shape: list[int]) -> dict[str, set[tf.DType]]:
    """Types of what each kind of operator returns in inference."""
    function = tf.function(lambda inputs: view(inputs, training=False)).get_concrete_function(tf.TensorSpec(shape))
    types: dict[str, set[tf.DType]] = {}
    for operator in function.graph.get_operations():
        for output in operator.outputs:
            types.setdefault(operator.type, set()).add(output.dtype)
    return types


def test_networks_inside_the_network_are_seen_into() -> None:
    outer = keras.Sequential([keras.Input((8, 8, 3)), network(), keras.layers.Softmax()])
    view = faster_view(outer, Precision.BFLOAT16)
    assert num_in_bfloat16(view) == num_in_bfloat16(faster_view(network(), Precision.BFLOAT16)) == 4
    assert num_in_bfloat16(faster_view(outer)) == 0
    types = types_of(view, [4, 8, 8, 3])
    assert types["Conv2D"] == {tf.bfloat16}
    assert types["Softmax"] == {tf.float32}
    inputs = np.random.default_rng(1).random((4, 8, 8, 3), np.float32)
    np.testing.assert_allclose(view(inputs), outer(inputs), atol=0.01)


def test_operations_that_are_no_layers_are_computed_in_float32() -> None:
    inputs = keras.Input((8, 8, 3))
    features = keras.layers.Conv2D(16, 3)(inputs)
    plain = keras.Model(inputs, keras.ops.mean(keras.ops.exp(features), axis=(1, 2)))
    types = types_of(faster_view(plain, Precision.BFLOAT16), [4, 8, 8, 3])
    assert types["Conv2D"] == {tf.bfloat16}
    assert types["Exp"] == types["Mean"] == {tf.float32}


def test_the_scores_of_a_convolution_behind_the_pooling_keep_their_digits() -> None:
    inputs = keras.Input((8, 8, 3))
    features = keras.layers.GlobalAveragePooling2D(keepdims=True)(keras.layers.Conv2D(16, 3)(inputs))
    scores = keras.layers.Conv2D(10, 1, name="scores")(keras.layers.BatchNormalization()(features))
    plain = keras.Model(inputs, keras.layers.Flatten()(scores))
    view = faster_view(plain, Precision.BFLOAT16)
    assert view.get_layer("scores") is plain.get_layer("scores")
    assert num_in_bfloat16(view) == 1

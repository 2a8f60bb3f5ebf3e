"""Foreign layers become known ones that compute the same."""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np
import pytest
from keras import layers

from learn2compress.students.layer_decomposition import decompose_layers

SHAPE = (8, 8, 3)
Body = Callable[[keras.KerasTensor], keras.KerasTensor]


def model_of(*body: keras.Layer) -> keras.Model:
    features = inputs = keras.Input(SHAPE)
    for layer in body:
        features = layer(features)
    model = keras.Model(inputs, features, name="foreign")
    random = np.random.default_rng(0)
    model.set_weights([random.uniform(0.1, 0.5, weights.shape) for weights in model.get_weights()])
    return model


def kinds(model: keras.Model) -> list[str]:
    return [type(layer).__name__ for layer in model.layers[1:]]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ([layers.Conv2D(4, 3, activation="relu")], ["Conv2D", "ReLU"]),
        ([layers.Dense(4, activation="relu6")], ["Dense", "ReLU"]),
        ([layers.DepthwiseConv2D(3, activation="relu", depth_multiplier=2)], ["DepthwiseConv2D", "ReLU"]),
        (
            [layers.SeparableConv2D(4, 3, strides=2, padding="same", activation="relu", depth_multiplier=2)],
            ["DepthwiseConv2D", "Conv2D", "ReLU"],
        ),
        ([layers.SeparableConv2D(4, 3, dilation_rate=2, use_bias=False)], ["DepthwiseConv2D", "Conv2D"]),
        ([layers.Conv2D(4, 1), layers.Activation("relu6"), layers.Activation("linear")], ["Conv2D", "ReLU"]),
        (
            [layers.RandomFlip(), layers.RandomTranslation(0.1, 0.1), layers.Conv2D(4, 1), layers.Dropout(0.5),
             layers.SpatialDropout2D(0.5), layers.GaussianNoise(0.5)],
            ["Conv2D"],
        ),
        ([layers.Conv2D(4, 1, activation="tanh"), layers.Activation("tanh")], ["Conv2D", "Activation"]),
        ([layers.Conv2D(4, 1, activation="silu")], ["Conv2D", "Activation", "Multiply"]),
        ([layers.Activation("sigmoid")], ["Activation"]),
        ([layers.Activation("hard_sigmoid")], ["Rescaling", "ReLU", "Rescaling"]),
        ([layers.SeparableConv2D(4, 3, activation="hard_silu"), layers.Activation("swish")],
         ["DepthwiseConv2D", "Conv2D", "Rescaling", "ReLU", "Rescaling", "Multiply", "Activation", "Multiply"]),
        ([layers.Rescaling(2.0, -1.0), layers.BatchNormalization()], ["Rescaling", "BatchNormalization"]),
        # It uses its activation at every step, not on what it returns.
        ([layers.Reshape((8, 24)), layers.LSTM(5, activation="relu")], ["Reshape", "LSTM"]),
        ([layers.Reshape((8, 24)), layers.Conv1D(5, 3, activation="relu")], ["Reshape", "Conv1D", "ReLU"]),
    ],
)  # fmt: skip
def test_the_copy_has_canonical_layers_and_computes_the_same(body: list[keras.Layer], expected: list[str]) -> None:
    model = model_of(*body)
    copy = decompose_layers(model)
    inputs = np.random.default_rng(1).normal(0.0, 4.0, (2, *SHAPE)).astype(np.float32)
    assert kinds(copy) == expected
    assert copy.name == "foreign"
    np.testing.assert_allclose(copy(inputs), model(inputs, training=False), rtol=1e-5, atol=1e-6)


def test_operations_that_are_no_layers_stay() -> None:
    inputs = keras.Input(SHAPE)
    model = keras.Model(inputs, layers.Dense(3, activation="relu")(keras.ops.gelu(-inputs[:, 1:])))
    copy = decompose_layers(model)
    values = np.random.default_rng(1).normal(0.0, 1.0, (2, *SHAPE)).astype(np.float32)
    assert kinds(copy) == ["Dense", "ReLU"]
    np.testing.assert_allclose(copy(values), model(values), rtol=1e-5, atol=1e-6)


def test_relu6_stays_relu6() -> None:
    copy = decompose_layers(
        model_of(layers.Conv2D(4, 1, activation="relu6", name="conv"), layers.Activation("relu", name="a"))
    )
    assert [copy.get_layer(name).max_value for name in ("conv_relu", "a")] == [6.0, None]


def test_a_second_time_changes_nothing() -> None:
    once = decompose_layers(model_of(layers.SeparableConv2D(4, 3, activation="relu"), layers.Dropout(0.1)))
    twice = decompose_layers(once)
    assert [layer.get_config() for layer in twice.layers] == [layer.get_config() for layer in once.layers]
    for first, second in zip(once.get_weights(), twice.get_weights(), strict=True):
        np.testing.assert_array_equal(first, second)


def test_the_model_is_left_alone() -> None:
    model = model_of(layers.SeparableConv2D(4, 3))
    copy = decompose_layers(model)
    copy.set_weights([weights * 0 for weights in copy.get_weights()])
    assert kinds(model) == ["SeparableConv2D"]
    assert all(np.all(weights > 0) for weights in model.get_weights())


def test_a_sum_of_several_becomes_sums_of_two() -> None:
    inputs = keras.Input(SHAPE)
    parts = [layers.Conv2D(4, 1)(inputs) for _ in range(4)]
    model = keras.Model(inputs, layers.Add(name="total")(parts))
    copy = decompose_layers(model)
    sums = [layer for layer in copy.layers if isinstance(layer, layers.Add)]
    assert [layer.name for layer in sums] == ["total_sum1", "total_sum2", "total"]
    assert [len(layer.input) for layer in sums] == [2, 2, 2]
    images = np.random.default_rng(1).random((2, *SHAPE)).astype(np.float32)
    np.testing.assert_allclose(copy(images), model(images), rtol=1e-5, atol=1e-6)


def test_the_last_layer_of_an_activation_keeps_its_name_and_nothing_is_taken_apart_twice() -> None:
    model = model_of(layers.Conv2D(4, 1, activation="silu", name="conv"), layers.Activation("hard_silu", name="exit"))
    once = decompose_layers(model)
    assert {"conv", "conv_silu", "exit"} <= {layer.name for layer in once.layers}
    assert once.layers[-1].name == "exit"
    assert [layer.name for layer in decompose_layers(once).layers] == [layer.name for layer in once.layers]

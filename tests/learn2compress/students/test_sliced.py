"""Layers that compute with a part of a wider layer's kernel."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from learn2compress.precision.view import faster_view
from learn2compress.students.sliced import SlicedLayers, plain_layer, weights_of

CASES: list[tuple[type[keras.Layer], dict[str, Any], dict[str, Any], tuple[int, ...], tuple[int, ...]]] = [
    (keras.layers.Conv2D, {"filters": 8, "kernel_size": 3}, {"filters": 4, "kernel_size": 3}, (5, 5, 6), (5, 5, 3)),
    (keras.layers.DepthwiseConv2D, {"kernel_size": 3}, {"kernel_size": 3}, (5, 5, 6), (5, 5, 3)),
    (keras.layers.Dense, {"units": 8}, {"units": 4}, (6,), (3,)),
]


def wide_and_narrow(
    kind: type[keras.Layer],
    wide: dict[str, Any],
    narrow: dict[str, Any],
    wide_shape: tuple[int, ...],
    narrow_shape: tuple[int, ...],
) -> tuple[keras.Layer, keras.Layer]:
    sources: dict[str, keras.Layer] = {}
    layers = [
        SlicedLayers(1.0, "wide_", sources).make(kind, "layer", **wide),
        SlicedLayers(0.5, "narrow_", sources).make(kind, "layer", **narrow),
    ]
    for layer, shape in zip(layers, (wide_shape, narrow_shape), strict=True):
        layer(keras.Input(shape))
    return layers[0], layers[1]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case[0].__name__)
def test_a_plain_layer_with_its_weights_computes_the_same(case: Any) -> None:
    _, narrow = wide_and_narrow(*case)
    narrow.bias.assign(np.arange(narrow.bias.shape[0], dtype=np.float32))
    inputs = np.random.default_rng(0).random((2, *case[4]), np.float32)
    plain = plain_layer(narrow)
    assert type(plain) is case[0]
    plain(inputs)
    plain.set_weights(weights_of(narrow))
    np.testing.assert_allclose(plain(inputs), narrow(inputs), rtol=1e-6)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case[0].__name__)
def test_its_kernel_is_the_first_part_of_the_wide_kernel_and_its_bias_its_own(case: Any) -> None:
    wide, narrow = wide_and_narrow(*case)
    np.testing.assert_array_equal(narrow.kernel, np.array(wide.kernel)[tuple(map(slice, narrow.kernel.shape))])
    assert narrow.bias is not wide.bias
    assert any(variable is wide.variables[0] for variable in narrow.variables)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case[0].__name__)
def test_it_trains_its_part_of_the_kernel_alone(case: Any) -> None:
    wide, narrow = wide_and_narrow(*case)
    inputs = np.random.default_rng(0).random((2, *case[4]), np.float32) + 0.1
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(narrow(inputs))
    gradient = np.array(tape.gradient(loss, wide.variables[0].value))
    part = tuple(map(slice, narrow.kernel.shape))
    assert np.all(gradient[part] != 0)
    gradient[part] = 0
    assert np.all(gradient == 0)


def test_other_layers_are_each_students_own() -> None:
    sources: dict[str, keras.Layer] = {}
    norms = [SlicedLayers(1.0, f"{name}_", sources).make(keras.layers.BatchNormalization, "norm") for name in "ab"]
    assert [norm.name for norm in norms] == ["a_norm", "b_norm"]
    assert sources == {}


def test_another_input_size_of_a_width_shares_all_but_statistics() -> None:
    sources: dict[str, keras.Layer] = {}
    siblings: dict[str, keras.Layer] = {}
    models = []
    for size in (6, 4):
        layers = SlicedLayers(1.0, f"i{size}_", sources, siblings)
        inputs = keras.Input((size, size, 2))
        features = layers.norm(layers.conv(inputs, 4, "conv"), "norm")
        features = keras.layers.GlobalAveragePooling2D(name=layers.name("pool"))(features)
        models.append(keras.Model(inputs, layers.logits(features, 3)))
    first, second = models
    assert sorted(v.name for v in second.trainable_variables) == sorted(v.name for v in first.trainable_variables)
    own = {id(v) for v in first.variables}
    assert [v.name for v in second.variables if id(v) not in own] == ["moving_mean", "moving_variance"]
    norm = second.get_layer("i4_norm")
    norm.moving_mean.assign([1.0, 2.0, 3.0, 4.0])
    first.get_layer("i6_norm").gamma.assign([2.0, 2.0, 2.0, 2.0])
    plain = plain_layer(norm, "norm")
    assert type(plain) is keras.layers.BatchNormalization
    plain.build((None, 4, 4, 4))
    plain.set_weights(weights_of(norm))
    features = np.random.default_rng(0).random((1, 4, 4, 4), np.float32)
    np.testing.assert_array_equal(plain(features), norm(features))
    assert [type(layer).__name__ for layer in faster_view(second).layers].count("FusedNormalization") == 1

"""Normalization that no layer takes in is one operator of the file, in float and in int8."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers

from learn2compress.litert.interpreter import predict
from learn2compress.litert.operators import float_operators, model_cost
from learn2compress.quantization.convert import to_calibrated_int8_litert, to_float_litert
from learn2compress.quantization.deviations import deviations_from_file
from learn2compress.quantization.qat_network import fused_layers
from learn2compress.quantization.standalone_normalization import normalization_as_convolution

IMAGES = (
    np.random.default_rng(0).random((64, 12, 12, 3)) * np.random.default_rng(1).random((64, 1, 1, 3)) * 255
).astype(np.uint8)


def pre_activation(features: keras.KerasTensor) -> keras.KerasTensor:
    """Blocks of a residual network that normalizes before it convolves."""
    features = layers.Conv2D(8, 3, padding="same", use_bias=False)(features)
    for number in range(3):
        branch = layers.ReLU()(layers.BatchNormalization(name=f"norm{number}")(features))
        branch = layers.Conv2D(8, 3, padding="same", use_bias=False)(branch)
        features = layers.Add()([features, branch])
    return layers.ReLU()(layers.BatchNormalization(name="last_norm")(features))


def student_of(features: keras.KerasTensor, inputs: keras.KerasTensor) -> keras.Model:
    """A student with statistics that differ much between channels, as those of long trainings do."""
    student = keras.Model(inputs, layers.Dense(5)(layers.GlobalAveragePooling2D()(features)))
    random = np.random.default_rng(3)
    for kernel in student.weights:
        if len(kernel.shape) > 1:
            limit = np.sqrt(6.0 / (np.prod(kernel.shape[:-2]) * sum(kernel.shape[-2:])))
            kernel.assign(random.uniform(-limit, limit, kernel.shape))
    for layer in student.layers:
        if isinstance(layer, layers.BatchNormalization):
            size = layer.moving_mean.shape[0]
            layer.moving_variance.assign(10.0 ** random.uniform(-4, 0, size))
            layer.moving_mean.assign(random.normal(0.0, 0.5, size))
    return student


@pytest.fixture(scope="module")
def student() -> keras.Model:
    inputs = keras.Input((12, 12, 3))
    return student_of(pre_activation(layers.Rescaling(2.0, -1.0, name="scaling")(inputs)), inputs)


def test_the_copy_computes_the_same_with_the_names_of_the_layers(student: keras.Model) -> None:
    copy = normalization_as_convolution(student)
    inputs = IMAGES.astype(np.float32) / 255
    np.testing.assert_allclose(copy(inputs), student(inputs), rtol=1e-4, atol=1e-4)
    assert [layer.name for layer in copy.layers[1:]] == [layer.name for layer in student.layers[1:]]
    kinds = {layer.name: type(layer).__name__ for layer in copy.layers}
    assert {kinds[name] for name in ("scaling", "norm0", "norm1", "norm2", "last_norm")} == {"DepthwiseConv2D"}


def test_neither_file_multiplies_or_adds_by_itself_and_int8_is_near_float(student: keras.Model) -> None:
    def compare(model: keras.Model) -> tuple[set[str], list[str], float, float]:
        exact, int8 = to_float_litert(model).pack(), to_calibrated_int8_litert(model, IMAGES).pack()
        steps = max(found.steps for found in deviations_from_file(exact, int8, IMAGES[:16]))
        is_equal = predict(exact, IMAGES).argmax(axis=1) == predict(int8, IMAGES).argmax(axis=1)
        return set(model_cost(int8).operators), float_operators(int8), steps, float(is_equal.mean())

    operators, in_float, steps, agreement = compare(normalization_as_convolution(student))
    assert "MUL" not in operators
    assert in_float == []
    plain_operators, _, plain_steps, plain_agreement = compare(student)
    assert "MUL" in plain_operators
    assert steps < plain_steps
    assert agreement >= plain_agreement


def test_what_a_layer_before_takes_in_and_vectors_stay_as_they_are() -> None:
    inputs = keras.Input((8, 8, 3))
    features = layers.BatchNormalization(name="folded")(layers.Conv2D(4, 3)(inputs))
    features = layers.Rescaling(0.5, name="rescaled")(layers.Conv2D(4, 1)(layers.ReLU()(features)))
    pooled = layers.BatchNormalization(name="of_vectors")(layers.GlobalAveragePooling2D()(features))
    copy = normalization_as_convolution(keras.Model(inputs, layers.Dense(3)(pooled)))
    assert isinstance(copy.get_layer("folded"), layers.BatchNormalization)
    assert isinstance(copy.get_layer("rescaled"), layers.Rescaling)
    assert isinstance(copy.get_layer("of_vectors"), layers.BatchNormalization)


def test_operations_that_are_no_layers_are_passed_through() -> None:
    inputs = keras.Input((12, 12, 3))
    features = keras.ops.gelu(layers.BatchNormalization()(layers.Conv2D(4, 3, name="conv")(inputs))[:, 1:])
    student = student_of(layers.BatchNormalization(name="norm")(features), inputs)
    copy = normalization_as_convolution(student)
    assert isinstance(copy.get_layer("norm"), layers.DepthwiseConv2D)
    assert "conv" in fused_layers(student)
    values = (IMAGES[:4] / 255).astype(np.float32)
    np.testing.assert_allclose(copy(values), student(values), rtol=1e-4, atol=1e-4)

"""Tensor by tensor, a file is compared with what it was made from."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers

from learn2compress.config import MixedBase
from learn2compress.litert.border import add_byte_border
from learn2compress.litert.tensors import activation_ranges
from learn2compress.quantization.convert import to_calibrated_int8_litert, to_float_litert, to_int8_litert
from learn2compress.quantization.deviations import deviations_from_file, deviations_from_network
from learn2compress.quantization.post_training import to_int8_activations, to_int16_activations
from learn2compress.quantization.qat_network import quantization_aware

IMAGES = np.random.default_rng(1).integers(0, 256, (24, 8, 8, 3), np.uint8)


@pytest.fixture(scope="module")
def student() -> keras.Model:
    """A student of which pruning has left three channels of a layer without any weight, but not without a bias."""
    keras.utils.set_random_seed(3)
    inputs = keras.Input((8, 8, 3))
    features = layers.ReLU(name="first")(layers.BatchNormalization()(layers.Conv2D(8, 3, use_bias=False)(inputs)))
    norm, conv = layers.BatchNormalization(), layers.Conv2D(8, 3, use_bias=False)
    features = layers.GlobalAveragePooling2D(name="pool")(layers.ReLU(name="second")(norm(conv(features))))
    model = keras.Model(inputs, layers.Dense(5, name="logits")(features))
    kernel = np.array(conv.kernel)
    kernel[..., :3] = 0.0
    conv.kernel.assign(kernel)
    norm.beta.assign(np.linspace(1.0, 2.0, 8))
    return model


@pytest.fixture(scope="module")
def network(student: keras.Model) -> keras.Model:
    network = quantization_aware(student)
    network(IMAGES.astype(np.float32) / 255, training=True)
    return network


def test_a_file_is_within_rounding_of_its_trained_network_even_where_channels_are_pruned_away(
    network: keras.Model,
) -> None:
    found = deviations_from_network(network, to_int8_litert(network).pack(), IMAGES)
    assert [deviation.tensor for deviation in found] == ["first", "second", "pool", "logits"]
    # Each layer may round once otherwise, and passes on what the layers before it did.
    assert all(deviation.steps <= 3.01 for deviation in found)


def test_a_weight_that_is_off_shows_in_its_layer_and_not_before(network: keras.Model) -> None:
    model = to_int8_litert(network)
    graph = model.tree.subgraphs[0]
    kernels = [tensor for tensor in graph.tensors if list(tensor.shape) == [8, 3, 3, 8]]
    assert len(kernels) == 1
    kernels[0].quantization.scale = kernels[0].quantization.scale * np.float32(1.5)
    found = {deviation.tensor: deviation for deviation in deviations_from_network(network, model.pack(), IMAGES)}
    assert found["first"].steps < 1.5
    assert found["second"].steps > 10
    assert found["second"].absolute > 0


def test_files_of_other_formats_are_compared_with_the_float_file(student: keras.Model) -> None:
    exact = to_float_litert(student).pack()
    ranges = activation_ranges(exact, IMAGES)
    models = {
        "float": to_float_litert(student),
        "int8": to_calibrated_int8_litert(student, IMAGES),
        "int16": to_int16_activations(exact, ranges),
        "int4": to_int8_activations(exact, ranges, MixedBase.INT4),
    }
    largest = {}
    for name, model in models.items():
        add_byte_border(model)
        found = deviations_from_file(exact, model.pack(), IMAGES)
        assert [deviation.tensor for deviation in found][:2] == ["first", "second"]
        largest[name] = max(deviation.absolute for deviation in found)
    assert largest["float"] < 1e-5
    assert largest["int16"] < largest["int8"] < 0.2
    assert largest["int4"] < 0.5


def test_files_of_different_networks_are_not_compared(student: keras.Model) -> None:
    other = keras.Model(student.input, layers.Dense(5)(layers.Flatten()(student.input)))
    files = [to_float_litert(model).pack() for model in (student, other)]
    assert deviations_from_file(*files, IMAGES) == ()


def test_a_file_without_any_tensor_in_the_steps_of_the_network_is_not_compared(
    student: keras.Model, network: keras.Model
) -> None:
    assert deviations_from_network(network, to_float_litert(student).pack(), IMAGES) == ()


def test_the_border_of_the_float_file_makes_no_difference(student: keras.Model) -> None:
    plain, model = to_float_litert(student).pack(), to_float_litert(student)
    add_byte_border(model)
    int8 = to_calibrated_int8_litert(student, IMAGES).pack()
    bordered, found = deviations_from_file(model.pack(), int8, IMAGES), deviations_from_file(plain, int8, IMAGES)
    assert [deviation.tensor for deviation in bordered] == [deviation.tensor for deviation in found]
    assert len(found) > 2
    for one, other in zip(bordered, found, strict=True):
        # A byte times a scale is rounded otherwise than a float that was divided before.
        assert one.absolute == pytest.approx(other.absolute, abs=1e-6)

"""AI Edge Quantizer is told what to do layer by layer, and files of any size come out whole."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers

from learn2compress.config import MixedBase
from learn2compress.litert.border import add_byte_border
from learn2compress.litert.flatbuffer import read_graphs
from learn2compress.litert.interpreter import predict
from learn2compress.litert.tensors import Ranges, activation_ranges
from learn2compress.quantization.convert import to_float_litert
from learn2compress.quantization.post_training import (
    layers_of,
    to_int8_activations,
    to_int16_activations,
    with_one_quantized,
)

IMAGES = np.random.default_rng(1).integers(0, 256, (16, 8, 8, 1), np.uint8)


@pytest.fixture(scope="module")
def float_model() -> bytes:
    """Large enough that AI Edge Quantizer puts content behind the flatbuffer: 1.1 MB of weights."""
    keras.utils.set_random_seed(3)
    inputs = keras.Input((8, 8, 1))
    features = layers.ReLU()(layers.DepthwiseConv2D(3, name="depthwise")(layers.Conv2D(4, 3, name="conv")(inputs)))
    features = layers.ReLU()(layers.Dense(1024, name="wide")(layers.Flatten()(features)))
    features = layers.ReLU()(layers.Dense(200, name="narrow")(features))
    return to_float_litert(keras.Model(inputs, layers.Dense(5, name="logits")(features))).pack()


@pytest.fixture(scope="module")
def ranges(float_model: bytes) -> Ranges:
    return activation_ranges(float_model, IMAGES)


def kernels(model_bytes: bytes) -> list[str]:
    """Types of the kernels in graph order, as they are stored."""
    graph = read_graphs(model_bytes)[0]
    packed = {o.outputs[0]: o.inputs[0] for o in graph.operators if o.name == "DEQUANTIZE"}
    used = [o.inputs[1] for o in graph.operators if o.name in ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")]
    return [graph.tensors[packed.get(index, index)].dtype for index in used]


def test_one_layer_alone_is_quantized(float_model: bytes, ranges: Ranges) -> None:
    names = list(layers_of(float_model))
    for base, found in ((MixedBase.INT8, "int8"), (MixedBase.INT4, "int4")):
        model = with_one_quantized(float_model, ranges, base, names[3])
        assert kernels(model) == ["float32", "float32", "float32", found, "float32"]
        assert np.isfinite(predict(model, IMAGES)).all()


def test_layers_are_better_where_it_is_said(float_model: bytes, ranges: Ranges) -> None:
    names = list(layers_of(float_model))
    int8 = to_int8_activations(float_model, ranges, MixedBase.INT8, better=[names[2]]).pack()
    int4 = to_int8_activations(float_model, ranges, MixedBase.INT4, better=[names[2]]).pack()
    assert kernels(int8) == ["int8", "int8", "float16", "int8", "int8"]
    # Depthwise kernels have no 4-bit kind.
    assert kernels(int4) == ["int4", "int8", "int8", "int4", "int4"]


def test_every_file_computes_about_what_the_float_file_does(float_model: bytes, ranges: Ranges) -> None:
    exact = predict(float_model, IMAGES)
    for model, tolerance in (
        (to_int16_activations(float_model, ranges), 0.02),
        (to_int8_activations(float_model, ranges), 0.05),
        (to_int8_activations(float_model, ranges, MixedBase.INT4), 0.15),
    ):
        add_byte_border(model)
        np.testing.assert_allclose(predict(model.pack(), IMAGES), exact, atol=tolerance)

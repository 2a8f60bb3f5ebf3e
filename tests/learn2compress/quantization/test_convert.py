"""The converter's files: short names, uint8 border of int8 files, weights in the format that is asked for."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers

from learn2compress.litert.flatbuffer import read_graphs
from learn2compress.litert.interpreter import predict
from learn2compress.litert.operators import float_operators, model_cost
from learn2compress.litert.tensors import TensorReader
from learn2compress.quantization.convert import (
    FloatWeights,
    to_calibrated_int8_litert,
    to_float_litert,
    to_int8_litert,
)
from learn2compress.quantization.qat_network import quantization_aware

IMAGES = np.random.default_rng(1).integers(0, 256, (48, 8, 8, 3), np.uint8)


@pytest.fixture(scope="module")
def student() -> keras.Model:
    keras.utils.set_random_seed(3)
    inputs = keras.Input((8, 8, 3))
    features = layers.ReLU(name="first")(layers.BatchNormalization()(layers.Conv2D(16, 3, use_bias=False)(inputs)))
    features = layers.GlobalAveragePooling2D(name="pool")(layers.ReLU(name="second")(layers.Conv2D(32, 3)(features)))
    return keras.Model(inputs, layers.Dense(5, name="logits")(features))


def scores_of(student: keras.Model) -> np.ndarray:
    return np.array(keras.ops.softmax(student(IMAGES.astype(np.float32) / 255)))


@pytest.mark.parametrize(
    ("weights", "tolerance", "dtypes"),
    [
        (FloatWeights.FLOAT32, 1e-6, {"float32"}),
        (FloatWeights.FLOAT16, 1e-3, {"float16"}),
        (FloatWeights.INT8, 0.02, {"float32", "int8"}),
    ],
)
def test_a_float_file_stores_its_weights_as_asked(
    student: keras.Model, weights: FloatWeights, tolerance: float, dtypes: set[str]
) -> None:
    model = to_float_litert(student, weights).pack()
    np.testing.assert_allclose(predict(model, IMAGES), scores_of(student), atol=tolerance)
    kernels = [tensor for tensor in read_graphs(model)[0].tensors if tensor.data.size and len(tensor.shape) == 4]
    assert {tensor.dtype for tensor in kernels} == dtypes


def test_int8_files_take_bytes_and_return_bytes_of_the_students_scores(student: keras.Model) -> None:
    network = quantization_aware(student)
    network(IMAGES.astype(np.float32) / 255, training=True)
    for model in (to_int8_litert(network).pack(), to_calibrated_int8_litert(student, IMAGES).pack()):
        cost = model_cost(model)
        assert (cost.input_dtype, cost.output_dtype, float_operators(model)) == ("uint8", "uint8", [])
        scores = predict(model, IMAGES)
        np.testing.assert_allclose(scores, scores_of(student), atol=0.03)
        np.testing.assert_array_equal(scores * 256, np.rint(scores * 256))


def test_what_is_brighter_than_all_that_was_calibrated_with_is_not_clipped(student: keras.Model) -> None:
    dark = IMAGES // 2
    model = to_calibrated_int8_litert(student, dark).pack()
    assert float_operators(model) == []
    graph = read_graphs(model)[0]
    # One operator from bytes to int8, none that rounds a second time.
    assert [operator.name for operator in graph.operators][:2] == ["QUANTIZE", "CONV_2D"]
    entry = graph.tensors[graph.operators[0].outputs[0]].name
    assert TensorReader(model).details[entry]["quantization"][0] == pytest.approx(1 / 255)
    np.testing.assert_allclose(predict(model, IMAGES[:1]), scores_of(student)[:1], atol=0.1)


def test_tensors_bear_the_names_of_layers(student: keras.Model) -> None:
    graph = read_graphs(to_float_litert(student).pack())[0]
    # A weight or a shape may have a layer's name before: the output then is its second, "pool:2".
    names = [graph.tensors[operator.outputs[0]].name.partition(":")[0] for operator in graph.operators]
    assert names[:4] == ["first", "second", "pool", "logits"]

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from learn2compress.litert.flatbuffer import ModelFileError
from learn2compress.litert.operators import float_operators, model_cost

# The network of conftest, by hand. Convolution: 8x8 outputs, 8 filters of 3x3x3. Depthwise, stride 2: 4x4 outputs of 8
# channels, 3x3 each. Dense: 8 to 4.
MACS = 8 * 8 * 8 * 3 * 3 * 3 + 4 * 4 * 8 * 3 * 3 + 8 * 4
PARAMETERS = (3 * 3 * 3 * 8 + 8) + (3 * 3 * 8 + 8) + (8 * 4 + 4)


@pytest.mark.parametrize("kind", ["float32", "float16", "int8"])
def test_macs_and_parameters_are_those_of_the_network_in_every_number_format(models: Any, kind: str) -> None:
    cost = model_cost(getattr(models, kind))

    assert cost.macs == MACS
    assert cost.num_parameters == PARAMETERS
    assert cost.num_nonzero_parameters == PARAMETERS - 100
    assert [layer.macs for layer in cost.layers] == [8 * 8 * 8 * 27, 4 * 4 * 8 * 9, 8 * 4]
    assert [layer.operator for layer in cost.layers] == ["CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"]
    assert [layer.num_nonzero_parameters for layer in cost.layers] == [124, 80, 36]


def test_weight_bytes_and_types_follow_the_number_format(models: Any) -> None:
    float32, float16, int8 = (model_cost(m) for m in (models.float32, models.float16, models.int8))

    assert float32.weight_bytes == 4 * PARAMETERS
    assert float16.weight_bytes == 2 * PARAMETERS
    assert int8.weight_bytes == (216 + 72 + 32) + 4 * (8 + 8 + 4)  # biases are int32
    assert (float32.input_dtype, float32.output_dtype) == ("float32", "float32")
    assert (int8.input_dtype, int8.output_dtype) == ("uint8", "uint8")
    assert int8.operators == {
        "CONV_2D": 1, "DEPTHWISE_CONV_2D": 1, "FULLY_CONNECTED": 1, "MEAN": 1, "QUANTIZE": 2, "SOFTMAX": 1,
    }  # fmt: skip


def test_only_the_int8_file_computes_in_integers_alone(models: Any) -> None:
    assert float_operators(models.int8) == []
    assert len(float_operators(models.float32)) == 5
    assert any(found.startswith("DEQUANTIZE (") for found in float_operators(models.float16))


def test_transposed_convolution_batch_matmul_and_table_by_hand(convert_function: Callable[..., bytes]) -> None:
    import tensorflow as tf

    random = np.random.default_rng(0)
    filters = random.uniform(1, 2, (3, 3, 2, 3)).astype(np.float32)  # height, width, out, in
    matrix = random.uniform(1, 2, (1, 8, 2, 5)).astype(np.float32)
    table = random.uniform(1, 2, (5, 7)).astype(np.float32)

    def function(x: Any) -> Any:
        x = tf.nn.conv2d_transpose(x, filters, np.array([1, 8, 8, 2]), strides=2)
        x = tf.matmul(x, matrix)
        return tf.gather(table, tf.argmax(tf.reshape(tf.reduce_mean(x, axis=(1, 2)), (1, 5)), axis=1))

    cost = model_cost(convert_function(function, (1, 4, 4, 3), tf.float32))

    macs = {layer.operator: layer.macs for layer in cost.layers}
    assert macs == {"TRANSPOSE_CONV": 4 * 4 * 3 * 3 * 3 * 2, "BATCH_MATMUL": 8 * 8 * 5 * 2, "GATHER": 0}
    assert cost.num_parameters == 3 * 3 * 2 * 3 + 8 * 2 * 5 + 5 * 7


def test_a_kernel_used_twice_counts_its_parameters_once(convert_function: Callable[..., bytes]) -> None:
    import tensorflow as tf

    kernel = tf.constant(np.random.default_rng(0).uniform(1, 2, (3, 3, 2, 2)), tf.float32)

    def function(x: Any) -> Any:
        return tf.nn.conv2d(tf.nn.relu(tf.nn.conv2d(x, kernel, 1, "SAME")), kernel, 1, "SAME")

    cost = model_cost(convert_function(function, (1, 4, 4, 2), tf.float32))

    assert [layer.num_parameters for layer in cost.layers] == [3 * 3 * 2 * 2 + 2, 0]  # the converter adds a zero bias
    assert cost.macs == 2 * (4 * 4 * 2 * 3 * 3 * 2)


def test_sparse_storage_changes_bytes_and_nothing_else(convert_function: Callable[..., bytes]) -> None:
    import tensorflow as tf

    random = np.random.default_rng(0)
    kernel = random.uniform(1, 2, (64, 64)).astype(np.float32)
    kernel[random.uniform(size=kernel.shape) < 0.9] = 0

    def function(x: Any) -> Any:
        return tf.matmul(x, kernel)

    dense = model_cost(convert_function(function, (1, 64), tf.float32))
    sparse = model_cost(convert_function(function, (1, 64), tf.float32, sparsify=True))

    assert sparse.weight_bytes < dense.weight_bytes == 4 * 64 * 64
    assert sparse.macs == dense.macs == 64 * 64
    assert sparse.num_parameters == dense.num_parameters == 64 * 64
    assert sparse.num_nonzero_parameters == dense.num_nonzero_parameters == np.count_nonzero(kernel)


def test_an_integer_weight_equal_to_its_channels_zero_point_is_zero(models: Any, edited: Callable[..., bytes]) -> None:
    kernels: list[Any] = []

    def change(model: Any) -> None:
        graph = model.subgraphs[0]
        kernel = next(t for t in graph.tensors if list(t.shape) == [8, 3, 3, 3])
        zero_points = np.arange(8)
        kernel.quantization.zeroPoint = zero_points
        values = model.buffers[kernel.buffer].data.view(np.int8).reshape(8, -1)
        kernels.append((values != zero_points[:, None]).sum())

    cost = model_cost(edited(models.int8, change))

    assert cost.layers[0].num_nonzero_parameters == kernels[0] + 8
    assert kernels[0] != 216 - 100


@pytest.mark.parametrize("bits", [4, 2])
def test_packed_weights_are_counted_one_by_one(models: Any, edited: Callable[..., bytes], bits: int) -> None:
    from ai_edge_litert import schema_py_generated as schema

    def change(model: Any) -> None:
        kernel = next(t for t in model.subgraphs[0].tensors if list(t.shape) == [8, 3, 3, 3])
        kernel.type = schema.TensorType.INT4 if bits == 4 else schema.TensorType.INT2
        packed = np.zeros(216 * bits // 8, np.uint8)
        packed[0] = 0x0F | 0x80 if bits == 4 else 0b10_00_01_11  # -1 and -8; -1, 1, 0 and -2
        model.buffers[kernel.buffer].data = packed

    cost = model_cost(edited(models.int8, change))

    assert cost.num_parameters == PARAMETERS
    assert cost.layers[0].num_nonzero_parameters == (2 if bits == 4 else 3) + 8


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda graph: setattr(graph.operators[1], "inputs", [0]), "operator CONV_2D: found inputs of shapes"),
        (lambda graph: setattr(graph, "inputs", []), "without input or output"),
    ],
)
def test_a_graph_that_cannot_be_counted_is_refused(
    models: Any, edited: Callable[..., bytes], change: Callable[[Any], None], message: str
) -> None:
    with pytest.raises(ModelFileError, match=message):
        model_cost(edited(models.int8, lambda tree: change(tree.subgraphs[0])))


def test_the_cost_is_a_plain_result(models: Any) -> None:
    cost = dataclasses.asdict(model_cost(models.int8))
    assert cost["layers"][0]["weight_bytes"] == 216 + 4 * 8

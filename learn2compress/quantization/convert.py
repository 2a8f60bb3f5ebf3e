"""Turns a network into a LiteRT file by TensorFlow's converter.

It takes the trained quantization-aware network to the int8 file that it was
trained to be, and a float student to the file that post-training recipes start
from, to float16, or to int8 by calibration.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from learn2compress.keras_internals import leaf_layers
from learn2compress.litert.interpreter import PIXEL_SCALE
from learn2compress.litert.rewrite import UnpackedModel
from learn2compress.students.byte_rows import ByteRows


class FloatWeights(StrEnum):
    """How a file with float32 activations stores its weights."""

    FLOAT32 = "float32"
    FLOAT16 = "float16"
    INT8 = "int8"


def to_int8_litert(network: keras.Model) -> UnpackedModel:
    """Converts a trained quantization-aware network to full int8.

        model_bytes = to_int8_litert(network).pack()

    Args:
      network: From `learn2compress.quantization.qat_network.quantization_aware`, trained.

    Returns:
      A LiteRT file that takes one example of raw uint8, `[1, *input_shape]`, and
      returns uint8 softmax scores `[1, num_classes]` of scale 1/256.
    """
    converter = _converter(network)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    return _converted(converter, network, has_byte_border=True)


def to_float_litert(
    student: keras.Model, weights: FloatWeights = FloatWeights.FLOAT32, *, sparse_tensors: bool = False
) -> UnpackedModel:
    """Converts a float student to a file whose activations are float32.

    Args:
      student: Returns logits for float32 inputs of 0..1. Files of other recipes
        compare layer by layer where its layers are those of
        `learn2compress.students.layer_decomposition.decompose_layers`.
      weights: How weights are stored. Int8 ones meet activations that are rounded
        as they reach a kernel; the converter leaves kernels of less than 1,024
        numbers as they are, which would cost time and save nothing.
      sparse_tensors: Store kernels that are mostly zeros without them; the
        interpreter unpacks them when it loads the file.

    Returns:
      A LiteRT file that takes one example as the student does (rows of words as
      uint8) and returns float32 softmax scores `[1, num_classes]`.
    """
    converter = _converter(student)
    if weights is not FloatWeights.FLOAT32:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if weights is FloatWeights.FLOAT16:
        converter.target_spec.supported_types = [tf.float16]
    if sparse_tensors:
        converter.optimizations = [*converter.optimizations, tf.lite.Optimize.EXPERIMENTAL_SPARSITY]
    return _converted(converter, student)


def to_calibrated_int8_litert(student: keras.Model, calibration: npt.NDArray[np.uint8]) -> UnpackedModel:
    """Converts a float student to full int8, with the ranges of activations that examples show.

    Args:
      student: See `to_float_litert`.
      calibration: uint8 `[n, *input_shape]`, n at least 1.

    Returns:
      A LiteRT file as `to_int8_litert` returns it.
    """
    input_type, _ = _entry(student)

    def examples() -> Iterator[list[npt.NDArray[Any]]]:
        for example in calibration if input_type == tf.uint8 else _reaching_white(calibration):
            yield [example[None] if input_type == tf.uint8 else example[None].astype(np.float32) * PIXEL_SCALE]

    converter = _converter(student)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = examples
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    return _converted(converter, student, has_byte_border=True)


def _reaching_white(calibration: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Returns the examples with one number of the first, its largest, raised to 255.

    The input then has 256 levels over 0..1, so that a byte is its own 8-bit value. Saying so by a range in the graph
    does not do it: the converter rounds a second time, over what calibration has seen, and clips what is brighter.
    """
    examples = calibration.copy()
    first = examples[0]
    first.flat[first.argmax()] = 255
    return examples


def _converter(network: keras.Model) -> Any:
    """Returns a converter of softmax scores.

    Args:
      network: Returns logits.
    """
    input_type, logits_of = _entry(network)
    spec = tf.TensorSpec([1, *network.input_shape[1:]], input_type, name="input")

    @tf.function(input_signature=[spec])
    def scores(inputs: Any) -> dict[str, Any]:
        return {"scores": tf.nn.softmax(logits_of(inputs))}

    # Frozen first: the converter folds ranges only where they are constants.
    frozen = convert_variables_to_constants_v2(scores.get_concrete_function())
    return tf.lite.TFLiteConverter.from_concrete_functions([frozen])


def _converted(converter: Any, network: keras.Model, has_byte_border: bool = False) -> UnpackedModel:
    if has_byte_border:
        converter.inference_input_type = tf.uint8
        converter.inference_output_type = tf.uint8
    with warnings.catch_warnings():
        # Trained ranges, or those of calibration, are the statistics that the converter misses here.
        warnings.filterwarnings("ignore", message="Statistics for quantized inputs")
        model = UnpackedModel(bytes(converter.convert()))
    model.shorten_tensor_names([layer.name for layer in leaf_layers(network)])
    return model


def _entry(network: keras.Model) -> tuple[tf.DType, Callable[[Any], Any]]:
    """Returns the type of the file's input before it is quantized, and a function that returns logits for it."""
    bodies = [network, *(layer for layer in network.layers if isinstance(layer, keras.Model))]
    found = [(layer, body) for body in bodies for layer in body.layers if isinstance(layer, ByteRows)]
    if not found:
        return tf.float32, lambda inputs: network(inputs, training=False)
    # Numbers of words are no quantities: as integers they need no float on the way to their rows.
    rows, body = found[0]
    behind = keras.Model(rows.output, body.output)
    return tf.uint8, lambda inputs: behind(rows.rows_of(tf.cast(inputs, tf.int32)), training=False)

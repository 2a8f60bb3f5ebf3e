"""Turns a quantization-aware student into the LiteRT file that ships."""

from __future__ import annotations

import warnings
from typing import Any

import keras
import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2


def to_int8_litert(network: keras.Model) -> bytes:
    """Converts a trained quantization-aware network to full int8.

    Args:
      network: From `learn2compress.quantization.quantization_aware`, trained.

    Returns:
      A LiteRT file that takes one example of raw uint8 and gives uint8 softmax
      scores `[1, num_classes]` of scale 1/256.
    """
    spec = tf.TensorSpec([1, *network.input_shape[1:]], tf.float32, name="input")

    @tf.function(input_signature=[spec])
    def scores(inputs: Any) -> dict[str, Any]:
        return {"scores": tf.nn.softmax(network(inputs, training=False))}

    # Frozen first: the converter folds ranges only where they are constants.
    frozen = convert_variables_to_constants_v2(scores.get_concrete_function())
    converter = tf.lite.TFLiteConverter.from_concrete_functions([frozen])
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.inference_input_type = tf.uint8
    converter.inference_output_type = tf.uint8
    with warnings.catch_warnings():
        # The trained ranges are the statistics that the converter misses here.
        warnings.filterwarnings("ignore", message="Statistics for quantized inputs")
        return bytes(converter.convert())

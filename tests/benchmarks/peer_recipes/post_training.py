"""Post-training quantization to full int8, as each tool's guide has it; files give softmax scores."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter
from litert_quantizer import quantizer, recipe


def converted_by_litert(model: keras.Model, calibration: np.ndarray) -> bytes:
    """By the LiteRT converter, with a representative data set."""

    def representative() -> Iterator[list[np.ndarray]]:
        for example in calibration:
            yield [example[np.newaxis]]

    converter = tf.lite.TFLiteConverter.from_concrete_functions([_scores(model)])
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = representative
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = tf.uint8
    converter.inference_output_type = tf.uint8
    return bytes(converter.convert())


def converted_by_ai_edge_quantizer(model: keras.Model, calibration: np.ndarray) -> bytes:
    """By AI Edge Quantizer, static int8, from the float file that Keras exports."""
    scores = keras.Model(model.input, keras.layers.Softmax()(model.output))
    with tempfile.TemporaryDirectory() as name:
        floating, quantized = Path(name) / "float.tflite", Path(name) / "int8.tflite"
        scores.export(str(floating), format="litert", verbose=False)
        ((signature, names),) = Interpreter(str(floating)).get_signature_list().items()
        tool = quantizer.Quantizer(str(floating), recipe.static_wi8_ai8())
        samples = [{names["inputs"][0]: example[np.newaxis]} for example in calibration]
        tool.quantize(tool.calibrate({signature: samples})).export_model(str(quantized))
        return quantized.read_bytes()


def _scores(model: keras.Model) -> Any:
    spec = tf.TensorSpec([1, *model.input_shape[1:]], tf.float32, name="inputs")
    scores = tf.function(lambda inputs: tf.nn.softmax(model(inputs, training=False)), input_signature=[spec])
    return scores.get_concrete_function()

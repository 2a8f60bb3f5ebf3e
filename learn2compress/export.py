"""Turns a quantization-aware student into the LiteRT file that ships."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from learn2compress import __version__
from learn2compress.config import TaskConfig
from learn2compress.litert.metadata import with_metadata
from learn2compress.litert.rewrite import compacted
from learn2compress.quantized_network import leaf_layers
from learn2compress.students.byte_rows import ByteRows


def to_int8_litert(network: keras.Model) -> bytes:
    """Converts a trained quantization-aware network to full int8.

    Args:
      network: From `learn2compress.quantized_network.quantization_aware`, trained.

    Returns:
      A LiteRT file that takes one example of raw uint8 and gives uint8 softmax
      scores `[1, num_classes]` of scale 1/256.
    """
    input_type, logits_of = _entry(network)
    spec = tf.TensorSpec([1, *network.input_shape[1:]], input_type, name="input")

    @tf.function(input_signature=[spec])
    def scores(inputs: Any) -> dict[str, Any]:
        return {"scores": tf.nn.softmax(logits_of(inputs))}

    # Frozen first: the converter folds ranges only where they are constants.
    frozen = convert_variables_to_constants_v2(scores.get_concrete_function())
    converter = tf.lite.TFLiteConverter.from_concrete_functions([frozen])
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.inference_input_type = tf.uint8
    converter.inference_output_type = tf.uint8
    with warnings.catch_warnings():
        # The trained ranges are the statistics that the converter misses here.
        warnings.filterwarnings("ignore", message="Statistics for quantized inputs")
        model = bytes(converter.convert())
    return compacted(model, [layer.name for layer in leaf_layers(network)])


def shipped_file(
    network: keras.Model, *, family_name: str, student_name: str, labels: Sequence[str], task: TaskConfig
) -> bytes:
    """The file that ships: what `to_int8_litert` gives, with metadata.

    Args:
      network: See `to_int8_litert`.
      family_name: What the students of this run are called together.
      student_name: The student's own name.
      labels: Class names in index order.
      task: What the student takes.
    """
    return with_metadata(
        to_int8_litert(network),
        name=f"{family_name} {student_name}",
        description=f"Student {student_name!r} of the family {family_name!r}, compressed to full int8.",
        version=__version__,
        labels=labels,
        task=task,
    )


def _entry(network: keras.Model) -> tuple[tf.DType, Callable[[Any], Any]]:
    """Type of the file's input before it is quantized, and what gives logits for it."""
    bodies = [body for body in network.layers if isinstance(body, keras.Model)]
    found = [(layer, body) for body in bodies for layer in body.layers if isinstance(layer, ByteRows)]
    if not found:
        return tf.float32, lambda inputs: network(inputs, training=False)
    # Numbers of words are no quantities: as integers they need no float on the way to their rows.
    rows, body = found[0]
    behind = keras.Model(rows.output, body.output)
    return tf.uint8, lambda inputs: behind(rows.rows_of(tf.cast(inputs, tf.int32)), training=False)

"""Copies a student into a network that computes as its 8-bit file will.

Kernels are rounded where they are used, and activations wherever the LiteRT
converter ends a fused operator. The statistics of
batch normalization are frozen: behind a convolution its scale is per channel, so that folding it into
the kernel, as the converter does, commutes with rounding the kernel.
"""

from __future__ import annotations

from typing import Any

import keras

from learn2compress.keras_internals import all_inputs, leaf_layers, num_applications, producer
from learn2compress.quantization.qat_layers import (
    FrozenNormalization,
    QuantizedConv2D,
    QuantizedDense,
    QuantizedDepthwiseConv2D,
    QuantizedEmbedding,
    QuantizedNormalization,
    QuantizedNormalizedDense,
    QuantizedRange,
    QuantizedRescaling,
)
from learn2compress.students.byte_rows import ByteRows
from learn2compress.students.input_resizing import InputResizing
from learn2compress.students.layer_decomposition import decompose_layers

_WITH_KERNEL = (keras.layers.Conv2D, keras.layers.DepthwiseConv2D, keras.layers.Dense)

# Layers that only pass on what is quantized already, in its range. An average is rounded once more in the file, which
# is left out here: there a tie goes away from zero, which fake quantization can't do.
_SAME_RANGE = (
    ByteRows,
    keras.layers.AveragePooling2D,
    keras.layers.Cropping2D,
    keras.layers.Embedding,
    keras.layers.Flatten,
    keras.layers.GlobalMaxPooling2D,
    keras.layers.InputLayer,
    keras.layers.MaxPooling2D,
    keras.layers.Reshape,
    keras.layers.ZeroPadding2D,
)

# What the converter fuses into the operator before it: no rounding in between.
_FUSED_INTO = {
    keras.layers.BatchNormalization: _WITH_KERNEL,
    keras.layers.ReLU: (*_WITH_KERNEL, keras.layers.BatchNormalization, keras.layers.Add),
    # Its inputs get the range of its output.
    keras.layers.Concatenate: (*_WITH_KERNEL, keras.layers.BatchNormalization, keras.layers.ReLU, keras.layers.Add),
}

_QUANTIZED = {
    keras.layers.Conv2D: QuantizedConv2D,
    keras.layers.Dense: QuantizedDense,
    keras.layers.DepthwiseConv2D: QuantizedDepthwiseConv2D,
    keras.layers.Embedding: QuantizedEmbedding,
    keras.layers.Rescaling: QuantizedRescaling,
}

_KNOWN = (
    *_SAME_RANGE,
    *_QUANTIZED,
    keras.layers.Activation,
    keras.layers.Add,
    keras.layers.BatchNormalization,
    keras.layers.Concatenate,
    keras.layers.GlobalAveragePooling2D,
    keras.layers.Multiply,
    keras.layers.ReLU,
    InputResizing,
)

_ACTIVATIONS = "relu, relu6, sigmoid, silu, hard_sigmoid and hard_silu"

_INPUT_RANGE = (0.0, 1.0)
# LiteRT computes a sigmoid by a table of this range; it takes no other.
_SIGMOID_RANGE = (0.0, 255.0 / 256.0)


def quantization_aware(student: keras.Model) -> keras.Model:
    """Copies a student into a network that computes as its 8-bit file will.

        network = quantization_aware(student)
        network(inputs, training=True)  # sets the ranges of activations

    Args:
      student: A functional model of float32 0..1 inputs, of layers that
        `learn2compress.students.layer_decomposition` turns into known ones.

    Returns:
      A model of the same inputs and logits with the student's weights. Its
      activation ranges are unset until it has been called with `training=True`.

    Raises:
      ValueError: a layer whose 8-bit arithmetic is not known here.
    """
    student = decompose_layers(student)
    for operation in student.operations:
        _check_supported(operation)
    copier = _Copier(student)
    inputs = keras.Input(student.input_shape[1:], name="input")
    # 256 levels over 0..1: a pixel's byte is its own 8-bit value.
    rounded = QuantizedRange(fixed_range=_INPUT_RANGE, name="input_range")(inputs)
    body = keras.models.clone_model(student, clone_function=copier.copy, call_function=copier.call)
    network = keras.Model(inputs, body(rounded), name=student.name)
    copies = {copy.name: copy for copy in leaf_layers(body)}
    for layer in student.layers:
        copies[layer.name].set_weights(layer.get_weights())
    for kernel, norm in copier.folded.items():
        copies[kernel].normalization = copies[norm].scale_and_offset
    return network


def why_not_trainable(student: keras.Model) -> str | None:
    """Returns why a student can't be trained in 8 bits, or `None` where it can.

    Args:
      student: As `quantization_aware` takes it, or a pretrained trunk, of which the last exit counts.
    """
    try:
        quantization_aware(keras.Model(student.input, student.outputs[-1]))
    except ValueError as error:
        return str(error)
    return None


def fused_layers(model: keras.Model) -> frozenset[str]:
    """Returns the names of the layers that the converter makes one operator with the layer behind them.

    Args:
      model: Of layers as `decompose_layers` leaves them.
    """
    consumers = _consumers(model)
    return frozenset(layer.name for layer in model.layers if _is_fused(layer, consumers[layer.name]))


class _Copier:
    """Copies the layers of a student, and calls the copies with rounding where an operator of the file ends.

    Attributes:
      folded: The normalization that is folded into each convolution that has one, by their names.
    """

    def __init__(self, student: keras.Model):
        consumers = _consumers(student)
        self._fused = fused_layers(student)
        norm_of = {
            layer: consumers[layer.name][0].name
            for layer in student.layers
            if isinstance(layer, _WITH_KERNEL)
            and layer.name in self._fused
            and isinstance(consumers[layer.name][0], keras.layers.BatchNormalization)
        }
        # The normalization behind each dense layer that has one.
        self._norm_of = {layer.name: norm for layer, norm in norm_of.items() if isinstance(layer, keras.layers.Dense)}
        self.folded = {layer.name: norm for layer, norm in norm_of.items() if layer.name not in self._norm_of}
        self._after_input = {layer.name for layer in consumers[student.layers[0].name]}
        self._dense_before: dict[str, keras.layers.Dense] = {}

    def copy(self, layer: keras.Layer) -> keras.Layer:
        """Returns a copy of a layer, without weights."""
        kind: Any = _QUANTIZED.get(type(layer), type(layer))
        if layer.name in self._norm_of:
            kind = keras.layers.Dense
        elif kind is keras.layers.BatchNormalization:
            kind = FrozenNormalization if _producer(layer) in self._fused else QuantizedNormalization
        return kind.from_config(layer.get_config())

    def call(self, copy: keras.Layer, *args: Any, **kwargs: Any) -> Any:
        """Calls a copy, and rounds its outputs unless the converter fuses the next layer into the same operator.

        Args:
          copy: Of a layer.
          args: Its inputs.
          kwargs: Further arguments of its call.

        Returns:
          The outputs.
        """
        if copy.name in self._norm_of:
            self._dense_before[self._norm_of[copy.name]] = copy
            return args[0]
        if copy.name in self._dense_before:
            outputs = QuantizedNormalizedDense(self._dense_before[copy.name], copy, name=f"{copy.name}_dense")(*args)
        else:
            outputs = copy(*args, **kwargs)
        if copy.name in self._fused or isinstance(copy, _SAME_RANGE):
            return outputs
        is_of_input = isinstance(copy, QuantizedRescaling) and copy.name in self._after_input
        fixed_range = copy.output_range() if is_of_input else None
        if isinstance(copy, keras.layers.Activation):
            fixed_range = _SIGMOID_RANGE
        if isinstance(copy, InputResizing):
            fixed_range = _INPUT_RANGE  # LiteRT resizes within one range
        return QuantizedRange(fixed_range, name=f"{copy.name}_range")(outputs)


def _consumers(model: keras.Model) -> dict[str, list[keras.Operation]]:
    """Returns what reads each layer and each operation that is none, by its name."""
    consumers: dict[str, list[keras.Operation]] = {operation.name: [] for operation in model.operations}
    for operation in model.operations:
        for tensor in all_inputs(operation):
            consumers[producer(tensor).name].append(operation)
    return consumers


def _producer(layer: keras.Layer) -> str:
    name: str = producer(layer.input).name
    return name


def _is_fused(layer: keras.Layer, consumers: list[keras.Operation]) -> bool:
    return len(consumers) == 1 and isinstance(layer, _FUSED_INTO.get(type(consumers[0]), ()))


def _check_supported(layer: keras.Operation) -> None:
    name, kind = layer.name, type(layer)
    if kind not in _KNOWN:  # nor an operation that is no layer
        accepted = ", ".join(sorted({kind.__name__ for kind in _KNOWN}))
        raise ValueError(f"layer {name!r}: found {kind.__name__}, accepted are {accepted}")
    if num_applications(layer) > 1:
        raise ValueError(f"layer {name!r}: found it used {num_applications(layer)} times, accepted is once")
    activation = getattr(layer, "activation", None)
    is_sigmoid = kind is keras.layers.Activation and activation is keras.activations.sigmoid
    if activation is not None and activation is not keras.activations.linear and not is_sigmoid:
        found = getattr(activation, "__name__", type(activation).__name__)
        raise ValueError(f"layer {name!r}: found activation {found!r}, accepted are {_ACTIVATIONS}")
    if kind is keras.layers.ReLU and (layer.max_value not in (None, 6.0) or layer.negative_slope or layer.threshold):
        raise ValueError(
            f"layer {name!r}: found max_value {layer.max_value}, negative_slope {layer.negative_slope} and "
            f"threshold {layer.threshold}, accepted are max_value 6 or none, and 0 and 0"
        )
    if getattr(layer, "groups", 1) != 1:
        raise ValueError(f"layer {name!r}: found {layer.groups} groups, accepted is 1")

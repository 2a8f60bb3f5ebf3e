"""Compares a file, tensor by tensor, with what it was made from.

A file can name the right class for the wrong reasons: a layer that the converter
rounds otherwise than the training did shows here first. A tensor's figure holds
what the layers before it have added, as on the phone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from learn2compress.keras_internals import leaf_layers
from learn2compress.litert.flatbuffer import read_graphs
from learn2compress.litert.interpreter import PIXEL_SCALE
from learn2compress.litert.tensors import CONTROL_FLOW, TensorReader, layer_of
from learn2compress.quantization.qat_layers import QuantizedRange
from learn2compress.results.quantization import TensorDeviation

# Scales come out of float32 arithmetic in another order; those of two places differ by more.
_SCALE_TOLERANCE = 1e-3
_FORMAT_CHANGING = ("DENSIFY", "DEQUANTIZE", "QUANTIZE")

Example = npt.NDArray[np.uint8]
Arrays = Mapping[str, npt.NDArray[np.float32]]


def deviations_from_network(network: keras.Model, model_bytes: bytes, examples: Example) -> tuple[TensorDeviation, ...]:
    """Measures how far the tensors of an int8 file are from those of the trained network that became it.

    Args:
      network: From `learn2compress.quantization.qat_network.quantization_aware`, trained.
      model_bytes: What `learn2compress.quantization.convert.to_int8_litert` made of it, packed.
      examples: uint8 `[n, *input_shape]`, n at least 1.

    Returns:
      One entry for each place where the network rounds activations and the file
      holds a tensor of that shape and quantization, named after the layer, in
      graph order. A place that the converter has folded away has none.
    """
    reader = TensorReader(model_bytes)
    body = next(layer for layer in network.layers if isinstance(layer, keras.Model))
    place_of = _places([layer for layer in leaf_layers(body) if isinstance(layer, QuantizedRange)], reader)
    if not place_of:
        return ()
    rounded = network.get_layer("input_range")
    places = keras.Model(body.inputs, {tensor: place.output for tensor, place in place_of.items()})

    def expected(example: Example) -> Arrays:
        return places.predict_on_batch(rounded(example[None].astype(np.float32) * np.float32(PIXEL_SCALE)))

    names = {tensor: place.name.removesuffix("_range") for tensor, place in place_of.items()}
    return _deviations(names, reader, expected, examples)


def deviations_from_file(float_model: bytes, model_bytes: bytes, examples: Example) -> tuple[TensorDeviation, ...]:
    """Measures how far the tensors of a quantized file are from those of the float file of the same network.

    Args:
      float_model: From `learn2compress.quantization.convert.to_float_litert`, packed, with a uint8 input or without.
      model_bytes: The same network, quantized.
      examples: uint8 `[n, *input_shape]`, n at least 1.

    Returns:
      One entry for the output of each operator, in graph order; none where the
      files don't have the same operators, apart from those that only change a
      number's format.
    """
    steps, exact_steps = _computing(model_bytes), _computing(float_model)
    if [kind for kind, _ in steps] != [kind for kind, _ in exact_steps]:
        return ()
    # Tensors of one layer are numbered, and not the same way in both files.
    exact_of = {tensor: exact for (_, tensor), (_, exact) in zip(steps, exact_steps, strict=True)}
    exact, reader = TensorReader(float_model), TensorReader(model_bytes)

    def expected(example: Example) -> Arrays:
        values = dict(exact.run(example))
        return {tensor: values[name] for tensor, name in exact_of.items()}

    names = {tensor: layer_of(name) for tensor, name in exact_of.items()}
    return _deviations(names, reader, expected, examples)


def _computing(model_bytes: bytes) -> list[tuple[str, str]]:
    """Returns kind and output of each operator that does more than to change the format of numbers or run others."""
    graph = read_graphs(model_bytes)[0]
    operators = [op for op in graph.operators if op.name not in (*_FORMAT_CHANGING, *CONTROL_FLOW)]
    return [(operator.name, graph.tensors[operator.outputs[0]].name) for operator in operators]


def _deviations(
    names: Mapping[str, str], reader: TensorReader, expected: Callable[[Example], Arrays], examples: Example
) -> tuple[TensorDeviation, ...]:
    largest = dict.fromkeys(names, 0.0)
    for example in examples:
        wanted = expected(example)
        for tensor, values in reader.run(example):
            if tensor in names:
                difference = np.abs(values.reshape(wanted[tensor].shape) - wanted[tensor])
                largest[tensor] = max(largest[tensor], float(difference.max()))
    found = []
    for tensor, detail in reader.details.items():
        if tensor in names:
            step = float(detail["quantization"][0])
            steps = largest[tensor] / step if step else None
            found.append(TensorDeviation(names[tensor], largest[tensor], steps))
    return tuple(found)


def _places(ranges: Iterable[QuantizedRange], reader: TensorReader) -> dict[str, QuantizedRange]:
    """Returns the layer behind each tensor of the file: ranges were measured, so range and shape tell them apart."""
    places: dict[str, QuantizedRange] = {}
    for layer in ranges:
        step = (float(layer.high) - float(layer.low)) / 255.0
        for name, detail in reader.details.items():
            fits = math.isclose(detail["quantization"][0], step, rel_tol=_SCALE_TOLERANCE)
            if fits and name not in places and _shape(detail) == tuple(layer.output.shape[1:]):
                places[name] = layer
                break
    return places


def _shape(detail: Mapping[str, Any]) -> tuple[int, ...]:
    return tuple(int(size) for size in detail["shape"][1:])

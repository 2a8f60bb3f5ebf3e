"""The tensors inside a `.tflite` file while it runs: what a calibration and a cross-check look at."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
from ai_edge_litert.interpreter import Interpreter

from learn2compress.litert.flatbuffer import read_graphs
from learn2compress.litert.interpreter import input_table

CONTROL_FLOW = ("IF", "WHILE")
"""Operators that run other graphs, such as the steps of a recurrent layer."""

Ranges = dict[str, dict[str, npt.NDArray[np.float32]]]
"""Smallest ("min") and largest ("max") value, `[1]` each, by tensor name."""


def layer_of(tensor_name: str) -> str:
    """Returns the layer that a tensor is named after, without the number that tensors of one layer have."""
    return re.sub(r":\d+$", "", tensor_name)


class TensorReader:
    """An interpreter that keeps the output of every operator.

    Args:
      model_bytes: A `.tflite` file of one input.
    """

    def __init__(self, model_bytes: bytes):
        with warnings.catch_warnings():
            # It says that this costs memory; a student is small, and runs on one example at a time.
            warnings.filterwarnings("ignore", message=".*experimental_preserve_all_tensors")
            self._interpreter = Interpreter(
                model_content=model_bytes, num_threads=1, experimental_preserve_all_tensors=True
            )
        self._interpreter.allocate_tensors()
        self._input = self._interpreter.get_input_details()[0]
        self._table = input_table(self._input, 1.0 / 255.0)
        graph = read_graphs(model_bytes)[0]
        # Of a loop, what nobody reads behind it has no values.
        operators = [operator for operator in graph.operators if operator.name not in CONTROL_FLOW]
        computed = {index for operator in operators for index in operator.outputs} | set(graph.inputs)
        details = {detail["index"]: detail for detail in self._interpreter.get_tensor_details()}
        self.details: dict[str, dict[str, Any]] = {
            graph.tensors[index].name: details[index] for index in sorted(computed)
        }

    def run(self, example: npt.NDArray[np.uint8]) -> Iterator[tuple[str, npt.NDArray[np.float32]]]:
        """Runs the file on one example.

        Args:
          example: uint8 `[*input_shape]`.

        Returns:
          Name and real values, float32 `[1, ...]`, of every input and computed tensor, but what control flow returns.
        """
        self._interpreter.set_tensor(self._input["index"], self._table[example[None]])
        self._interpreter.invoke()
        for name, detail in self.details.items():
            scale, zero_point = detail["quantization"]
            values = self._interpreter.get_tensor(detail["index"]).astype(np.float32)
            yield name, (values - np.float32(zero_point)) * np.float32(scale) if scale else values


def activation_ranges(float_model: bytes, examples: npt.NDArray[np.uint8]) -> Ranges:
    """Measures the range of each tensor that a float file computes, always with zero in it.

    The input's is 0..1, whatever the examples are: a byte then is its own 8-bit value.

    Args:
      float_model: A `.tflite` file of one float32 input.
      examples: uint8 `[n, *input_shape]`, n at least 1.

    Returns:
      Smallest and largest value by tensor name.
    """
    reader = TensorReader(float_model)
    bounds: dict[str, tuple[float, float]] = {}
    for example in examples:
        for name, values in reader.run(example):
            low, high = bounds.get(name, (0.0, 0.0))
            bounds[name] = min(low, float(values.min())), max(high, float(values.max()))
    bounds[next(iter(reader.details))] = (0.0, 1.0)
    return {
        name: {"min": np.array([low], np.float32), "max": np.array([high], np.float32)}
        for name, (low, high) in bounds.items()
    }

"""The input and the output of a `.tflite` file as an application has to fill and read them."""

from __future__ import annotations

from typing import Any

from ai_edge_litert import schema_py_generated as schema

from learn2compress.litert.flatbuffer import ModelFileError, dtype_name, parse_guarded
from learn2compress.results.measurements import TensorDetails


def border_details(model_bytes: bytes) -> tuple[TensorDetails, TensorDetails]:
    """Reads the types of the one input and the one output of a file.

    Args:
      model_bytes: A `.tflite` file.

    Returns:
      The input, and the output.

    Raises:
      ModelFileError: the bytes are no well-formed `.tflite` file of one input and one output.
    """
    return parse_guarded(lambda: _read(model_bytes), model_bytes)


def _read(model_bytes: bytes) -> tuple[TensorDetails, TensorDetails]:
    graph = schema.Model.GetRootAsModel(model_bytes, 0).Subgraphs(0)
    if graph.InputsLength() != 1 or graph.OutputsLength() != 1:
        raise ModelFileError(
            f"model: found {graph.InputsLength()} inputs and {graph.OutputsLength()} outputs, accepted is one of each"
        )
    return _details(graph.Tensors(graph.Inputs(0))), _details(graph.Tensors(graph.Outputs(0)))


def _details(tensor: Any) -> TensorDetails:
    dtype = dtype_name(tensor.Type())
    if dtype is None:
        raise ModelFileError(f"model: found element type {tensor.Type()}, accepted is one of the format's")
    shape = tuple(int(tensor.Shape(axis)) for axis in range(tensor.ShapeLength()))
    quantization = tensor.Quantization()
    if quantization is None or quantization.ScaleLength() != 1:
        return TensorDetails(dtype, shape)
    zero_point = int(quantization.ZeroPoint(0)) if quantization.ZeroPointLength() else 0
    return TensorDetails(dtype, shape, float(quantization.Scale(0)), zero_point)

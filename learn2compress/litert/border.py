"""Gives a `.tflite` file the border that every student's file has: raw uint8 in, scores out.

What computes in between is the recipe's business; an application that changes
from one recipe to another still hands over the bytes 0..255 as they are. A byte
b stands for b / 255, which the new input tensor says in its quantization (scale
1/255, zero point 0), and one operator turns it into what the graph takes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from learn2compress.litert.flatbuffer import ModelFileError, parse_guarded
from learn2compress.litert.rewrite import packed, unpacked

_Type = schema.TensorType
_Operator = schema.BuiltinOperator
_PIXEL_SCALE = 1.0 / 255.0
_INT8_ZERO_POINT = -128
# The difference between 1/255 as float32 and what a quantizer computes for a range of 0..1.
_TOLERANCE = 1e-6


def with_byte_border(model_bytes: bytes) -> bytes:
    """The model with a uint8 input, and with uint8 scores where they were int8.

    Args:
      model_bytes: A `.tflite` file of one input, float32 of 0..1, int8 of the
        same range, or uint8, and one output, float32, int8 or uint8.

    Raises:
      ModelFileError: the bytes are no such file.
    """
    return parse_guarded(lambda: packed(_bordered(unpacked(model_bytes))), model_bytes)


def _bordered(model: Any) -> Any:
    graph = model.subgraphs[0]
    if len(graph.inputs) != 1 or len(graph.outputs) != 1:
        raise ModelFileError(
            f"model: found {len(graph.inputs)} inputs and {len(graph.outputs)} outputs, accepted is one of each"
        )
    _border_input(model, graph)
    _border_output(model, graph)
    return model


def _border_input(model: Any, graph: Any) -> None:
    inner = int(graph.inputs[0])
    tensor = graph.tensors[inner]
    if tensor.type == _Type.UINT8:
        return
    if tensor.type == _Type.INT8:
        _check_quantization("input", tensor, _PIXEL_SCALE)
    elif tensor.type != _Type.FLOAT32:
        raise ModelFileError(f"input: found element type {tensor.type}, accepted are float32, int8 and uint8")
    outer = _add_byte_tensor(graph, tensor, _PIXEL_SCALE)
    code = _Operator.DEQUANTIZE if tensor.type == _Type.FLOAT32 else _Operator.QUANTIZE
    graph.operators.insert(0, _operator(model, code, outer, inner))
    graph.inputs = np.array([outer], np.int32)


def _border_output(model: Any, graph: Any) -> None:
    inner = int(graph.outputs[0])
    tensor = graph.tensors[inner]
    if tensor.type in (_Type.UINT8, _Type.FLOAT32):
        return
    if tensor.type != _Type.INT8:
        raise ModelFileError(f"output: found element type {tensor.type}, accepted are float32, int8 and uint8")
    _check_quantization("output", tensor, None)
    outer = _add_byte_tensor(graph, tensor, float(tensor.quantization.scale[0]))
    graph.operators.append(_operator(model, _Operator.QUANTIZE, inner, outer))
    graph.outputs = np.array([outer], np.int32)


def _check_quantization(what: str, tensor: Any, wanted_scale: float | None) -> None:
    scale, zero_point = float(tensor.quantization.scale[0]), int(tensor.quantization.zeroPoint[0])
    if zero_point != _INT8_ZERO_POINT or (wanted_scale is not None and abs(scale - wanted_scale) > _TOLERANCE):
        wanted = "any" if wanted_scale is None else f"{wanted_scale:.6g}"
        raise ModelFileError(
            f"{what}: found int8 of scale {scale:.6g} and zero point {zero_point}, accepted are {wanted} and "
            f"{_INT8_ZERO_POINT}"
        )


def _add_byte_tensor(graph: Any, inner: Any, scale: float) -> int:
    """Adds the outer tensor under the inner one's name, which the application knows; returns its number."""
    quantization = schema.QuantizationParametersT()
    quantization.scale, quantization.zeroPoint = np.array([scale], np.float32), np.array([0], np.int64)
    outer = schema.TensorT()
    outer.name, outer.shape, outer.type = inner.name, inner.shape, _Type.UINT8
    outer.shapeSignature, outer.hasRank = inner.shapeSignature, inner.hasRank
    outer.buffer = 0  # by the format an empty one
    outer.quantization = quantization
    inner.name = inner.name + b":inner"
    graph.tensors.append(outer)
    return len(graph.tensors) - 1


def _operator(model: Any, code: int, source: int, target: int) -> Any:
    operator = schema.OperatorT()
    operator.opcodeIndex = _code_index(model, code)
    operator.inputs, operator.outputs = np.array([source], np.int32), np.array([target], np.int32)
    options = {
        _Operator.QUANTIZE: (schema.BuiltinOptions.QuantizeOptions, schema.QuantizeOptionsT),
        _Operator.DEQUANTIZE: (schema.BuiltinOptions.DequantizeOptions, schema.DequantizeOptionsT),
    }
    operator.builtinOptionsType, kind = options[code]
    operator.builtinOptions = kind()
    return operator


def _code_index(model: Any, code: int) -> int:
    for index, known in enumerate(model.operatorCodes):
        if known.builtinCode == code:
            return index
    added = schema.OperatorCodeT()
    added.builtinCode = added.deprecatedBuiltinCode = code
    added.version = 1
    model.operatorCodes.append(added)
    return len(model.operatorCodes) - 1

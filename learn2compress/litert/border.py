"""The border of a `.tflite` file, the same for every student: raw uint8 in, scores out.

What computes in between is the recipe's business; an application that changes
from one recipe to another still hands over the bytes 0..255 as they are. A byte
b stands for b / 255, which the new input tensor says in its quantization (scale
1/255, zero point 0), and one operator turns it into what the graph takes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from learn2compress.litert.flatbuffer import ModelFileError, parse_errors_in_one_line
from learn2compress.litert.rewrite import UnpackedModel

_Type = schema.TensorType
_Operator = schema.BuiltinOperator
_PIXEL_SCALE = 1.0 / 255.0
_INT8_ZERO_POINT = -128
# The difference between 1/255 as float32 and what a quantizer computes for a range of 0..1.
_TOLERANCE = 1e-6


def add_byte_border(model: UnpackedModel) -> None:
    """Makes the input uint8, and the scores uint8 where they are int8; a file that has such a border stays as it is.

    Args:
      model: A file of one input, float32 of 0..1, int8 of the same range, or uint8,
        and one output, float32, int8 or uint8.

    Raises:
      ModelFileError: it is no such file.
    """
    source, target = model.border_tensors()
    with parse_errors_in_one_line():
        _border_input(model.tree, source)
        _border_output(model.tree, target)


def use_float_scores(model: UnpackedModel) -> bool:
    """Makes uint8 scores float32, computed from the same int8 logits.

    Scores of 1/256 steps are equal where logits differ; float32 ones keep the order
    of the logits. The last two operators, SOFTMAX and QUANTIZE, become DEQUANTIZE and
    SOFTMAX; nothing before them changes.

    Args:
      model: A file that ends with a SOFTMAX of int8 and a QUANTIZE to uint8, as
        `add_byte_border` and the converter leave it.

    Returns:
      Whether it is such a file; any other one stays as it is.

    Raises:
      ModelFileError: the file is not well-formed.
    """
    _, target = model.border_tensors()
    with parse_errors_in_one_line():
        tree, graph = model.tree, model.tree.subgraphs[0]
        output = int(graph.outputs[0])
        quantize = _producer(tree, output, _Operator.QUANTIZE)
        softmax = None if quantize is None else _producer(tree, int(quantize.inputs[0]), _Operator.SOFTMAX)
        if target.type != _Type.UINT8 or softmax is None:
            return False
        logits, spare = int(softmax.inputs[0]), int(softmax.outputs[0])
        if graph.tensors[logits].type != _Type.INT8:
            return False
        graph.tensors[spare].name = graph.tensors[logits].name + b":float"
        for index in (spare, output):
            graph.tensors[index].type, graph.tensors[index].quantization = _Type.FLOAT32, None
        softmax.inputs, softmax.outputs = np.array([spare], np.int32), np.array([output], np.int32)
        graph.operators[_index_of(graph, quantize)] = softmax
        graph.operators[_index_of(graph, softmax)] = _operator(tree, _Operator.DEQUANTIZE, logits, spare)
    return True


def _index_of(graph: Any, operator: Any) -> int:
    return next(index for index, known in enumerate(graph.operators) if known is operator)


def _producer(tree: Any, tensor: int, code: int) -> Any:
    """Returns the operator that computes a tensor, if it is of this kind; else `None`."""
    for operator in tree.subgraphs[0].operators:
        if tensor in operator.outputs and tree.operatorCodes[operator.opcodeIndex].builtinCode == code:
            return operator
    return None


def _border_input(tree: Any, tensor: Any) -> None:
    if tensor.type == _Type.UINT8:
        return
    if tensor.type == _Type.INT8:
        _check_quantization("input", tensor, _PIXEL_SCALE)
    elif tensor.type != _Type.FLOAT32:
        raise ModelFileError(f"input: found element type {tensor.type}, accepted are float32, int8 and uint8")
    graph = tree.subgraphs[0]
    inner = int(graph.inputs[0])
    outer = _add_byte_tensor(graph, tensor, _PIXEL_SCALE)
    code = _Operator.DEQUANTIZE if tensor.type == _Type.FLOAT32 else _Operator.QUANTIZE
    graph.operators.insert(0, _operator(tree, code, outer, inner))
    graph.inputs = np.array([outer], np.int32)


def _border_output(tree: Any, tensor: Any) -> None:
    if tensor.type in (_Type.UINT8, _Type.FLOAT32):
        return
    if tensor.type != _Type.INT8:
        raise ModelFileError(f"output: found element type {tensor.type}, accepted are float32, int8 and uint8")
    _check_quantization("output", tensor, None)
    graph = tree.subgraphs[0]
    inner = int(graph.outputs[0])
    outer = _add_byte_tensor(graph, tensor, float(tensor.quantization.scale[0]))
    graph.operators.append(_operator(tree, _Operator.QUANTIZE, inner, outer))
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


def _operator(tree: Any, code: int, source: int, target: int) -> Any:
    operator = schema.OperatorT()
    operator.opcodeIndex = _code_index(tree, code)
    operator.inputs, operator.outputs = np.array([source], np.int32), np.array([target], np.int32)
    options = {
        _Operator.QUANTIZE: (schema.BuiltinOptions.QuantizeOptions, schema.QuantizeOptionsT),
        _Operator.DEQUANTIZE: (schema.BuiltinOptions.DequantizeOptions, schema.DequantizeOptionsT),
    }
    operator.builtinOptionsType, kind = options[code]
    operator.builtinOptions = kind()
    return operator


def _code_index(tree: Any, code: int) -> int:
    for index, known in enumerate(tree.operatorCodes):
        if known.builtinCode == code:
            return index
    added = schema.OperatorCodeT()
    added.builtinCode = added.deprecatedBuiltinCode = code
    added.version = 1
    tree.operatorCodes.append(added)
    return len(tree.operatorCodes) - 1

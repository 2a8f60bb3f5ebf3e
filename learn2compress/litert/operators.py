"""What a `.tflite` file computes and holds: operators, multiply-accumulates, parameters.

Everything comes from tensor shapes as stored (batch 1), so the float, the int8
and the sparse file of one network give the same MACs and parameters, on any
machine.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from learn2compress.litert.flatbuffer import ModelFileError, ModelGraph, Operator, Tensor, read_graphs

# Where each operator that multiplies by a constant keeps its kernel and its bias.
_KERNEL_AND_BIAS = {
    "CONV_2D": (1, 2),
    "DEPTHWISE_CONV_2D": (1, 2),
    "FULLY_CONNECTED": (1, 2),
    "TRANSPOSE_CONV": (1, 3),
    "BATCH_MATMUL": (1, None),
}

# These hand a constant on in another form; its weights are what goes in.
_UNPACKING = ("DEQUANTIZE", "DENSIFY")

_NUMPY_DTYPES = {
    "float16": "<f2", "float32": "<f4", "float64": "<f8", "int8": "<i1", "uint8": "<u1", "int16": "<i2",
    "uint16": "<u2", "int32": "<i4", "uint32": "<u4", "int64": "<i8", "uint64": "<u8", "bool": "<u1",
}  # fmt: skip


@dataclass(frozen=True)
class LayerCost:
    """One operator that multiplies or holds weights.

    Attributes:
      name: Name of its output tensor.
      operator: Such as "CONV_2D".
      macs: Multiply-accumulates of one inference.
      num_parameters: Elements of its weights, where no earlier operator has counted them.
      num_nonzero_parameters: Those that are not zero.
      weight_bytes: Bytes in which those weights are stored.
    """

    name: str
    operator: str
    macs: int
    num_parameters: int
    num_nonzero_parameters: int
    weight_bytes: int


@dataclass(frozen=True)
class ModelCost:
    """What one file computes and holds.

    Attributes:
      operators: Count of each operator, in order of name.
      macs: Multiply-accumulates of one inference of one example, of CONV_2D,
        DEPTHWISE_CONV_2D, FULLY_CONNECTED, TRANSPOSE_CONV and BATCH_MATMUL.
        Element-wise operators, pooling and recurrent cells count none, and the
        body of a loop counts once.
      num_parameters: Elements of all weights: kernels and biases of those
        operators, and any other constant of real numbers with more than one
        element (embedding tables, unfolded scales). Shapes, axes, indices and
        scalars are no weights; a kernel used twice, with its bias, counts once.
      num_nonzero_parameters: Those that are not zero; in integers, that differ
        from their channel's zero point.
      weight_bytes: Bytes in which they are stored.
      layers: The operators with MACs or weights, in graph order.
      input_dtype: Element type of the first input.
      output_dtype: Element type of the first output.
    """

    operators: dict[str, int]
    macs: int
    num_parameters: int
    num_nonzero_parameters: int
    weight_bytes: int
    layers: tuple[LayerCost, ...]
    input_dtype: str
    output_dtype: str


def model_cost(model_bytes: bytes) -> ModelCost:
    """Reads operators, MACs and parameters of a model.

        cost = model_cost(Path("student.tflite").read_bytes())
        print(cost.macs, cost.num_parameters)

    Raises:
      ModelFileError: the bytes are no well-formed `.tflite` file.
    """
    graphs = read_graphs(model_bytes)
    main = graphs[0]
    if not main.inputs or not main.outputs:
        raise ModelFileError("model: found a graph without input or output, accepted is one with both")
    counted: set[int] = set()
    layers = tuple(layer for graph in graphs for layer in _layers(graph, counted))
    names = Counter(operator.name for graph in graphs for operator in graph.operators)
    return ModelCost(
        operators=dict(sorted(names.items())),
        macs=sum(layer.macs for layer in layers),
        num_parameters=sum(layer.num_parameters for layer in layers),
        num_nonzero_parameters=sum(layer.num_nonzero_parameters for layer in layers),
        weight_bytes=sum(layer.weight_bytes for layer in layers),
        layers=layers,
        input_dtype=main.tensors[main.inputs[0]].dtype,
        output_dtype=main.tensors[main.outputs[0]].dtype,
    )


def float_operators(model_bytes: bytes) -> list[str]:
    """Lists operators that read or write a floating-point tensor, as "NAME (output tensor)".

    Empty for a file that computes in integers alone. A QUANTIZE between uint8
    and int8 at the border has no float tensor; one that takes float input has.

    Raises:
      ModelFileError: the bytes are no well-formed `.tflite` file.
    """
    found = []
    for graph in read_graphs(model_bytes):
        for operator in graph.operators:
            used = [index for index in (*operator.inputs, *operator.outputs) if index is not None]
            if any(graph.tensors[index].is_float for index in used):
                found.append(f"{operator.name} ({_output_name(graph, operator)})")
    return found


def _layers(graph: ModelGraph, counted: set[int]) -> list[LayerCost]:
    packed = {
        operator.outputs[0]: operator.inputs[0]
        for operator in graph.operators
        if operator.name in _UNPACKING and operator.inputs and operator.outputs
    }
    layers = []
    for operator in graph.operators:
        if operator.name in _UNPACKING:
            continue
        macs = operator_macs(graph, operator)
        weights = _weights(graph, operator, packed, counted)
        if macs or weights:
            layers.append(
                LayerCost(
                    name=_output_name(graph, operator),
                    operator=operator.name,
                    macs=macs,
                    num_parameters=sum(tensor.num_elements for tensor in weights),
                    num_nonzero_parameters=sum(_count_nonzero(tensor) for tensor in weights),
                    weight_bytes=sum(tensor.data.size for tensor in weights),
                )
            )
    return layers


def _weights(graph: ModelGraph, operator: Operator, packed: dict[int, int | None], counted: set[int]) -> list[Tensor]:
    constants = [_constant(graph, index, packed) for index in operator.inputs]
    if operator.name not in _KERNEL_AND_BIAS:
        found = [tensor for tensor in constants if tensor is not None and _is_weight(tensor)]
        new = [tensor for tensor in found if tensor.buffer not in counted]
        counted.update(tensor.buffer for tensor in new)
        return new
    kernel_at, bias_at = _KERNEL_AND_BIAS[operator.name]
    kernel = constants[kernel_at] if kernel_at < len(constants) else None
    if kernel is None or kernel.buffer in counted:
        return []
    counted.add(kernel.buffer)
    # Converters store equal biases once, and not the same ones in the float and the int8 file: so count by kernel.
    bias = constants[bias_at] if bias_at is not None and bias_at < len(constants) else None
    return [kernel] if bias is None else [kernel, bias]


def _constant(graph: ModelGraph, index: int | None, packed: dict[int, int | None]) -> Tensor | None:
    for _ in _UNPACKING:  # at most a DENSIFY and a DEQUANTIZE in a row
        index = packed.get(index, index) if index is not None else None
    if index is None or graph.tensors[index].data.size == 0:
        return None
    return graph.tensors[index]


def _is_weight(tensor: Tensor) -> bool:
    return (tensor.is_float or tensor.is_quantized) and tensor.num_elements > 1


def operator_macs(graph: ModelGraph, operator: Operator) -> int:
    """Returns the multiply-accumulates of one operator; see `ModelCost.macs`.

    Args:
      graph: Has the operator.
      operator: One of its operators.

    Raises:
      ModelFileError: its tensors have not the shapes of such an operator.
    """
    if operator.name not in _KERNEL_AND_BIAS:
        return 0
    shapes = [() if index is None else graph.tensors[index].shape for index in operator.inputs]
    output = graph.tensors[operator.outputs[0]].shape if operator.outputs else ()
    try:
        kernel = shapes[1]
        if operator.name == "DEPTHWISE_CONV_2D":  # kernel [1, height, width, channels]
            return math.prod(output) * kernel[1] * kernel[2]
        if operator.name == "TRANSPOSE_CONV":  # kernel [out, height, width, in], each input pixel is spread over it
            return math.prod(shapes[2]) * kernel[0] * kernel[1] * kernel[2]
        if operator.name == "BATCH_MATMUL":  # each output sums over the first operand's inner dimension
            return math.prod(output) * shapes[0][-2 if operator.transposes_first else -1]
        # CONV_2D kernel [out, height, width, in per group], FULLY_CONNECTED kernel [out, in]
        return math.prod(output) * math.prod(kernel[1:])
    except IndexError:
        found = [list(shape) for shape in shapes]
        raise ModelFileError(
            f"operator {operator.name}: found inputs of shapes {found}, accepted are its own"
        ) from None


def _count_nonzero(tensor: Tensor) -> int:
    values = _values(tensor)
    zeros = tensor.zero_points
    if zeros.size == 0 or not zeros.any():
        return int(np.count_nonzero(values))
    if (zeros == zeros[0]).all():
        return int(np.count_nonzero(values != zeros[0]))
    if tensor.is_sparse:
        raise ModelFileError(
            f"tensor {tensor.name!r}: found sparse weights with zero points per channel, accepted is 0"
        )
    per_channel = [1] * len(tensor.shape)
    per_channel[tensor.quantized_dimension] = zeros.size
    return int(np.count_nonzero(values.reshape(tensor.shape) != zeros.reshape(per_channel)))


def _values(tensor: Tensor) -> npt.NDArray[np.generic]:
    if tensor.dtype in ("int4", "uint4", "int2"):  # several in a byte, the lowest bits first
        bits = int(tensor.dtype[-1])
        shifts = np.arange(0, 8, bits, dtype=np.uint8)
        unsigned = ((tensor.data[:, None] >> shifts) & (2**bits - 1)).ravel()[: tensor.num_elements].astype(np.int64)
        sign = 0 if tensor.dtype == "uint4" else 2 ** (bits - 1)
        return (unsigned ^ sign) - sign
    if tensor.dtype == "bfloat16":
        return tensor.data.view("<u2") & 0x7FFF  # without the sign, so that -0.0 is zero too
    if tensor.dtype not in _NUMPY_DTYPES:
        raise ModelFileError(f"tensor {tensor.name!r}: found weights of type {tensor.dtype}, accepted are real numbers")
    return np.frombuffer(tensor.data.tobytes(), _NUMPY_DTYPES[tensor.dtype])


def _output_name(graph: ModelGraph, operator: Operator) -> str:
    return graph.tensors[operator.outputs[0]].name if operator.outputs else ""

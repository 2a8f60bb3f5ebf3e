"""Reads the graph of a `.tflite` file into plain dataclasses.

The file may come from anywhere, so nothing in it is trusted: counts are
limited, every index and every size is held against the file before it is used,
and whatever does not fit becomes one `ModelFileError`.
Format: https://github.com/google-ai-edge/LiteRT/blob/main/tflite/converter/schema/schema.fbs
"""

from __future__ import annotations

import contextlib
import math
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
from ai_edge_litert import schema_py_generated as schema

from learn2compress.config.parsing import ConfigError

T = TypeVar("T")

FILE_IDENTIFIER = b"TFL3"
MAX_FILE_BYTES = 2**31 - 1  # what 32-bit flatbuffer offsets reach
MAX_ITEMS = 100_000  # tensors, operators or buffers of one file
MAX_RANK = 16
MAX_ELEMENTS = 2**40  # of one tensor

# What generated accessors raise when offsets lead out of the file or a field is missing.
_PARSE_ERRORS = (struct.error, IndexError, ValueError, TypeError, AttributeError, OverflowError)

_DTYPES = {code: name.lower() for name, code in vars(schema.TensorType).items() if not name.startswith("_")}
_OPERATORS = {code: name for name, code in vars(schema.BuiltinOperator).items() if not name.startswith("_")}
_BITS = {
    "int2": 2, "int4": 4, "uint4": 4, "int8": 8, "uint8": 8, "bool": 8, "int16": 16, "uint16": 16, "float16": 16,
    "bfloat16": 16, "int32": 32, "uint32": 32, "float32": 32, "int64": 64, "uint64": 64, "float64": 64,
    "complex64": 64, "complex128": 128,
}  # fmt: skip


class ModelFileError(ConfigError):
    """A `.tflite` file that can't be read, or that does not run; the message is one line."""


@dataclass(frozen=True, eq=False)
class Tensor:
    """One tensor of a graph.

    Attributes:
      name: Its name in the file.
      dtype: Element type, such as "int8".
      shape: Dimensions as stored: batch 1 in the files that ship.
      buffer: Number of the buffer that holds a constant's content.
      data: Content of a constant as uint8 bytes; empty for a tensor that is computed.
      zero_points: int64, one for the tensor, one per channel, or none.
      is_quantized: Whether its integers stand for real numbers.
      quantized_dimension: The channels' axis.
      is_sparse: Whether `data` stores only blocks that are not zero.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    buffer: int
    data: npt.NDArray[np.uint8]
    zero_points: npt.NDArray[np.int64]
    is_quantized: bool
    quantized_dimension: int
    is_sparse: bool

    @property
    def num_elements(self) -> int:
        """Product of the dimensions."""
        return math.prod(self.shape)

    @property
    def num_bytes(self) -> int:
        """Bytes of its elements in memory, packed; 0 for elements without a fixed size, such as strings."""
        return (self.num_elements * _BITS.get(self.dtype, 0) + 7) // 8

    @property
    def is_float(self) -> bool:
        """Whether its elements are floating-point numbers."""
        return self.dtype in ("float16", "bfloat16", "float32", "float64")


@dataclass(frozen=True)
class Operator:
    """One operator.

    Attributes:
      name: Such as "CONV_2D".
      inputs: Numbers of tensors; `None` for an optional input that is left out.
      outputs: Numbers of tensors.
      transposes_first: Whether a BATCH_MATMUL transposes its first operand.
    """

    name: str
    inputs: tuple[int | None, ...]
    outputs: tuple[int, ...]
    transposes_first: bool = False


@dataclass(frozen=True)
class ModelGraph:
    """One subgraph.

    Attributes:
      tensors: All its tensors.
      operators: In the order in which they run.
      inputs: Numbers of the tensors that it takes.
      outputs: Numbers of the tensors that it returns.
    """

    tensors: tuple[Tensor, ...]
    operators: tuple[Operator, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


def dtype_name(code: int) -> str | None:
    """Returns the name of an element type, such as "int8", from the format's number; `None` for an unknown one."""
    return _DTYPES.get(code)


def read_file(path: str | Path) -> bytes:
    """Reads a `.tflite` file.

    Raises:
      ModelFileError: it can't be read or is larger than the format allows.
    """
    try:
        size = Path(path).stat().st_size
        if size > MAX_FILE_BYTES:
            raise ModelFileError(f"{path}: found {size} bytes, accepted are {MAX_FILE_BYTES} at most")
        return Path(path).read_bytes()
    except OSError as error:
        raise ModelFileError(f"{path} can't be read: {error.strerror}") from error


def read_graphs(model_bytes: bytes) -> tuple[ModelGraph, ...]:
    """Reads the subgraphs of a model.

    Returns:
      The subgraphs, first the one that runs first.

    Raises:
      ModelFileError: the bytes are no well-formed `.tflite` file.
    """
    return parse_guarded(lambda: _read_graphs(model_bytes), model_bytes)


def parse_guarded(read: Callable[[], T], model_bytes: bytes) -> T:
    """Calls `read`, turning what a damaged flatbuffer raises into a `ModelFileError`.

    Args:
      read: Reads the file.
      model_bytes: The file.

    Returns:
      What `read` returns.

    Raises:
      ModelFileError: the bytes are no well-formed `.tflite` file.
    """
    if len(model_bytes) < 16 or len(model_bytes) > MAX_FILE_BYTES or model_bytes[4:8] != FILE_IDENTIFIER:
        raise ModelFileError(
            f"model: found {len(model_bytes)} bytes starting with {bytes(model_bytes[:8])!r}, "
            f"accepted is a .tflite file with identifier {FILE_IDENTIFIER!r}"
        )
    with parse_errors_in_one_line():
        return read()


@contextlib.contextmanager
def parse_errors_in_one_line() -> Iterator[None]:
    """Turns what a damaged flatbuffer raises into a `ModelFileError`.

    Raises:
      ModelFileError: the file is not well-formed.
    """
    try:
        yield
    except ModelFileError:
        raise
    except _PARSE_ERRORS as error:
        reason = str(error).splitlines()[0] if str(error) else "no reason"
        raise ModelFileError(f"model: not a well-formed .tflite file ({type(error).__name__}: {reason})") from None


def _read_graphs(model_bytes: bytes) -> tuple[ModelGraph, ...]:
    model = schema.Model.GetRootAsModel(model_bytes, 0)
    buffers = [
        _buffer_data(model.Buffers(i), model_bytes) for i in _counted("buffers", model.BuffersLength(), MAX_ITEMS)
    ]
    codes = [
        _operator_name(model.OperatorCodes(i))
        for i in _counted("operator codes", model.OperatorCodesLength(), MAX_ITEMS)
    ]
    subgraphs = [model.Subgraphs(i) for i in _counted("subgraphs", model.SubgraphsLength(), MAX_ITEMS)]
    if not subgraphs:
        raise ModelFileError("model: found no graph, accepted is at least one")
    # Many subgraphs may point at the same large one: only the sums bound the work.
    _counted("tensors", sum(graph.TensorsLength() for graph in subgraphs), MAX_ITEMS)
    _counted("operators", sum(graph.OperatorsLength() for graph in subgraphs), MAX_ITEMS)
    return tuple(_read_graph(graph, buffers, codes) for graph in subgraphs)


def _read_graph(graph: Any, buffers: list[npt.NDArray[np.uint8]], codes: list[str]) -> ModelGraph:
    tensors = tuple(_read_tensor(graph.Tensors(i), buffers) for i in range(graph.TensorsLength()))
    operators = tuple(_read_operator(graph.Operators(i), codes, len(tensors)) for i in range(graph.OperatorsLength()))
    inputs = _indices(graph.InputsLength(), graph.Inputs, len(tensors))
    outputs = _indices(graph.OutputsLength(), graph.Outputs, len(tensors))
    if None in inputs or None in outputs:
        raise ModelFileError("model: found an input or output without a tensor, accepted is a tensor of the graph")
    return ModelGraph(tensors, operators, inputs, outputs)  # type: ignore[arg-type]


def _read_tensor(tensor: Any, buffers: list[npt.NDArray[np.uint8]]) -> Tensor:
    name = (tensor.Name() or b"").decode("utf-8", errors="replace")
    shape = tuple(int(tensor.Shape(i)) for i in _counted("dimensions of a tensor", tensor.ShapeLength(), MAX_RANK))
    if any(size < 0 for size in shape) or math.prod(shape) > MAX_ELEMENTS:
        raise ModelFileError(
            f"tensor {name!r}: found shape {list(shape)}, accepted is up to {MAX_ELEMENTS} elements, no size below 0"
        )
    dtype = dtype_name(tensor.Type())
    if dtype is None:
        raise ModelFileError(f"tensor {name!r}: found element type {tensor.Type()}, accepted is one of the format's")
    number = tensor.Buffer()
    if not 0 <= number < len(buffers):
        raise ModelFileError(f"tensor {name!r}: found buffer {number}, accepted is 0 to {len(buffers) - 1}")
    data, quantization = buffers[number], tensor.Quantization()
    is_sparse = tensor.Sparsity() is not None
    _check_size(name, dtype, math.prod(shape), data.size, is_sparse)
    has_scales = quantization is not None and quantization.ScaleLength() > 0
    zero_points = (
        np.asarray(quantization.ZeroPointAsNumpy(), np.int64)
        if has_scales and quantization.ZeroPointLength() > 0
        else np.zeros(0, np.int64)
    )
    axis = quantization.QuantizedDimension() if has_scales else 0
    if zero_points.size > 1 and (not 0 <= axis < len(shape) or zero_points.size != shape[axis]):
        raise ModelFileError(f"tensor {name!r}: found {zero_points.size} zero points, accepted is one per channel")
    return Tensor(name, dtype, shape, number, data, zero_points, has_scales, axis, is_sparse)


def _check_size(name: str, dtype: str, num_elements: int, num_bytes: int, is_sparse: bool) -> None:
    if num_bytes == 0 or dtype not in _BITS:
        return
    wanted = (num_elements * _BITS[dtype] + 7) // 8
    if num_bytes > wanted or (num_bytes < wanted and not is_sparse):
        raise ModelFileError(f"tensor {name!r}: found {num_bytes} bytes of content, accepted are {wanted}")


def _read_operator(operator: Any, codes: list[str], num_tensors: int) -> Operator:
    index = operator.OpcodeIndex()
    if not 0 <= index < len(codes):
        raise ModelFileError(f"operator: found code {index}, accepted is 0 to {len(codes) - 1}")
    inputs = _indices(operator.InputsLength(), operator.Inputs, num_tensors)
    outputs = _indices(operator.OutputsLength(), operator.Outputs, num_tensors)
    if None in outputs:
        raise ModelFileError(f"operator {codes[index]}: found an output without a tensor, accepted is one of the graph")
    transposes = False
    if codes[index] == "BATCH_MATMUL" and operator.BuiltinOptions() is not None:
        options = schema.BatchMatMulOptions()
        options.Init(operator.BuiltinOptions().Bytes, operator.BuiltinOptions().Pos)
        transposes = bool(options.AdjX())
    return Operator(codes[index], inputs, outputs, transposes)  # type: ignore[arg-type]


def _operator_name(code: Any) -> str:
    # Codes above 126 don't fit the old one-byte field, which then says so with a placeholder.
    number = max(code.DeprecatedBuiltinCode(), code.BuiltinCode())
    if number == schema.BuiltinOperator.CUSTOM:
        return f"CUSTOM {(code.CustomCode() or b'').decode('utf-8', errors='replace')[:64]}"
    if number not in _OPERATORS:
        raise ModelFileError(f"model: found operator code {number}, accepted is one of the format's")
    return _OPERATORS[number]


def _buffer_data(buffer: Any, model_bytes: bytes) -> npt.NDArray[np.uint8]:
    if buffer.Offset() > 1:  # content after the flatbuffer, for files near 2 GiB; 1 is the writer's placeholder
        start, end = buffer.Offset(), buffer.Offset() + buffer.Size()
        if end > len(model_bytes):
            raise ModelFileError(f"model: found a buffer up to byte {end}, accepted is {len(model_bytes)} at most")
        return np.frombuffer(model_bytes, np.uint8)[start:end]
    return np.zeros(0, np.uint8) if buffer.DataLength() == 0 else np.asarray(buffer.DataAsNumpy())


def _indices(length: int, item: Callable[[int], int], num_tensors: int) -> tuple[int | None, ...]:
    numbers = [int(item(i)) for i in _counted("tensors of one operator", length, MAX_ITEMS)]
    for number in numbers:
        if not -1 <= number < num_tensors:
            raise ModelFileError(f"model: found tensor {number}, accepted is 0 to {num_tensors - 1}")
    return tuple(None if number == -1 else number for number in numbers)


def _counted(what: str, count: int, limit: int) -> Iterator[int]:
    if count > limit:
        raise ModelFileError(f"model: found {count} {what}, accepted are {limit} at most")
    return iter(range(count))

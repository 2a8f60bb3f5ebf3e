"""In which numbers each operator of a `.tflite` file computes, and what bytes it moves.

A kernel is chosen by the types of an operator's tensors, so these say which
operators run on the int8 path, on any machine.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from learn2compress.litert.flatbuffer import ModelGraph, Operator, read_graphs
from learn2compress.litert.operators import operator_macs
from learn2compress.results.measurements import Arithmetic, OperatorUse

_EIGHT_BITS_OR_FEWER = frozenset({"int8", "uint8", "int4", "uint4", "int2"})
_CONVERSIONS = frozenset({"QUANTIZE", "DEQUANTIZE", "DENSIFY", "CAST"})


@dataclass(frozen=True)
class OperatorWork:
    """What one operator does.

    Attributes:
      name: Such as "CONV_2D".
      arithmetic: In which numbers it computes.
      macs: Multiply-accumulates of one inference.
      activation_bytes: Bytes of the tensors that it reads and writes and that are no constants.
    """

    name: str
    arithmetic: Arithmetic
    macs: int
    activation_bytes: int


def operator_work(model_bytes: bytes) -> tuple[OperatorWork, ...]:
    """Reads the work of every operator of a model.

    Returns:
      One entry for each, in graph order.

    Raises:
      ModelFileError: the bytes are no well-formed `.tflite` file.
    """
    return tuple(
        OperatorWork(
            operator.name, arithmetic_of(graph, operator), operator_macs(graph, operator), _moved(graph, operator)
        )
        for graph in read_graphs(model_bytes)
        for operator in graph.operators
    )


def arithmetic_of(graph: ModelGraph, operator: Operator) -> Arithmetic:
    """Returns the numbers that an operator computes in.

    The types of its tensors that stand for real numbers decide; a bias, of 32 bits, decides nothing.

    Args:
      graph: Has the operator.
      operator: One of its operators.
    """
    tensors = [graph.tensors[i] for i in (*operator.inputs, *operator.outputs) if i is not None]
    activations = [t for t in tensors if t.data.size == 0]
    if any(t.is_float for t in activations):
        weights = {t.dtype for t in tensors if t.data.size and t.is_quantized}
        is_hybrid = bool(weights & _EIGHT_BITS_OR_FEWER) and operator.name not in _CONVERSIONS
        return Arithmetic.HYBRID if is_hybrid else Arithmetic.FLOAT
    quantized = {t.dtype for t in activations if t.is_quantized}
    if "int16" in quantized:
        return Arithmetic.INT16
    return Arithmetic.INT8 if quantized & _EIGHT_BITS_OR_FEWER else Arithmetic.OTHER


def operator_uses(work: Sequence[OperatorWork]) -> tuple[OperatorUse, ...]:
    """Counts operators by name and arithmetic.

    Args:
      work: From `operator_work`.

    Returns:
      Those with the most MACs first, then the most frequent.
    """
    counts: dict[tuple[str, Arithmetic], list[int]] = defaultdict(lambda: [0, 0])
    for one in work:
        count = counts[one.name, one.arithmetic]
        count[0] += 1
        count[1] += one.macs
    uses = [OperatorUse(name, arithmetic, n, macs) for (name, arithmetic), (n, macs) in counts.items()]
    return tuple(sorted(uses, key=lambda use: (-use.macs, -use.count, use.name, use.arithmetic)))


def _moved(graph: ModelGraph, operator: Operator) -> int:
    tensors = [graph.tensors[i] for i in (*operator.inputs, *operator.outputs) if i is not None]
    return sum(tensor.num_bytes for tensor in tensors if tensor.data.size == 0)

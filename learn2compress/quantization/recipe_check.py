"""Which operators of a finished file compute in other numbers than its recipe says.

A converter that can't quantize an operator leaves it in float, and says nothing. So
the file itself is read, whatever made it.
"""

from __future__ import annotations

from collections.abc import Collection

from learn2compress.config import QuantizationRecipe
from learn2compress.litert.arithmetic import arithmetic_of
from learn2compress.litert.flatbuffer import ModelGraph, Operator, read_graphs
from learn2compress.litert.operators import model_cost
from learn2compress.litert.tensors import layer_of
from learn2compress.results.measurements import Arithmetic

_FULL_INT8 = (QuantizationRecipe.INT8_QAT, QuantizationRecipe.INT8_PTQ, QuantizationRecipe.INT4_WEIGHTS)
# At the border, and around a layer of higher precision.
_CONVERSIONS = ("DEQUANTIZE", "QUANTIZE")
_IN_FLOAT = (Arithmetic.FLOAT, Arithmetic.HYBRID)
# Bytes for each weight, biases included, that a recipe of float arithmetic needs at most; the smallest kernel it counts
# for.
_MOST_BYTES_EACH = {QuantizationRecipe.FLOAT16: (3.0, 1), QuantizationRecipe.DYNAMIC_INT8: (2.0, 1024)}


def unexpected_operators(
    model_bytes: bytes, recipe: QuantizationRecipe, better_layers: Collection[str] = ()
) -> tuple[str, ...]:
    """Lists the operators of a file that compute in other numbers than its recipe says, or store larger weights.

    Args:
      model_bytes: The file as it ships.
      recipe: Its recipe.
      better_layers: Layers of a file of mixed precision that are to have more.

    Returns:
      Each as "NAME (layer)", in graph order. The softmax of float32 scores is none of them.

    Raises:
      ModelFileError: the bytes are no well-formed `.tflite` file.
    """
    if recipe in _MOST_BYTES_EACH:
        most_bytes, smallest = _MOST_BYTES_EACH[recipe]
        return tuple(
            f"{layer.operator} ({layer_of(layer.name)})"
            for layer in model_cost(model_bytes).layers
            if layer.num_parameters >= smallest and layer.weight_bytes > most_bytes * layer.num_parameters
        )
    if recipe is QuantizationRecipe.FLOAT32:
        return ()
    found = []
    for graph in read_graphs(model_bytes):
        scores = _operators_of_scores(graph)
        for operator in graph.operators:
            layer = layer_of(graph.tensors[operator.outputs[0]].name)
            is_expected = (
                any(operator is known for known in scores)
                or (operator.name in _CONVERSIONS and recipe not in _FULL_INT8)
                or layer in better_layers
            )
            if arithmetic_of(graph, operator) in _IN_FLOAT and not is_expected:
                found.append(f"{operator.name} ({layer})")
    return tuple(found)


def _operators_of_scores(graph: ModelGraph) -> list[Operator]:
    """Returns the last softmax, and the operator that turns int8 logits into floats for it, where there is one."""
    by_output = {operator.outputs[0]: operator for operator in graph.operators}
    softmax = by_output.get(graph.outputs[0])
    if softmax is None or softmax.name != "SOFTMAX":
        return []
    before = by_output.get(softmax.inputs[0] if softmax.inputs[0] is not None else -1)
    return [softmax, before] if before is not None and before.name == "DEQUANTIZE" else [softmax]

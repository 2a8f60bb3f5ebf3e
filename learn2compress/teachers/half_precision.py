"""Tells whether a graph computes in 16-bit numbers, which LiteRT has no operations for."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

# What a network has in any case. Other nodes may hold or cast 16-bit weights, which converts well.
_PRODUCTS = frozenset({"Conv2D", "DepthwiseConv2dNative", "MatMul", "BatchMatMulV2", "BatchMatMulV3", "Einsum"})


def half_precision_of(graph: Any) -> str | None:
    """Returns the 16-bit type that the products of a graph, or of a function in it, are computed in.

    Args:
      graph: A `tf.Graph`.

    Returns:
      "float16" or "bfloat16"; `None` where products are computed in other types.
    """
    definition = graph.as_graph_def()
    nodes = [*definition.node, *(node for function in definition.library.function for node in function.node_def)]
    found = {node.attr["T"].type for node in nodes if node.op in _PRODUCTS and "T" in node.attr}
    halves = {"float16": tf.float16, "bfloat16": tf.bfloat16}
    return next((name for name, dtype in halves.items() if dtype.as_datatype_enum in found), None)

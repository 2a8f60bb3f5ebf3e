"""Counts the multiply-accumulate operations of a Keras network from its layers."""

from __future__ import annotations

import math

import keras

_WITH_KERNEL = (keras.layers.Conv1D, keras.layers.Conv2D, keras.layers.DepthwiseConv2D, keras.layers.Dense)


def count_macs(network: keras.Model) -> int:
    """Returns the multiply-accumulate operations of convolutions and dense layers, for one example.

    Everything else (normalization, additions, pooling) is left out, as is usual:
    it is fused or a few per cent. `learn2compress.litert.operators` counts the
    same from the file that a student becomes.
    """
    return sum(layer_macs(layer) for layer in network.layers)


def layer_macs(layer: keras.Layer) -> int:
    """Returns the multiply-accumulate operations of one layer, for one example; 0 for a layer without a kernel."""
    if isinstance(layer, keras.layers.SeparableConv2D):
        kernels = [layer.depthwise_kernel, layer.pointwise_kernel]
    elif isinstance(layer, _WITH_KERNEL):
        kernels = [layer.kernel]
    else:
        return 0
    # Each weight of a kernel is used once at each position of the output; a dense layer has one.
    positions = math.prod(layer.output.shape[1:-1])
    return positions * sum(math.prod(kernel.shape) for kernel in kernels)

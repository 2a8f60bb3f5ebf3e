"""Ranges of the weights of a float `.tflite` file, per channel, as symmetric quantization wants them.

With 8 bits a channel reaches to its largest weight. With 4 bits and 15 levels
that is a bad scale for all the others: there it is clipped where the square error
of the channel is smallest, found by trying.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from learn2compress.litert.flatbuffer import read_graphs
from learn2compress.litert.tensors import Ranges

# Operators with kernels, and the dimension of the kernel's output channels.
CHANNELS_OF = {"CONV_2D": 0, "FULLY_CONNECTED": 0, "DEPTHWISE_CONV_2D": 3}
_CLIPPED_BITS = 4
_LAST_4_BIT_LEVEL = 7
_CLIPPING_RATIOS = np.linspace(0.3, 1.0, 36)
# Of the whole kernel's range: at a smaller scale than that, a bias may not fit into 32 bits.
_SMALLEST_RATIO = 1e-3


def weight_ranges(float_model: bytes, bits_of: dict[str, int]) -> Ranges:
    """Measures the range of each kernel, one number per channel.

    Args:
      float_model: Packed, from `learn2compress.quantization.convert.to_float_litert`.
      bits_of: Bits of the kernel of each layer, by the tensor that comes out of
        it; layers that are not named are left out.

    Returns:
      Smallest and largest value by tensor name, in the shape that broadcasts over the kernel.
    """
    graph = read_graphs(float_model)[0]
    ranges: Ranges = {}
    for operator in graph.operators:
        layer = graph.tensors[operator.outputs[0]].name
        if operator.name not in CHANNELS_OF or layer not in bits_of or operator.inputs[1] is None:
            continue
        tensor = graph.tensors[operator.inputs[1]]
        magnitudes = np.abs(np.frombuffer(tensor.data.tobytes(), "<f4").reshape(tensor.shape))
        axes = tuple(axis for axis in range(magnitudes.ndim) if axis != CHANNELS_OF[operator.name])
        bounds = magnitudes.max(axis=axes, keepdims=True)
        if bits_of[layer] == _CLIPPED_BITS:
            bounds = clipping(magnitudes, bounds, axes)
        # Zeros are exact at any scale, so a channel of nothing else gets one that is good for its bias.
        largest = float(bounds.max()) or 1.0
        bounds = np.where(bounds > 0.0, np.maximum(bounds, _SMALLEST_RATIO * largest), largest).astype(np.float32)
        ranges[tensor.name] = {"min": -bounds, "max": bounds}
    return ranges


def clipping(
    magnitudes: npt.NDArray[np.float32], bounds: npt.NDArray[np.float32], axes: tuple[int, ...]
) -> npt.NDArray[np.float32]:
    """Finds where symmetric quantization to 4 bits clips each channel with the smallest square error.

    Args:
      magnitudes: Absolute values.
      bounds: Largest of each channel, in the shape that broadcasts over `magnitudes`.
      axes: All dimensions but the channels'.

    Returns:
      At most `bounds`, and in its shape.
    """
    best, smallest_error = bounds, np.full(bounds.shape, np.inf)
    for ratio in _CLIPPING_RATIOS:
        steps = np.where(bounds > 0.0, bounds, 1.0) * ratio / _LAST_4_BIT_LEVEL
        rounded = np.minimum(np.rint(magnitudes / steps), _LAST_4_BIT_LEVEL) * steps
        error = np.square(rounded - magnitudes, dtype=np.float64).sum(axis=axes, keepdims=True)
        best = np.where(error < smallest_error, bounds * ratio, best)
        smallest_error = np.minimum(error, smallest_error)
    return best

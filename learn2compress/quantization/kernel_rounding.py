"""Rounds kernels to 8 bits as the int8 kernels of LiteRT hold them: symmetric, without the lowest value.

The range of a channel reaches to its largest weight, but has a least size. The bias
of a channel is stored in 32 bits at the scale of its weights: where these are next to
nothing and the bias is not (a channel that died in training, or was pruned away), it
would overflow; and a channel without any range makes the converter leave the whole
layer in float. Normalization counts as part of the kernel, as in the file.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

_NUM_BITS = 8
_SMALLEST_RANGE = 1e-6
# Shares of the largest weight of a layer, and of a channel's own bias, that a channel's range has at least.
_SMALLEST_WEIGHT_SHARE = 1e-6
_SMALLEST_BIAS_SHARE = 1e-3


def rounded_per_channel(kernel: Any, scale: Any, bias: Any) -> Any:
    """Rounds a kernel to 8 bits, with a range for each channel.

    Args:
      kernel: `[height, width, in_channels, channels]`.
      scale: What it is multiplied with afterwards, `[channels]` or a number, not 0.
      bias: What is added then, `[channels]` or a number.

    Returns:
      Of the kernel's shape.
    """
    magnitudes = ops.abs(kernel)
    largest = ops.max(magnitudes, axis=(0, 1, 2))
    # A channel that is pruned away still has a bias, which must fit into 32 bits at the scale of its kernel. Zeros are
    # exact at any scale, so it gets that of the others.
    bound = _not_tiny(largest, instead=_not_tiny(ops.max(magnitudes), instead=1.0))
    factor = ops.abs(scale)
    lowest = ops.maximum(_SMALLEST_WEIGHT_SHARE * ops.max(largest * factor), _SMALLEST_BIAS_SHARE * ops.abs(bias))
    bound = ops.maximum(bound, ops.stop_gradient(lowest / factor))
    return keras.quantizers.fake_quant_with_min_max_vars(
        kernel, -bound, bound, num_bits=_NUM_BITS, narrow_range=True, axis=-1
    )


def rounded_per_tensor(kernel: Any, bias: Any = 0.0) -> Any:
    """Rounds a kernel to 8 bits, with one range.

    Args:
      kernel: Of any shape.
      bias: What is added to what it computes, `[units]` or a number.

    Returns:
      Of the kernel's shape.
    """
    bound = _not_tiny(ops.max(ops.abs(kernel)), instead=1.0)
    bound = ops.maximum(bound, ops.stop_gradient(_SMALLEST_BIAS_SHARE * ops.max(ops.abs(bias))))
    return keras.quantizers.fake_quant_with_min_max_vars(kernel, -bound, bound, num_bits=_NUM_BITS, narrow_range=True)


def _not_tiny(bound: Any, instead: Any) -> Any:
    return ops.where(bound < _SMALLEST_RANGE, instead, bound)

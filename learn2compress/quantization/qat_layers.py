"""Layers that compute as the int8 kernels of LiteRT do, in plain Keras 3.

LiteRT 8-bit quantization specification: weights symmetric around zero without
the lowest value, per output channel for convolutions; activations asymmetric
per tensor. Rounding is `fake_quant_with_min_max_vars`, which the LiteRT
converter folds, with straight-through gradients (Jacob et al., arXiv:1712.05877).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from learn2compress.quantization.kernel_rounding import rounded_per_channel, rounded_per_tensor

_NUM_BITS = 8
_LAST_LEVEL = 2**_NUM_BITS - 1
_RANGE_MOMENTUM = 0.95
_SMALLEST_RANGE = 1e-6
# A scale of zero would be folded into a kernel without any range.
_SMALLEST_SCALE = 1e-9

ScaleAndOffset = Callable[[], tuple[Any, Any]]


class QuantizedRange(keras.layers.Layer):
    """Rounds activations to 8 bits over a range that is a moving average of their extremes.

    The range always holds zero, which padding needs to be exact. It is updated in
    training and frozen in inference.

    Args:
      fixed_range: A (minimum, maximum) that is known, and never updated.
      config: See `keras.layers.Layer`.
    """

    def __init__(self, fixed_range: tuple[float, float] | None = None, **config: Any):
        super().__init__(**config)
        self._fixed_range = fixed_range

    def build(self, input_shape: Any) -> None:
        """Creates the two bounds, scalars; (0, 0) means unset."""
        low, high = self._fixed_range or (0.0, 0.0)
        self.low = self.add_weight(name="low", initializer=keras.initializers.Constant(low), trainable=False)
        self.high = self.add_weight(name="high", initializer=keras.initializers.Constant(high), trainable=False)
        self.built = True

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Rounds activations.

        Args:
          inputs: Of any shape.
          training: Whether the range is updated by them.

        Returns:
          The same shape, on 256 levels.
        """
        if training and self._fixed_range is None:
            unset = ops.equal(self.high, 0.0)
            for bound, seen in (
                (self.low, ops.minimum(ops.min(inputs), 0.0)),
                (self.high, ops.maximum(ops.max(inputs), _SMALLEST_RANGE)),
            ):
                seen = ops.stop_gradient(seen)
                moved = bound * _RANGE_MOMENTUM + seen * (1.0 - _RANGE_MOMENTUM)
                bound.assign(ops.where(unset, seen, moved))
        return keras.quantizers.fake_quant_with_min_max_vars(inputs, self.low, self.high, num_bits=_NUM_BITS)


class QuantizedConv2D(keras.layers.Conv2D):
    """A convolution whose kernel is rounded to 8 bits per output channel.

    Attributes:
      normalization: Returns factor and addend of each channel, `[filters]` each, of the normalization that the
        converter folds into it; `None` where there is none.
    """

    normalization: ScaleAndOffset | None = None

    @property
    def kernel(self) -> Any:
        """`[height, width, in_channels, filters]`, rounded."""
        return rounded_per_channel(super().kernel, *_behind(self))


class QuantizedDepthwiseConv2D(keras.layers.DepthwiseConv2D):
    """A depthwise convolution whose kernel is rounded to 8 bits per output channel.

    Attributes:
      normalization: As of `QuantizedConv2D`.
    """

    normalization: ScaleAndOffset | None = None

    def call(self, inputs: Any) -> Any:
        """Convolves each channel by itself.

        Args:
          inputs: `[batch, height, width, in_channels]`.

        Returns:
          `[batch, new_height, new_width, in_channels * depth_multiplier]`.
        """
        # The converter takes output channels in the last dimension alone.
        height, width, in_channels, multiplier = self.kernel.shape
        kernel = ops.reshape(self.kernel, (height, width, 1, in_channels * multiplier))
        kernel = rounded_per_channel(kernel, *_behind(self))
        kernel = ops.reshape(kernel, self.kernel.shape)
        outputs = ops.depthwise_conv(inputs, kernel, self.strides, self.padding, self.data_format, self.dilation_rate)
        return outputs if self.bias is None else ops.add(outputs, self.bias)


class QuantizedDense(keras.layers.Dense):
    """A dense layer whose kernel is rounded to 8 bits per tensor: the converter takes no channels here."""

    @property
    def kernel(self) -> Any:
        """`[in_features, units]`, rounded."""
        return rounded_per_tensor(super().kernel, 0.0 if self.bias is None else self.bias)


class QuantizedEmbedding(keras.layers.Embedding):
    """A table whose numbers are rounded to 8 bits; what is looked up has the table's range."""

    def call(self, inputs: Any) -> Any:
        """Looks rows up.

        Args:
          inputs: Integers `[...]`, of any type.

        Returns:
          `[..., output_dim]`, rounded.
        """
        bound = ops.maximum(ops.max(ops.abs(self.embeddings)), _SMALLEST_RANGE)
        looked_up = ops.take(rounded_per_tensor(self.embeddings), ops.cast(inputs, "int32"), axis=0)
        # Stated again, for the converter: values are on these levels already.
        return keras.quantizers.fake_quant_with_min_max_vars(
            looked_up, -bound, bound, num_bits=_NUM_BITS, narrow_range=True
        )


class FrozenNormalization(keras.layers.BatchNormalization):
    """Batch normalization with frozen statistics; scale and offset are still trained."""

    def call(self, inputs: Any, training: bool = False, mask: Any = None) -> Any:
        """Normalizes by the moving statistics, in training too.

        Args:
          inputs: `[..., channels]`.
          training: Changes nothing.
          mask: As for `keras.layers.BatchNormalization`.

        Returns:
          Of the shape of `inputs`.
        """
        outputs = ops.batch_normalization(
            ops.cast(inputs, "float32"),
            self.moving_mean,
            self.moving_variance,
            axis=self.axis,
            offset=self.beta,
            scale=self._gamma_for_folding(),
            epsilon=self.epsilon,
        )
        return ops.cast(outputs, self.compute_dtype)

    def scale_and_offset(self) -> tuple[Any, Any]:
        """Returns the factor and the addend of each channel, `[channels]` each."""
        scale = ops.rsqrt(self.moving_variance + self.epsilon)
        gamma = self._gamma_for_folding()
        scale = scale if gamma is None else scale * gamma
        offset = -self.moving_mean * scale
        return scale, offset if self.beta is None else offset + self.beta

    def _gamma_for_folding(self) -> Any:
        """Returns `[channels]`, none of them zero, with the gradient of what they are; `None` without a scale."""
        if self.gamma is None:
            return None
        gamma = ops.convert_to_tensor(self.gamma)
        is_zero = ops.abs(gamma) < _SMALLEST_SCALE
        return gamma + ops.stop_gradient(ops.where(is_zero, _SMALLEST_SCALE - gamma, 0.0))


class QuantizedNormalization(FrozenNormalization):
    """Batch normalization that no layer before it can take in: a 1x1 depthwise convolution with a bias.

    As a multiplication and an addition it would be rounded twice; so it is
    rounded once, and its scales, one per channel, not at all.
    """

    def call(self, inputs: Any, training: bool = False, mask: Any = None) -> Any:
        """Normalizes by the moving statistics, as one rounded multiplication per channel and a bias.

        Args:
          inputs: `[batch, height, width, channels]` or `[batch, channels]`.
          training: Changes nothing.
          mask: Changes nothing.

        Returns:
          Of the shape of `inputs`.
        """
        return _scaled(inputs, *self.scale_and_offset())


class QuantizedNormalizedDense(keras.layers.Layer):
    """A dense layer and the batch normalization behind it, whose product is rounded to 8 bits.

    Not each by itself: the converter takes one scale for all of a dense layer's
    kernel, and normalization has one per unit.

    Args:
      dense: A dense layer, not built yet.
      norm: Normalizes its outputs, not built yet.
      config: See `keras.layers.Layer`.
    """

    def __init__(self, dense: keras.layers.Dense, norm: FrozenNormalization, **config: Any):
        super().__init__(**config)
        self.dense = dense
        self.norm = norm

    def build(self, input_shape: Any) -> None:
        """Builds both layers."""
        self.dense.build(input_shape)
        self.norm.build(self.dense.compute_output_shape(input_shape))
        self.built = True

    def call(self, inputs: Any) -> Any:
        """Multiplies, normalizes and rounds.

        Args:
          inputs: `[..., in_features]`.

        Returns:
          `[..., units]`.
        """
        scale, offset = self.norm.scale_and_offset()
        if self.dense.bias is not None:
            offset = offset + self.dense.bias * scale
        return ops.add(ops.matmul(inputs, rounded_per_tensor(self.dense.kernel * scale, offset)), offset)


class QuantizedRescaling(keras.layers.Rescaling):
    """A rescaling as a 1x1 depthwise convolution; see `QuantizedNormalization`."""

    def output_range(self) -> tuple[float, float]:
        """Returns minimum and maximum of outputs for inputs of 0..1.

        The range holds zero, and is a little wider so that zero is one of 256 levels.
        """
        ends = np.stack(np.broadcast_arrays(self.offset, np.add(self.scale, self.offset)))
        low, high = min(float(ends.min()), 0.0), max(float(ends.max()), 0.0)
        zero_point = round(-low / (high - low) * _LAST_LEVEL)
        below, above = zero_point, _LAST_LEVEL - zero_point
        step = max(-low / below if below else 0.0, high / above if above else 0.0)
        return -below * step, above * step

    def call(self, inputs: Any) -> Any:
        """Rescales.

        Args:
          inputs: `[batch, height, width, channels]` or `[batch, channels]`.

        Returns:
          Of the shape of `inputs`.
        """
        ones = ops.ones(inputs.shape[-1])
        return _scaled(inputs, ones * self.scale, ones * self.offset)


def _behind(layer: QuantizedConv2D | QuantizedDepthwiseConv2D) -> tuple[Any, Any]:
    """Returns what the file multiplies a layer's kernel with, and its bias there: per channel, or one for all."""
    bias = 0.0 if layer.bias is None else layer.bias
    if layer.normalization is None:
        return 1.0, bias
    scale, offset = layer.normalization()
    return scale, offset + bias * scale


def _scaled(inputs: Any, scale: Any, offset: Any) -> Any:
    """Computes `inputs * scale + offset` per channel of the last dimension, as one convolution."""
    num_channels = inputs.shape[-1]
    images = inputs if len(inputs.shape) == 4 else ops.reshape(inputs, (-1, 1, 1, num_channels))
    kernel = rounded_per_channel(ops.reshape(scale, (1, 1, 1, num_channels)), 1.0, offset)
    kernel = ops.reshape(kernel, (1, 1, num_channels, 1))
    outputs = ops.add(ops.depthwise_conv(images, kernel), offset)
    return outputs if images is inputs else ops.reshape(outputs, (-1, num_channels))

"""Batch normalization in one operator per direction, for training and for bfloat16.

Keras normalizes with about ten operators, each of which reads and writes all
features; `FusedBatchNormV3` reads them once. In small convolutional networks on
a processor that is a quarter of a training step.

A ReLU behind it may be fused with it, and then takes a NaN for 0; the moving
mean keeps the NaN.
"""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf


def can_be_fused(layer: keras.Layer) -> bool:
    """Returns whether a layer normalizes as the operator does: over the last axis, of a vector or an image."""
    # A subclass may compute something else, unless it says that it does not.
    computes_the_same = type(layer) is keras.layers.BatchNormalization or getattr(layer, "computes_as_its_base", False)
    if not computes_the_same or layer.synchronized:
        return False
    rank = len(layer.input.shape)
    return rank in (2, 4) and layer.axis in (-1, rank - 1) and layer.dtype_policy.name == "float32"


class FusedNormalization(keras.layers.Layer):
    """What a `BatchNormalization` over the last axis computes, with its weights and statistics.

    Args:
      norm: The layer, built.
      dtype: Policy of its inputs and outputs; weights and statistics are float32.
    """

    def __init__(self, norm: keras.layers.BatchNormalization, dtype: str = "float32"):
        super().__init__(name=norm.name, dtype=dtype)
        self._norm = norm
        self.built = True

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Returns the shape of the input."""
        return input_shape

    def call(self, inputs: Any, training: bool = False, mask: Any = None) -> Any:
        """Normalizes by the batch's statistics and moves the layer's own towards them; in inference by the latter.

        Args:
          inputs: `[batch, channels]` or `[batch, height, width, channels]`.
          training: Whether to train; where not, a layer of float32 normalizes as the layer itself does, and so does
            one that is frozen.
          mask: Left to the layer itself.

        Returns:
          Shaped as `inputs`, in the layer's type.
        """
        norm = self._norm
        if not training and mask is None and self.compute_dtype == "bfloat16":
            return self._infer(inputs)
        if not (training and norm.trainable) or mask is not None:
            return tf.cast(norm(inputs, training=training, mask=mask), self.compute_dtype)
        channels = inputs.shape[-1]
        outputs, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
            x=inputs if len(inputs.shape) == 4 else tf.reshape(inputs, [-1, 1, 1, channels]),
            mean=[],
            variance=[],
            is_training=True,
            **self._affine(channels),
        )
        # The operator gives the unbiased variance, Keras keeps the biased one.
        count = tf.cast(tf.size(inputs) / channels, tf.float32)
        variance *= (count - 1.0) / count
        for statistic, latest in ((norm.moving_mean, mean), (norm.moving_variance, variance)):
            statistic.assign(_float32(statistic) * norm.momentum + latest * (1.0 - norm.momentum))
        return tf.reshape(outputs, tf.shape(inputs))

    def _infer(self, inputs: Any) -> Any:
        """Normalizes images by the moving statistics: in one pass, without a float32 copy of the features."""
        outputs, *_ = tf.raw_ops.FusedBatchNormV3(
            x=inputs,
            mean=_float32(self._norm.moving_mean),
            variance=_float32(self._norm.moving_variance),
            is_training=False,
            **self._affine(inputs.shape[-1]),
        )
        return outputs

    def _affine(self, channels: int) -> dict[str, Any]:
        norm = self._norm
        return {
            "scale": _float32(norm.gamma) if norm.scale else tf.ones([channels]),
            "offset": _float32(norm.beta) if norm.center else tf.zeros([channels]),
            "epsilon": norm.epsilon,
        }


def _float32(variable: keras.Variable) -> Any:
    # Keras' own access would cast it to the type that the layer computes in.
    return tf.convert_to_tensor(variable.value)

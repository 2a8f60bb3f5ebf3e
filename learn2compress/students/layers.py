"""Makes the layers of a student at one width, with names that tell whose they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras

# Short trainings see few steps: statistics must follow faster than Keras' default of 0.99.
BATCH_NORM_MOMENTUM = 0.9
# Kernels of 8-bit arithmetic take channels by fours.
_CHANNEL_MULTIPLE = 4


class Layers:
    """Makes layers and applies them.

    Args:
      width: Multiplies channels.
      prefix: Stands before each name; a student's own layers bear its name.
    """

    def __init__(self, width: float = 1.0, prefix: str = ""):
        self.width = width
        self._prefix = prefix

    def channels(self, channels: int) -> int:
        """`channels` at this width, a multiple of 4 but for width 1, where they are as they are.

        They never fall where the width rises: a narrower student's kernels fit into a wider one's.
        """
        multiple = _CHANNEL_MULTIPLE * max(1, round(channels * self.width / _CHANNEL_MULTIPLE))
        if self.width < 1.0:
            return min(channels, multiple)
        return max(channels, multiple) if self.width > 1.0 else channels

    def name(self, name: str) -> str:
        """The name of a layer in the network."""
        return self._prefix + name

    def make(self, kind: type[keras.Layer], name: str, **config: Any) -> keras.Layer:
        """A layer that is not called yet.

        Args:
          kind: Its class.
          name: Its name within the student.
          config: What else the class takes.
        """
        return kind(name=self.name(name), **config)

    def conv(
        self, features: keras.KerasTensor, channels: int, name: str, *, kernel_size: int = 3, strides: int = 1
    ) -> keras.KerasTensor:
        """A convolution without bias: normalization follows."""
        return self.make(
            keras.layers.Conv2D,
            name,
            filters=channels,
            kernel_size=kernel_size,
            strides=strides,
            padding="same",
            use_bias=False,
            kernel_initializer="he_normal",
        )(features)

    def depthwise(
        self, features: keras.KerasTensor, name: str, *, kernel_size: int = 3, strides: int = 1
    ) -> keras.KerasTensor:
        """A convolution of each channel by itself, without bias."""
        return self.make(
            keras.layers.DepthwiseConv2D,
            name,
            kernel_size=kernel_size,
            strides=strides,
            padding="same",
            use_bias=False,
            # He's variance: what Keras counts as a depthwise kernel's fan-out is what one output sums over.
            depthwise_initializer=keras.initializers.VarianceScaling(2.0, mode="fan_out"),
        )(features)

    def dense(self, features: keras.KerasTensor, units: int, name: str) -> keras.KerasTensor:
        """A dense layer without bias: normalization follows."""
        config = {"units": units, "use_bias": False, "kernel_initializer": "he_normal"}
        return self.make(keras.layers.Dense, name, **config)(features)

    def logits(self, features: keras.KerasTensor, num_classes: int) -> keras.KerasTensor:
        """The last layer, with a bias."""
        return self.make(keras.layers.Dense, "logits", units=num_classes)(features)

    def norm(self, features: keras.KerasTensor, name: str) -> keras.KerasTensor:
        """Batch normalization."""
        return self.make(keras.layers.BatchNormalization, name, momentum=BATCH_NORM_MOMENTUM)(features)

    def relu(self, features: keras.KerasTensor, name: str, max_value: float | None = None) -> keras.KerasTensor:
        """Rectifies; `max_value=6` is ReLU6."""
        return self.make(keras.layers.ReLU, name, max_value=max_value)(features)

    def add(self, features: Sequence[keras.KerasTensor], name: str) -> keras.KerasTensor:
        """Adds features of one shape."""
        return self.make(keras.layers.Add, name)(list(features))

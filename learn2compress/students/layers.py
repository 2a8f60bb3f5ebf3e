"""Makes the layers of a student at one width, named after the student that owns them."""

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
      prefix: Put before each name; that of a student's own layers is its name.
    """

    def __init__(self, width: float = 1.0, prefix: str = ""):
        self.width = width
        self._prefix = prefix

    def channels(self, channels: int) -> int:
        """Returns the channels at this width: a multiple of 4, or at width 1 those of the configuration.

        They never fall where the width rises: a narrower student's kernels fit into a wider one's.

        Args:
          channels: At width 1.
        """
        multiple = _CHANNEL_MULTIPLE * max(1, round(channels * self.width / _CHANNEL_MULTIPLE))
        if self.width < 1.0:
            return min(channels, multiple)
        return max(channels, multiple) if self.width > 1.0 else channels

    def name(self, name: str) -> str:
        """Returns the name of a layer in the network for its name within the student."""
        return self._prefix + name

    def make(self, kind: type[keras.Layer], name: str, **config: Any) -> keras.Layer:
        """Returns a layer that is not applied yet.

        Args:
          kind: Its class.
          name: Its name within the student.
          config: What else the class takes.
        """
        return kind(name=self.name(name), **config)

    def conv(
        self, features: keras.KerasTensor, channels: int, name: str, *, kernel_size: int = 3, strides: int = 1
    ) -> keras.KerasTensor:
        """Adds a convolution without bias, for normalization to follow.

        Args:
          features: `[batch, height, width, channels]`.
          channels: Of the output.
          name: Within the student.
          kernel_size: Height and width of the kernel.
          strides: 2 halves height and width.

        Returns:
          `[batch, height / strides, width / strides, channels]`, rounded up.
        """
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
        """Adds a convolution of each channel by itself, without bias.

        Args:
          features: `[batch, height, width, channels]`.
          name: Within the student.
          kernel_size: Height and width of the kernel.
          strides: 2 halves height and width.

        Returns:
          `[batch, height / strides, width / strides, channels]`, rounded up.
        """
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
        """Adds a dense layer without bias, for normalization to follow.

        Args:
          features: `[batch, inputs]`.
          units: Length of the output.
          name: Within the student.

        Returns:
          `[batch, units]`.
        """
        config = {"units": units, "use_bias": False, "kernel_initializer": "he_normal"}
        return self.make(keras.layers.Dense, name, **config)(features)

    def logits(self, features: keras.KerasTensor, num_classes: int) -> keras.KerasTensor:
        """Adds the last layer, a dense one with a bias, called "logits".

        Args:
          features: `[batch, inputs]`.
          num_classes: Length of the logits.

        Returns:
          `[batch, num_classes]`.
        """
        return self.make(keras.layers.Dense, "logits", units=num_classes)(features)

    def norm(self, features: keras.KerasTensor, name: str) -> keras.KerasTensor:
        """Adds batch normalization over the last axis.

        Args:
          features: `[batch, ..., channels]`.
          name: Within the student.

        Returns:
          The same shape.
        """
        return self.make(keras.layers.BatchNormalization, name, momentum=BATCH_NORM_MOMENTUM)(features)

    def relu(self, features: keras.KerasTensor, name: str, max_value: float | None = None) -> keras.KerasTensor:
        """Adds a rectifier.

        Args:
          features: Any shape.
          name: Within the student.
          max_value: Largest output; 6 is ReLU6.

        Returns:
          The same shape.
        """
        return self.make(keras.layers.ReLU, name, max_value=max_value)(features)

    def add(self, features: Sequence[keras.KerasTensor], name: str) -> keras.KerasTensor:
        """Adds a layer that sums features.

        Args:
          features: Two or more of one shape.
          name: Within the student.

        Returns:
          The same shape.
        """
        return self.make(keras.layers.Add, name)(list(features))

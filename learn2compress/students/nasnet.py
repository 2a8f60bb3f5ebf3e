"""`nasnet`: cells of separable convolutions, after NASNet's normal and reduction cells (Zoph et al., arXiv:1707.07012).

A cell combines its input by several small operations. NASNet concatenates their
outputs; here they are added, so that a narrower cell is a slice of a wider one,
and 8-bit arithmetic needs no common range for the parts. As there, no
activation is between the two convolutions of a separable one.
"""

from __future__ import annotations

import keras

from learn2compress.config import StageConfig, TaskKind
from learn2compress.students.architecture import Architecture
from learn2compress.students.layers import Layers
from learn2compress.students.residual import halves, pooled_head


class NasNet(Architecture):
    """Each block is a cell: a 1x1 convolution, then 3x3 and 5x5 separable convolutions and pooling, added."""

    task_kind = TaskKind.IMAGE

    def stage(self, features: keras.KerasTensor, stage: StageConfig, number: int, layers: Layers) -> keras.KerasTensor:
        """Adds one stage of cells; the first begins with a full convolution.

        Args:
          features: The input, float32 in 0..1, or the output of the stage before, `[batch, height, width, channels]`.
          stage: Channels (times `layers.width`) and blocks.
          number: 1 for the first stage.
          layers: Makes the layers.

        Returns:
          `[batch, height, width, channels]`.
        """
        channels = layers.channels(stage.channels)
        if number == 1:
            features = layers.conv(features, channels, "stem_conv")
            features = layers.norm(features, "stem_norm")
            features = layers.relu(features, "stem_relu")
        for block in range(1, stage.blocks + 1):
            strides = 2 if block == 1 and halves(features, stage, number) else 1
            features = _cell(features, channels, f"stage{number}_cell{block}", strides, layers)
        return features

    def head(self, features: keras.KerasTensor, num_classes: int, layers: Layers) -> keras.KerasTensor:
        """Adds `pooled_head`.

        Args:
          features: The output of a stage, `[batch, height, width, channels]`.
          num_classes: Length of the logits, at least 2.
          layers: Makes the layers.

        Returns:
          Logits `[batch, num_classes]`.
        """
        return pooled_head(features, num_classes, layers)


def _cell(features: keras.KerasTensor, channels: int, name: str, strides: int, layers: Layers) -> keras.KerasTensor:
    squeezed = layers.conv(features, channels, f"{name}_squeeze", kernel_size=1)
    squeezed = layers.norm(squeezed, f"{name}_squeeze_norm")
    squeezed = layers.relu(squeezed, f"{name}_squeeze_relu")
    small = _separable(squeezed, channels, f"{name}_separable3", 3, strides, layers)
    large = _separable(squeezed, channels, f"{name}_separable5", 5, strides, layers)
    if strides == 1:
        pooled = squeezed
    else:
        pooled = layers.make(keras.layers.MaxPooling2D, f"{name}_pool", pool_size=2, padding="same")(squeezed)
    sum_of_convolutions = layers.add([small, large], f"{name}_add_convolutions")
    combined = layers.add([sum_of_convolutions, pooled], f"{name}_add")
    return layers.relu(combined, f"{name}_relu")


def _separable(
    features: keras.KerasTensor, channels: int, name: str, kernel_size: int, strides: int, layers: Layers
) -> keras.KerasTensor:
    features = layers.depthwise(features, f"{name}_depthwise", kernel_size=kernel_size, strides=strides)
    features = layers.conv(features, channels, f"{name}_pointwise", kernel_size=1)
    return layers.norm(features, f"{name}_norm")

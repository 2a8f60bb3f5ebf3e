"""`mobilenet`: inverted residuals with linear bottlenecks (MobileNetV2; Sandler et al., arXiv:1801.04381)."""

from __future__ import annotations

import keras

from learn2compress.config import StageConfig, TaskKind
from learn2compress.students.architecture import Architecture
from learn2compress.students.layers import Layers
from learn2compress.students.residual import halves, pooled_head

_EXPANSION = 4
# ReLU6 bounds the range that 8 bits must cover.
_LARGEST_ACTIVATION = 6.0


class MobileNet(Architecture):
    """Each block widens by a 1x1 convolution, filters each channel by itself, and narrows again."""

    task_kind = TaskKind.IMAGE

    def stage(self, features: keras.KerasTensor, stage: StageConfig, number: int, layers: Layers) -> keras.KerasTensor:
        """Adds one stage of inverted residuals; the first begins with a full convolution.

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
            features = layers.relu(features, "stem_relu", _LARGEST_ACTIVATION)
        for block in range(1, stage.blocks + 1):
            strides = 2 if block == 1 and halves(features, stage, number) else 1
            # As in the paper: in the whole image a block that widens would cost more than all the others.
            expansion = 1 if number == block == 1 else _EXPANSION
            features = _inverted_residual(features, channels, expansion, f"stage{number}_block{block}", strides, layers)
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


def _inverted_residual(
    features: keras.KerasTensor, channels: int, expansion: int, name: str, strides: int, layers: Layers
) -> keras.KerasTensor:
    shortcut = features
    if expansion > 1:
        features = layers.conv(features, expansion * features.shape[-1], f"{name}_expand", kernel_size=1)
        features = layers.norm(features, f"{name}_expand_norm")
        features = layers.relu(features, f"{name}_expand_relu", _LARGEST_ACTIVATION)
    features = layers.depthwise(features, f"{name}_depthwise", strides=strides)
    features = layers.norm(features, f"{name}_depthwise_norm")
    features = layers.relu(features, f"{name}_depthwise_relu", _LARGEST_ACTIVATION)
    features = layers.conv(features, channels, f"{name}_project", kernel_size=1)
    features = layers.norm(features, f"{name}_project_norm")
    if strides == 1 and shortcut.shape[-1] == channels:
        features = layers.add([shortcut, features], f"{name}_add")
    return features

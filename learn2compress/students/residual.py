"""`residual`: plain residual networks of 3x3 convolutions (He et al., arXiv:1512.03385)."""

from __future__ import annotations

import keras

from learn2compress.config import StageConfig, TaskKind
from learn2compress.students.architecture import Architecture
from learn2compress.students.layers import Layers

# Of a smaller image, most of what a 3x3 convolution sees is padding.
_LEAST_SIZE_TO_MIX = 4


class Residual(Architecture):
    """Each stage is a convolution that sets channels and size, then residual blocks of one convolution each."""

    task_kind = TaskKind.IMAGE

    def stage(self, features: keras.KerasTensor, stage: StageConfig, number: int, layers: Layers) -> keras.KerasTensor:
        """Adds one stage: convolutions with shortcuts around all but the first.

        Args:
          features: The input, float32 in 0..1, or the output of the stage before, `[batch, height, width, channels]`.
          stage: Channels (times `layers.width`) and blocks.
          number: 1 for the first stage.
          layers: Makes the layers.

        Returns:
          `[batch, height, width, channels]`.
        """
        channels = layers.channels(stage.channels)
        for block in range(1, stage.blocks + 1):
            shortcut = features
            strides = 2 if block == 1 and halves(features, stage, number) else 1
            features = layers.conv(features, channels, f"stage{number}_conv{block}", strides=strides)
            features = layers.norm(features, f"stage{number}_norm{block}")
            if block > 1:
                features = layers.add([shortcut, features], f"stage{number}_add{block}")
            features = layers.relu(features, f"stage{number}_relu{block}")
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


def halves(features: keras.KerasTensor, stage: StageConfig, number: int) -> bool:
    """Returns whether a stage halves the image: if it is to, is not the first, and there is more than one pixel.

    Args:
      features: The stage's input, `[batch, height, width, channels]`.
      stage: Its configuration.
      number: 1 for the first stage.
    """
    return stage.halve and number > 1 and min(features.shape[1:3]) > 1


def pooled_head(
    features: keras.KerasTensor, num_classes: int, layers: Layers, most_channels: int | None = None
) -> keras.KerasTensor:
    """Adds pooling, a 1x1 convolution, and where the image is still large a 3x3 convolution by channel.

    Next to free in training, whatever the size of the features. By the 3x3
    convolution a student that leaves early has something of its own to learn:
    `docs/reference/benchmarks.md` has what that gains and what it costs.

    Args:
      features: Of a stage, `[batch, height, width, channels]`.
      num_classes: Length of the logits.
      layers: Makes the layers.
      most_channels: The convolutions have twice the features' channels, but no more than this.

    Returns:
      Logits `[batch, num_classes]`.
    """
    if min(features.shape[1:3]) > 1:
        features = keras.layers.AveragePooling2D(2, name=layers.name("pool"))(features)
    channels = 2 * features.shape[-1]
    features = layers.conv(features, min(channels, most_channels or channels), "conv", kernel_size=1)
    features = layers.norm(features, "norm")
    features = layers.relu(features, "relu")
    if min(features.shape[1:3]) >= _LEAST_SIZE_TO_MIX:
        features = layers.depthwise(features, "mix")
        features = layers.norm(features, "mix_norm")
        features = layers.relu(features, "mix_relu")
    features = keras.layers.GlobalAveragePooling2D(name=layers.name("global_pool"))(features)
    return layers.logits(features, num_classes)

"""`resnet`: residual blocks of two 3x3 convolutions (He et al., arXiv:1512.03385), for accuracy at small sizes."""

from __future__ import annotations

import keras

from learn2compress.config import StageConfig, TaskKind
from learn2compress.students.architecture import Architecture
from learn2compress.students.layers import Layers
from learn2compress.students.residual import halves, pooled_head
from learn2compress.students.resnet_cost import stem_strides


class ResNet(Architecture):
    """Each stage is a chain of blocks of two convolutions; few channels at a high resolution need few parameters.

    A block that changes the channels or the size has its shortcut around the
    second convolution alone: no shortcut has weights or multiplications of its own.

    An image of more than `resnet_cost.MOST_FIRST_PIXELS` is halved by the stem, before
    the first stage: by a convolution of stride 2 for each halving.
    """

    task_kind = TaskKind.IMAGE

    def stage(self, features: keras.KerasTensor, stage: StageConfig, number: int, layers: Layers) -> keras.KerasTensor:
        """Adds one stage; the first begins with the stem, which takes the image.

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
            for place, strides in enumerate(stem_strides(*features.shape[1:3]), start=1):
                name = "stem" if place == 1 else f"stem{place}"
                features = _conv_norm_relu(features, channels, layers, name, strides=strides)
        for block in range(1, stage.blocks + 1):
            name = f"stage{number}_block{block}"
            strides = 2 if block == 1 and halves(features, stage, number) else 1
            shortcut = features if strides == 1 and features.shape[-1] == channels else None
            features = _conv_norm_relu(features, channels, layers, f"{name}_first", strides=strides)
            if shortcut is None:
                shortcut = features
            features = layers.conv(features, channels, f"{name}_second_conv")
            features = layers.norm(features, f"{name}_second_norm")
            features = layers.add([shortcut, features], f"{name}_add")
            features = layers.relu(features, f"{name}_relu")
        return features

    def head(self, features: keras.KerasTensor, num_classes: int, layers: Layers) -> keras.KerasTensor:
        """Adds `pooled_head`, no wider than the stage.

        Args:
          features: The output of a stage, `[batch, height, width, channels]`.
          num_classes: Length of the logits, at least 2.
          layers: Makes the layers.

        Returns:
          Logits `[batch, num_classes]`.
        """
        return pooled_head(features, num_classes, layers, most_channels=features.shape[-1])


def _conv_norm_relu(
    features: keras.KerasTensor, channels: int, layers: Layers, name: str, *, strides: int = 1
) -> keras.KerasTensor:
    features = layers.conv(features, channels, f"{name}_conv", strides=strides)
    features = layers.norm(features, f"{name}_norm")
    return layers.relu(features, f"{name}_relu")

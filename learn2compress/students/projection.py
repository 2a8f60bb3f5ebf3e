"""`projection`: dense layers over projected text features, in the manner of ProjectionNet (arXiv:1708.00630)."""

from __future__ import annotations

import keras

from learn2compress.config import StageConfig, TaskKind
from learn2compress.students.architecture import Architecture
from learn2compress.students.layers import Layers


class Projection(Architecture):
    """Each stage is `blocks` dense layers of `channels` units; there is no table of embeddings."""

    task_kind = TaskKind.TEXT

    def stage(self, features: keras.KerasTensor, stage: StageConfig, number: int, layers: Layers) -> keras.KerasTensor:
        """Adds one stage of dense layers.

        Args:
          features: The input, float32 in 0..1, `[batch, num_features]`, or the output of the stage before.
          stage: Channels (times `layers.width`) and blocks.
          number: 1 for the first stage.
          layers: Makes the layers.

        Returns:
          `[batch, channels]`.
        """
        for block in range(1, stage.blocks + 1):
            features = layers.dense(features, layers.channels(stage.channels), f"stage{number}_dense{block}")
            features = layers.norm(features, f"stage{number}_norm{block}")
            features = layers.relu(features, f"stage{number}_relu{block}")
        return features

    def head(self, features: keras.KerasTensor, num_classes: int, layers: Layers) -> keras.KerasTensor:
        """Adds the dense layer of the logits.

        Args:
          features: The output of a stage, `[batch, channels]`.
          num_classes: Length of the logits, at least 2.
          layers: Makes the layers.

        Returns:
          Logits `[batch, num_classes]`.
        """
        return layers.logits(features, num_classes)

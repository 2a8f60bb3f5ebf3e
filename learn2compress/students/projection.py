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
        """See `Architecture.stage`."""
        for block in range(1, stage.blocks + 1):
            features = layers.dense(features, layers.channels(stage.channels), f"stage{number}_dense{block}")
            features = layers.norm(features, f"stage{number}_norm{block}")
            features = layers.relu(features, f"stage{number}_relu{block}")
        return features

    def head(self, features: keras.KerasTensor, num_classes: int, layers: Layers) -> keras.KerasTensor:
        """See `Architecture.head`."""
        return layers.logits(features, num_classes)

"""`embedding`: a table of hashed words and convolutions over neighbouring words, for `hashed_words` features.

A convolutional text classifier with maxima over time (Kim, arXiv:1408.5882),
whose vocabulary is replaced by a hash of two bytes; see `ByteRows`.
"""

from __future__ import annotations

import keras

from learn2compress.config import StageConfig, TaskKind
from learn2compress.students.architecture import Architecture
from learn2compress.students.byte_rows import NUM_ROWS, ByteRows
from learn2compress.students.layers import Layers

_NEIGHBOURS = 3


class Embedding(Architecture):
    """Stage 1 begins with the table, `channels` numbers a word; each stage is `blocks` convolutions of `channels`."""

    task_kind = TaskKind.TEXT

    def stage(self, features: keras.KerasTensor, stage: StageConfig, number: int, layers: Layers) -> keras.KerasTensor:
        """Adds one stage of convolutions over words; the first begins with the table.

        Args:
          features: The input, float32 in 0..1, `[batch, 2 * words]` (two bytes a word), or the output of the stage
            before.
          stage: Channels (times `layers.width`) and blocks.
          number: 1 for the first stage.
          layers: Makes the layers.

        Returns:
          `[batch, 1, words, channels]`.
        """
        channels = layers.channels(stage.channels)
        if number == 1:
            features = _embedded(features, channels, layers)
        for block in range(1, stage.blocks + 1):
            features = layers.make(
                keras.layers.Conv2D,
                f"stage{number}_conv{block}",
                filters=channels,
                kernel_size=(1, _NEIGHBOURS),
                padding="same",
                use_bias=False,
                kernel_initializer="he_normal",
            )(features)
            features = layers.norm(features, f"stage{number}_norm{block}")
            features = layers.relu(features, f"stage{number}_relu{block}")
        return features

    def head(self, features: keras.KerasTensor, num_classes: int, layers: Layers) -> keras.KerasTensor:
        """Adds the maximum over all words, and the dense layer of the logits.

        Args:
          features: The output of a stage, `[batch, 1, words, channels]`.
          num_classes: Length of the logits, at least 2.
          layers: Makes the layers.

        Returns:
          Logits `[batch, num_classes]`.
        """
        features = layers.make(keras.layers.GlobalMaxPooling2D, "global_pool")(features)
        return layers.logits(features, num_classes)


def _embedded(features: keras.KerasTensor, channels: int, layers: Layers) -> keras.KerasTensor:
    """Returns words `[batch, 1, words, channels]`, half of each from its higher byte, half from its lower one."""
    num_words, half = features.shape[-1] // 2, -(-channels // 2)
    rows = layers.make(ByteRows, "rows")(features)
    looked_up = layers.make(keras.layers.Embedding, "embedding", input_dim=NUM_ROWS, output_dim=half)(rows)
    return layers.make(keras.layers.Reshape, "words", target_shape=(1, num_words, 2 * half))(looked_up)

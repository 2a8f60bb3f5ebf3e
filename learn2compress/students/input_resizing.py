"""Resizes images inside a network that computes at a smaller size than it is given.

Not by `keras.layers.Resizing`: as a layer of augmentation it is in training mode unless it is told otherwise, and a
functional model takes that over for its batch normalization.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable("learn2compress")
class InputResizing(keras.layers.Layer):
    """Bilinear interpolation to a fixed size, of pixel centres, as LiteRT does it.

    Args:
      height: In pixels.
      width: In pixels.
      config: See `keras.layers.Layer`.
    """

    def __init__(self, height: int, width: int, **config: Any):
        super().__init__(**config)
        self.height, self.width = height, width

    def call(self, inputs: Any) -> Any:
        """Returns the images at the other size.

        Args:
          inputs: `[batch, any height, any width, channels]`.

        Returns:
          `[batch, height, width, channels]`.
        """
        return ops.image.resize(inputs, (self.height, self.width), data_format="channels_last")

    def get_config(self) -> dict[str, Any]:
        """Returns what the constructor takes."""
        return {**super().get_config(), "height": self.height, "width": self.width}

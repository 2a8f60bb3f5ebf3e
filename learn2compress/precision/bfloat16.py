"""Layers of images computed in bfloat16, for training and for a teacher's signal.

Weights, batch statistics, losses and the optimizer stay in float32, as in mixed
precision training (Micikevicius et al., arXiv:1710.03740); bfloat16 has
float32's range, so that no loss needs scaling. A processor with AMX, and a GPU,
multiplies it several times as fast, and half as many bytes are read and written
between layers. What is behind the pooling of an image is little work, and stays
in float32: a class's logit has all its digits.
"""

from __future__ import annotations

from typing import Any

import keras

_KINDS = (
    keras.layers.Conv2D,
    keras.layers.ReLU,
    keras.layers.Activation,
    keras.layers.Add,
    keras.layers.MaxPooling2D,
    keras.layers.AveragePooling2D,
)


def runs_in_bfloat16(layer: keras.Layer) -> bool:
    """Returns whether a layer of a float32 network is one that is computed in bfloat16: exact types, on images."""
    # A subclass may compute something else.
    return type(layer) in _KINDS and layer.dtype_policy.name == "float32" and is_image(layer.output)


def is_image(tensor: Any) -> bool:
    """Returns whether a symbolic tensor is a batch of images, `[batch, height, width, channels]`, not yet pooled."""
    return isinstance(tensor, keras.KerasTensor) and len(tensor.shape) == 4 and tuple(tensor.shape[1:3]) != (1, 1)


class InBfloat16(keras.layers.Layer):
    """Computes what a layer does, with its weights, in bfloat16.

    Args:
      layer: The layer, built.
    """

    def __init__(self, layer: keras.Layer):
        super().__init__(name=layer.name, dtype="mixed_bfloat16")
        self._layer = layer
        self.built = True

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Returns the shape of the layer's output."""
        return self._layer.compute_output_shape(input_shape)

    def call(self, inputs: Any) -> Any:
        """Applies the layer.

        Args:
          inputs: One tensor, or those that are added; Keras has cast them and casts the weights.

        Returns:
          bfloat16.
        """
        return self._layer.call(inputs)

"""The view through which a network is trained: the same weights, in layers that compute faster.

What is saved, quantized and exported are the network's own layers.
"""

from __future__ import annotations

import keras

from learn2compress.config import Precision
from learn2compress.training.bfloat16 import InBfloat16, runs_in_bfloat16
from learn2compress.training.fused_normalization import FusedNormalization, can_be_fused


def training_view(network: keras.Model, precision: Precision = Precision.FLOAT32) -> keras.Model:
    """Returns a view of a functional network that trains faster.

    Args:
      network: Its layers and weights are the view's, too.
      precision: What convolutions, and what is between them, are computed in.
    """
    in_bfloat16 = precision is Precision.BFLOAT16

    def faster(layer: keras.Layer) -> keras.Layer:
        if can_be_fused(layer):
            is_image = len(layer.input.shape) == 4
            return FusedNormalization(layer, "mixed_bfloat16" if in_bfloat16 and is_image else "float32")
        return InBfloat16(layer) if in_bfloat16 and runs_in_bfloat16(layer) else layer

    return keras.models.clone_model(network, clone_function=faster)

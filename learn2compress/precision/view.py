"""A view of a network: the same weights, in layers that compute faster.

What is saved, quantized and exported are the network's own layers.
"""

from __future__ import annotations

from typing import Any

import keras

from learn2compress.config import Precision
from learn2compress.keras_internals import leaf_layers
from learn2compress.precision.bfloat16 import InBfloat16, is_image, runs_in_bfloat16
from learn2compress.precision.fused_normalization import FusedNormalization, can_be_fused


def faster_view(network: keras.Model, precision: Precision = Precision.FLOAT32) -> keras.Model:
    """Returns a view of a network that trains, and in bfloat16 infers, faster.

    Args:
      network: Functional or sequential, networks inside it included; its layers and weights are the view's, too.
      precision: What convolutions of images, and what is between them, are computed in; everything else stays in
        float32.

    Returns:
      A functional network of the same inputs and outputs.
    """
    in_bfloat16 = precision is Precision.BFLOAT16

    def faster(layer: keras.Layer) -> keras.Layer:
        if can_be_fused(layer):
            return FusedNormalization(layer, "mixed_bfloat16" if in_bfloat16 and is_image(layer.input) else "float32")
        return InBfloat16(layer) if in_bfloat16 and runs_in_bfloat16(layer) else layer

    if isinstance(network, keras.Sequential):
        network = keras.Model(network.inputs[0], network.outputs[0])  # a graph of its layers
    return keras.models.clone_model(network, clone_function=faster, call_function=_call, recursive=True)


def num_in_bfloat16(view: keras.Model) -> int:
    """Returns how many layers of a view are computed in bfloat16: convolutions, and what is between them."""
    return sum(isinstance(layer, InBfloat16) for layer in leaf_layers(view))


def _call(operation: keras.Operation, *args: Any, **kwargs: Any) -> Any:
    """Applies an operation; one that is no layer does not cast what it takes."""
    if not isinstance(operation, keras.Layer):
        args, kwargs = keras.tree.map_structure(_as_float32, (args, kwargs))
    return operation(*args, **kwargs)


def _as_float32(item: Any) -> Any:
    is_bfloat16 = isinstance(item, keras.KerasTensor) and item.dtype == "bfloat16"
    return keras.ops.cast(item, "float32") if is_bfloat16 else item

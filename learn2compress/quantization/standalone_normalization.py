"""Writes normalization that stands by itself as a convolution, in the float student that files are made of.

Behind an addition, a pooling or an activation, batch normalization has no kernel
before it to be folded into. The converter leaves it as a multiplication and an
addition, each rounded in 8 bits over a range of its own, and where means or
variances differ much between channels little is left between the two. A 1x1
depthwise convolution with a bias is rounded once, with a scale for each channel; so
does the network that is trained for 8 bits, too.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from learn2compress.keras_internals import producer
from learn2compress.quantization.qat_network import fused_layers

_IMAGE_RANK = 4


def normalization_as_convolution(student: keras.Model) -> keras.Model:
    """Copies a student, with a 1x1 depthwise convolution for each scaling of images that no layer before it takes in.

    Args:
      student: A float model of layers as `learn2compress.students.layer_decomposition.decompose_layers` leaves them.

    Returns:
      A model of the same inputs, outputs, weights and layer names, which computes the same in inference. Vectors are
      left to the converter, which folds their normalization into the dense layer behind.
    """
    fused = fused_layers(student)
    weights = {layer.name: _kernel_and_bias(layer) for layer in student.layers if _stands_alone(layer, fused)}

    def clone(layer: keras.Layer) -> keras.Layer:
        if layer.name in weights:
            return keras.layers.DepthwiseConv2D(1, name=layer.name)
        return type(layer).from_config(layer.get_config())

    def call(copy: keras.Layer, *args: Any, **kwargs: Any) -> Any:
        # Normalization takes a mask, a convolution does not.
        return copy(args[0]) if copy.name in weights else copy(*args, **kwargs)

    copy = keras.models.clone_model(student, clone_function=clone, call_function=call)
    for layer in student.layers:
        values = weights.get(layer.name) or layer.get_weights()
        if values:  # an input has none, and another name in the copy
            copy.get_layer(layer.name).set_weights(values)
    return copy


def _stands_alone(layer: keras.Layer, fused: frozenset[str]) -> bool:
    """Returns whether a layer scales the channels of images, and the layer before it does not take it in.

    Args:
      layer: Of a student.
      fused: Names of the layers that the next one is fused into.
    """
    if not isinstance(layer, keras.layers.BatchNormalization | keras.layers.Rescaling):
        return False
    if len(layer.input.shape) != _IMAGE_RANK or getattr(layer, "axis", -1) not in (-1, _IMAGE_RANK - 1):
        return False
    before = producer(layer.input)
    # The converter folds a scaling into a convolution before it, too.
    is_scaled_kernel = isinstance(layer, keras.layers.Rescaling) and isinstance(before, keras.layers.Conv2D)
    return before.name not in fused and not is_scaled_kernel


def _kernel_and_bias(layer: Any) -> list[npt.NDArray[np.float32]]:
    """Returns factor and addend of each channel, `[1, 1, channels, 1]` and `[channels]`."""
    channels = layer.input.shape[-1]
    if isinstance(layer, keras.layers.Rescaling):
        scale, offset = np.asarray(layer.scale, np.float64), np.asarray(layer.offset, np.float64)
    else:
        scale = 1.0 / np.sqrt(np.asarray(layer.moving_variance, np.float64) + layer.epsilon)
        scale = scale if layer.gamma is None else scale * np.asarray(layer.gamma, np.float64)
        offset = -np.asarray(layer.moving_mean, np.float64) * scale
        offset = offset if layer.beta is None else offset + np.asarray(layer.beta, np.float64)
    kernel = np.broadcast_to(scale, channels).astype(np.float32).reshape(1, 1, channels, 1)
    return [kernel, np.broadcast_to(offset, channels).astype(np.float32)]

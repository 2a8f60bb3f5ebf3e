"""Layers whose kernel is a part of a wider layer's kernel (slimmable networks; Yu et al., arXiv:1812.08928).

A narrower student computes with the first channels of the widest one's kernels.
Batch normalization and biases are each student's own: the statistics of
different widths differ.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from learn2compress.students.layers import Layers


class SlicedConv2D(keras.layers.Conv2D):
    """A convolution with the first input and output channels of `source`'s kernel."""

    def __init__(self, source: keras.layers.Conv2D, **config: Any):
        super().__init__(**config)
        self.source = source

    def build(self, input_shape: Any) -> None:
        """Takes the number of input channels; only a bias is the layer's own."""
        self._in_channels = input_shape[-1]
        self.bias = _own_bias(self, self.filters)
        self.built = True

    @property
    def kernel(self) -> Any:
        """`[height, width, in_channels, filters]`."""
        return self.source.kernel[:, :, : self._in_channels, : self.filters]


class SlicedDepthwiseConv2D(keras.layers.DepthwiseConv2D):
    """A depthwise convolution with the first channels of `source`'s kernel."""

    def __init__(self, source: keras.layers.DepthwiseConv2D, **config: Any):
        super().__init__(**config)
        self.source = source

    def build(self, input_shape: Any) -> None:
        """Takes the number of channels; only a bias is the layer's own."""
        self._in_channels = input_shape[-1]
        self.bias = _own_bias(self, self._in_channels * self.depth_multiplier)
        self.built = True

    @property
    def kernel(self) -> Any:
        """`[height, width, in_channels, depth_multiplier]`."""
        return self.source.kernel[:, :, : self._in_channels, :]


class SlicedDense(keras.layers.Dense):
    """A dense layer with the first inputs and units of `source`'s kernel."""

    def __init__(self, source: keras.layers.Dense, **config: Any):
        super().__init__(**config)
        self.source = source

    def build(self, input_shape: Any) -> None:
        """Takes the number of inputs; only a bias is the layer's own."""
        self._in_features = input_shape[-1]
        self.bias = _own_bias(self, self.units)
        self.built = True

    @property
    def kernel(self) -> Any:
        """`[in_features, units]`."""
        return self.source.kernel[: self._in_features, : self.units]


_SLICED = {
    keras.layers.Conv2D: SlicedConv2D,
    keras.layers.DepthwiseConv2D: SlicedDepthwiseConv2D,
    keras.layers.Dense: SlicedDense,
}
_PLAIN = {sliced: plain for plain, sliced in _SLICED.items()}


class SlicedLayers(Layers):
    """Makes layers that take their kernels from wider ones, where there are any.

    Args:
      width: Multiplies channels.
      prefix: The student's name, before that of each layer.
      sources: The first layer that was made under each name without prefix;
        layers that have no source yet are added. Wider students come first.
    """

    def __init__(self, width: float, prefix: str, sources: dict[str, keras.Layer]):
        super().__init__(width, prefix)
        self._sources = sources

    def make(self, kind: type[keras.Layer], name: str, **config: Any) -> keras.Layer:
        """Makes a layer: convolutions and dense layers are slices, any other is the student's own.

        Args:
          kind: Class of the layer.
          name: Unique within the student, without the prefix.
          **config: Arguments of the class.

        Returns:
          The layer, not built yet; the first of its name is no slice but what others are sliced from.
        """
        if kind not in _SLICED:
            return super().make(kind, name, **config)
        if name in self._sources:
            return _SLICED[kind](self._sources[name], name=self.name(name), **config)
        self._sources[name] = super().make(kind, name, **config)
        return self._sources[name]


def plain_layer(layer: keras.Layer, name: str | None = None) -> keras.Layer:
    """Returns a layer of the same shape with a kernel of its own, not built yet.

    Args:
      layer: A slice or any other layer.
      name: Of the new layer; left out, it has the same name.
    """
    config = layer.get_config()
    return _PLAIN.get(type(layer), type(layer)).from_config(config | {"name": name or layer.name})


def weights_of(layer: keras.Layer) -> list[Any]:
    """Returns the weights that a layer computes with, as those of `plain_layer` are set."""
    if type(layer) not in _PLAIN:
        weights: list[Any] = layer.get_weights()
        return weights
    own = [layer.kernel] if layer.bias is None else [layer.kernel, layer.bias]
    return [keras.ops.convert_to_numpy(weight) for weight in own]


def trained_parts(layer: keras.Layer) -> list[tuple[keras.Variable, int]]:
    """Returns the trainable variables that a layer computes with, each with how many of its elements it uses."""
    if type(layer) not in _PLAIN:
        return [(variable, int(np.prod(variable.shape))) for variable in layer.trainable_variables]
    parts = [(layer.source.kernel, int(np.prod(layer.kernel.shape)))]
    return parts if layer.bias is None else [*parts, (layer.bias, int(np.prod(layer.bias.shape)))]


def _own_bias(layer: keras.Layer, length: int) -> keras.Variable | None:
    if not layer.use_bias:
        return None
    return layer.add_weight(name="bias", shape=(length,), initializer=layer.bias_initializer)

"""Layers whose kernel is a part of a wider layer's kernel (slimmable networks; Yu et al., arXiv:1812.08928).

A narrower student computes with the first channels of the widest one's kernels.
Batch normalization and biases are each student's own: the statistics of
different widths differ. Those of one width that computes at several input sizes
are one, but for the statistics (`SharedNormalization`).
"""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

import keras
import numpy as np

from learn2compress.students.layers import Layers


class SlicedConv2D(keras.layers.Conv2D):
    """A convolution with the first input and output channels of `source`'s kernel, and `sibling`'s bias or its own."""

    def __init__(self, source: keras.layers.Conv2D, sibling: keras.layers.Conv2D | None = None, **config: Any):
        super().__init__(**config)
        self.source, self._sibling = source, _Untracked(sibling)

    def build(self, input_shape: Any) -> None:
        """Takes the number of input channels; the kernel is the source's."""
        self._in_channels = input_shape[-1]
        self.bias = _bias(self, self.filters)
        self.built = True

    @property
    def kernel(self) -> Any:
        """`[height, width, in_channels, filters]`."""
        return self.source.kernel[:, :, : self._in_channels, : self.filters]


class SlicedDepthwiseConv2D(keras.layers.DepthwiseConv2D):
    """A depthwise convolution with the first channels of `source`'s kernel, and `sibling`'s bias or its own."""

    def __init__(
        self,
        source: keras.layers.DepthwiseConv2D,
        sibling: keras.layers.DepthwiseConv2D | None = None,
        **config: Any,
    ):
        super().__init__(**config)
        self.source, self._sibling = source, _Untracked(sibling)

    def build(self, input_shape: Any) -> None:
        """Takes the number of channels; the kernel is the source's."""
        self._in_channels = input_shape[-1]
        self.bias = _bias(self, self._in_channels * self.depth_multiplier)
        self.built = True

    @property
    def kernel(self) -> Any:
        """`[height, width, in_channels, depth_multiplier]`."""
        return self.source.kernel[:, :, : self._in_channels, :]


class SlicedDense(keras.layers.Dense):
    """A dense layer with the first inputs and units of `source`'s kernel, and `sibling`'s bias or its own."""

    def __init__(self, source: keras.layers.Dense, sibling: keras.layers.Dense | None = None, **config: Any):
        super().__init__(**config)
        self.source, self._sibling = source, _Untracked(sibling)

    def build(self, input_shape: Any) -> None:
        """Takes the number of inputs; the kernel is the source's."""
        self._in_features = input_shape[-1]
        self.bias = _bias(self, self.units)
        self.built = True

    @property
    def kernel(self) -> Any:
        """`[in_features, units]`."""
        return self.source.kernel[: self._in_features, : self.units]


class SharedNormalization(keras.layers.BatchNormalization):
    """Batch normalization with the scales and offsets of `sibling`, which has the same width, and its own statistics.

    Features of another input size have other statistics (Wang et al., arXiv:2007.09558).
    """

    # For `learn2compress.precision.fused_normalization`.
    computes_as_its_base = True

    def __init__(self, sibling: keras.layers.BatchNormalization, **config: Any):
        super().__init__(**config)
        self._sibling = _Untracked(sibling)

    def build(self, input_shape: Any) -> None:
        """Makes the statistics."""
        self.gamma, self.beta = self._sibling.layer.gamma, self._sibling.layer.beta
        settings = {"shape": (input_shape[self.axis],), "trainable": False, "autocast": False}
        self.moving_mean = self.add_weight(name="moving_mean", initializer="zeros", **settings)
        self.moving_variance = self.add_weight(name="moving_variance", initializer="ones", **settings)
        self.built = True


class _Untracked:
    """Holds a layer that is no part of the layer that holds it: Keras would count its weights in."""

    def __init__(self, layer: Any):
        self.layer = layer


_SLICED = {
    keras.layers.Conv2D: SlicedConv2D,
    keras.layers.DepthwiseConv2D: SlicedDepthwiseConv2D,
    keras.layers.Dense: SlicedDense,
}
_PLAIN: dict[type, Any] = {sliced: plain for plain, sliced in _SLICED.items()}
_KINDS: dict[type, Any] = _PLAIN | {SharedNormalization: keras.layers.BatchNormalization}


class SlicedLayers(Layers):
    """Makes layers that take their kernels from wider ones, where there are any.

    Args:
      width: Multiplies channels.
      prefix: The student's name, before that of each layer.
      sources: The first layer that was made under each name without prefix;
        layers that have no source yet are added. Wider students come first.
      siblings: The first layer of each name at this very width, which is added; others of the name have its biases,
        scales and offsets. Left out, each layer has its own.
    """

    def __init__(
        self,
        width: float,
        prefix: str,
        sources: MutableMapping[str, keras.Layer],
        siblings: MutableMapping[str, keras.Layer] | None = None,
    ):
        super().__init__(width, prefix)
        self._sources = sources
        self._siblings: MutableMapping[str, keras.Layer] = {} if siblings is None else siblings

    def make(self, kind: type[keras.Layer], name: str, **config: Any) -> keras.Layer:
        """Makes a layer: convolutions and dense layers are slices, any other is the student's own.

        Args:
          kind: Class of the layer.
          name: Unique within the student, without the prefix.
          **config: Arguments of the class.

        Returns:
          The layer, not built yet; the first of its name is no slice but what others are sliced from.
        """
        sibling = self._siblings.get(name)
        if kind is keras.layers.BatchNormalization and sibling is not None:
            return SharedNormalization(sibling, name=self.name(name), **config)
        if kind in _SLICED and name in self._sources:
            layer = _SLICED[kind](self._sources[name], sibling, name=self.name(name), **config)
        else:
            layer = super().make(kind, name, **config)
        if kind in _SLICED:
            self._sources.setdefault(name, layer)
        self._siblings.setdefault(name, layer)
        return layer


def plain_layer(layer: keras.Layer, name: str | None = None) -> keras.Layer:
    """Returns a layer of the same shape with a kernel of its own, not built yet.

    Args:
      layer: A slice or any other layer.
      name: Of the new layer; left out, it has the same name.
    """
    config = layer.get_config()
    return _KINDS.get(type(layer), type(layer)).from_config(config | {"name": name or layer.name})


def weights_of(layer: keras.Layer) -> list[Any]:
    """Returns the weights that a layer computes with, as those of `plain_layer` are set."""
    if type(layer) not in _PLAIN:
        weights: list[Any] = layer.get_weights()
        return weights
    own = [layer.kernel] if layer.bias is None else [layer.kernel, layer.bias]
    return [keras.ops.convert_to_numpy(weight) for weight in own]


def num_parameters(network: keras.Model) -> int:
    """Returns how many weights a network computes with, statistics among them; of a kernel in part that part."""
    return sum(int(np.prod(weight.shape)) for layer in network.layers for weight in weights_of(layer))


def trained_parts(layer: keras.Layer) -> list[tuple[keras.Variable, int]]:
    """Returns the trainable variables that a layer computes with, each with how many of its elements it uses."""
    if type(layer) not in _PLAIN:
        return [(variable, int(np.prod(variable.shape))) for variable in layer.trainable_variables]
    parts = [(layer.source.kernel, int(np.prod(layer.kernel.shape)))]
    return parts if layer.bias is None else [*parts, (layer.bias, int(np.prod(layer.bias.shape)))]


def _bias(layer: keras.Layer, length: int) -> keras.Variable | None:
    if not layer.use_bias:
        return None
    if layer._sibling.layer is not None:
        return layer._sibling.layer.bias
    return layer.add_weight(name="bias", shape=(length,), initializer=layer.bias_initializer)

"""Finds which channels of a network can only be removed together, and which can't be removed at all.

The graph is walked with numbers in place of features: each channel of each
layer that makes channels (a convolution, a dense layer, a table) gets a number
of its own, and layers that work on each channel by itself hand numbers on. An
addition makes two channels one: so do the dependencies of DepGraph (Fang et
al., arXiv:2301.12900) come out of the walk, for residual streams, depthwise
convolutions, concatenations and flattened images alike. Channels that belong to
the input or the logits, or reach a layer that is not known here, are kept.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
from keras import tree

from learn2compress.keras_internals import walk_graph
from learn2compress.students.cost import layer_macs

# Smaller groups keep a multiple of 4 channels, others of 8: what 8-bit kernels take at once.
_SMALL_GROUP = 32

_MAKES_CHANNELS = (keras.layers.Conv2D, keras.layers.Dense, keras.layers.Embedding)
_EACH_CHANNEL = (
    keras.layers.AveragePooling2D,
    keras.layers.Cropping2D,
    keras.layers.Dropout,
    keras.layers.GlobalAveragePooling2D,
    keras.layers.GlobalMaxPooling2D,
    keras.layers.MaxPooling2D,
    keras.layers.ReLU,
    keras.layers.SpatialDropout2D,
    keras.layers.UpSampling2D,
    keras.layers.ZeroPadding2D,
)
_MERGES = (
    keras.layers.Add,
    keras.layers.Average,
    keras.layers.Maximum,
    keras.layers.Minimum,
    keras.layers.Multiply,
    keras.layers.Subtract,
)
_ACTIVATIONS = (
    keras.activations.hard_sigmoid,
    keras.activations.hard_silu,
    keras.activations.linear,
    keras.activations.relu,
    keras.activations.relu6,
    keras.activations.sigmoid,
    keras.activations.silu,
)

Units = np.ndarray
_NO_UNITS = np.zeros(0, int)


@dataclasses.dataclass(frozen=True)
class LayerChannels:
    """The channels of one layer.

    Attributes:
      inputs: Unit of each channel of its only input; empty where it has several inputs.
      outputs: Unit of each channel of its output; empty where it has more than one output.
      macs: Multiply-accumulate operations of the whole layer.
      is_product: Each output channel costs operations for each input channel.
    """

    inputs: Units
    outputs: Units
    macs: int
    is_product: bool


@dataclasses.dataclass(frozen=True)
class ChannelGroup:
    """Units that are made by the same layers, and so are removed in common steps.

    Attributes:
      name: The layers that make them, joined by "+".
      units: Numbers of the units.
      multiple: The units that are kept are a multiple of this, or all.
    """

    name: str
    units: Units
    multiple: int

    def next_smaller(self, num_kept: int) -> int | None:
        """Returns the next smaller number of units that may be kept; `None` where there is none.

        Args:
          num_kept: Units that are kept now.
        """
        smaller = (num_kept - 1) // self.multiple * self.multiple
        return smaller or None


@dataclasses.dataclass(frozen=True)
class ChannelGraph:
    """All units of a network: a unit is a channel together with all that can only be removed with it.

    Attributes:
      layers: By layer name; channels of a unit may be several of one layer.
      groups: Units that may be removed, in the order of the layers that make them.
      num_units: All units, those that can't be removed among them.
    """

    layers: Mapping[str, LayerChannels]
    groups: tuple[ChannelGroup, ...]
    num_units: int

    def macs(self, kept: np.ndarray) -> int:
        """Returns the multiply-accumulate operations for one example of a network with some of its units.

        Args:
          kept: bool `[num_units]`.
        """
        total = 0
        for layer in self.layers.values():
            if layer.macs:
                share, whole = int(np.sum(kept[layer.outputs])), layer.outputs.size
                if layer.is_product:
                    share, whole = share * int(np.sum(kept[layer.inputs])), whole * layer.inputs.size
                total += layer.macs * share // whole
        return total


def channel_graph(network: keras.Model) -> ChannelGraph:
    """Finds the groups of channels of a network.

    Args:
      network: A functional model that applies each layer once.

    Returns:
      Its graph; a network in which nothing can be removed has no groups.

    Raises:
      ValueError: a layer is applied twice.
    """
    walk = _Walk()
    inputs = [walk.new(tensor.shape[-1], locked=True) for tensor in network.inputs]
    for outputs in tree.flatten(walk_graph(network, inputs, walk.visit)):
        walk.lock(outputs)
    return walk.graph()


class _Walk:
    """Assigns a number to each channel, and remembers which numbers are one unit."""

    def __init__(self) -> None:
        self._parents: list[int] = []
        self._locked: set[int] = set()
        self._layers: dict[str, LayerChannels] = {}
        self._makers: list[str] = []

    def new(self, count: int, *, locked: bool = False) -> Units:
        """Returns numbers that no channel has yet.

        Args:
          count: How many.
          locked: Exclude these units from removal.
        """
        units = np.arange(len(self._parents), len(self._parents) + count)
        self._parents += units.tolist()
        if locked:
            self.lock(units)
        return units

    def lock(self, units: Units) -> None:
        """Excludes units from removal."""
        self._locked |= set(units.tolist())

    def visit(self, layer: keras.Operation, *args: Any, **kwargs: Any) -> Any:
        """Returns the numbers of a layer's output channels for those of its inputs."""
        if layer.name in self._layers:
            raise ValueError(f"layer {layer.name!r}: found it used twice, accepted is once")
        inputs = [value for value in tree.flatten((args, kwargs)) if isinstance(value, np.ndarray)]
        outputs = self._known(layer, inputs)
        if outputs is not None and type(layer) in _MAKES_CHANNELS:
            self._makers.append(layer.name)
        result = self._opaque(layer, inputs) if outputs is None else outputs
        taken = inputs[0] if len(inputs) == 1 else _NO_UNITS
        given = result if isinstance(result, np.ndarray) else _NO_UNITS
        self._layers[layer.name] = LayerChannels(taken, given, layer_macs(layer), type(layer) in _MAKES_CHANNELS)
        return result

    def graph(self) -> ChannelGraph:
        """Returns what the walk found, with units numbered from 0."""
        roots, units = np.unique([self._root(number) for number in range(len(self._parents))], return_inverse=True)
        layers = {
            name: dataclasses.replace(layer, inputs=units[layer.inputs], outputs=units[layer.outputs])
            for name, layer in self._layers.items()
        }
        locked = set(units[sorted(self._locked)].tolist())
        makers: dict[int, list[str]] = {}
        for name in self._makers:
            for unit in dict.fromkeys(layers[name].outputs.tolist()):
                makers.setdefault(unit, []).append(name)
        by_makers: dict[str, list[int]] = {}
        for unit, names in makers.items():
            if unit not in locked:
                by_makers.setdefault("+".join(names), []).append(unit)
        groups = tuple(
            ChannelGroup(name, np.array(members), 8 if len(members) >= _SMALL_GROUP else 4)
            for name, members in by_makers.items()
        )
        return ChannelGraph(layers, groups, len(roots))

    def _known(self, layer: keras.Operation, inputs: list[Units]) -> Units | None:
        """Returns the outputs of a layer whose channels are understood; `None` for any other."""
        if getattr(layer, "data_format", "channels_last") != "channels_last" or not _works_on_each_channel(layer):
            return None
        kind = type(layer)
        if kind is keras.layers.Embedding:
            self.lock(inputs[0])
            return self.new(layer.output_dim)
        if kind in _MAKES_CHANNELS:
            return self.new(layer.output.shape[-1]) if getattr(layer, "groups", 1) == 1 else None
        if kind is keras.layers.DepthwiseConv2D:
            return np.repeat(inputs[0], layer.depth_multiplier)
        if kind in _MERGES:
            return self._merged(inputs)
        if kind is keras.layers.Concatenate:
            return np.concatenate(inputs) if _is_last(layer.axis, layer.output) else None
        if kind is keras.layers.BatchNormalization:
            return inputs[0] if _is_last(layer.axis, layer.output) else None
        if kind is keras.layers.Rescaling:
            # One number for all channels; a list would have to lose some of its own.
            return inputs[0] if np.ndim(layer.scale) == np.ndim(layer.offset) == 0 else None
        if kind in (keras.layers.Flatten, keras.layers.Reshape):
            return _reshaped(inputs[0], layer.input.shape[1:], layer.output.shape[1:])
        return inputs[0] if kind in (*_EACH_CHANNEL, keras.layers.Activation) else None

    def _opaque(self, layer: keras.Operation, inputs: list[Units]) -> Any:
        for units in inputs:
            self.lock(units)
        # A tensor without axes has no channels.
        return tree.map_structure(lambda tensor: self.new((tensor.shape or (1,))[-1] or 0, locked=True), layer.output)

    def _merged(self, inputs: list[Units]) -> Units | None:
        if len({units.size for units in inputs}) > 1:
            return None
        for units in inputs[1:]:
            for one, other in zip(inputs[0].tolist(), units.tolist(), strict=True):
                self._parents[self._root(other)] = self._root(one)
        return inputs[0]

    def _root(self, number: int) -> int:
        while self._parents[number] != number:
            self._parents[number] = self._parents[self._parents[number]]
            number = self._parents[number]
        return number


def _works_on_each_channel(layer: keras.Operation) -> bool:
    """Returns whether a layer's activation works on each channel by itself; a softmax would mix them."""
    return getattr(layer, "activation", keras.activations.linear) in _ACTIVATIONS


def _is_last(axis: int, tensor: keras.KerasTensor) -> bool:
    return axis in (-1, len(tensor.shape) - 1)


def _reshaped(units: Units, shape: tuple[Any, ...], new_shape: tuple[Any, ...]) -> Units | None:
    """Returns the units along the last axis after reshaping; `None` where they differ between positions."""
    if None in shape or None in new_shape:
        return None
    rows = np.broadcast_to(units, shape).reshape(-1, new_shape[-1])
    return rows[0] if np.all(rows == rows[0]) else None

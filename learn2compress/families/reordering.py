"""Puts the channels of a family's widest sub-network in the order of their importance.

A narrower one computes with the first channels of each layer. With the most
important ones first, it starts from what matters (nesting; Cai et al.,
arXiv:1908.09791, and MatFormer, arXiv:2310.07707). Channels that are tied
together, as along a residual stream, move together, so that what the widest
computes stays what it was.
"""

from __future__ import annotations

from collections.abc import Iterator

import keras
import numpy as np

from learn2compress.families.network import FamilyNetwork
from learn2compress.pruning.channel_graph import ChannelGraph, Units, channel_graph
from learn2compress.pruning.channel_importance import weight_norms

_IN, _OUT = -2, -1


def reorder_channels(network: FamilyNetwork) -> int:
    """Reorders the channels of the widest view, the most important first.

    Args:
      network: Trained for a while; the weights of its widest view change places.

    Returns:
      How many channels are in groups that were reordered.
    """
    model = network.views[network.widest]
    graph = channel_graph(model)
    moved = _moved(graph, weight_norms(model, graph))
    for layer in model.layers:
        for variable, units, axis in _axes(layer, graph):
            value = keras.ops.convert_to_numpy(variable)
            variable.assign(np.take(value, _places(units, moved), axis=axis))
    return sum(group.units.size for group in graph.groups)


def start_narrower(network: FamilyNetwork) -> None:
    """Gives every narrower or smaller view the first of the widest's scales, offsets, statistics and biases.

    Args:
      network: Its widest view is trained, the others are not yet.
    """
    widest = network.views[network.widest]
    for view, model in network.views.items():
        for layer in model.layers if view != network.widest else ():
            name = network.widest.prefix + layer.name.removeprefix(view.prefix)
            if isinstance(layer, keras.layers.BatchNormalization):
                pairs = zip(layer.variables, widest.get_layer(name).variables, strict=True)
            elif getattr(layer, "bias", None) is not None:
                pairs = zip([layer.bias], [widest.get_layer(name).bias], strict=True)
            else:
                continue
            for own, wide in pairs:
                own.assign(keras.ops.convert_to_numpy(wide)[: own.shape[0]])


def _moved(graph: ChannelGraph, importance: np.ndarray) -> np.ndarray:
    """Returns for each unit which unit takes its place, int `[num_units]`; its own where it stays."""
    moved = np.arange(graph.num_units)
    for group in graph.groups:
        # Units are numbered in the order of the channels of the first layer that makes them.
        places = np.sort(group.units)
        moved[places] = places[np.argsort(-importance[places], kind="stable")]
    return moved


def _places(units: Units, moved: np.ndarray) -> np.ndarray:
    """Returns where each channel of a layer is taken from.

    Args:
      units: Of each channel. A unit that comes several times, as in flattened features, does so for each in its order.
      moved: From `_moved`.
    """
    places: dict[int, list[int]] = {}
    for place, unit in enumerate(units.tolist()):
        places.setdefault(unit, []).append(place)
    seen: dict[int, int] = {}
    found = []
    for unit in units.tolist():
        source = int(moved[unit])
        found.append(places[source][seen.get(source, 0)])
        seen[source] = seen.get(source, 0) + 1
    return np.array(found, int)


def _axes(layer: keras.Layer, graph: ChannelGraph) -> Iterator[tuple[keras.Variable, Units, int]]:
    """Yields each axis of a layer's weights that runs along units, one after the other."""
    channels = graph.layers.get(layer.name)
    if channels is None:
        return
    match type(layer):
        case keras.layers.Conv2D | keras.layers.Dense:
            yield layer.kernel, channels.inputs, _IN
            yield layer.kernel, channels.outputs, _OUT
        case keras.layers.DepthwiseConv2D:
            yield layer.kernel, channels.inputs, _IN
        case keras.layers.Embedding:
            yield layer.embeddings, channels.outputs, _OUT
        case keras.layers.BatchNormalization:
            for variable in layer.variables:
                yield variable, channels.outputs, _OUT
    if type(layer) is not keras.layers.BatchNormalization and getattr(layer, "bias", None) is not None:
        yield layer.bias, channels.outputs, _OUT

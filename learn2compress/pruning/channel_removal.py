"""Rebuilds a network without some of its channels, as a smaller plain Keras model."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from learn2compress.pruning.channel_graph import ChannelGraph, LayerChannels


def without_channels(network: keras.Model, graph: ChannelGraph, kept: np.ndarray) -> keras.Model:
    """Copies a network without the removed units.

    Whatever a removed channel added to the layers behind it is missing there;
    the fine-tuning's first steps make up for that.

    Args:
      network: A functional model.
      graph: Of this network.
      kept: bool `[graph.num_units]`; units of no group must be kept.

    Returns:
      A model of the same name, input, layer names and output shape. It computes
      what the network does where all weights of the removed units are zero.
    """

    def clone(layer: keras.Layer) -> keras.Layer:
        config = layer.get_config()
        return type(layer).from_config(config | _changed_config(layer, graph.layers.get(layer.name), kept))

    smaller = keras.models.clone_model(network, clone_function=clone)
    for layer in network.layers:
        weights = layer.get_weights()
        if weights:
            sliced = _sliced(layer, weights, graph.layers[layer.name], kept)
            smaller.get_layer(layer.name).set_weights(sliced)
    return smaller


def _changed_config(layer: keras.Layer, channels: LayerChannels | None, kept: np.ndarray) -> dict[str, Any]:
    if channels is None:
        return {}
    num_outputs = int(np.sum(kept[channels.outputs]))
    match type(layer):
        case keras.layers.Conv2D:
            return {"filters": num_outputs}
        case keras.layers.Dense:
            return {"units": num_outputs}
        case keras.layers.Embedding:
            return {"output_dim": num_outputs}
        case keras.layers.Reshape:
            return {"target_shape": (*layer.output.shape[1:-1], num_outputs)}
    return {}


def _sliced(
    layer: keras.Layer, weights: list[np.ndarray], channels: LayerChannels, kept: np.ndarray
) -> list[np.ndarray]:
    """Returns the weights of the kept channels, as the layer's `set_weights` takes them."""
    if np.all(kept[channels.inputs]) and np.all(kept[channels.outputs]):
        return weights
    first, *per_output = weights
    kept_outputs = kept[channels.outputs]
    match type(layer):
        case keras.layers.Conv2D | keras.layers.Dense:
            first = first[..., kept[channels.inputs], :][..., kept_outputs]
        case keras.layers.DepthwiseConv2D:
            first = first[..., kept[channels.inputs], :]
        case _:
            # A table, or a weight of batch normalization.
            first = first[..., kept_outputs]
    return [first, *(weight[kept_outputs] for weight in per_output)]

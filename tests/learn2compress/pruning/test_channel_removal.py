"""The smaller network computes what the masked one does, and can be trained for 8 bits."""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np
import pytest

from learn2compress.pruning.channel_choice import choose_removal, kept_units
from learn2compress.pruning.channel_graph import ChannelGraph, channel_graph
from learn2compress.pruning.channel_removal import without_channels
from learn2compress.quantization.qat_network import quantization_aware
from learn2compress.students.cost import count_macs

Make = Callable[[str], keras.Model]
Zeroed = Callable[[keras.Model, ChannelGraph, np.ndarray], keras.Model]
ALL = ("residual", "resnet", "mobilenet", "nasnet", "projection", "embedding", "application")


def logits_of(network: keras.Model, inputs: np.ndarray) -> np.ndarray:
    logits: np.ndarray = keras.ops.convert_to_numpy(network(inputs, training=False))
    return logits


def some_inputs(network: keras.Model) -> np.ndarray:
    return np.random.default_rng(4).integers(0, 256, (32, *network.input_shape[1:])).astype(np.float32) / 255.0


@pytest.mark.parametrize("family", ALL)
def test_the_smaller_network_computes_what_the_masked_one_does(network: Make, zeroed: Zeroed, family: str) -> None:
    full = network(family)
    graph = channel_graph(full)
    importance = np.random.default_rng(5).uniform(0.1, 1.0, graph.num_units)
    removal = choose_removal(graph, importance, 0.5 * count_macs(full))
    kept = kept_units(graph, removal)
    smaller = without_channels(full, graph, kept)
    assert removal.macs_before == count_macs(full)
    assert removal.macs_after == count_macs(smaller)
    assert 0.4 < removal.macs_after / removal.macs_before < 0.6
    assert smaller.count_params() < full.count_params()
    assert smaller.output_shape == full.output_shape
    inputs = some_inputs(full)
    expected = logits_of(zeroed(full, graph, kept), inputs)
    np.testing.assert_allclose(logits_of(smaller, inputs), expected, atol=1e-4, rtol=1e-4)
    assert np.abs(logits_of(full, inputs) - expected).max() > 1e-2


@pytest.mark.parametrize("family", [family for family in ALL if family != "application"])
def test_smaller_students_can_be_trained_for_8_bits(network: Make, family: str) -> None:
    full = network(family)
    graph = channel_graph(full)
    kept = kept_units(graph, choose_removal(graph, np.ones(graph.num_units), 0.5 * count_macs(full)))
    smaller = without_channels(full, graph, kept)
    assert quantization_aware(smaller).count_params() < quantization_aware(full).count_params()

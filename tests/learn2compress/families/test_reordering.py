"""Reordering leaves what the widest computes as it was, and puts the channels that matter first."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from learn2compress.config import FamilyConfig, StageConfig, TaskConfig, TrainingConfig
from learn2compress.families.network import FamilyNetwork, build_family
from learn2compress.families.reordering import reorder_channels, start_narrower
from learn2compress.pruning.channel_graph import channel_graph
from learn2compress.pruning.channel_importance import weight_norms

SHAPE = (8, 8, 1)


def trained(architecture: str) -> FamilyNetwork:
    """A family whose widest view has weights and statistics as after a training."""
    training = TrainingConfig(architecture=architecture, stages=(StageConfig(8, 2), StageConfig(16, 2)))
    family = FamilyConfig(widths=(0.5, 1.0), input_sizes=(6, 8))
    network = build_family(TaskConfig(input_shape=SHAPE), 10, training, family)
    random = np.random.default_rng(0)
    for variable in network.views[network.widest].variables:
        variable.assign(keras.ops.convert_to_numpy(variable) + random.uniform(0.05, 0.5, variable.shape))
    return network


@pytest.mark.parametrize("architecture", ["resnet", "residual", "mobilenet", "nasnet"])
def test_the_widest_computes_what_it_did_and_the_first_channels_are_the_most_important(architecture: str) -> None:
    network = trained(architecture)
    widest = network.views[network.widest]
    images = np.random.default_rng(1).random((4, *SHAPE), np.float32)
    before, kernel = widest(images), np.array(widest.layers[1].kernel)
    num_channels = reorder_channels(network)
    assert num_channels >= 40
    assert (np.array(widest.layers[1].kernel) != kernel).any()
    for name, found in widest(images).items():
        np.testing.assert_allclose(found, before[name], rtol=1e-5, atol=1e-5)
    graph = channel_graph(widest)
    importance = weight_norms(widest, graph)
    for group in graph.groups:
        assert (np.diff(importance[np.sort(group.units)]) <= 1e-6).all()


def test_the_narrower_start_with_the_first_scales_statistics_and_biases() -> None:
    network = trained("resnet")
    start_narrower(network)
    widest = network.views[network.widest]
    for view, model in network.views.items():
        for layer in model.layers:
            wide = (
                widest.get_layer(network.widest.prefix + layer.name.removeprefix(view.prefix)) if layer.weights else 0
            )
            if isinstance(layer, keras.layers.BatchNormalization):
                for own, theirs in zip(layer.variables, wide.variables, strict=True):
                    np.testing.assert_array_equal(own, np.array(theirs)[: own.shape[0]])
            elif getattr(layer, "bias", None) is not None:
                np.testing.assert_array_equal(layer.bias, wide.bias)

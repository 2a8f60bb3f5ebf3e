"""Importance of channels: those that do nothing have none, and to first order it is the slope of the loss."""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np
import pytest

from learn2compress.config import ChannelImportance, DistillationConfig, PruneConfig
from learn2compress.config.parsing import ConfigError
from learn2compress.data.batches import TrainingData
from learn2compress.pruning.channel_graph import ChannelGraph, channel_graph
from learn2compress.pruning.channel_importance import batch_norm_scales, channel_importance, taking_layers
from learn2compress.training.losses import student_loss
from learn2compress.training.plan import TrainingPlan
from learn2compress.training.step import as_float

Make = Callable[[str], keras.Model]
Zeroed = Callable[[keras.Model, ChannelGraph, np.ndarray], keras.Model]
PLAN = TrainingPlan("prune", epochs=2, learning_rate=0.001, distillation=DistillationConfig(), seed=3)


@pytest.mark.parametrize("kind", list(ChannelImportance))
def test_channels_that_do_nothing_have_the_least_importance(
    network: Make, zeroed: Zeroed, digits_data: Callable[..., TrainingData], kind: ChannelImportance
) -> None:
    full = network("residual")
    graph = channel_graph(full)
    idle = np.zeros(graph.num_units, bool)
    for group in graph.groups:
        idle[group.units[1::2]] = True
    silent = zeroed(full, graph, ~idle)
    importance = channel_importance(silent, graph, digits_data(), PruneConfig(importance=kind), PLAN)
    for group in graph.groups:
        values = importance[group.units]
        assert np.all(values[1::2] < 1e-9 * values[::2].max())
        assert np.median(values[::2]) > 0


def test_importance_by_first_order_is_the_slope_of_the_loss(
    network: Make, digits_data: Callable[..., TrainingData]
) -> None:
    data, student = digits_data(batch_size=512), network("residual")
    graph = channel_graph(student)
    importance = channel_importance(student, graph, data, PruneConfig(), PLAN)
    (batch,) = data.epoch(PLAN.seed, 0)

    def loss() -> float:
        logits = student(as_float(batch.inputs), training=False)
        return float(student_loss(batch.targets, logits, batch.teacher_logits, PLAN.distillation))

    before, share = loss(), 0.01
    for group in graph.groups:
        unit = group.units[np.argmax(importance[group.units])]
        kernels = {layer: layer.kernel.numpy() for layer in taking_layers(student, graph)}
        for layer, kernel in kernels.items():
            rows = graph.layers[layer.name].inputs == unit
            layer.kernel.assign(kernel * (1.0 - share * rows[:, None]))
        assert ((loss() - before) / share) ** 2 == pytest.approx(importance[unit], rel=0.1)
        for layer, kernel in kernels.items():
            layer.kernel.assign(kernel)


def test_units_without_a_scale_can_not_be_ranked_by_scales(network: Make) -> None:
    full = network("application")
    graph = channel_graph(full)
    scales = batch_norm_scales(full, graph)
    # The only normalization follows the convolution by channel, which takes the stem's channels.
    assert {group.name for group in graph.groups if not np.any(np.isnan(scales[group.units]))} == {"stem"}
    plain = network("plain")
    with pytest.raises(ConfigError, match="found batch_norm_scale for student 'plain', which has no"):
        batch_norm_scales(plain, channel_graph(plain))


def test_only_layers_with_a_row_for_each_input_take_channels(network: Make) -> None:
    full = network("mobilenet")
    names = {layer.name for layer in taking_layers(full, channel_graph(full))}
    assert "only_logits" in names
    assert not any("depthwise" in name and "norm" not in name for name in names)

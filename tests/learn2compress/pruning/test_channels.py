"""Channels are found, chosen and taken out; the smaller network computes what the masked one does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from learn2compress.config import ChannelImportance, DistillationConfig, PruneConfig, PruneMethod
from learn2compress.config.parsing import ConfigError
from learn2compress.data.batches import TrainingData
from learn2compress.pruning import prune_student
from learn2compress.pruning.channel_choice import choose_removal, kept_units
from learn2compress.pruning.channel_graph import ChannelGraph, channel_graph
from learn2compress.pruning.channel_importance import channel_importance, taking_layers
from learn2compress.pruning.channel_removal import without_channels
from learn2compress.quantization.qat_network import quantization_aware
from learn2compress.students.cost import count_macs
from learn2compress.training.checkpoint import Checkpoint
from learn2compress.training.loop import make_deterministic
from learn2compress.training.losses import student_loss
from learn2compress.training.plan import TrainingPlan
from learn2compress.training.step import as_float

Make = Callable[[str], keras.Model]
PLAN = TrainingPlan("prune", epochs=2, learning_rate=0.001, distillation=DistillationConfig(), seed=3)
ALL = ("residual", "mobilenet", "nasnet", "projection", "embedding", "application")


def zeroed(network: keras.Model, graph: ChannelGraph, kept: np.ndarray) -> keras.Model:
    """A copy of the same size in which every weight of the units that go is zero."""
    copy = keras.models.clone_model(network)
    for layer in network.layers:
        weights = layer.get_weights()
        if layer.name in graph.layers and weights:
            channels = graph.layers[layer.name]
            first, *others = weights
            if isinstance(layer, (keras.layers.Conv2D, keras.layers.Dense, keras.layers.DepthwiseConv2D)):
                first[..., ~kept[channels.inputs], :] = 0.0
            if not isinstance(layer, keras.layers.DepthwiseConv2D):
                first[..., ~kept[channels.outputs]] = 0.0
            for weight in others:
                weight[~kept[channels.outputs]] = 0.0
            weights = [first, *others]
        copy.get_layer(layer.name).set_weights(weights)
    return copy


def logits_of(network: keras.Model, inputs: np.ndarray) -> np.ndarray:
    logits: np.ndarray = keras.ops.convert_to_numpy(network(inputs, training=False))
    return logits


def some_inputs(network: keras.Model) -> np.ndarray:
    return np.random.default_rng(4).integers(0, 256, (32, *network.input_shape[1:])).astype(np.float32) / 255.0


@pytest.mark.parametrize("family", ALL)
def test_the_smaller_network_computes_what_the_masked_one_does(network: Make, family: str) -> None:
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


def test_channels_of_a_residual_stream_go_together(network: Make) -> None:
    graph = channel_graph(network("residual"))
    assert [group.name for group in graph.groups] == [
        "stage1_conv1+stage1_conv2",
        "stage2_conv1+stage2_conv2",
        "only_conv",
    ]
    assert [group.units.size for group in graph.groups] == [16, 40, 80]
    assert [group.multiple for group in graph.groups] == [4, 8, 8]


def test_depthwise_convolutions_and_concatenations_follow_what_they_take(network: Make) -> None:
    graph = channel_graph(network("application"))
    assert {group.name: group.units.size for group in graph.groups} == {
        "stem": 16, "growth": 8, "separable+shortcut+gate": 24, "hidden": 20,
    }  # fmt: skip
    stem = graph.layers["stem"].outputs
    np.testing.assert_array_equal(graph.layers["doubling"].outputs, np.repeat(stem, 2))
    np.testing.assert_array_equal(graph.layers["dense_block"].outputs[:48], [*stem, *np.repeat(stem, 2)])


def test_what_a_layer_does_that_is_not_known_stays() -> None:
    inputs = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(16, 3, name="first")(inputs)
    x = keras.layers.Softmax()(x)
    x = keras.layers.Conv2D(16, 3, name="second")(x)
    outputs = keras.layers.Dense(4)(keras.layers.GlobalMaxPooling2D()(x))
    assert [group.name for group in channel_graph(keras.Model(inputs, outputs)).groups] == ["second"]


def test_a_layer_that_is_used_twice_is_refused() -> None:
    inputs = keras.Input((8, 8, 3))
    layer = keras.layers.Conv2D(3, 3, name="again")
    with pytest.raises(ValueError, match="layer 'again': found it used twice, accepted is once"):
        channel_graph(keras.Model(inputs, layer(layer(inputs))))


def test_no_group_is_left_far_behind_the_others(network: Make) -> None:
    graph = channel_graph(network("residual"))
    importance = np.ones(graph.num_units)
    importance[graph.groups[2].units] = 0.0
    target = 0.5 * graph.macs(np.ones(graph.num_units, bool))
    # Of 80 worthless channels, half of the 0.71 that halving all alike would leave, rounded up to a multiple of 8.
    assert [len(kept) for kept in choose_removal(graph, importance, target).kept.values()][2] == 32


def test_kept_channels_are_multiples_and_never_fewer(network: Make) -> None:
    graph = channel_graph(network("residual"))
    removal = choose_removal(graph, np.ones(graph.num_units), 0.0)
    assert [len(kept) for kept in removal.kept.values()] == [4, 8, 8]


def test_operations_come_as_near_to_the_target_as_rounding_allows(network: Make) -> None:
    graph = channel_graph(network("mobilenet"))
    importance = np.random.default_rng(5).uniform(0.1, 1.0, graph.num_units)
    for macs_ratio in (0.1, 0.3, 0.5, 0.7):
        target = (1 - macs_ratio) * graph.macs(np.ones(graph.num_units, bool))
        assert choose_removal(graph, importance, target).macs_after == pytest.approx(target, rel=0.02)


def test_the_least_important_channels_go(network: Make) -> None:
    graph = channel_graph(network("residual"))
    importance = np.ones(graph.num_units)
    stream = graph.groups[1].units
    importance[stream[::2]] = 1e-6
    removal = choose_removal(graph, importance, 0.8 * graph.macs(np.ones(graph.num_units, bool)))
    assert set(removal.kept[graph.groups[1].name]) >= set(range(1, 40, 2))
    assert len(removal.kept[graph.groups[0].name]) == 16


@pytest.mark.parametrize("kind", list(ChannelImportance))
def test_channels_that_do_nothing_are_worth_least(
    network: Make, digits_data: Callable[..., TrainingData], kind: ChannelImportance
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


def test_scales_can_not_judge_where_nothing_is_normalized(
    network: Make, digits_data: Callable[..., TrainingData]
) -> None:
    plain = network("plain")
    config = PruneConfig(method=PruneMethod.CHANNELS, importance=ChannelImportance.BATCH_NORM_SCALE)
    with pytest.raises(ConfigError, match="found batch_norm_scale for student 'plain', which has no batch norm"):
        prune_student(plain, "plain", digits_data(), config, PLAN)


class Killed(Exception):
    """In place of a kill."""


class DyingCheckpoint(Checkpoint):
    """Dies when the first epoch is saved."""

    def save(self, *state: Any) -> None:
        super().save(*state)
        raise Killed


def test_a_student_loses_half_of_its_operations_and_a_killed_pruning_ends_at_the_same_weights(
    network: Make, digits_data: Callable[..., TrainingData], tmp_path: Path
) -> None:
    config, data = PruneConfig(method=PruneMethod.CHANNELS), digits_data(batch_size=128)
    make_deterministic(3)
    full = network("plain")
    before = full.get_weights()
    undisturbed, history = prune_student(full, "only", data, config, PLAN)
    assert count_macs(undisturbed) == pytest.approx(0.5 * count_macs(full), rel=0.1)
    assert [(record.phase, record.epoch, record.sparsity_ratio) for record in history] == [
        ("prune", epoch, 0.0) for epoch in (1, 2)
    ]
    for old, new in zip(before, full.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    with pytest.raises(Killed):
        prune_student(network("plain"), "only", data, config, PLAN, checkpoint=DyingCheckpoint(tmp_path))
    resumed, records = prune_student(network("plain"), "only", data, config, PLAN, checkpoint=Checkpoint(tmp_path))
    assert records == history
    for one, other in zip(undisturbed.get_weights(), resumed.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)

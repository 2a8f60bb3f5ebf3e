"""Channels that can only be removed together are found, and those that must be kept."""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np
import pytest

from learn2compress.pruning.channel_graph import channel_graph
from learn2compress.students.cost import count_macs

Make = Callable[[str], keras.Model]


def test_channels_of_a_residual_stream_are_removed_together(network: Make) -> None:
    graph = channel_graph(network("residual"))
    assert [group.name for group in graph.groups] == [
        "stage1_conv1+stage1_conv2",
        "stage2_conv1+stage2_conv2",
        "only_conv",
    ]
    assert [group.units.size for group in graph.groups] == [16, 40, 80]
    assert [group.multiple for group in graph.groups] == [4, 8, 8]


def test_a_resnet_block_that_changes_the_size_ties_its_two_convolutions(network: Make) -> None:
    graph = channel_graph(network("resnet"))
    # In the first stage the shortcut goes around both convolutions, back to the stem; in the second, around one.
    assert [(group.name, group.units.size) for group in graph.groups] == [
        ("stem_conv+stage1_block1_second_conv+stage1_block2_second_conv", 16),
        ("stage1_block1_first_conv", 16),
        ("stage1_block2_first_conv", 16),
        ("stage2_block1_first_conv+stage2_block1_second_conv+stage2_block2_second_conv", 40),
        ("stage2_block2_first_conv", 40),
        ("only_conv", 40),
    ]


def test_depthwise_convolutions_and_concatenations_follow_what_they_take(network: Make) -> None:
    graph = channel_graph(network("application"))
    assert {group.name: group.units.size for group in graph.groups} == {
        "stem": 16, "growth": 8, "separable+shortcut+gate": 24, "hidden": 20,
    }  # fmt: skip
    stem = graph.layers["stem"].outputs
    np.testing.assert_array_equal(graph.layers["doubling"].outputs, np.repeat(stem, 2))
    np.testing.assert_array_equal(graph.layers["dense_block"].outputs[:48], [*stem, *np.repeat(stem, 2)])


def test_gates_and_scalings_by_one_number_hand_channels_on() -> None:
    inputs = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(16, 3, activation="hard_silu", name="first")(inputs)
    gate = keras.layers.GlobalAveragePooling2D(keepdims=True)(x)
    gate = keras.layers.Conv2D(16, 1, activation="sigmoid", name="gate")(keras.layers.Rescaling(2.0)(gate))
    x = keras.layers.Multiply()([x, gate])
    x = keras.layers.Rescaling([1.0] * 16)(keras.layers.Conv2D(16, 3, name="kept")(x))
    outputs = keras.layers.Dense(4)(keras.layers.GlobalMaxPooling2D()(x))
    assert [group.name for group in channel_graph(keras.Model(inputs, outputs)).groups] == ["first+gate"]


def test_channels_that_reach_an_unknown_layer_are_kept() -> None:
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


@pytest.mark.parametrize(
    "family", ["residual", "resnet", "mobilenet", "nasnet", "projection", "embedding", "application"]
)
def test_operations_of_the_whole_graph_are_those_of_the_network(network: Make, family: str) -> None:
    full = network(family)
    graph = channel_graph(full)
    assert graph.macs(np.ones(graph.num_units, bool)) == count_macs(full)


def test_a_group_becomes_smaller_by_multiples_and_never_vanishes(network: Make) -> None:
    group = channel_graph(network("residual")).groups[0]
    assert [group.next_smaller(size) for size in (16, 15, 12, 5, 4, 1)] == [12, 12, 8, 4, None, None]


def test_a_network_of_logits_alone_has_no_groups() -> None:
    inputs = keras.Input((8, 8, 1))
    logits = keras.layers.Dense(10)(keras.layers.Flatten()(inputs))
    assert channel_graph(keras.Model(inputs, logits)).groups == ()

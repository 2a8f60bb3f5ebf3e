"""The channels to remove are chosen: the least important, in steps, as near to the target as rounding allows."""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np
import pytest

from learn2compress.pruning.channel_choice import choose_removal, kept_units
from learn2compress.pruning.channel_graph import channel_graph

Make = Callable[[str], keras.Model]


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


def test_the_least_important_channels_are_removed(network: Make) -> None:
    graph = channel_graph(network("residual"))
    importance = np.ones(graph.num_units)
    stream = graph.groups[1].units
    importance[stream[::2]] = 1e-6
    removal = choose_removal(graph, importance, 0.8 * graph.macs(np.ones(graph.num_units, bool)))
    assert set(removal.kept[graph.groups[1].name]) >= set(range(1, 40, 2))
    assert len(removal.kept[graph.groups[0].name]) == 16


def test_groups_that_can_not_be_ranked_are_kept_whole(network: Make) -> None:
    graph = channel_graph(network("residual"))
    importance = np.ones(graph.num_units)
    importance[graph.groups[2].units[0]] = np.nan
    removal = choose_removal(graph, importance, 0.5 * graph.macs(np.ones(graph.num_units, bool)))
    assert len(removal.kept[graph.groups[2].name]) == graph.groups[2].units.size
    assert removal.macs_after < removal.macs_before


def test_a_decision_becomes_the_units_it_keeps(network: Make) -> None:
    graph = channel_graph(network("residual"))
    removal = choose_removal(graph, np.ones(graph.num_units), 0.5 * graph.macs(np.ones(graph.num_units, bool)))
    kept = kept_units(graph, removal)
    assert graph.macs(kept) == removal.macs_after
    for group in graph.groups:
        assert tuple(np.flatnonzero(kept[group.units])) == removal.kept[group.name]
    in_no_group = np.setdiff1d(np.arange(graph.num_units), np.concatenate([group.units for group in graph.groups]))
    assert np.all(kept[in_no_group])

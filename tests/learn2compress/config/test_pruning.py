"""Settings of pruning are consistent with its method."""

from __future__ import annotations

import pytest

from learn2compress.config import PruneConfig
from learn2compress.config.parsing import ConfigError, parse


def test_a_pattern_keeps_whole_weights() -> None:
    assert parse(PruneConfig, {"method": "n_of_m", "sparsity_ratio": 0.75}).kept_of_group == 1
    message = "sparsity_ratio: found 0.6 with method 'n_of_m', accepted .* of 4: multiples of 0.25"
    with pytest.raises(ConfigError, match=message):
        parse(PruneConfig, {"method": "n_of_m", "sparsity_ratio": 0.6}, "prune")


@pytest.mark.parametrize("method", ["n_of_m", "channels"])
def test_ratios_of_layers_are_for_methods_that_prune_layer_by_layer(method: str) -> None:
    with pytest.raises(ConfigError, match=f"layer_sparsity_ratios: found it with method '{method}', accepted is magni"):
        parse(PruneConfig, {"method": method, "layer_sparsity_ratios": {"stage1_conv1": 0.2}}, "prune")


def test_nothing_changes_where_all_ratios_are_0() -> None:
    assert PruneConfig(sparsity_ratio=0.0).changes_nothing
    assert PruneConfig(sparsity_ratio=0.0, layer_sparsity_ratios={"stage1_conv1": 0.0}).changes_nothing
    assert not PruneConfig(sparsity_ratio=0.0, layer_sparsity_ratios={"stage1_conv1": 0.2}).changes_nothing
    assert not PruneConfig().changes_nothing

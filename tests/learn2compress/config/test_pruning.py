"""Settings of pruning."""

from __future__ import annotations

from typing import Any

import pytest

from learn2compress.config import PruneConfig
from learn2compress.config.parsing import ConfigError, parse


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"sparsity_ratio": 1.0}, "sparsity_ratio: found 1.0"),
        ({"method": "n_of_m", "sparsity_ratio": 0.3}, "sparsity_ratio: found 0.3 with method 'n_of_m', accepted are"),
        (
            {"method": "channels", "layer_sparsity_ratios": {"a": 0.5}},
            "layer_sparsity_ratios: found it with method 'channels', accepted is magnitude or block",
        ),
        ({"layer_sparsity_ratios": {"a": 1.5}}, "layer_sparsity_ratios.a: found 1.5"),
        ({"block_shape": [4]}, "block_shape"),
        ({"ramp_ratio": 0.0}, "ramp_ratio: found 0.0"),
    ],
)
def test_what_no_method_can_do_is_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(PruneConfig, settings)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(("group_size", "sparsity_ratio", "kept"), [(4, 0.5, 2), (4, 0.25, 3), (8, 0.75, 2)])
def test_of_a_group_whole_weights_are_kept(group_size: int, sparsity_ratio: float, kept: int) -> None:
    settings = {"method": "n_of_m", "group_size": group_size, "sparsity_ratio": sparsity_ratio}
    assert parse(PruneConfig, settings).kept_of_group == kept


@pytest.mark.parametrize(
    ("settings", "nothing"),
    [
        ({"sparsity_ratio": 0.0}, True),
        ({"sparsity_ratio": 0.1}, False),
        ({"sparsity_ratio": 0.0, "layer_sparsity_ratios": {"a": 0.0}}, True),
        ({"sparsity_ratio": 0.0, "layer_sparsity_ratios": {"a": 0.5}}, False),
    ],
)
def test_without_a_ratio_nothing_is_pruned(settings: dict[str, Any], nothing: bool) -> None:
    assert parse(PruneConfig, settings).changes_nothing is nothing

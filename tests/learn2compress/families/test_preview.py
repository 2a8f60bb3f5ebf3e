"""A budget that no sub-network can be within is refused before anything is trained."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from learn2compress.config import CompressionConfig
from learn2compress.config.parsing import ConfigError, parse
from learn2compress.families.preview import check_family_networks

GIVEN: dict[str, Any] = {
    "name": "a",
    "teacher": {"uri": "t"},
    "training": {"architecture": "resnet", "stages": [{"channels": 8}, {"channels": 12}]},
    "search": {"family": {"widths": [0.5, 1.0], "input_sizes": [6, 8]}},
}


def check(budget: dict[str, Any] | None, **family: Any) -> None:
    config = parse(CompressionConfig, GIVEN | {"students": [{"name": "small", "budget": budget}]})
    assert config.family is not None
    check_family_networks(config, dataclasses.replace(config.family, **family), 10)


def test_the_cheapest_sub_network_may_be_all_that_fits() -> None:
    # The stem, a block of the first stage and its head, of 4 channels at 6 pixels.
    check({"max_macs": 12_000, "max_model_bytes": 460})
    check(None)


@pytest.mark.parametrize(
    ("budget", "message"),
    [
        ({"max_macs": 11_000}, r"students\.small\.budget: found max_macs 11000, accepted is more than 11848: what the"),
        ({"max_model_bytes": 400}, "found max_model_bytes 400, accepted is more than 454: .* of the 8 sub-networks"),
    ],
)
def test_less_is_refused(budget: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        check(budget)


def test_widths_of_the_same_channels_are_refused() -> None:
    with pytest.raises(ConfigError, match="which have the same channels"):
        check(None, widths=(0.5, 0.55, 1.0))

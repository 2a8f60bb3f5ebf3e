"""What a search may try: ranges with at least as many points as it has trials."""

from __future__ import annotations

from typing import Any

import pytest

from learn2compress.config import SearchConfig
from learn2compress.config.parsing import ConfigError, parse


@pytest.mark.parametrize(
    ("sparsity_ratio", "ratios"),
    [
        ([0.0, 0.2], (0.0, 0.05, 0.1, 0.15, 0.2)),
        ([0.25, 0.42], (0.25, 0.3, 0.35, 0.4)),
        # Neither end nor number of steps may fall to a rounding error.
        ([0.1, 0.8], tuple(round(0.1 + 0.05 * step, 6) for step in range(15))),
    ],
)
def test_sparsity_is_tried_in_equal_steps(sparsity_ratio: list[float], ratios: tuple[float, ...]) -> None:
    config = parse(SearchConfig, {"sparsity_ratio": sparsity_ratio, "trials": 2, "variants": 1})
    assert config.sparsity_ratios == ratios


def test_points_are_all_combinations() -> None:
    config = parse(
        SearchConfig,
        {"sparsity_ratio": [0.0, 0.2], "method": ["magnitude", "channels"], "recipe": ["int8_ptq", "float16", "mixed"]},
    )
    assert config.num_points == 5 * 2 * 3


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"sparsity_ratio": [0.8, 0.2]}, "sparsity_ratio: found [0.8, 0.2], accepted is a lowest"),
        ({"sparsity_ratio": [0.2, 1.0]}, "sparsity_ratio: found [0.2, 1.0], accepted is a lowest"),
        ({"recipe": []}, "recipe: found [], accepted is each once"),
        ({"recipe": ["mixed", "mixed"]}, "recipe: found ['mixed', 'mixed'], accepted is each once"),
        ({"method": ["n_of_m"]}, "method: found 'n_of_m', accepted are"),
        ({"sparsity_ratio": [0.5, 0.5]}, "trials: found 12, accepted are 2 to 1"),
        ({"trials": 4, "variants": 5}, "variants: found 5, accepted are 1 to 4"),
        ({"back_off_trials": 3}, "back_off_trials: found it without max_accuracy_drop"),
        (
            {"back_off_trials": 3, "max_accuracy_drop": 0.1, "method": ["channels"]},
            "back_off_trials: found it with channels alone",
        ),
        (
            {"trials": 8, "back_off_trials": 7, "max_accuracy_drop": 0.1},
            "back_off_trials: found 7, accepted are 0 to 6",
        ),
    ],
)
def test_what_can_not_be_searched_is_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(SearchConfig, settings, "search")
    assert str(caught.value).startswith(f"search: {message}") or str(caught.value).startswith(f"search.{message}")

"""Ranges of a search are whole and consistent, and nothing that it would leave out is accepted beside it."""

from __future__ import annotations

import pytest

from learn2compress.config import CompressionConfig, PruneMethod, SearchConfig
from learn2compress.config.parsing import ConfigError, parse


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"sparsity_ratio": [0.8, 0.2]}, "sparsity_ratio: found [0.8, 0.2], accepted is a lowest"),
        ({"recipe": []}, "recipe: found [], accepted is each once"),
        ({"method": ["n_of_m"]}, "method: found 'n_of_m', accepted are"),
        ({"sparsity_ratio": [0.5, 0.5]}, "trials: found 12, accepted are 2 to 1"),
        ({"trials": 4, "variants": 5}, "variants: found 5, accepted are 1 to 4"),
    ],
)
def test_what_can_not_be_searched_is_refused(fields: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError) as error:
        parse(SearchConfig, fields, "search")
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"max_accuracy_drop": None}, "back_off_trials: found it without max_accuracy_drop"),
        ({"method": ["channels"]}, "back_off_trials: found it with channels alone"),
        ({"back_off_trials": 7}, "back_off_trials: found 7, accepted are 0 to 6"),
    ],
)
def test_a_back_off_that_can_not_be_is_refused(change: dict[str, object], message: str) -> None:
    given = {"trials": 8, "max_accuracy_drop": 0.02, "back_off_trials": 3} | change
    with pytest.raises(ConfigError, match=message):
        parse(SearchConfig, given, "search")


def test_sparsity_is_searched_in_whole_steps_from_the_lowest_to_the_highest() -> None:
    methods = (PruneMethod.MAGNITUDE, PruneMethod.CHANNELS)
    for low in range(100):
        for high in range(low, 100):
            config = SearchConfig(trials=2, variants=1, sparsity_ratio=(low / 100, high / 100), method=methods)
            steps = range(low, high + 1, 5)
            assert config.sparsity_ratios == tuple(step / 100 for step in steps)
            assert config.num_points == 2 * len(steps)


@pytest.mark.parametrize(
    ("prune", "message"),
    [
        ({"layer_sparsity_ratios": {"stage1_conv1": 0.2}}, "prune.layer_sparsity_ratios: found some beside a search"),
        ({"sensitivity": True}, "prune.sensitivity: found true beside a search, accepted is false"),
    ],
)
def test_what_a_search_would_leave_out_is_refused(prune: dict[str, object], message: str) -> None:
    given = {"name": "a", "teacher": {"uri": "t"}, "students": [{"name": "small"}], "search": {}}
    with pytest.raises(ConfigError, match=message):
        parse(CompressionConfig, given | {"prune": prune})
    own = {"students": [{"name": "small", "prune": prune}]}
    with pytest.raises(ConfigError, match=f"students.small.{message}"):
        parse(CompressionConfig, given | own)

"""What `l2c pick` is given becomes a budget and a list of one student, or one line that names the option."""

from __future__ import annotations

import math
from typing import Any

import pytest

from learn2compress.config import BudgetConfig
from learn2compress.config.parsing import ConfigError
from pipelines.picking import budget_of


def test_limits_are_those_of_a_budget() -> None:
    assert budget_of("60kB", 2.5, 1000) == BudgetConfig(60_000, 1000, 2.5)
    assert budget_of(None, None, 1000) == BudgetConfig(max_macs=1000)
    assert budget_of(None, None, None) is None


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        (("sixty", None, None), "--max-bytes: found 'sixty', accepted is a number of bytes"),
        ((None, 0.0, None), "--max-latency-ms: found 0.0, accepted is a number above 0"),
        ((None, math.nan, None), "--max-latency-ms: found nan, accepted is a number above 0"),
        ((None, None, -3), "--max-macs: found -3, accepted is a number above 0"),
    ],
)
def test_what_is_no_limit_is_refused(limits: tuple[Any, ...], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        budget_of(*limits)

"""The front is what nothing beats, and a budget picks the most accurate within all of its limits."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from learn2compress.config import BudgetConfig
from learn2compress.config.parsing import ConfigError
from learn2compress.families.front import not_beaten, pick
from learn2compress.results.sub_networks import FamilyFront, SubNetwork, SubNetworkResult


def result(width: float, top_1: float, macs: int, model_bytes: int | None) -> SubNetworkResult:
    return SubNetworkResult(SubNetwork(width, 1, 1, 8), top_1, macs // 2, macs, model_bytes)


LARGE, MEDIUM, SMALL = result(1.0, 0.9, 900, 9000), result(0.75, 0.8, 500, 5000), result(0.5, 0.7, 300, 3000)
BEATEN = result(0.6, 0.65, 400, None)
FRONT = FamilyFront(100, (LARGE, MEDIUM, SMALL, BEATEN))


def picked(budget: BudgetConfig | None, latencies_ms: dict[float, float] | None = None) -> SubNetworkResult:
    def latency_of(one: SubNetworkResult, limit_ms: float) -> float:
        assert latencies_ms is not None, "nobody asked for a latency"
        return latencies_ms.pop(one.sub_network.width)

    return pick(FRONT, budget, latency_of, "students.s")


def test_nothing_on_the_front_is_beaten_and_all_else_is() -> None:
    random = np.random.default_rng(0)
    results = [
        dataclasses.replace(LARGE, top_1=float(a), macs=int(m), num_parameters=int(p))
        for a, m, p in zip(random.integers(0, 9, 200) / 10, *random.integers(1, 9, (2, 200)), strict=True)
    ]

    def beats(one: SubNetworkResult, other: SubNetworkResult) -> bool:
        no_worse = one.top_1 >= other.top_1 and one.macs <= other.macs and one.num_parameters <= other.num_parameters
        return no_worse and one != other

    front = not_beaten(results, lambda one: (one.macs, one.num_parameters))
    assert len(set(front)) == len(front)
    assert set(front) == {one for one in results if not any(beats(other, one) for other in results)}


def test_the_most_accurate_within_every_limit_is_picked() -> None:
    assert picked(None) == LARGE
    assert picked(BudgetConfig(max_model_bytes=9000)) == LARGE
    assert picked(BudgetConfig(max_model_bytes=8999)) == MEDIUM
    assert picked(BudgetConfig(max_macs=600, max_model_bytes=4000)) == SMALL


def test_latency_is_measured_until_one_is_fast_enough() -> None:
    left = {1.0: 3.0, 0.75: 2.0, 0.5: 1.0}
    assert picked(BudgetConfig(max_latency_ms=2.0), left) == MEDIUM
    assert left == {0.5: 1.0}


@pytest.mark.parametrize(
    ("budget", "latencies_ms", "message"),
    [
        (
            {"max_model_bytes": 1500, "max_macs": 299},
            None,
            r"students.s.budget: found max_model_bytes 1500, max_macs 299, accepted .* closest, width 0.5, stage 1 "
            r"block 1 at 8 pixels, has 3000 bytes and 300 operations with an accuracy of 0.7000",
        ),
        (
            {"max_latency_ms": 0.5, "max_macs": 600},
            {0.75: 2.0, 0.5: 1.0},
            r"students.s.budget: found max_macs 600, max_latency_ms 0.5, .* fastest .* width 0.5, .* takes 1 ms"
            " with an accuracy of 0.7000",
        ),
    ],
)
def test_a_budget_that_nothing_is_within_is_told_the_closest(
    budget: dict[str, float], latencies_ms: dict[float, float] | None, message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        picked(BudgetConfig(**budget), latencies_ms)  # type: ignore[arg-type]

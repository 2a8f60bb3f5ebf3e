"""The estimate follows the published table."""

from __future__ import annotations

from typing import Any

import pytest

from learn2compress.litert.arithmetic import operator_work
from learn2compress.litert.energy import estimate_energy
from learn2compress.litert.operators import model_cost


def test_the_energy_estimate_is_that_of_the_published_table(models: Any) -> None:
    work, cost = operator_work(models.int8), model_cost(models.int8)

    found = estimate_energy(work, cost.weight_bytes)

    moved = sum(one.activation_bytes for one in work)
    assert found.compute_uj == pytest.approx(cost.macs * 0.3e-6)
    assert found.memory_uj == pytest.approx((cost.weight_bytes * 162.5 + moved * 12.5) * 1e-6)
    assert found.total_uj == found.compute_uj + found.memory_uj


def test_the_same_network_costs_less_energy_in_int8(models: Any) -> None:
    def total(model: bytes) -> float:
        return estimate_energy(operator_work(model), model_cost(model).weight_bytes).total_uj

    assert total(models.int8) < total(models.float32) / 3


def test_nothing_needs_no_energy() -> None:
    assert estimate_energy([], 0).total_uj == 0.0

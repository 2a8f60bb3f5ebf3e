"""The learning rate of each step, and an order of examples for each phase."""

from __future__ import annotations

import dataclasses

import pytest

from learn2compress.config import DistillationConfig
from learn2compress.training.plan import TrainingPlan

PLAN = TrainingPlan("train", epochs=3, learning_rate=0.01, distillation=DistillationConfig(), seed=3, warmup_ratio=0.1)


def test_learning_rate_warms_up_and_falls_to_zero() -> None:
    shares = [PLAN.schedule(step, 100) for step in range(101)]
    assert shares[0] == pytest.approx(0.1)
    assert max(shares) == pytest.approx(1.0)
    assert shares.index(max(shares)) in (9, 10)
    assert shares[100] == pytest.approx(0.0)


def test_without_a_warm_up_the_first_step_is_the_highest() -> None:
    plan = dataclasses.replace(PLAN, warmup_ratio=0.0)
    shares = [plan.schedule(step, 50) for step in range(50)]
    assert shares[0] == 1.0
    assert shares[25] == pytest.approx(0.5)
    assert shares == sorted(shares, reverse=True)


def test_lookahead_keeps_a_share_that_rises_with_the_cube_every_few_steps() -> None:
    assert all(PLAN.lookahead_decay_after(step, 20) is None for step in range(20))
    plan = dataclasses.replace(PLAN, lookahead_steps=5, lookahead_decay=0.8)
    shares = {step: plan.lookahead_decay_after(step, 20) for step in range(20)}
    found = {step: share for step, share in shares.items() if share is not None}
    assert found == pytest.approx({4: 0.8 / 64, 9: 0.8 / 8, 14: 0.8 * 27 / 64, 19: 0.8})


def test_phase_and_seed_alone_decide_the_order_of_examples() -> None:
    seeds = {
        dataclasses.replace(PLAN, phase=phase, seed=seed).data_seed
        for phase in ("train", "prune", "quantize")
        for seed in (3, 4)
    }
    assert len(seeds) == 6
    assert all(0 <= seed < 2**32 for seed in seeds)
    assert dataclasses.replace(PLAN, learning_rate=0.5, epochs=9).data_seed == PLAN.data_seed

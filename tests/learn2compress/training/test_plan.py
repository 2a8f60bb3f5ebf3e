"""Plans by the configuration, the learning rate of each step, and an order of examples for each phase."""

from __future__ import annotations

import dataclasses
import itertools

import pytest

from learn2compress.config import DistillationConfig, Optimizer, Precision, StudentConfig, TrainingConfig
from learn2compress.training.plan import TrainingPlan, cosine_share, joint_plan, phase_plan

PLAN = TrainingPlan("train", epochs=3, learning_rate=0.01, distillation=DistillationConfig(), seed=3, warmup_ratio=0.1)


def test_learning_rate_warms_up_and_falls_to_zero() -> None:
    shares = [PLAN.schedule(step, 100) for step in range(101)]
    assert shares[0] == pytest.approx(0.1)
    assert max(shares) == pytest.approx(1.0)
    assert shares.index(max(shares)) in (9, 10)
    assert shares[100] == pytest.approx(0.0)


def test_a_cosine_rises_for_its_warm_up_and_falls_to_nothing() -> None:
    shares = [cosine_share(step, 100, 0.05) for step in range(100)]
    assert shares[:6] == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0, 1.0])
    assert all(later < earlier for earlier, later in itertools.pairwise(shares[5:]))
    assert shares[-1] < 0.001


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


def test_each_setting_of_the_training_is_in_the_joint_plan() -> None:
    training = TrainingConfig(
        epochs=8,
        optimizer=Optimizer.SGD,
        learning_rate=0.5,
        momentum=0.75,
        batch_norm_bias_rate=2.0,
        warmup_ratio=0.25,
        weight_decay=0.125,
        gradient_clip_norm=3.0,
        weight_average_decay=0.5,
        lookahead_steps=4,
        lookahead_decay=0.25,
        early_stopping_epochs=5,
        unshared_ratio=0.5,
        precision=Precision.BFLOAT16,
        distillation=DistillationConfig(exits_weight=0.5),
    )
    students = (StudentConfig("large", loss_weight=2.0), StudentConfig("small", stage=1, joins_after_ratio=0.25))
    plan = joint_plan(training, students, "large", seed=9, teacher_learning_rate=0.01)
    assert plan.loss_weights == {"large": 2.0, "small": 1.0}
    assert plan.joins_at_epoch == {"large": 0, "small": 2}
    assert (plan.phase, plan.seed, plan.largest, plan.teacher_learning_rate) == ("train", 9, "large", 0.01)
    assert plan.unshared_from_epoch == 4
    same = {field.name for field in dataclasses.fields(plan)} & {field.name for field in dataclasses.fields(training)}
    assert len(same) >= 14
    assert {name: getattr(plan, name) for name in same} == {name: getattr(training, name) for name in same}


def test_a_phase_of_one_student_follows_neither_hints_nor_other_exits_and_8_bits_are_trained_in_float32() -> None:
    settings = DistillationConfig(weight=3.0, hint_weight=2.0, exits_weight=0.5)
    training = TrainingConfig(precision=Precision.BFLOAT16, distillation=settings, optimizer=Optimizer.SGD)
    plans = [phase_plan(training, phase, 2, 0.1, seed=1) for phase in ("prune", "quantize")]
    assert [plan.precision for plan in plans] == [Precision.BFLOAT16, Precision.FLOAT32]
    assert all(plan.distillation == DistillationConfig(weight=3.0) for plan in plans)
    assert all(plan.optimizer is Optimizer.ADAMW for plan in plans)

"""The record of a training: who took part in an epoch has a line of it, and one line is marked in the end."""

from __future__ import annotations

import dataclasses

import pytest

from learn2compress.config import DistillationConfig
from learn2compress.training.history import TrainingHistory
from learn2compress.training.plan import TrainingPlan
from learn2compress.training.step import TEACHER

PLAN = TrainingPlan("prune", epochs=3, learning_rate=0.01, distillation=DistillationConfig(), seed=3)


def record(history: TrainingHistory, epoch: int, validation: dict[str, float], *names: str) -> None:
    """Records an epoch of the students of these names, whose accuracies are told."""
    history.append(epoch, 0.5, dict.fromkeys(names, 1.0), dict.fromkeys(names, 0.75), validation)


def test_an_epoch_is_recorded_with_its_numbers() -> None:
    ratios = iter([0.25, 0.5])
    history = TrainingHistory(["large"], PLAN, lambda: next(ratios))
    record(history, 0, {"large": 0.625}, "large")
    record(history, 1, {}, "large")
    first, second = history.records["large"]
    assert (first.phase, first.epoch, first.loss, first.held_out_top_1) == ("prune", 1, 1.0, 0.75)
    assert (first.learning_rate, first.sparsity_ratio) == (pytest.approx(0.005), 0.25)
    assert (second.epoch, second.sparsity_ratio) == (2, 0.5)
    assert (first.validation_top_1, second.validation_top_1) == (0.625, None)


def test_who_joins_later_has_fewer_epochs() -> None:
    history = TrainingHistory(["large", "small"], PLAN)
    assert history.num_epochs == 0
    record(history, 0, {}, "large")
    record(history, 1, {}, "large", "small")
    assert history.num_epochs == 2
    assert [found.epoch for found in history.records["small"]] == [2]
    assert history.records["large"][0].sparsity_ratio == 0.0


@pytest.mark.parametrize(("teacher_rate", "expected"), [(0.25, 0.125), (None, 0.0)])
def test_a_teacher_has_its_own_learning_rate_and_is_no_student(teacher_rate: float | None, expected: float) -> None:
    history = TrainingHistory([TEACHER, "only"], dataclasses.replace(PLAN, teacher_learning_rate=teacher_rate))
    record(history, 0, {}, TEACHER, "only")
    assert history.records[TEACHER][0].learning_rate == expected
    assert history.of_students == [history.records["only"]]


@pytest.mark.parametrize(("early_stopping_epochs", "returned"), [(None, [3, 3]), (2, [2, 1])])
def test_the_last_epoch_is_marked_or_the_best_of_each(early_stopping_epochs: int | None, returned: list[int]) -> None:
    plan = dataclasses.replace(PLAN, early_stopping_epochs=early_stopping_epochs)
    history = TrainingHistory(["large", "small"], plan)
    for epoch, (large, small) in enumerate([(0.5, 0.5), (0.75, 0.25), (0.75, 0.5)]):
        record(history, epoch, {"large": large, "small": small}, "large", "small")
    finished = history.finished()
    assert [[found.epoch for found in finished[name] if found.returned] for name in finished] == [[n] for n in returned]

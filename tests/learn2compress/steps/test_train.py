from __future__ import annotations

from collections.abc import Callable

import pytest

from learn2compress.config import BudgetConfig, StudentConfig
from learn2compress.config.parsing import ConfigError
from learn2compress.steps.train import train_students
from learn2compress.steps.training_inputs import TrainingInputs

LABELS = tuple("0123456789")
STUDENTS = (StudentConfig("large", 2), StudentConfig("small", 1))


def test_each_student_leaves_with_weights_of_its_own(opened: Callable[..., TrainingInputs]) -> None:
    inputs = opened()
    trained = train_students(inputs, LABELS, STUDENTS)
    assert list(trained.students) == ["large", "small"]
    assert [record.phase for record in trained.history["small"]] == ["train"]
    large, small = trained.students.values()
    assert large.count_params() > small.count_params()
    assert not {id(variable) for variable in large.variables} & {id(variable) for variable in small.variables}
    assert trained.cost.largest == "large"


def test_a_budget_that_nothing_fits_is_refused(opened: Callable[..., TrainingInputs]) -> None:
    students = (StudentConfig("small", 1, budget=BudgetConfig(max_macs=10)),)
    with pytest.raises(ConfigError, match=r"students\.small\.budget: found max_macs 10"):
        train_students(opened(), LABELS, students)

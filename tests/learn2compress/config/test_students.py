"""Students, their budgets, and a pretrained trunk."""

from __future__ import annotations

from typing import Any

import pytest

from learn2compress.config import BudgetConfig, PretrainedConfig, StageConfig, StudentConfig
from learn2compress.config.parsing import ConfigError, parse


@pytest.mark.parametrize(
    ("cls", "settings", "message"),
    [
        (StageConfig, {"channels": 0}, "channels: found 0"),
        (StudentConfig, {"name": "a", "width": 0.01}, "width: found 0.01"),
        (StudentConfig, {"name": "a", "joins_after_ratio": 1.0}, "joins_after_ratio: found 1.0"),
        (
            StudentConfig,
            {"name": "a", "width": 0.5, "budget": {"max_macs": 1}},
            "width: found 0.5 beside a budget, accepted is one of the two",
        ),
        (StudentConfig, {"name": "a", "budget": {}}, "budget: found no limit, accepted is at least one of"),
        (
            StudentConfig,
            {"name": "a", "network": "teacher", "stage": 1},
            "stage: found 1 beside network 'teacher', accepted is none: the student is the teacher's network as it is",
        ),
        (StudentConfig, {"name": "a", "network": "teacher", "width": 0.5}, "width: found 0.5 beside network 'teacher'"),
        (StudentConfig, {"name": "a", "network": "mine"}, "network: found \"mine\", accepted: 'teacher'"),
        (BudgetConfig, {"max_latency_ms": 0.0}, "max_latency_ms: found 0.0"),
        (PretrainedConfig, {"uri": "m.h5", "exits": []}, "exits: found [], accepted are 1 to 32 different names"),
        (PretrainedConfig, {"uri": "m.h5", "exits": ["a", "a"]}, "exits: found ['a', 'a'], accepted are 1 to 32"),
        (
            PretrainedConfig,
            {"uri": "m.h5", "exits": ["a"], "frozen_epochs_ratio": 0.6, "unfreeze_ratio": 0.6},
            "unfreeze_ratio: found 0.6 + 0.6, accepted is a frozen_epochs_ratio and unfreeze_ratio of 1 together",
        ),
    ],
)
def test_what_no_student_is_is_refused(cls: type, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(cls, settings)
    assert str(caught.value).startswith(message)


def test_one_limit_makes_a_budget() -> None:
    for name in ("max_model_bytes", "max_macs", "max_latency_ms"):
        student = parse(StudentConfig, {"name": "a", "budget": {name: 5.0 if name == "max_latency_ms" else 5}})
        assert student.budget is not None
        assert getattr(student.budget, name) == 5

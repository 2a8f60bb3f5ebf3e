"""What a pick depends on: its student and its family, not how the student is compressed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tfx.types import channel

from components.artifacts import Examples, Family, Teacher, TeacherLogits
from components.pick.component import Pick
from learn2compress.config import (
    BudgetConfig,
    FamilyConfig,
    StudentConfig,
    TaskConfig,
    TeacherConfig,
    TrainingConfig,
)
from learn2compress.steps.training_inputs import TeacherUse, TrainingSettings


def properties_of(root: Path, student: StudentConfig) -> dict[str, Any]:
    settings = TrainingSettings(TaskConfig(), TrainingConfig(), TeacherUse.of(TeacherConfig("t")), 7, str(root))
    pick = Pick(
        examples=channel.Channel(type=Examples),
        teacher=channel.Channel(type=Teacher),
        teacher_logits=channel.Channel(type=TeacherLogits),
        family=channel.Channel(type=Family),
        family_settings=FamilyConfig(),
        student=student,
        settings=settings,
        code_digest="c",
    )
    return dict(pick.exec_properties)


def test_how_a_student_is_compressed_does_not_pick_it_anew(tmp_path: Path) -> None:
    plain, pruned = (StudentConfig("small", prune=prune) for prune in ({}, {"sparsity_ratio": 0.5}))
    assert properties_of(tmp_path, plain) == properties_of(tmp_path, pruned)


def test_another_budget_does(tmp_path: Path) -> None:
    plain, limited = StudentConfig("small"), StudentConfig("small", budget=BudgetConfig(max_macs=100))
    assert properties_of(tmp_path, plain) != properties_of(tmp_path, limited)

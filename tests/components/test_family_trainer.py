"""FamilyTrainer and Pick as a pipeline runs them: examples become a Family, and a Family a Student."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tfx.types import channel

from components.artifacts import Examples, Family, Student, Teacher, TeacherLogits
from components.family_trainer.component import FamilyTrainer
from components.family_trainer.executor import Executor
from components.pick.component import Pick
from components.pick.executor import Executor as PickExecutor
from components.student_artifact import read_student
from learn2compress.config import (
    BudgetConfig,
    FamilyConfig,
    StageConfig,
    StudentConfig,
    TaskConfig,
    TeacherConfig,
    TrainingConfig,
)
from learn2compress.config.parsing import ConfigError
from learn2compress.file_names import FRONT_FILE
from learn2compress.results.reports import read_json
from learn2compress.results.sub_networks import FamilyFront
from learn2compress.steps.training_inputs import TeacherUse, TrainingSettings

TRAINING = TrainingConfig(
    architecture="resnet", stages=(StageConfig(8), StageConfig(12)), epochs=1, validation_ratio=0.5
)
FAMILY = FamilyConfig(widths=(0.5, 1.0))
Inputs = dict[str, list[Any]]


def settings_in(root: Path) -> TrainingSettings:
    return TrainingSettings(TaskConfig(), TRAINING, TeacherUse.of(TeacherConfig("t")), 7, str(root / "states"))


def given() -> dict[str, Any]:
    return {
        "examples": channel.Channel(type=Examples),
        "teacher": channel.Channel(type=Teacher),
        "teacher_logits": channel.Channel(type=TeacherLogits),
        "code_digest": "c",
    }


def artifact_in(kind: Any, folder: Path) -> Any:
    artifact = kind()
    artifact.uri = str(folder)
    return artifact


def pick_of(root: Path, student: StudentConfig) -> Pick:
    return Pick(
        **given(),
        family=channel.Channel(type=Family),
        family_settings=FAMILY,
        student=student,
        settings=settings_in(root),
    )


def test_a_family_is_trained_and_a_student_picked_from_it(digits_inputs: Callable[..., Inputs], tmp_path: Path) -> None:
    inputs = digits_inputs(tmp_path / "inputs", TRAINING, num_train=128)
    family = artifact_in(Family, tmp_path / "family")
    trainer = FamilyTrainer(**given(), family_settings=FAMILY, settings=settings_in(tmp_path))
    Executor().Do(inputs, {"family": [family]}, dict(trainer.exec_properties))
    front = read_json(FamilyFront, tmp_path / "family" / FRONT_FILE)
    assert (family.num_sub_networks, family.num_on_front) == (4, len(front.front))
    assert family.accuracy == pytest.approx(front.results[0].top_1)
    assert front.num_examples == 64
    assert not list((tmp_path / "states").iterdir())

    smallest = min(front.front, key=lambda one: one.model_bytes)
    small = StudentConfig("small", budget=BudgetConfig(max_model_bytes=smallest.model_bytes))
    picked = artifact_in(Student, tmp_path / "small")
    read = inputs | {"family": [family]}
    PickExecutor().Do(read, {"picked": [picked]}, dict(pick_of(tmp_path, small).exec_properties))
    student, (record,) = read_student(picked)
    assert (picked.student, picked.phase, picked.macs) == ("small", "pick", smallest.macs)
    assert student(np.zeros((2, 8, 8, 1), np.float32)).shape == (2, 10)
    assert str(smallest.sub_network) in record.note
    none = StudentConfig("none", budget=BudgetConfig(max_macs=1))
    with pytest.raises(ConfigError, match=r"students\.none\.budget: found max_macs 1"):
        PickExecutor().Do(read, {"picked": [picked]}, dict(pick_of(tmp_path, none).exec_properties))

"""Digits with a teacher's logits, opened as every step opens them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from learn2compress.config import StageConfig, StudentConfig, TaskConfig, TeacherConfig, TrainingConfig
from learn2compress.steps.examples_folder import ExamplesFolder
from learn2compress.steps.training_inputs import TeacherUse, TrainingInputs, TrainingSettings
from learn2compress.students.joint import build_joint_network, standalone_student

TRAINING = TrainingConfig(stages=(StageConfig(8), StageConfig(16)), epochs=1)


@pytest.fixture
def examples(digits_folder: Path) -> ExamplesFolder:
    return ExamplesFolder(digits_folder / "examples", 512, 256, 0, 10)


@pytest.fixture
def opened(examples: ExamplesFolder, digits_folder: Path, tmp_path: Path) -> Callable[..., TrainingInputs]:
    def make(name: str = "training", training: TrainingConfig = TRAINING) -> TrainingInputs:
        use = TeacherUse.of(TeacherConfig("teacher.keras"))
        settings = TrainingSettings(TaskConfig(), training, use, 7, str(tmp_path / "states"))
        return TrainingInputs.open(examples, digits_folder / "logits", tmp_path / "nowhere", settings, name)

    return make


@pytest.fixture
def student() -> Any:
    network = build_joint_network(TaskConfig(), 10, TRAINING, [StudentConfig("small", 1)])
    return standalone_student(network, "small")

"""A trained student of the digits, shared by the tests of this folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import keras
import pytest

from learn2compress.config import (
    DistillationConfig,
    PruneConfig,
    PruneScope,
    StageConfig,
    StudentConfig,
    TaskConfig,
    TrainingConfig,
)
from learn2compress.data.batches import TrainingData
from learn2compress.pruning import prune_student
from learn2compress.quantization.choice_sample import TrainingSample
from learn2compress.quantization.student_file import StudentDescription
from learn2compress.students.joint import build_joint_network, standalone_student
from learn2compress.training.loop import by_name, fit, make_deterministic
from learn2compress.training.plan import TrainingPlan

MIN_LAYER_WEIGHTS = 100


@pytest.fixture(scope="session")
def digits_student(digits_data: Callable[..., TrainingData]) -> keras.Model:
    """A trained student, four fifths of its weights zero."""

    def plan(phase: str, epochs: int, learning_rate: float) -> TrainingPlan:
        return TrainingPlan(phase, epochs, learning_rate, DistillationConfig(), seed=3)

    make_deterministic(5)
    training = TrainingConfig(stages=(StageConfig(16, 1), StageConfig(32, 1)))
    student = standalone_student(build_joint_network(TaskConfig(), 10, training, [StudentConfig("only", 2)]), "only")
    fit(by_name(student, "only"), digits_data(), plan("train", 6, 0.01))
    config = PruneConfig(sparsity_ratio=0.8, scope=PruneScope.LAYER, min_layer_weights=MIN_LAYER_WEIGHTS)
    prune_student(student, "only", digits_data(), config, plan("prune", 3, 0.002))
    return student


@pytest.fixture(scope="session")
def digits_sample(digits_folder: Path) -> TrainingSample:
    """The examples that it was trained on."""
    return TrainingSample.read(digits_folder / "examples" / "train", (8, 8, 1), 256)


@pytest.fixture(scope="session")
def description() -> StudentDescription:
    """Of that student."""
    return StudentDescription("digits", "only", tuple(str(digit) for digit in range(10)), TaskConfig())

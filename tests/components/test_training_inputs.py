"""What the training steps have in common: the teacher's part, the plan of a phase, and the state to resume from."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from components.parameters import exec_properties_of
from components.training_inputs import open_training_inputs
from learn2compress.config import (
    AugmentConfig,
    DistillationConfig,
    Optimizer,
    Precision,
    StageConfig,
    StudentConfig,
    TaskConfig,
    TeacherConfig,
    TeacherMemberConfig,
    TeacherSignal,
    TeacherTraining,
    TrainingConfig,
)
from learn2compress.steps.training_inputs import TeacherUse, TrainingInputs, TrainingSettings

TRAINING = TrainingConfig(
    stages=(StageConfig(8),),
    batch_size=16,
    epochs=10,
    weight_decay=0.25,
    warmup_ratio=0.125,
    unshared_ratio=0.25,
    optimizer=Optimizer.SGD,
    momentum=0.75,
    lookahead_steps=5,
    lookahead_decay=0.5,
    batch_norm_bias_rate=8.0,
    augment=AugmentConfig(flip=True),
    distillation=DistillationConfig(hint_weight=2.0, exits_weight=0.25, weight=3.0),
)
SETTINGS = TrainingSettings(TaskConfig(), TRAINING, TeacherUse(False, 1, False, None), 7, "")
Open = Callable[..., TrainingInputs]


@pytest.fixture
def open_inputs(digits_inputs: Callable[..., Any], tmp_path: Path) -> Open:
    """Opens the same inputs, with other settings where a test names some."""
    artifacts = digits_inputs(tmp_path, TRAINING)

    def opened(digest: str = "", **changes: Any) -> TrainingInputs:
        settings = dataclasses.replace(SETTINGS, **{"checkpoint_root": str(tmp_path / "states"), **changes})
        return open_training_inputs(artifacts, exec_properties_of(settings) | {"code_digest": digest})

    return opened


@pytest.mark.parametrize(
    ("config", "use"),
    [
        (TeacherConfig("t.keras"), TeacherUse(False, 4, False, None)),
        (TeacherConfig("t.keras", signal=TeacherSignal.LIVE, learning_rate=0.5), TeacherUse(True, 4, False, None)),
        (TeacherConfig("t.keras", training=TeacherTraining.JOINT), TeacherUse(True, 4, False, 0.0001)),
        (
            TeacherConfig("t.keras", signal=TeacherSignal.LIVE, precision=Precision.BFLOAT16),
            TeacherUse(True, 4, False, None, Precision.BFLOAT16),
        ),
    ],
)
def test_a_teacher_takes_part_as_the_configuration_says(config: TeacherConfig, use: TeacherUse) -> None:
    assert TeacherUse.of(config) == use


@pytest.mark.parametrize("rate", [None, 0.1])
def test_a_teacher_that_learns_is_computed_in_what_the_students_are(rate: float | None) -> None:
    use = TeacherUse(True, 1, False, rate, Precision.FLOAT32)
    expected = Precision.FLOAT32 if rate is None else Precision.BFLOAT16
    assert use.precision_in(dataclasses.replace(TRAINING, precision=Precision.BFLOAT16)) is expected
    assert dataclasses.replace(use, precision=Precision.BFLOAT16).precision_in(TRAINING) is (
        Precision.BFLOAT16 if rate is None else Precision.FLOAT32
    )


def test_where_a_teacher_is_stored_does_not_change_how_it_takes_part() -> None:
    other = TeacherConfig("s3://bucket/moved.keras", ensemble=(TeacherMemberConfig("other.keras"),), batch_size=3)
    assert TeacherUse.of(other) == TeacherUse.of(TeacherConfig("t.keras"))


def test_settings_are_read_as_they_were_written(open_inputs: Open, tmp_path: Path) -> None:
    inputs = open_inputs()
    assert inputs.settings == dataclasses.replace(SETTINGS, checkpoint_root=str(tmp_path / "states"))
    assert inputs.teacher is None
    assert inputs.data.steps_per_epoch == 4
    batch = next(iter(inputs.data.epoch(seed=7, epoch=0)))
    assert batch.inputs.shape == (16, 8, 8, 1)


def test_a_students_phase_has_the_common_settings_and_neither_hints_nor_other_exits(open_inputs: Open) -> None:
    plan = open_inputs().plan("prune", 5, 0.01)
    assert (plan.phase, plan.epochs, plan.learning_rate, plan.weight_decay, plan.seed) == ("prune", 5, 0.01, 0.25, 7)
    assert plan.unshared_from_epoch is None
    # Features were shaped in the joint training, and there is no other student.
    assert plan.distillation == dataclasses.replace(TRAINING.distillation, hint_weight=0.0, exits_weight=0.0)
    assert (plan.optimizer, plan.batch_norm_bias_rate) == (Optimizer.ADAMW, 1.0)


def test_the_joint_training_has_hints_a_warm_up_and_students_that_join_later(open_inputs: Open) -> None:
    students = [StudentConfig("large", loss_weight=0.5), StudentConfig("small", joins_after_ratio=0.45)]
    plan = open_inputs().joint_plan(students, "large")
    assert (plan.phase, plan.epochs, plan.warmup_ratio, plan.largest) == ("train", 10, 0.125, "large")
    assert (plan.optimizer, plan.learning_rate) == (Optimizer.SGD, 0.2)
    assert (plan.lookahead_steps, plan.lookahead_decay) == (5, 0.5)
    assert (plan.momentum, plan.batch_norm_bias_rate) == (0.75, 8.0)
    assert plan.distillation == TRAINING.distillation
    assert plan.loss_weights == {"large": 0.5, "small": 1.0}
    assert plan.joins_at_epoch == {"large": 0, "small": 4}
    assert plan.unshared_from_epoch == 8


def test_a_training_finds_its_own_state_again_and_no_other(open_inputs: Open, tmp_path: Path) -> None:
    def name(**changes: Any) -> str:
        return open_inputs(**changes).checkpoint.folder.name

    assert name() == name(checkpoint_root=str(tmp_path / "moved"))
    longer = dataclasses.replace(TRAINING, epochs=11)
    assert len({name(), name(seed=8), name(training=longer), name(digest="other code")}) == 4

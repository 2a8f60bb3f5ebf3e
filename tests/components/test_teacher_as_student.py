"""TeacherAsStudent as a whole: a stored teacher becomes a Student artifact that `Prune` reads."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import pytest
from tfx.types import channel

from components.artifacts import Examples, Student, Teacher, TeacherLogits
from components.student_artifact import read_student
from components.teacher_as_student.component import TeacherAsStudent
from components.teacher_as_student.executor import Executor
from learn2compress.config import StageConfig, TaskConfig, TeacherConfig, TeacherMemberConfig, TrainingConfig
from learn2compress.config.parsing import ConfigError
from learn2compress.steps.training_inputs import TeacherUse, TrainingSettings
from learn2compress.teachers.safety import content_sha256

TRAINING = TrainingConfig(stages=(StageConfig(8),))
Inputs = dict[str, list[Any]]


@pytest.fixture
def teacher(tmp_path: Path) -> Path:
    body = [keras.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(10, activation="softmax")]
    keras.Sequential(body).save(tmp_path / "teacher.keras")
    return tmp_path / "teacher.keras"


def run(inputs: Inputs, root: Path, teacher: Path, sha256: str) -> Any:
    settings = TrainingSettings(TaskConfig(), TRAINING, TeacherUse.of(TeacherConfig("t")), 7, str(root / "states"))
    component = TeacherAsStudent(
        examples=channel.Channel(type=Examples),
        teacher=channel.Channel(type=Teacher),
        teacher_logits=channel.Channel(type=TeacherLogits),
        member=TeacherMemberConfig(str(teacher)),
        teacher_sha256=sha256,
        student_name="own",
        settings=settings,
        code_digest="c",
    )
    artifact = Student()
    artifact.uri = str(root / "own")
    Executor().Do(inputs, {"student": [artifact]}, dict(component.exec_properties))
    return artifact


def test_the_student_has_the_teachers_weights(
    digits_inputs: Callable[..., Inputs], teacher: Path, tmp_path: Path
) -> None:
    artifact = run(digits_inputs(tmp_path / "inputs", TRAINING), tmp_path, teacher, content_sha256(teacher))
    student, (record,) = read_student(artifact)
    original = keras.saving.load_model(teacher)
    assert (student.get_layer(original.layers[-1].name).get_weights()[0] == original.get_weights()[0]).all()
    assert (record.phase, record.loss) == ("teacher", None)
    assert (artifact.student, artifact.phase, artifact.num_parameters, artifact.macs) == ("own", "teacher", 650, 640)
    assert artifact.accuracy == pytest.approx(record.held_out_top_1)


def test_a_teacher_that_changed_since_the_run_was_started_is_refused(
    digits_inputs: Callable[..., Inputs], teacher: Path, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=r"but the run was started with 0000"):
        run(digits_inputs(tmp_path / "inputs", TRAINING), tmp_path, teacher, "0" * 64)

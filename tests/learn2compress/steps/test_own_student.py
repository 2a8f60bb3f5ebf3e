"""What a student of the teacher's own network starts from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import keras
import pytest

from learn2compress.config import TaskConfig, TeacherMemberConfig
from learn2compress.steps.own_student import make_own_student
from learn2compress.steps.training_inputs import TrainingInputs
from learn2compress.teachers.loading import load_member


def test_the_teacher_is_handed_on_and_measured(opened: Callable[..., TrainingInputs], tmp_path: Path) -> None:
    inputs = opened()
    path = tmp_path / "teacher.keras"
    keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(10)]).save(path)
    member = load_member(path, TeacherMemberConfig(str(path)), TaskConfig(), 10)
    student, (record,) = make_own_student(inputs, member, "own")
    examples, labels = next(iter(inputs.data.held_out()))
    right = (member.scores(examples).numpy().argmax(axis=1) == labels.numpy()).mean()
    assert (record.phase, record.loss, record.returned) == ("teacher", None, True)
    assert len(labels) == inputs.data.num_held_out, "else the accuracies below are of different examples"
    assert record.held_out_top_1 == pytest.approx(right, abs=0.01)
    assert student.name == "own"

"""Students are looked at before anything is trained, and nothing that no student is loaded for it."""

from __future__ import annotations

from pathlib import Path

import keras
import pytest

from learn2compress.config import (
    CompressionConfig,
    PruneConfig,
    StudentConfig,
    StudentNetwork,
    TaskConfig,
    TeacherConfig,
)
from pipelines.student_checks import check_trained_students, member_of_any_classes

OWN = StudentConfig("own", network=StudentNetwork.TEACHER)


def config_of(teacher: Path, *students: StudentConfig) -> CompressionConfig:
    prune = PruneConfig(min_layer_weights=10**6)
    return CompressionConfig(
        "little", TeacherConfig(str(teacher)), students, TaskConfig(input_shape=(8, 8, 1)), prune=prune
    )


@pytest.fixture
def teacher(tmp_path: Path) -> Path:
    body = [keras.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(7)]
    keras.Sequential(body).save(tmp_path / "teacher.keras")
    return tmp_path / "teacher.keras"


def test_trained_students_are_built_and_others_passed_by(teacher: Path) -> None:
    (sentence,) = check_trained_students(config_of(teacher, OWN, StudentConfig("small", 1)), 3)
    assert sentence.startswith("student small will not be pruned")
    assert check_trained_students(config_of(teacher, OWN), 3) == ()


def test_a_teacher_that_is_a_student_is_opened_whatever_its_classes_are(teacher: Path) -> None:
    member = member_of_any_classes(config_of(teacher, OWN), teacher)
    assert member is not None
    assert member.num_classes == 7
    assert member_of_any_classes(config_of(teacher, StudentConfig("small", 1)), teacher) is None

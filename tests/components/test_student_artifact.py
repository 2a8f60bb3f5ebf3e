"""A student is read as it was written, and its artifact says what it is."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest

from components.artifacts import Student
from components.student_artifact import read_student, write_student
from learn2compress.config import StageConfig, StudentConfig, TaskConfig, TaskKind, TextFeatures, TrainingConfig
from learn2compress.results.reports import EpochRecord
from learn2compress.steps.student_folder import read_network
from learn2compress.students.cost import count_macs
from learn2compress.students.joint import build_joint_network, content_sha256, standalone_student

TASKS = {
    "residual": TaskConfig(),
    "embedding": TaskConfig(TaskKind.TEXT, (16,), TextFeatures.HASHED_WORDS),
}
HISTORY = (EpochRecord("train", 1, 0.5, 0.9), EpochRecord("prune", 1, 0.4, 0.875, 0.25))


def student_of(architecture: str) -> keras.Model:
    training = TrainingConfig(architecture=architecture, stages=(StageConfig(8),))
    keras.utils.set_random_seed(1)
    network = build_joint_network(TASKS[architecture], 3, training, [StudentConfig("small")])
    return standalone_student(network, "small")


@pytest.mark.parametrize("architecture", list(TASKS))
def test_a_student_is_read_as_it_was_written(architecture: str, tmp_path: Path) -> None:
    artifact = Student()
    artifact.uri = str(tmp_path / "not" / "there")
    student = student_of(architecture)
    write_student(artifact, student, "small", HISTORY)
    read, history = read_student(artifact)
    assert history == HISTORY
    assert content_sha256(read) == content_sha256(student) == artifact.content_sha256
    x = np.random.default_rng(3).uniform(size=(4, *TASKS[architecture].input_shape)).astype(np.float32)
    np.testing.assert_array_equal(read(x), student(x))
    np.testing.assert_array_equal(read_network(Path(artifact.uri))(x), student(x))


def test_its_artifact_says_what_it_is(tmp_path: Path) -> None:
    artifact = Student()
    artifact.uri = str(tmp_path)
    student = student_of("residual")
    write_student(artifact, student, "small", HISTORY)
    assert (artifact.student, artifact.phase) == ("small", "prune")
    assert (artifact.accuracy, artifact.sparsity_ratio) == (0.875, 0.25)
    assert (artifact.num_parameters, artifact.macs) == (student.count_params(), count_macs(student))

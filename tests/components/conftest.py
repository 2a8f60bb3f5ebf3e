"""Artifacts on disk as the steps before would have left them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tfx.types.artifact import Artifact

from components.artifacts import Examples, Student, Teacher, TeacherLogits
from components.student_artifact import write_student
from learn2compress.config import StudentConfig, TaskConfig, TrainingConfig
from learn2compress.data.examples import encode_example, shard_path, write_shard
from learn2compress.file_names import LABELS_FILE
from learn2compress.results.reports import EpochRecord
from learn2compress.students.joint import build_joint_network, standalone_student

NUM_TRAIN, NUM_HELD_OUT = 64, 32
Inputs = dict[str, list[Any]]


def artifact_at(kind: type[Artifact], folder: Path) -> Any:
    """An artifact whose folder is there or will be."""
    artifact = kind()
    artifact.uri = str(folder)
    return artifact


@pytest.fixture(scope="session")
def digits_inputs() -> Callable[..., Inputs]:
    """Makes digits, logits of a teacher that knows them, and an untrained student "only" of the first stage."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    pixels = (digits.images * 255 / 16).astype(np.uint8)

    def make(root: Path, training: TrainingConfig, num_train: int = NUM_TRAIN) -> Inputs:
        for split, first, last in (("train", 0, num_train), ("held_out", num_train, num_train + NUM_HELD_OUT)):
            rows = range(first, last)
            examples = [encode_example(pixels[i].tobytes(), int(digits.target[i]), f"{i:064x}", str(i)) for i in rows]
            write_shard(shard_path(root / "examples" / split, 0, 1), examples)
            logits = 6.0 * np.eye(10, dtype="<f4")[digits.target[first:last]]
            write_shard(shard_path(root / "logits" / split, 0, 1, "logits"), [row.tobytes() for row in logits])
        (root / "examples" / LABELS_FILE).write_text("".join(f"{digit}\n" for digit in range(10)))
        examples_artifact = artifact_at(Examples, root / "examples")
        examples_artifact.num_train, examples_artifact.num_held_out = num_train, NUM_HELD_OUT
        examples_artifact.num_classes = 10
        student = artifact_at(Student, root / "student")
        network = build_joint_network(TaskConfig(), 10, training, [StudentConfig("only", 1)])
        write_student(student, standalone_student(network, "only"), "only", (EpochRecord("train", 1, 0.5, 0.9),))
        return {
            "examples": [examples_artifact],
            "teacher": [artifact_at(Teacher, root / "teacher")],
            "teacher_logits": [artifact_at(TeacherLogits, root / "logits")],
            "student": [student],
        }

    return make

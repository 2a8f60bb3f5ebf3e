"""Reads and writes the folder of a Student artifact, and its properties."""

from __future__ import annotations

from pathlib import Path

import keras
from tfx.types.artifact import Artifact

from learn2compress.results.reports import returned_epoch
from learn2compress.steps.student_folder import History, read_student_folder, write_student_folder
from learn2compress.students.cost import count_macs
from learn2compress.students.joint import content_sha256


def write_student(artifact: Artifact, student: keras.Model, name: str, history: History) -> None:
    """Writes a student and its history so far, and sets the artifact's properties from the epoch that it left with.

    Args:
      artifact: A Student; its folder is made.
      student: A float model `[batch, *input] -> [batch, num_classes]` of logits.
      name: The student's name.
      history: Its epochs in the order that they were trained, at least one.
    """
    write_student_folder(Path(artifact.uri), student, history)
    returned = returned_epoch(history)
    artifact.student = name
    artifact.phase = returned.phase
    artifact.accuracy = returned.held_out_top_1
    artifact.sparsity_ratio = returned.sparsity_ratio
    artifact.num_parameters = student.count_params()
    artifact.macs = count_macs(student)
    artifact.content_sha256 = content_sha256(student)


def read_student(artifact: Artifact) -> tuple[keras.Model, History]:
    """Reads what `write_student` wrote.

    Args:
      artifact: The Student.

    Returns:
      The model, and its epochs.
    """
    return read_student_folder(Path(artifact.uri))

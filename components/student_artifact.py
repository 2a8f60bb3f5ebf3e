"""Reads and writes the folder of a Student artifact."""

from __future__ import annotations

from pathlib import Path

import keras
from tfx.types.artifact import Artifact

from components.artifacts import HISTORY_FILE, KERAS_FILE
from learn2compress.results.reports import EpochRecord, read_json, returned_epoch, write_json
from learn2compress.students.byte_rows import ByteRows
from learn2compress.students.cost import count_macs
from learn2compress.students.joint import content_sha256

History = tuple[EpochRecord, ...]

# Layers of students that Keras does not have.
_OBJECTS = {"learn2compress>ByteRows": ByteRows}


def write_student(artifact: Artifact, student: keras.Model, name: str, history: History) -> None:
    """Writes a student and its history so far, and sets the artifact's properties from the epoch that it left with.

    Args:
      artifact: A Student; its folder is made.
      student: A float model `[batch, *input] -> [batch, num_classes]` of logits.
      name: The student's name.
      history: Its epochs in the order that they were trained, at least one.
    """
    folder = Path(artifact.uri)
    folder.mkdir(parents=True, exist_ok=True)
    student.save(folder / KERAS_FILE)
    write_json(folder / HISTORY_FILE, history)
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
    folder = Path(artifact.uri)
    history: History = read_json(tuple[EpochRecord, ...], folder / HISTORY_FILE)
    return read_network(folder), history


def read_network(folder: Path) -> keras.Model:
    """Reads the student alone, from the folder of its artifact."""
    return keras.saving.load_model(folder / KERAS_FILE, compile=False, safe_mode=True, custom_objects=_OBJECTS)

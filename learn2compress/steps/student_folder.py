"""The folder of a student between two steps: its network, and its epochs so far."""

from __future__ import annotations

from pathlib import Path

import keras

from learn2compress.file_names import HISTORY_FILE, KERAS_FILE
from learn2compress.results.reports import EpochRecord, read_json, write_json
from learn2compress.students.byte_rows import ByteRows
from learn2compress.students.input_resizing import InputResizing

History = tuple[EpochRecord, ...]

# Layers of students that Keras does not have.
_OBJECTS = {"learn2compress>ByteRows": ByteRows, "learn2compress>InputResizing": InputResizing}


def write_student_folder(folder: Path, student: keras.Model, history: History) -> None:
    """Writes a student and its history so far.

    Args:
      folder: Made where it is not there.
      student: A float model `[batch, *input] -> [batch, num_classes]` of logits.
      history: Its epochs in the order that they were trained, at least one.
    """
    folder.mkdir(parents=True, exist_ok=True)
    student.save(folder / KERAS_FILE)
    write_json(folder / HISTORY_FILE, history)


def read_student_folder(folder: Path) -> tuple[keras.Model, History]:
    """Reads what `write_student_folder` wrote.

    Args:
      folder: The student's.

    Returns:
      The model, and its epochs.
    """
    history: History = read_json(tuple[EpochRecord, ...], folder / HISTORY_FILE)
    return read_network(folder), history


def read_network(folder: Path) -> keras.Model:
    """Reads the network alone.

    Args:
      folder: The student's.
    """
    return keras.saving.load_model(folder / KERAS_FILE, compile=False, safe_mode=True, custom_objects=_OBJECTS)

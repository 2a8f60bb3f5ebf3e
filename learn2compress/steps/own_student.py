"""The teacher's own network as a student, handed on as it is."""

from __future__ import annotations

import keras

from learn2compress import progress
from learn2compress.config import TaskConfig
from learn2compress.config.parsing import about
from learn2compress.results.reports import EpochRecord
from learn2compress.steps.student_folder import History
from learn2compress.steps.training_inputs import TrainingInputs
from learn2compress.students.own_network import own_network
from learn2compress.teachers.network import Member
from learn2compress.training.accuracy import HeldOutAccuracy
from learn2compress.training.loop import by_name

PHASE = "teacher"
"""Phase of the only record of a student that nobody has trained since it was the teacher."""


def make_own_student(inputs: TrainingInputs, member: Member, name: str) -> tuple[keras.Model, History]:
    """Copies a teacher's network into a student, and measures it.

    Args:
      inputs: Examples to measure with.
      member: The teacher's only network.
      name: The student's name.

    Returns:
      The student as `learn2compress.students.own_network.own_network` makes it, and one record without a loss.

    Raises:
      ConfigError: the network can't be a student.
    """
    student = copied_network(member, inputs.settings.task, name)
    accuracy = HeldOutAccuracy.of_students(by_name(student, name))
    held_out = accuracy.measure(inputs.data)[name]
    record = EpochRecord(
        PHASE, 1, None, held_out, validation_top_1=accuracy.measure_validation(inputs.data).get(name), returned=True
    )
    progress.report(f"student {name}", 1, 1, f"the teacher's network, held-out top-1 {held_out:.4f}")
    return student, (record,)


def copied_network(member: Member, task: TaskConfig, name: str) -> keras.Model:
    """Returns a teacher's network as a student; what can't be one is refused with the student's field.

    Args:
      member: The teacher's only network.
      task: The input's shape.
      name: The student's name.

    Raises:
      ConfigError: as `learn2compress.students.own_network.own_network`.
    """
    with about(f"students.{name}.network"):
        return own_network(member, task, name)

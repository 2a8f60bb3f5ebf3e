"""Copies the teacher's network into a student and writes it."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from tfx.types import artifact_utils
from tfx.types.artifact import Artifact

from components.examples_artifact import read_labels
from components.parameters import config_from
from components.step_executor import StepExecutor
from components.student_artifact import write_student
from components.training_inputs import open_training_inputs
from learn2compress.config import TeacherMemberConfig
from learn2compress.config.parsing import about
from learn2compress.steps.own_student import make_own_student
from learn2compress.teachers.fetching import fetch_teacher
from learn2compress.teachers.loading import load_member
from learn2compress.teachers.members import member_field
from learn2compress.teachers.teacher import LoadedTeacher


class Executor(StepExecutor):
    """See `TeacherAsStudentSpec`."""

    def run(
        self,
        input_dict: dict[str, list[Artifact]],
        output_dict: dict[str, list[Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Loads the teacher behind the checks of `TeacherLoad`, and writes its network as a Student.

        Args:
          input_dict: Artifacts by the names of `TRAINING_INPUTS`.
          output_dict: `student`.
          exec_properties: Parameters of `TeacherAsStudentSpec`.

        Raises:
          ConfigError: the teacher's network can't be a student, or is not the one the run was started with.
        """
        inputs = open_training_inputs(input_dict, exec_properties)
        labels = read_labels(artifact_utils.get_single_instance(input_dict["examples"]))
        config, field = config_from(TeacherMemberConfig, exec_properties), member_field(0)
        name, task = exec_properties["student_name"], inputs.settings.task
        with tempfile.TemporaryDirectory() as folder:
            with about(f"{field}.uri"):
                path = fetch_teacher(config.uri, Path(folder))
            member = load_member(path, config, task, len(labels), field, labels)
        LoadedTeacher([member], task.input_shape, 1).check_content(exec_properties["teacher_sha256"])
        student, history = make_own_student(inputs, member, name)
        write_student(artifact_utils.get_single_instance(output_dict["student"]), student, name, history)

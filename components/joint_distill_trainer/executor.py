"""Runs the joint training and writes each student apart."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from tfx.types import artifact_utils
from tfx.types.artifact import Artifact

from components.artifacts import TRAINED_TEACHER_OUTPUT, TRAINING_LOGS_OUTPUT
from components.examples_artifact import read_labels
from components.parameters import from_json
from components.step_executor import StepExecutor
from components.student_artifact import write_student
from components.training_inputs import open_training_inputs
from learn2compress.config import StudentConfig
from learn2compress.file_names import COST_FILE
from learn2compress.results.reports import returned_epoch, write_json
from learn2compress.steps.train import JointlyTrained, train_students
from learn2compress.training.step import TEACHER
from learn2compress.training.tensorboard import write_tensorboard


class Executor(StepExecutor):
    """See `JointDistillTrainerSpec`."""

    def run(
        self,
        input_dict: dict[str, list[Artifact]],
        output_dict: dict[str, list[Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Trains, and writes one Student for each name.

        Args:
          input_dict: Artifacts by the names of `TRAINING_INPUTS`.
          output_dict: A Student by each student's name, the training's logs, and the teacher where it learns.
          exec_properties: Values by the names of `JointDistillTrainerSpec.PARAMETERS`.

        Raises:
          ConfigError: early stopping has too few examples to decide by, no width is within a budget, or a pretrained
            trunk does not fit.
        """
        inputs = open_training_inputs(input_dict, exec_properties)
        labels = read_labels(artifact_utils.get_single_instance(input_dict["examples"]))
        students = from_json(tuple[StudentConfig, ...], exec_properties["students"])
        trained = train_students(inputs, labels, students, exec_properties["pretrained_sha256"])
        for name, student in trained.students.items():
            write_student(artifact_utils.get_single_instance(output_dict[name]), student, name, trained.history[name])
        _write_logs(artifact_utils.get_single_instance(output_dict[TRAINING_LOGS_OUTPUT]), trained)
        if TRAINED_TEACHER_OUTPUT in output_dict and inputs.teacher is not None:
            artifact = artifact_utils.get_single_instance(output_dict[TRAINED_TEACHER_OUTPUT])
            inputs.teacher.save(Path(artifact.uri))
            artifact.accuracy = returned_epoch(trained.history[TEACHER]).held_out_top_1
        inputs.checkpoint.discard()


def _write_logs(artifact: Artifact, trained: JointlyTrained) -> None:
    folder, cost = Path(artifact.uri), trained.cost
    write_tensorboard(folder, trained.history)
    write_json(folder / COST_FILE, dataclasses.asdict(cost))
    artifact.joint_macs = cost.joint_macs
    artifact.joint_over_largest = cost.joint_over_largest
    artifact.joint_over_separate = cost.joint_over_separate

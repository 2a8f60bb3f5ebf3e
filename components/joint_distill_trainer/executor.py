"""Runs the joint training and writes each student apart."""

from __future__ import annotations

from typing import Any

from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils
from tfx.types.artifact import Artifact

from components.parameters import from_json
from components.student_files import write_student
from components.training_inputs import TrainingInputs
from learn2compress.config import StudentConfig
from learn2compress.students import build_joint_network, standalone_student
from learn2compress.training import fit


class Executor(base_executor.BaseExecutor):
    """See `JointDistillTrainerSpec`."""

    def Do(
        self,
        input_dict: dict[str, list[Artifact]],
        output_dict: dict[str, list[Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Trains, and writes one Student for each name."""
        students = from_json(tuple[StudentConfig, ...], exec_properties["students"])
        inputs = TrainingInputs.open(input_dict, exec_properties)
        training = inputs.settings.training
        network = build_joint_network(inputs.settings.task, inputs.examples.num_classes, training.stages, students)
        plan = inputs.plan("train", training.epochs, training.learning_rate, training.warmup_ratio)
        history = fit(network, inputs.data, plan, checkpoint=inputs.checkpoint)
        for student in students:
            artifact = artifact_utils.get_single_instance(output_dict[student.name])
            write_student(artifact, standalone_student(network, student.name), student.name, history[student.name])
        inputs.checkpoint.discard()

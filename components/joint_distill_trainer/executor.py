"""Runs the joint training and writes each student apart."""

from __future__ import annotations

from typing import Any

from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils
from tfx.types.artifact import Artifact

from components.parameters import config_from, from_json
from components.student_files import write_student
from components.training_inputs import checkpoint_for, training_data
from learn2compress.config import StudentConfig, TaskConfig, TrainingConfig
from learn2compress.students import build_joint_network, standalone_student
from learn2compress.training import TrainingPlan, fit, make_deterministic


class Executor(base_executor.BaseExecutor):
    """See `JointDistillTrainerSpec`."""

    def Do(
        self,
        input_dict: dict[str, list[Artifact]],
        output_dict: dict[str, list[Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Trains, and writes one Student for each name."""
        training = config_from(TrainingConfig, exec_properties)
        task = from_json(TaskConfig, exec_properties["task"])
        students = from_json(tuple[StudentConfig, ...], exec_properties["students"])
        seed = int(exec_properties["seed"])
        examples = artifact_utils.get_single_instance(input_dict["examples"])
        teacher_logits = artifact_utils.get_single_instance(input_dict["teacher_logits"])
        make_deterministic(seed)

        network = build_joint_network(task, examples.num_classes, training.stages, students)
        plan = TrainingPlan(
            phase="train",
            epochs=training.epochs,
            learning_rate=training.learning_rate,
            warmup_ratio=training.warmup_ratio,
            weight_decay=training.weight_decay,
            distillation=training.distillation,
            seed=seed,
        )
        checkpoint = checkpoint_for(exec_properties, input_dict)
        history = fit(network, training_data(examples, teacher_logits, task, training), plan, checkpoint=checkpoint)
        for student in students:
            artifact = artifact_utils.get_single_instance(output_dict[student.name])
            write_student(artifact, standalone_student(network, student.name), student.name, history[student.name])
        checkpoint.discard()

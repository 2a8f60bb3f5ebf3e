"""Prunes one student and writes it."""

from __future__ import annotations

from typing import Any

from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils
from tfx.types.artifact import Artifact

from components.parameters import config_from, from_json
from components.student_files import read_student, write_student
from components.training_inputs import checkpoint_for, training_data
from learn2compress.config import PruneConfig, TaskConfig, TrainingConfig
from learn2compress.pruning import prune_student
from learn2compress.training import TrainingPlan, make_deterministic


class Executor(base_executor.BaseExecutor):
    """See `PruneSpec`."""

    def Do(
        self,
        input_dict: dict[str, list[Artifact]],
        output_dict: dict[str, list[Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Prunes, fine-tunes, and writes the sparse student."""
        prune = config_from(PruneConfig, exec_properties)
        task = from_json(TaskConfig, exec_properties["task"])
        training = from_json(TrainingConfig, exec_properties["training"])
        name, seed = exec_properties["student_name"], int(exec_properties["seed"])
        examples = artifact_utils.get_single_instance(input_dict["examples"])
        teacher_logits = artifact_utils.get_single_instance(input_dict["teacher_logits"])
        make_deterministic(seed)

        student, history = read_student(artifact_utils.get_single_instance(input_dict["student"]))
        plan = TrainingPlan(
            phase="prune",
            epochs=prune.epochs,
            learning_rate=prune.learning_rate,
            weight_decay=training.weight_decay,
            distillation=training.distillation,
            seed=seed,
        )
        checkpoint = checkpoint_for(exec_properties, input_dict)
        data = training_data(examples, teacher_logits, task, training)
        history += prune_student(student, name, data, prune, plan, checkpoint)
        write_student(artifact_utils.get_single_instance(output_dict["pruned"]), student, name, history)
        checkpoint.discard()

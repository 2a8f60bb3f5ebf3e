"""Prunes one student and writes it."""

from __future__ import annotations

from typing import Any

from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils
from tfx.types.artifact import Artifact

from components.parameters import config_from
from components.student_files import read_student, write_student
from components.training_inputs import TrainingInputs
from learn2compress.config import PruneConfig
from learn2compress.pruning import prune_student


class Executor(base_executor.BaseExecutor):
    """See `PruneSpec`."""

    def Do(
        self,
        input_dict: dict[str, list[Artifact]],
        output_dict: dict[str, list[Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Prunes, fine-tunes, and writes the sparse student."""
        prune, name = config_from(PruneConfig, exec_properties), exec_properties["student_name"]
        inputs = TrainingInputs.open(input_dict, exec_properties)
        student, history = read_student(artifact_utils.get_single_instance(input_dict["student"]))
        plan = inputs.plan("prune", prune.epochs, prune.learning_rate)
        history += prune_student(
            student, name, inputs.data, prune, plan, teacher=inputs.teacher, checkpoint=inputs.checkpoint
        )
        write_student(artifact_utils.get_single_instance(output_dict["pruned"]), student, name, history)
        inputs.checkpoint.discard()

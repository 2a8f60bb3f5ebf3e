"""Prunes one student and writes it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tfx.types import artifact_utils
from tfx.types.artifact import Artifact

from components.artifacts import SENSITIVITY_FILE
from components.parameters import config_from
from components.step_executor import StepExecutor
from components.student_artifact import read_student, write_student
from components.training_inputs import TrainingInputs
from learn2compress.config import PruneConfig
from learn2compress.pruning import prune_student
from learn2compress.pruning.sensitivity import prune_sensitivity
from learn2compress.results.pruning import PruneSensitivity
from learn2compress.results.reports import write_json


class Executor(StepExecutor):
    """See `PruneSpec`."""

    def run(
        self,
        input_dict: dict[str, list[Artifact]],
        output_dict: dict[str, list[Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Prunes, fine-tunes, and writes the smaller student, and its sensitivity where it is asked for."""
        prune, name = config_from(PruneConfig, exec_properties), exec_properties["student_name"]
        inputs = TrainingInputs.open(input_dict, exec_properties)
        student, history = read_student(artifact_utils.get_single_instance(input_dict["student"]))
        plan = inputs.plan("prune", prune.epochs, prune.learning_rate)
        if prune.sensitivity:
            analysis = prune_sensitivity(student, name, inputs.data, prune, plan, inputs.teacher)
            _write_sensitivity(artifact_utils.get_single_instance(output_dict["layer_sensitivity"]), analysis)
        pruned, records = prune_student(
            student, name, inputs.data, prune, plan, teacher=inputs.teacher, checkpoint=inputs.checkpoint
        )
        write_student(artifact_utils.get_single_instance(output_dict["pruned"]), pruned, name, history + records)
        inputs.checkpoint.discard()


def _write_sensitivity(artifact: Artifact, analysis: PruneSensitivity) -> None:
    folder = Path(artifact.uri)
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / SENSITIVITY_FILE, analysis)
    artifact.student = analysis.student
    artifact.accuracy = analysis.top_1
    artifact.num_examples = analysis.num_examples

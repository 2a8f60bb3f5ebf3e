"""Picks one student from a family and writes it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tfx.types import artifact_utils
from tfx.types.artifact import Artifact

from components.examples_artifact import read_labels
from components.parameters import from_json
from components.step_executor import StepExecutor
from components.student_artifact import write_student
from components.training_inputs import open_training_inputs
from learn2compress.config import FamilyConfig, StudentConfig
from learn2compress.steps.pick import pick_student


class Executor(StepExecutor):
    """See `PickSpec`."""

    def run(
        self,
        input_dict: dict[str, list[Artifact]],
        output_dict: dict[str, list[Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Picks, cuts out, measures, and writes the Student.

        Args:
          input_dict: Artifacts by the names of `TRAINING_INPUTS`, and `family`.
          output_dict: `picked`.
          exec_properties: Values by the names of `PickSpec.PARAMETERS`.

        Raises:
          ConfigError: no sub-network is within the budget.
        """
        inputs = open_training_inputs(input_dict, exec_properties)
        labels = read_labels(artifact_utils.get_single_instance(input_dict["examples"]))
        student = from_json(StudentConfig, exec_properties["student"])
        family = from_json(FamilyConfig, exec_properties["family_settings"])
        folder = Path(artifact_utils.get_single_instance(input_dict["family"]).uri)
        network, history = pick_student(inputs, labels, folder, family, student)
        write_student(artifact_utils.get_single_instance(output_dict["picked"]), network, student.name, history)
        inputs.checkpoint.discard()

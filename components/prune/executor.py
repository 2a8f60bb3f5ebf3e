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
from components.training_inputs import open_training_inputs
from learn2compress.config import PruneConfig
from learn2compress.results.pruning import PruneSensitivity
from learn2compress.results.reports import write_json
from learn2compress.steps.prune import prune_and_analyse


class Executor(StepExecutor):
    """See `PruneSpec`."""

    def run(
        self,
        input_dict: dict[str, list[Artifact]],
        output_dict: dict[str, list[Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Prunes, fine-tunes, and writes the smaller student, and its sensitivity where it is asked for.

        Args:
          input_dict: See `PruneSpec`.
          output_dict: See `PruneSpec`.
          exec_properties: See `PruneSpec`.

        Raises:
          ConfigError: what the configuration asks for is not possible with this student.
        """
        prune, name = config_from(PruneConfig, exec_properties), exec_properties["student_name"]
        inputs = open_training_inputs(input_dict, exec_properties)
        student, history = read_student(artifact_utils.get_single_instance(input_dict["student"]))
        pruned = prune_and_analyse(inputs, student, name, history, prune)
        if pruned.sensitivity is not None:
            _write_sensitivity(artifact_utils.get_single_instance(output_dict["layer_sensitivity"]), pruned.sensitivity)
        artifact = artifact_utils.get_single_instance(output_dict["pruned"])
        write_student(artifact, pruned.student, name, pruned.history)
        inputs.checkpoint.discard()


def _write_sensitivity(artifact: Artifact, analysis: PruneSensitivity) -> None:
    folder = Path(artifact.uri)
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / SENSITIVITY_FILE, analysis)
    artifact.student = analysis.student
    artifact.accuracy = analysis.top_1
    artifact.num_examples = analysis.num_examples

"""Runs the training of a family and writes it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tfx.types import artifact_utils
from tfx.types.artifact import Artifact

from components.examples_artifact import read_labels
from components.parameters import from_json
from components.step_executor import StepExecutor
from components.training_inputs import open_training_inputs
from learn2compress.config import FamilyConfig
from learn2compress.steps.family import make_family, write_family_folder


class Executor(StepExecutor):
    """See `FamilyTrainerSpec`."""

    def run(
        self,
        input_dict: dict[str, list[Artifact]],
        output_dict: dict[str, list[Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Trains, measures, and writes the Family.

        Args:
          input_dict: Artifacts by the names of `TRAINING_INPUTS`.
          output_dict: `family`.
          exec_properties: Values by the names of `FamilyTrainerSpec.PARAMETERS`.

        Raises:
          ConfigError: too few examples are kept back to compare sub-networks by, or the architecture can't be a family.
        """
        inputs = open_training_inputs(input_dict, exec_properties)
        labels = read_labels(artifact_utils.get_single_instance(input_dict["examples"]))
        trained = make_family(inputs, labels, from_json(FamilyConfig, exec_properties["family_settings"]))
        artifact = artifact_utils.get_single_instance(output_dict["family"])
        write_family_folder(Path(artifact.uri), trained)
        artifact.num_sub_networks = len(trained.front.results)
        artifact.num_on_front = len(trained.front.front)
        artifact.accuracy = trained.front.results[0].top_1
        inputs.checkpoint.discard()

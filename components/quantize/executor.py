"""Makes the file of one student and writes it."""

from __future__ import annotations

from typing import Any

from tfx.types import artifact_utils
from tfx.types.artifact import Artifact

from components.examples_artifact import read_labels
from components.litert_model_artifact import write_model
from components.parameters import config_from
from components.step_executor import StepExecutor
from components.student_artifact import read_student
from components.training_inputs import open_training_inputs
from learn2compress.config import QuantizeConfig
from learn2compress.steps.quantize import make_student_file


class Executor(StepExecutor):
    """See `QuantizeSpec`."""

    def run(
        self,
        input_dict: dict[str, list[Artifact]],
        output_dict: dict[str, list[Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Trains in simulated 8 bits where the recipe says so, makes the file, and writes the LiteRtModel.

        Args:
          input_dict: `student`, and those of `TRAINING_INPUTS`.
          output_dict: `model`.
          exec_properties: Parameters of `QuantizeSpec`.

        Raises:
          ModelFileError: the recipe's file can't be made of this student, or does not run.
        """
        quantize, name = config_from(QuantizeConfig, exec_properties), exec_properties["student_name"]
        inputs = open_training_inputs(input_dict, exec_properties)
        student, history = read_student(artifact_utils.get_single_instance(input_dict["student"]))
        file, records = make_student_file(
            inputs,
            student,
            name,
            quantize,
            min_layer_weights=int(exec_properties["min_layer_weights"]),
            family_name=exec_properties["family_name"],
            contact=exec_properties["contact"],
            license=exec_properties["license"],
            labels=read_labels(artifact_utils.get_single_instance(input_dict["examples"])),
            sample=inputs.sample(quantize.calibration_examples),
            checkpoint=inputs.checkpoint,
        )
        artifact = artifact_utils.get_single_instance(output_dict["model"])
        write_model(artifact, file, name, history + records, quantize)
        inputs.checkpoint.discard()

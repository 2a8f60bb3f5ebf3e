"""Trains one student for 8 bits and writes its file."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils
from tfx.types.artifact import Artifact

from components.artifacts import CONFIG_FILE, HISTORY_FILE, LITERT_FILE
from components.examples_files import read_labels
from components.parameters import config_from
from components.student_files import read_student
from components.training_inputs import TrainingInputs
from learn2compress.config import QuantizeConfig
from learn2compress.config_file import to_dict
from learn2compress.export import shipped_file
from learn2compress.quantization import train_quantized
from learn2compress.results import write_json


class Executor(base_executor.BaseExecutor):
    """See `QuantizeSpec`."""

    def Do(
        self,
        input_dict: dict[str, list[Artifact]],
        output_dict: dict[str, list[Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Trains with simulated 8 bits, converts, adds metadata, and writes the LiteRtModel."""
        quantize, name = config_from(QuantizeConfig, exec_properties), exec_properties["student_name"]
        inputs = TrainingInputs.open(input_dict, exec_properties)
        student, history = read_student(artifact_utils.get_single_instance(input_dict["student"]))
        plan = inputs.plan("quantize", quantize.epochs, quantize.learning_rate)
        min_layer_weights = int(exec_properties["min_layer_weights"])
        network, records = train_quantized(
            student, name, inputs.data, min_layer_weights, plan, teacher=inputs.teacher, checkpoint=inputs.checkpoint
        )
        model = shipped_file(
            network,
            family_name=exec_properties["family_name"],
            student_name=name,
            labels=read_labels(inputs.examples),
            task=inputs.settings.task,
        )
        artifact = artifact_utils.get_single_instance(output_dict["model"])
        folder = Path(artifact.uri)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / LITERT_FILE).write_bytes(model)
        write_json(folder / HISTORY_FILE, history + records)
        write_json(folder / CONFIG_FILE, to_dict(quantize))
        artifact.student = name
        artifact.recipe = quantize.recipe.value
        artifact.model_sha256 = hashlib.sha256(model).hexdigest()
        artifact.model_bytes = len(model)
        inputs.checkpoint.discard()

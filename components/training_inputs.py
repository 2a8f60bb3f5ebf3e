"""What the components that train take: parameters and inputs on disk, opened as the library trains with them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tfx.types import artifact_utils
from tfx.types.artifact import Artifact
from tfx.types.component_spec import ChannelParameter

from components.artifacts import Examples, Teacher, TeacherLogits
from components.examples_artifact import examples_folder
from components.parameters import from_json
from learn2compress.config import TaskConfig, TrainingConfig
from learn2compress.steps.training_inputs import TeacherUse, TrainingInputs, TrainingSettings

TRAINING_PARAMETERS = {
    "task": str,
    "training": str,
    "teacher_use": str,
    "seed": int,
    "checkpoint_root": str,
    "code_digest": str,
}
TRAINING_INPUTS = {
    "examples": ChannelParameter(type=Examples),
    "teacher": ChannelParameter(type=Teacher),
    "teacher_logits": ChannelParameter(type=TeacherLogits),
}

# Where state is kept does not change what is computed.
_NOT_IN_DIGEST = frozenset({"checkpoint_root"})


def open_training_inputs(
    input_dict: Mapping[str, list[Artifact]], exec_properties: Mapping[str, Any]
) -> TrainingInputs:
    """Opens the inputs, and makes all that follows in this process a function of the seed.

    Args:
      input_dict: Artifacts by the names of `TRAINING_INPUTS`.
      exec_properties: Values by the names of `TRAINING_PARAMETERS`, and others, which the checkpoint depends on.

    Raises:
      ConfigError: the checkpoint's URL can't be read and written, or the teacher can't run in a step.
    """
    settings = TrainingSettings(
        from_json(TaskConfig, exec_properties["task"]),
        from_json(TrainingConfig, exec_properties["training"]),
        from_json(TeacherUse, exec_properties["teacher_use"]),
        int(exec_properties["seed"]),
        exec_properties["checkpoint_root"],
    )
    return TrainingInputs.open(
        examples_folder(artifact_utils.get_single_instance(input_dict["examples"])),
        Path(artifact_utils.get_single_instance(input_dict["teacher_logits"]).uri),
        Path(artifact_utils.get_single_instance(input_dict["teacher"]).uri),
        settings,
        _digest(exec_properties, input_dict),
    )


def _digest(exec_properties: Mapping[str, Any], input_dict: Mapping[str, list[Artifact]]) -> str:
    parameters = {name: value for name, value in exec_properties.items() if name not in _NOT_IN_DIGEST}
    inputs = {name: [artifact.uri for artifact in artifacts] for name, artifacts in input_dict.items()}
    return hashlib.sha256(json.dumps([parameters, inputs], sort_keys=True, default=str).encode()).hexdigest()[:32]

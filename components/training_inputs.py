"""What the components that train have in common: settings, inputs on disk, checkpoints."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tfx.types import artifact_utils
from tfx.types.artifact import Artifact
from tfx.types.component_spec import ChannelParameter

from components.artifacts import Examples, TeacherLogits
from components.parameters import from_json, json_of
from learn2compress.checkpoint import Checkpoint
from learn2compress.config import TaskConfig, TrainingConfig
from learn2compress.data.batches import TrainingData
from learn2compress.data.records import Split
from learn2compress.training import TrainingPlan, make_deterministic

TRAINING_PARAMETERS = {"task": str, "training": str, "seed": int, "checkpoint_root": str, "code_digest": str}
TRAINING_INPUTS = {
    "examples": ChannelParameter(type=Examples),
    "teacher_logits": ChannelParameter(type=TeacherLogits),
}

# Where state is kept does not change what is computed.
_NOT_IN_DIGEST = frozenset({"checkpoint_root"})


@dataclasses.dataclass(frozen=True)
class TrainingSettings:
    """What every training of one run is told.

    Attributes:
      task: Shape of an example.
      training: Batches, losses, weight decay.
      seed: Seed of everything random.
      checkpoint_root: Folder for state that survives a kill.
    """

    task: TaskConfig
    training: TrainingConfig
    seed: int
    checkpoint_root: str

    def exec_properties(self, code_digest: str) -> dict[str, Any]:
        """Values for `TRAINING_PARAMETERS`."""
        return {
            "task": json_of(self.task),
            "training": json_of(self.training),
            "seed": self.seed,
            "checkpoint_root": self.checkpoint_root,
            "code_digest": code_digest,
        }


@dataclasses.dataclass(frozen=True)
class TrainingInputs:
    """What an executor trains with.

    Attributes:
      examples: The artifact, for its labels and counts.
      data: Its examples beside the teacher's logits.
      settings: What every training of the run is told.
      checkpoint: State of this very training; the same parameters and inputs find it again after a kill.
    """

    examples: Artifact
    data: TrainingData
    settings: TrainingSettings
    checkpoint: Checkpoint

    @classmethod
    def open(cls, input_dict: Mapping[str, list[Artifact]], exec_properties: Mapping[str, Any]) -> TrainingInputs:
        """Opens the inputs, and makes all that follows in this process a function of the seed."""
        settings = TrainingSettings(
            from_json(TaskConfig, exec_properties["task"]),
            from_json(TrainingConfig, exec_properties["training"]),
            int(exec_properties["seed"]),
            exec_properties["checkpoint_root"],
        )
        make_deterministic(settings.seed)
        examples = artifact_utils.get_single_instance(input_dict["examples"])
        teacher_logits = artifact_utils.get_single_instance(input_dict["teacher_logits"])
        data = TrainingData(
            train=Path(examples.uri) / Split.TRAIN,
            train_logits=Path(teacher_logits.uri) / Split.TRAIN,
            held_out=Path(examples.uri) / Split.HELD_OUT,
            num_train=examples.num_train,
            num_held_out=examples.num_held_out,
            input_shape=settings.task.input_shape,
            batch_size=settings.training.batch_size,
            shuffle_buffer=settings.training.shuffle_buffer,
        )
        digest = _digest(exec_properties, input_dict)
        return cls(examples, data, settings, Checkpoint(Path(settings.checkpoint_root) / digest))

    def plan(self, phase: str, epochs: int, learning_rate: float, warmup_ratio: float = 0.0) -> TrainingPlan:
        """A phase of training with the run's common settings."""
        return TrainingPlan(
            phase=phase,
            epochs=epochs,
            learning_rate=learning_rate,
            warmup_ratio=warmup_ratio,
            weight_decay=self.settings.training.weight_decay,
            distillation=self.settings.training.distillation,
            seed=self.settings.seed,
        )


def _digest(exec_properties: Mapping[str, Any], input_dict: Mapping[str, list[Artifact]]) -> str:
    parameters = {name: value for name, value in exec_properties.items() if name not in _NOT_IN_DIGEST}
    inputs = {name: [artifact.uri for artifact in artifacts] for name, artifacts in input_dict.items()}
    return hashlib.sha256(json.dumps([parameters, inputs], sort_keys=True, default=str).encode()).hexdigest()[:32]

"""What the training components share: their inputs on disk and their checkpoints."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tfx.types.artifact import Artifact

from components.artifacts import HELD_OUT_SPLIT, TRAIN_SPLIT
from learn2compress.checkpoint import Checkpoint
from learn2compress.config import TaskConfig, TrainingConfig
from learn2compress.data.batches import TrainingData

# Where state is kept does not change what is computed.
_NOT_IN_DIGEST = ("checkpoint_root",)


def training_data(
    examples: Artifact, teacher_logits: Artifact, task: TaskConfig, training: TrainingConfig
) -> TrainingData:
    """Both splits of `examples` with the teacher's logits."""
    folder = Path(examples.uri)
    return TrainingData(
        train=folder / TRAIN_SPLIT,
        train_logits=Path(teacher_logits.uri) / TRAIN_SPLIT,
        held_out=folder / HELD_OUT_SPLIT,
        num_train=examples.num_train,
        num_held_out=examples.num_held_out,
        input_shape=task.input_shape,
        batch_size=training.batch_size,
        shuffle_buffer=training.shuffle_buffer,
    )


def checkpoint_for(exec_properties: Mapping[str, Any], input_dict: Mapping[str, list[Artifact]]) -> Checkpoint:
    """The checkpoint of one training: the same parameters and inputs find it again after a kill."""
    parameters = {name: value for name, value in exec_properties.items() if name not in _NOT_IN_DIGEST}
    inputs = {name: [artifact.uri for artifact in artifacts] for name, artifacts in input_dict.items()}
    digest = hashlib.sha256(json.dumps([parameters, inputs], sort_keys=True, default=str).encode()).hexdigest()
    return Checkpoint(Path(exec_properties["checkpoint_root"]) / digest[:32])

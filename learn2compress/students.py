"""Student families: one network whose exits are the students.

`sharing: prefix`: all students share one trunk, and each leaves it after its
own stage through its own head (multi-exit networks; Huang et al., MSDNet,
arXiv:1703.09844). A forward pass of the deepest student computes every trunk
layer of the others, so that training the family costs about as much as
training the deepest alone.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

import keras

from learn2compress.config import StageConfig, StudentConfig, TaskConfig, TaskKind

# Short trainings see few steps: statistics must follow faster than Keras' default of 0.99.
_BATCH_NORM_MOMENTUM = 0.9


def build_joint_network(
    task: TaskConfig, num_classes: int, stages: Sequence[StageConfig], students: Sequence[StudentConfig]
) -> keras.Model:
    """Builds the network that all students of one run share.

    Args:
      task: Gives the input's shape; the input is float32 in 0..1.
      num_classes: Length of each student's logits, at least 2.
      stages: The trunk. Images: `blocks` 3x3 convolutions of `channels`, each
        stage but the first halving height and width. Text: `blocks` dense
        layers of `channels` units.
      students: Names and exit stages; a stage behind the deepest exit is not built.

    Returns:
      A functional model from `[batch, *task.input_shape]` to a dict of logits
      `[batch, num_classes]` by student name.
    """
    inputs = keras.Input(task.input_shape, name="input")
    exits = {student.stage: student.name for student in students}
    stage_of, head_of = (_image_stage, _image_head) if task.kind is TaskKind.IMAGE else (_dense_stage, _dense_head)
    features = inputs
    logits: dict[int, keras.KerasTensor] = {}
    for number, stage in enumerate(stages[: max(exits)], start=1):
        features = stage_of(features, stage, number)
        if number in exits:
            logits[number] = head_of(features, num_classes, exits[number])
    outputs = {student.name: logits[student.stage] for student in students}
    return keras.Model(inputs, outputs, name="joint_network")


def standalone_student(joint: keras.Model, name: str) -> keras.Model:
    """Cuts one student out of the joint network.

    Returns:
      A plain functional model `[batch, *input] -> [batch, num_classes]` of
      logits with its own copy of just the weights that it uses.

    Raises:
      KeyError: no student of that name.
    """
    view = keras.Model(joint.input, joint.output[name], name=name)
    student = keras.models.clone_model(view)
    student.set_weights(view.get_weights())
    return student


def _image_stage(features: keras.KerasTensor, stage: StageConfig, number: int) -> keras.KerasTensor:
    for block in range(1, stage.blocks + 1):
        halve = block == 1 and number > 1 and min(features.shape[1:3]) > 1
        shortcut = features
        features = keras.layers.Conv2D(
            stage.channels,
            3,
            strides=2 if halve else 1,
            padding="same",
            use_bias=False,
            kernel_initializer="he_normal",
            name=f"stage{number}_conv{block}",
        )(features)
        features = _batch_norm(f"stage{number}_norm{block}")(features)
        if block > 1:
            features = keras.layers.Add(name=f"stage{number}_add{block}")([shortcut, features])
        features = keras.layers.ReLU(name=f"stage{number}_relu{block}")(features)
    return features


def _image_head(features: keras.KerasTensor, num_classes: int, name: str) -> keras.KerasTensor:
    channels = features.shape[-1]
    if min(features.shape[1:3]) > 1:
        features = keras.layers.AveragePooling2D(2, name=f"{name}_pool")(features)
    features = keras.layers.Conv2D(
        2 * channels, 1, use_bias=False, kernel_initializer="he_normal", name=f"{name}_conv"
    )(features)
    features = _batch_norm(f"{name}_norm")(features)
    features = keras.layers.ReLU(name=f"{name}_relu")(features)
    features = keras.layers.GlobalAveragePooling2D(name=f"{name}_global_pool")(features)
    return keras.layers.Dense(num_classes, name=f"{name}_logits")(features)


def _dense_stage(features: keras.KerasTensor, stage: StageConfig, number: int) -> keras.KerasTensor:
    for block in range(1, stage.blocks + 1):
        features = keras.layers.Dense(
            stage.channels, use_bias=False, kernel_initializer="he_normal", name=f"stage{number}_dense{block}"
        )(features)
        features = _batch_norm(f"stage{number}_norm{block}")(features)
        features = keras.layers.ReLU(name=f"stage{number}_relu{block}")(features)
    return features


def _dense_head(features: keras.KerasTensor, num_classes: int, name: str) -> keras.KerasTensor:
    return keras.layers.Dense(num_classes, name=f"{name}_logits")(features)


def _batch_norm(name: str) -> keras.Layer:
    return keras.layers.BatchNormalization(momentum=_BATCH_NORM_MOMENTUM, name=name)


def content_sha256(student: keras.Model) -> str:
    """Digest of a student's architecture and weights; unlike a saved file it holds no date."""
    digest = hashlib.sha256(json.dumps(student.get_config(), sort_keys=True, default=str).encode())
    for weights in student.get_weights():
        digest.update(weights.tobytes())
    return digest.hexdigest()

"""The network that all students of one run train in, and each student cut out of it."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable, Sequence

import keras

from learn2compress.config import StudentConfig, TaskConfig, TrainingConfig
from learn2compress.students import sharing
from learn2compress.students.architecture import find_architecture
from learn2compress.students.sliced import plain_layer, weights_of
from learn2compress.students.trunk import connect_trunk
from learn2compress.students.unsharing import joint_layer_name


def build_joint_network(
    task: TaskConfig,
    num_classes: int,
    training: TrainingConfig,
    students: Sequence[StudentConfig],
    pretrained: keras.Model | None = None,
) -> keras.Model:
    """Builds the network that all students of one run share.

    Example:
      >>> from learn2compress.config import StageConfig, StudentConfig, TaskConfig, TrainingConfig
      >>> from learn2compress.students.joint import build_joint_network
      >>> training = TrainingConfig(stages=(StageConfig(8), StageConfig(16)))
      >>> students = [StudentConfig("large", stage=2), StudentConfig("small", stage=1)]
      >>> joint = build_joint_network(TaskConfig(input_shape=(8, 8, 1)), 10, training, students)
      >>> {name: logits.shape for name, logits in joint.output.items()}
      {'large': (None, 10), 'small': (None, 10)}

    Args:
      task: Gives the input's shape; the input is float32 in 0..1.
      num_classes: Length of each student's logits, at least 2.
      training: Architecture, stages and the strategy by which they are shared; what no
        student needs is not built.
      students: Names and sizes. A budget must have become a width before.
      pretrained: The trunk that `training.pretrained` asks for, from
        `learn2compress.students.pretrained`; its weights are copied.

    Returns:
      A functional model from `[batch, *task.input_shape]` to a dict of logits
      `[batch, num_classes]` by student name, in the order of `students`.

    Raises:
      ConfigError: the architecture is for another kind of task, or a student's name
        is that of the trunk's layers.
    """
    if (pretrained is None) != (training.pretrained is None):
        raise ValueError("found training.pretrained without its trunk or the reverse, accepted are both or neither")
    sized = [dataclasses.replace(student, stage=student.stage or training.num_stages) for student in students]
    if pretrained is not None:
        inputs, logits = connect_trunk(pretrained, num_classes, sized)
    else:
        inputs = keras.Input(task.input_shape, name="input")
        logits = sharing.connect(inputs, find_architecture(training, task), num_classes, training, sized)
    return keras.Model(inputs, {student.name: logits[student.name] for student in students}, name="joint_network")


def standalone_student(joint: keras.Model, name: str) -> keras.Model:
    """Copies one student out of the joint network.

    Example:
      >>> import numpy as np
      >>> from learn2compress.config import StageConfig, StudentConfig, TaskConfig, TrainingConfig
      >>> from learn2compress.students.joint import build_joint_network, standalone_student
      >>> training = TrainingConfig(stages=(StageConfig(8), StageConfig(16)))
      >>> students = [StudentConfig("large", stage=2), StudentConfig("small", stage=1)]
      >>> joint = build_joint_network(TaskConfig(), 10, training, students)
      >>> small = standalone_student(joint, "small")
      >>> small.count_params() < joint.count_params()
      True
      >>> images = np.ones((1, 8, 8, 1), "float32")
      >>> bool(np.allclose(small(images), joint(images)["small"], atol=1e-5))
      True

    Args:
      joint: From `build_joint_network`, or made of that by `unshared_network`.
      name: The student's.

    Returns:
      A plain functional model `[batch, *input] -> [batch, num_classes]` of
      logits with its own copy of just the weights that it uses. Its layers have
      the joint network's names.

    Raises:
      KeyError: no student of that name.
    """
    view = keras.Model(joint.input, joint.output[name], name=name)
    return plain_copy(view, lambda layer_name: joint_layer_name(joint, layer_name))


def plain_copy(view: keras.Model, name_of: Callable[[str], str]) -> keras.Model:
    """Copies a part of a network of shared weights into a plain network with its own.

    Args:
      view: Of the part; its name is the copy's.
      name_of: Returns the name of a copied layer for the name that it has in the view.
    """

    def plain(layer: keras.Layer) -> keras.Layer:
        return plain_layer(layer, name_of(layer.name))

    student = keras.models.clone_model(view, clone_function=plain)
    for layer in view.layers:
        student.get_layer(name_of(layer.name)).set_weights(weights_of(layer))
    return student


def content_sha256(student: keras.Model) -> str:
    """Returns the SHA-256 of a student's architecture and weights; unlike a saved file it holds no date."""
    digest = hashlib.sha256(json.dumps(student.get_config(), sort_keys=True, default=str).encode())
    for weights in student.get_weights():
        digest.update(weights.tobytes())
    return digest.hexdigest()

"""Loads a teacher that was found safe, and checks it against the task."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf

from learn2compress.config import (
    InputScaling,
    Precision,
    TaskConfig,
    TaskKind,
    TeacherConfig,
    TeacherMemberConfig,
    TeacherTraining,
)
from learn2compress.config.parsing import ConfigError, about
from learn2compress.precision.view import num_in_bfloat16
from learn2compress.teachers.members import members_of
from learn2compress.teachers.network import Member, Network, scaled_scores
from learn2compress.teachers.opening import explained, open_network
from learn2compress.teachers.outputs import check_declared, probe_inputs, tell_output
from learn2compress.teachers.safety import content_sha256
from learn2compress.teachers.teacher import LoadedTeacher


def load_teacher(paths: Sequence[Path], config: TeacherConfig, task: TaskConfig, num_classes: int) -> LoadedTeacher:
    """Loads a teacher, or all teachers of an ensemble, after checking that each is safe and fits.

    Example:
      >>> from pathlib import Path
      >>> import keras
      >>> import numpy as np
      >>> from learn2compress.config import InputScaling, TaskConfig, TeacherConfig
      >>> from learn2compress.teachers.loading import load_teacher
      >>> layers = [keras.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(10)]
      >>> keras.Sequential(layers).save("teacher.keras")
      >>> config = TeacherConfig("teacher.keras", InputScaling(multiply=1 / 255, add=0.0))
      >>> teacher = load_teacher([Path("teacher.keras")], config, TaskConfig(), num_classes=10)
      >>> teacher.num_parameters, teacher.output.value
      (650, 'logits')
      >>> teacher.logits(np.zeros((3, 8, 8, 1), np.uint8)).shape
      (3, 10)

    Args:
      paths: Local `.keras` or `.h5` files or SavedModel folders, one for each of
        `members_of(config)`; see `fetch_members`.
      config: Their input scaling, declared outputs, batch size and training.
      task: The examples' kind and shape.
      num_classes: Classes of the data.

    Returns:
      The teacher, whose scores are the mean of the probabilities where there are several.

    Raises:
      UnsafeTeacherError, ConfigError: as `load_member`; or a teacher that is to
        be trained has nothing to train, or none of it can be computed in the precision.
    """
    teachers = zip(members_of(config).items(), paths, strict=True)
    members = [load_member(path, member, task, num_classes, field) for (field, member), path in teachers]
    model = members[0].network.model
    if config.training is TeacherTraining.JOINT and (model is None or not model.trainable_variables):
        found = "a SavedModel or a batch of one" if model is None else "a model whose layers are all frozen"
        raise ConfigError(
            f"teacher.training: found 'joint' with {found}, accepted is 'fixed', or a .keras or .h5 file that takes "
            "batches and has trainable weights"
        )
    for member in members:
        _check_precision(member, config.precision)
    return LoadedTeacher(members, task.input_shape, config.batch_size)


def _check_precision(member: Member, precision: Precision) -> None:
    """Refuses a precision that no layer of a network would be computed in."""
    model = member.computed_in(precision).network.model
    if precision is Precision.BFLOAT16 and model is not None and not num_in_bfloat16(model):
        raise ConfigError(
            f"teacher.precision: found {precision.value!r} with {member.network.name}, none of whose layers is "
            "computed in it, accepted is 'float32', or a teacher of images with plain float32 convolutions"
        )


def load_member(
    path: Path, config: TeacherMemberConfig, task: TaskConfig, num_classes: int, field: str = "teacher"
) -> Member:
    """Loads one teacher after checking that it is safe, and that it fits.

    Args:
      path: A local `.keras` or `.h5` file or SavedModel folder.
      config: Its input scaling and declared output.
      task: The examples' kind and shape.
      num_classes: Classes of the data.
      field: Where `config` stands in the configuration; messages name it.

    Returns:
      The teacher's network, with its output told from its last activation or its values.

    Raises:
      UnsafeTeacherError: before anything of it is loaded.
      ConfigError: it is damaged, has weights or outputs that are not finite, or
        does not fit the task's input shape, the classes or the declared output.
    """
    with about(f"{field}.uri"):
        network = open_network(path)
        with explained(path):
            _check_input(network, task)
            if not network.takes_text:
                network = dataclasses.replace(network, input_shape=task.input_shape)
            raw = _probe(network, config.input_scaling, task, num_classes)
        output = tell_output(raw, network.activation, config.output, str(path))
    check_declared(output, network.activation, config.output, f"{field}.output", str(path))
    return Member(network, config.input_scaling, output, num_classes, content_sha256(path))


def _check_input(network: Network, task: TaskConfig) -> None:
    shape = network.input_shape
    if network.takes_text:
        if task.kind is not TaskKind.TEXT or shape not in ((), (1,)):
            raise ConfigError(
                f"{network.name}: found a string input of shape {list(shape)}, accepted is {_accepted_input(task)}"
            )
        return
    # None stands for any size: a fully convolutional teacher takes ours.
    fits = len(shape) == len(task.input_shape) and all(
        size in (None, wanted) for size, wanted in zip(shape, task.input_shape, strict=True)
    )
    if not fits or not network.input_dtype.is_floating:
        raise ConfigError(
            f"{network.name}: found an input of {network.input_dtype.name} {list(shape)}, "
            f"accepted is {_accepted_input(task)}"
        )


def _accepted_input(task: TaskConfig) -> str:
    features = f"float32 {list(task.input_shape)}, task.input_shape"
    return features + (" or one string" if task.kind is TaskKind.TEXT else "")


def _probe(network: Network, scaling: InputScaling, task: TaskConfig, num_classes: int) -> np.ndarray:
    """Returns the outputs for the probe inputs, float32 `[n, num_classes]`."""
    run = tf.function(
        lambda raw: scaled_scores(network, scaling, raw),
        input_signature=[network.input_spec()],
    )
    found = run.get_concrete_function().output_shapes
    shape = [] if found.rank is None else list(found)
    if len(shape) != 2 or shape[1] != num_classes:
        raise ConfigError(
            f"{network.name}: found outputs of shape {shape}, accepted is [batch, {num_classes}]: one for each class"
        )
    x, texts = probe_inputs(task)
    inputs = np.array(texts, dtype=object).reshape(-1, *network.input_shape) if network.takes_text else x
    size = network.fixed_batch or len(inputs)
    parts = [run(tf.constant(inputs[start : start + size])) for start in range(0, len(inputs), size)]
    return np.concatenate(parts)

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
    TeacherOutput,
    TeacherTraining,
)
from learn2compress.config.parsing import ConfigError, about, clipped
from learn2compress.precision.view import num_in_bfloat16
from learn2compress.teachers.class_order import numbered_outputs
from learn2compress.teachers.class_scores import ClassScores, check_outputs
from learn2compress.teachers.half_precision import half_precision_of
from learn2compress.teachers.input_scaling import NO_SCALING
from learn2compress.teachers.members import members_of
from learn2compress.teachers.network import Member, Network, scaled_scores
from learn2compress.teachers.opening import explained, open_network
from learn2compress.teachers.outputs import check_declared, probe_inputs, tell_output
from learn2compress.teachers.safety import content_sha256
from learn2compress.teachers.single_unit import tell_unit
from learn2compress.teachers.teacher import LoadedTeacher

_LARGEST_BYTE = 255


def load_teacher(
    paths: Sequence[Path],
    config: TeacherConfig,
    task: TaskConfig,
    num_classes: int,
    labels: Sequence[str] | None = None,
) -> LoadedTeacher:
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
      labels: Their names in index order; needed where the configuration names classes.

    Returns:
      The teacher, whose scores are the mean of the probabilities where there are several.

    Raises:
      UnsafeTeacherError, ConfigError: as `load_member`; or a teacher that is to
        be trained has nothing to train, or none of it can be computed in the precision.
    """
    teachers = zip(members_of(config).items(), paths, strict=True)
    members = [load_member(path, member, task, num_classes, field, labels) for (field, member), path in teachers]
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
    path: Path,
    config: TeacherMemberConfig,
    task: TaskConfig,
    num_classes: int,
    field: str = "teacher",
    labels: Sequence[str] | None = None,
) -> Member:
    """Loads one teacher after checking that it is safe, and that it fits.

    Args:
      path: A local `.keras` or `.h5` file or SavedModel folder.
      config: Its input scaling, declared output, and which outputs are which classes.
      task: The examples' kind and shape.
      num_classes: Classes of the data.
      field: Where `config` stands in the configuration; messages name it.
      labels: Names of the classes in index order; needed where `config` names classes.

    Returns:
      The teacher's network, with its output told from its values or its last activation.

    Raises:
      UnsafeTeacherError: before anything of it is loaded.
      ConfigError: it is damaged, has weights or outputs that are not finite, or
        does not fit the task's input shape, the classes or the declared output.
      ValueError: `config` names classes, and there are no `labels` to hold them against.
    """
    outputs = numbered_outputs(config, labels, field)
    with about(f"{field}.uri"):
        network = open_network(path)
        with explained(path):
            _check_input(network, task)
            if not network.takes_text:
                network = dataclasses.replace(network, input_shape=task.input_shape)
    scaling = _input_scaling(network, config.input_scaling, task, f"{field}.input_scaling")
    with about(f"{field}.uri"), explained(path):
        raw = _probe(network, scaling, task)
    if config.outputs is None:  # names in `classes` are those of all outputs
        _check_output_count(network, raw, num_classes, labels or (), field, has_names=bool(config.classes))
    output, class_scores = _read_outputs(network, raw, config.output, outputs, num_classes, field)
    network = dataclasses.replace(network, class_scores=class_scores)
    return Member(network, scaling, output, num_classes, content_sha256(path))


def _input_scaling(network: Network, scaling: InputScaling, task: TaskConfig, field: str) -> InputScaling:
    """Returns how bytes become a network's inputs, after checking that they can."""
    if network.takes_text:
        return scaling
    scaling.check_channels(task.input_shape[-1], field)
    if network.input_dtype.is_floating:
        return scaling
    unscaled = dataclasses.replace(scaling, multiply=NO_SCALING.multiply, add=NO_SCALING.add)
    if scaling not in (unscaled, dataclasses.replace(InputScaling(), channel_order=scaling.channel_order)):
        raise ConfigError(
            f"{field}: found a scaling for {network.name}, which takes bytes ({network.input_dtype.name}), accepted "
            "is multiply 1.0 and add 0.0, or nothing"
        )
    return unscaled


def _check_output_count(
    network: Network,
    raw: np.ndarray,
    num_classes: int,
    labels: Sequence[str],
    field: str,
    *,
    has_names: bool,
) -> None:
    """Refuses a network that has no output for each class, and says what to do.

    Args:
      network: The network.
      raw: Its outputs for the probe inputs, `[n, outputs]`.
      num_classes: Classes of the data.
      labels: Their names in index order, where they are known.
      field: Where the teacher stands in the configuration.
      has_names: The configuration has `classes`, which can't stand beside `outputs`.

    Raises:
      ConfigError: it has more or fewer outputs.
    """
    num_outputs = raw.shape[1]
    if num_outputs == num_classes or (num_outputs == 1 and num_classes == 2):
        return
    mend = ""
    instead = f", in place of {field}.classes" if has_names else ""
    if num_outputs > num_classes:
        names = [clipped(label) for label in labels[:2]]
        shown = f": {{{', '.join(f'{name}: NUMBER' for name in names)}, ...}}" if names else ""
        mend = (
            f"; if they are among the teacher's {num_outputs:,}, say which output (from 0) is which in "
            f"{field}.outputs{shown}{instead}; otherwise train the teacher's last layer on this data"
        )
    with about(f"{field}.uri"):
        raise ConfigError(
            f"{network.name}: found outputs of shape [None, {num_outputs}], accepted is [batch, {num_classes}]: one "
            f"for each class{mend}"
        )


def _read_outputs(
    network: Network,
    raw: np.ndarray,
    declared: TeacherOutput | None,
    outputs: tuple[int, ...] | None,
    num_classes: int,
    field: str,
) -> tuple[TeacherOutput, ClassScores]:
    """Returns what a network returns, and how that becomes a score for each class.

    Args:
      network: The network.
      raw: Its outputs for the probe inputs, `[n, outputs]`.
      declared: What they are, where the configuration says it.
      outputs: The number of each class' output; `None` where outputs and classes are the same.
      num_classes: Classes of the data.
      field: Where the teacher stands in the configuration.
    """
    unit = None
    if raw.shape[1] == 1 and num_classes == 2:
        unit = output = tell_unit(raw, network.activation, declared, f"{field}.output", network.name)
    else:
        with about(f"{field}.uri"):
            output = tell_output(raw, network.activation, declared, network.name)
        check_declared(output, network.activation, declared, f"{field}.output", network.name)
    if outputs is None:
        return output, ClassScores(unit)
    num_outputs = raw.shape[1] if unit is None else num_classes
    check_outputs(outputs, num_outputs, num_classes, f"{field}.outputs")
    is_part = output is TeacherOutput.PROBABILITIES and num_outputs > num_classes
    return output, ClassScores(unit, outputs, are_probabilities=is_part)


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
    takes_bytes = network.input_dtype.is_integer and network.input_dtype.max >= _LARGEST_BYTE
    if not fits or not (network.input_dtype.is_floating or (takes_bytes and task.kind is TaskKind.IMAGE)):
        raise ConfigError(
            f"{network.name}: found an input of {network.input_dtype.name} {list(shape)}, "
            f"accepted is {_accepted_input(task)}"
        )


def _accepted_input(task: TaskConfig) -> str:
    features = f"float32 {list(task.input_shape)}, task.input_shape"
    return features + (" or one string" if task.kind is TaskKind.TEXT else ", or uint8 of it")


def _probe(network: Network, scaling: InputScaling, task: TaskConfig) -> np.ndarray:
    """Returns a network's outputs for the probe inputs, float32 `[n, outputs]`.

    Raises:
      ConfigError: there is not one score for each class, or LiteRT has no operations for its number type.
    """
    run = tf.function(
        lambda raw: scaled_scores(network, scaling, raw),
        input_signature=[network.input_spec()],
    )
    traced = run.get_concrete_function()
    found = traced.output_shapes
    shape = [] if found.rank is None else list(found)
    if len(shape) != 2 or shape[1] is None:
        raise ConfigError(f"{network.name}: found outputs of shape {shape}, accepted is one score for each class")
    half = None if network.takes_text else half_precision_of(traced.graph)
    if half is not None:
        raise ConfigError(
            f"{network.name}: computes in {half}, which LiteRT has no operations for; name its .keras or .h5 file, "
            "which is opened in float32, or export it as a SavedModel from a model whose dtype policy is float32"
        )
    x, texts = probe_inputs(task)
    inputs = np.array(texts, dtype=object).reshape(-1, *network.input_shape) if network.takes_text else x
    size = network.fixed_batch or len(inputs)
    parts = [run(tf.constant(inputs[start : start + size])) for start in range(0, len(inputs), size)]
    return np.concatenate(parts)


def check_opens(path: Path, task: TaskConfig, field: str = "teacher") -> None:
    """Checks what of a teacher can be checked where the number of classes is not known yet.

    Args:
      path: A local `.keras` or `.h5` file or SavedModel folder.
      task: The examples' kind and shape.
      field: Where it stands in the configuration; messages name it.

    Raises:
      UnsafeTeacherError: before anything of it is loaded.
      ConfigError: it is damaged, or does not fit the task's input shape.
    """
    with about(f"{field}.uri"):
        network = open_network(path)
        with explained(path):
            _check_input(network, task)

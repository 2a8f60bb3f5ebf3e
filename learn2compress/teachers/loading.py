"""Opens a teacher that was found safe, and holds it against the task."""

from __future__ import annotations

import contextlib
import dataclasses
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from learn2compress.config import TaskConfig, TaskKind, TeacherConfig
from learn2compress.config_file import ConfigError
from learn2compress.teachers.fetching import fetch_teacher
from learn2compress.teachers.outputs import last_activation, probe_inputs, tell_output
from learn2compress.teachers.safety import TeacherFormat, check_teacher, content_sha256
from learn2compress.teachers.teacher import Network, Teacher

__all__ = ["Teacher", "fetch_teacher", "load_teacher"]


def load_teacher(path: Path, config: TeacherConfig, task: TaskConfig, num_classes: int) -> Teacher:
    """Loads a teacher after checking that it is safe, and that it fits.

    Args:
      path: A local `.keras` or `.h5` file or SavedModel folder; see `fetch_teacher`.
      config: Its input scaling, batch size and declared output.
      task: The examples' kind and shape.
      num_classes: Classes of the data.

    Returns:
      The teacher, with `output` told from its last activation or its answers.

    Raises:
      UnsafeTeacherError: before anything of it is loaded.
      ConfigError: it is damaged, has weights or outputs that are not finite, or
        does not fit the task's input shape, the classes or the declared output.
    """
    found = check_teacher(path)
    digest = content_sha256(path)
    with _explained(path):
        network = _open_saved_model(path) if found is TeacherFormat.SAVED_MODEL else _open_keras(path, found)
        _check_input(network, task)
        if network.input_dtype != tf.string:
            network = dataclasses.replace(network, input_shape=task.input_shape)
        teacher = Teacher(network, config.input_scaling, config.batch_size, num_classes, digest)
        _check_classes(teacher, network, num_classes)
        x, texts = probe_inputs(task)
        raw = teacher.raw_outputs(x, texts if teacher.takes_text else None)
    teacher.output = tell_output(raw, network.activation, config.output, str(path))
    return teacher


@contextlib.contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Turns what Keras and TensorFlow raise into one line; they raise nearly every type for a damaged teacher."""
    try:
        yield
    except ConfigError:
        raise
    except Exception as error:
        raise ConfigError(
            f"{path}: found a teacher that can't be loaded ({_reason(error)}), accepted is a whole one that Keras 3 or "
            "TensorFlow 2 can load; export one of Keras 2 as a SavedModel"
        ) from error


def _reason(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    # Keras quotes whole configurations first, and the cause last.
    causes = [line.partition("Exception encountered:")[2].strip() for line in lines if "Exception encountered:" in line]
    reason = (causes or lines)[0]
    return reason if len(reason) <= 200 else reason[:197] + "..."


def _open_keras(path: Path, found: TeacherFormat) -> Network:
    with tempfile.TemporaryDirectory() as folder:
        # Keras decides by suffix; what was checked was decided by content.
        named = Path(folder) / f"teacher.{found.value}"
        named.symlink_to(path.resolve())
        model = keras.saving.load_model(named, compile=False, safe_mode=True)
    inputs, outputs = getattr(model, "inputs", None), getattr(model, "outputs", None)
    if not inputs or not outputs:
        raise ConfigError(f"{path}: found a model without a fixed input, accepted is one built with keras.Input")
    for kind, tensors in (("inputs", inputs), ("outputs", outputs)):
        if len(tensors) != 1:
            names = ", ".join(tensor.name for tensor in tensors)
            raise ConfigError(f"{path}: found {len(tensors)} {kind} ({names}), accepted is one")
    _check_weights(((weight.path, weight) for weight in model.weights), path)
    return Network(
        name=str(path),
        forward=lambda batch: model(batch, training=False),
        input_shape=tuple(inputs[0].shape[1:]),
        input_dtype=tf.as_dtype(inputs[0].dtype),
        fixed_batch=_fixed_batch(inputs[0].shape[0], path),
        num_parameters=int(model.count_params()),
        activation=last_activation(model),
    )


def _open_saved_model(path: Path) -> Network:
    loaded = tf.saved_model.load(str(path))
    if "serving_default" not in loaded.signatures:
        names = ", ".join(sorted(loaded.signatures)) or "none"
        raise ConfigError(f"{path}: found signatures {names}, accepted is a SavedModel with serving_default")
    function = loaded.signatures["serving_default"]
    inputs, outputs = function.structured_input_signature[1], function.structured_outputs
    for kind, tensors in (("inputs", inputs), ("outputs", outputs)):
        if len(tensors) != 1:
            names = ", ".join(sorted(tensors))
            raise ConfigError(f"{path}: found {len(tensors)} {kind} of serving_default ({names}), accepted is one")
    ((input_name, spec),) = inputs.items()
    (output_name,) = outputs
    if spec.shape.rank is None or spec.shape.rank < 1:
        raise ConfigError(f"{path}: found an input without a batch dimension, accepted is [batch, ...]")
    _check_weights(((variable.name, variable) for variable in function.variables), path)

    def forward(batch: Any) -> Any:
        # `loaded` owns the variables; the closure keeps it alive as long as the function.
        return loaded.signatures["serving_default"](**{input_name: batch})[output_name]

    return Network(
        name=str(path),
        forward=forward,
        input_shape=tuple(spec.shape[1:]),
        input_dtype=spec.dtype,
        fixed_batch=_fixed_batch(spec.shape[0], path),
        num_parameters=_count_parameters(function),
        activation=None,
    )


def _count_parameters(function: Any) -> int:
    if function.variables:
        return sum(int(np.prod(variable.shape)) for variable in function.variables)
    # A frozen graph holds its weights as constants.
    graph = function.graph.as_graph_def()
    nodes = [*graph.node, *(node for inner in graph.library.function for node in inner.node_def)]
    shapes = [node.attr["value"].tensor for node in nodes if node.op == "Const"]
    return sum(
        int(np.prod([dimension.size for dimension in tensor.tensor_shape.dim]))
        for tensor in shapes
        if tf.as_dtype(tensor.dtype).is_floating and tensor.tensor_shape.dim
    )


def _fixed_batch(size: int | None, path: Path) -> int | None:
    if size not in (None, 1):
        raise ConfigError(f"{path}: found a batch dimension of {size}, accepted is any size or 1")
    return size


def _check_weights(weights: Iterable[tuple[str, Any]], path: Path) -> None:
    for name, weight in weights:
        if tf.as_dtype(weight.dtype).is_floating and not bool(tf.reduce_all(tf.math.is_finite(weight))):
            raise ConfigError(f"{path}: found NaN or infinity in weight {name!r}, accepted are finite weights")


def _check_input(network: Network, task: TaskConfig) -> None:
    shape = network.input_shape
    if network.input_dtype == tf.string:
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


def _check_classes(teacher: Teacher, network: Network, num_classes: int) -> None:
    shape = teacher.output_shape()
    if len(shape) != 2 or shape[1] != num_classes:
        raise ConfigError(
            f"{network.name}: found outputs of shape {shape}, accepted is [batch, {num_classes}]: one for each class"
        )

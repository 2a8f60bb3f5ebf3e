"""Opens a teacher that was found safe, whatever format it is stored in."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from learn2compress.config.parsing import ConfigError
from learn2compress.teachers.loadable_file import loadable_file
from learn2compress.teachers.network import Network
from learn2compress.teachers.outputs import last_activation
from learn2compress.teachers.safety import TeacherFormat, check_teacher


def open_network(path: Path) -> Network:
    """Loads the network of a teacher after checking that it is safe.

    Args:
      path: A local `.keras` or `.h5` file or SavedModel folder; its content decides which.

    Returns:
      The network, of one input and one output.

    Raises:
      UnsafeTeacherError: before anything of it is loaded.
      ConfigError: it is damaged, has not one input and one output, or has
        weights that are not finite.
    """
    found = check_teacher(path)
    with explained(path):
        return _open_saved_model(path) if found is TeacherFormat.SAVED_MODEL else _open_keras(path, found)


def open_keras_model(path: Path) -> keras.Model:
    """Loads a Keras model after checking that it is safe.

    Args:
      path: A local `.keras` or `.h5` file; its content decides which.

    Returns:
      The model, of one input and one output, not compiled.

    Raises:
      UnsafeTeacherError: before anything of it is loaded.
      ConfigError: as `open_network`; or it is a SavedModel.
    """
    found = check_teacher(path)
    if found is TeacherFormat.SAVED_MODEL:
        raise ConfigError(f"{path}: found a SavedModel, accepted is a .keras or .h5 file")
    with explained(path):
        return _open_keras_model(path, found)


@contextlib.contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turns what Keras and TensorFlow raise into one line; they raise nearly every type for a damaged teacher.

    Args:
      path: The teacher, for the message.

    Raises:
      ConfigError: whatever was raised inside the block.
    """
    try:
        yield
    except ConfigError:
        raise
    except Exception as error:
        raise ConfigError(
            f"{path}: neither Keras 3 nor TensorFlow 2 can load it ({_reason(error)}); export a teacher of Keras 2 as "
            "a SavedModel"
        ) from error


def _reason(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    # Keras quotes whole configurations first, and the cause last; of a layer inside others, once for each.
    causes = [line.partition("Exception encountered:")[2].strip() for line in lines if "Exception encountered:" in line]
    reason = causes[-1] if causes else lines[0]
    return reason if len(reason) <= 200 else reason[:197] + "..."


def _open_keras(path: Path, found: TeacherFormat) -> Network:
    model = _open_keras_model(path, found)
    inputs = model.inputs[0]
    fixed_batch = _fixed_batch(inputs.shape[0], path)
    return Network(
        name=str(path),
        forward=lambda batch, training: model(batch, training=training),
        input_shape=tuple(inputs.shape[1:]),
        input_dtype=tf.as_dtype(inputs.dtype),
        fixed_batch=fixed_batch,
        num_parameters=int(model.count_params()),
        activation=last_activation(model),
        model=model if fixed_batch is None else None,
    )


def _open_keras_model(path: Path, found: TeacherFormat) -> keras.Model:
    with tempfile.TemporaryDirectory() as folder:
        # Keras decides by suffix; what was checked was decided by content.
        named = loadable_file(path, found, Path(folder))
        model = keras.saving.load_model(named, compile=False, safe_mode=True)
    inputs, outputs = getattr(model, "inputs", None), getattr(model, "outputs", None)
    if not inputs or not outputs:
        raise ConfigError(f"{path}: found a model without a fixed input, accepted is one built with keras.Input")
    for kind, tensors in (("inputs", inputs), ("outputs", outputs)):
        if len(tensors) != 1:
            names = ", ".join(tensor.name for tensor in tensors)
            raise ConfigError(f"{path}: found {len(tensors)} {kind} ({names}), accepted is one")
    _check_weights(((weight.path, weight) for weight in model.weights), path)
    return model


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

    def forward(batch: Any, _: bool) -> Any:
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
            raise ConfigError(
                f"{path}: weight {name!r} has NaN or infinity in it; train the teacher anew, or take an earlier state"
            )

"""Tells logits from probabilities, so that nobody's softmax is taken twice."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from learn2compress.config import TaskConfig, TaskKind, TeacherOutput
from learn2compress.config.parsing import ConfigError
from learn2compress.keras_internals import producer, producer_inputs

SUM_TOLERANCE = 1e-3
"""How far from 1 the probabilities of one example may sum: half precision keeps three digits."""

_ACCEPTED = "one score for each class, as logits or as softmax probabilities"
_BY_ACTIVATION = {
    "softmax": TeacherOutput.PROBABILITIES,
    "log_softmax": TeacherOutput.LOGITS,
    "linear": TeacherOutput.LOGITS,
}
_MULTI_LABEL = {"sigmoid", "hard_sigmoid", "sparse_sigmoid"}
# These return their input, perhaps in another shape or type.
_PASSING_ON = {"Reshape", "Flatten", "Dropout", "Identity", "Cast", "ActivityRegularization"}


def probe_inputs(task: TaskConfig) -> tuple[np.ndarray, list[bytes]]:
    """Makes a few inputs to try a teacher on.

    Args:
      task: The examples' kind and shape.

    Returns:
      uint8 `[8, *input_shape]`: black, white, grey, and noise; and eight texts.
    """
    generator = np.random.default_rng(0)
    noise = generator.integers(0, 256, (5, *task.input_shape), dtype=np.uint8)
    if task.kind is TaskKind.TEXT:
        noise *= generator.random(noise.shape) < 0.05  # A sentence has few of the n-grams.
    flat = np.stack([np.full(task.input_shape, value, np.uint8) for value in (0, 255, 128)])
    texts = [b"yes", b"no", b"what is the time", b"book a table for two", b"play some music", b"a", b"?", b"42 is it"]
    return np.concatenate([flat, noise]), texts


def tell_output(raw: np.ndarray, activation: str | None, declared: TeacherOutput | None, name: str) -> TeacherOutput:
    """Decides what a teacher returns.

    Outputs that are not negative and sum to 1 on every probe are probabilities, whatever the
    last layer says: the guide to mixed precision puts a linear float32 activation behind a softmax.

    Args:
      raw: Its outputs on the probe inputs, `[n, num_classes]`.
      activation: Its last activation, where it can be read; see `last_activation`.
      declared: What the configuration says; it decides where the outputs leave it open.
      name: What to call the teacher in messages.

    Returns:
      Logits or probabilities.

    Raises:
      ConfigError: outputs that are not finite, or a multi-label teacher.
    """
    if not np.isfinite(raw).all():
        raise ConfigError(
            f"{name}: gives NaN or infinite outputs for probe inputs; check teacher.input_scaling and its training"
        )
    if activation in _MULTI_LABEL:
        raise ConfigError(f"{name}: found a multi-label {activation} at the end, accepted is {_ACCEPTED}")
    if _sum_to_one(raw):
        return TeacherOutput.PROBABILITIES
    return _BY_ACTIVATION.get(activation or "") or _tell_by_values(raw, declared, name)


def check_declared(
    found: TeacherOutput, activation: str | None, declared: TeacherOutput | None, field: str, name: str
) -> None:
    """Checks what the configuration says a teacher returns against what it was found to return.

    Args:
      found: From `tell_output`.
      activation: The teacher's last activation, where it can be read.
      declared: What the configuration says, if anything.
      field: Where it says so, such as "teacher.output".
      name: What to call the teacher in messages.

    Raises:
      ConfigError: they contradict each other.
    """
    if declared is not None and declared is not found:
        by_activation = _BY_ACTIVATION.get(activation or "") is found
        why = f"its last activation is {activation}" if by_activation else "its outputs on probe inputs"
        raise ConfigError(
            f"{field}: found {declared.value!r}, accepted is {found.value!r} or nothing for {name} ({why})"
        )


def _tell_by_values(raw: np.ndarray, declared: TeacherOutput | None, name: str) -> TeacherOutput:
    if bool((raw < 0).any()):
        return TeacherOutput.LOGITS
    # All between 0 and 1 without summing to 1 looks like sigmoids, unless the person says otherwise.
    if bool((raw <= 1).all()) and declared is not TeacherOutput.LOGITS:
        raise ConfigError(
            f"{name}: found outputs between 0 and 1 that don't sum to 1 (multi-label sigmoids?), "
            f"accepted is {_ACCEPTED}; if they are logits, set teacher.output to 'logits'"
        )
    return TeacherOutput.LOGITS


def _sum_to_one(raw: np.ndarray) -> bool:
    return bool((raw >= 0).all()) and np.allclose(raw.sum(axis=1), 1.0, rtol=0.0, atol=SUM_TOLERANCE)


def last_activation(model: Any) -> str | None:
    """Returns the name of the activation that a Keras model ends in, or None where it can't be read."""
    tensor = model.outputs[0]
    while True:
        operation = producer(tensor)
        kind = type(operation).__name__
        if hasattr(operation, "outputs") and hasattr(operation, "layers"):
            tensor = operation.outputs[0]
        elif kind in _PASSING_ON or (kind == "Activation" and operation.activation is keras.activations.linear):
            tensor = producer_inputs(tensor)[0]
        elif kind in ("Softmax", "Sigmoid", "LogSoftmax"):
            axis = getattr(operation, "axis", -1)
            name = {"Softmax": "softmax", "Sigmoid": "sigmoid", "LogSoftmax": "log_softmax"}[kind]
            return name if axis in (-1, len(tensor.shape) - 1) else None
        else:
            activation = getattr(operation, "activation", None)
            return getattr(activation, "__name__", None)

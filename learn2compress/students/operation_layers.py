"""Layers in place of the operations of a functional model, such as the `x + 3.0` of a hard swish.

Keras 3 keeps what is computed between layers as operations, which have no
weights and can be neither rounded nor pruned through. Arithmetic with numbers is
a rescaling, arithmetic of two tensors a layer of its own.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from learn2compress.keras_internals import operation_classes, producer

_COLOURS = 3

Numbers = float | list[float]


def apply_as_layer(operation: keras.Operation, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Applies layers that compute what an operation does.

    Args:
      operation: Of a functional model, no layer.
      args: What it is applied to.
      kwargs: Further arguments of its call.

    Returns:
      Its output, or `None` where no layer is known that computes it.
    """
    kind, name = type(operation).__name__, operation.name
    if type(operation) not in _classes() or kwargs:
        return None
    tensors = [value for value in args if isinstance(value, keras.KerasTensor)]
    if kind in _OF_TWO and len(args) == 2:
        if len(tensors) == 1:
            return _with_numbers(kind, args, name)
        # Layers that merge would broadcast a smaller shape from the left.
        merge = _OF_TWO[kind]
        return None if merge is None or not _are_alike(tensors) else merge(name=name)(list(args))
    if kind in _ACTIVATIONS and len(args) == 1:
        return keras.layers.Activation(_ACTIVATIONS[kind], name=name)(args[0])
    if kind == "Mean" and len(args) == 1 and len(args[0].shape) == 4 and _is_over_places(operation.axis):
        return keras.layers.GlobalAveragePooling2D(keepdims=operation.keepdims, name=name)(args[0])
    if kind == "Flip" and _has_colours(args[0]) and operation.axis in (-1, 3):
        return with_turned_colours(args[0], name)
    if kind == "GetItem" and len(args) == 2 and _turns_colours(*args):
        return with_turned_colours(args[0], name)
    return None


def rescaled(features: keras.KerasTensor, scale: Numbers, offset: Numbers, name: str) -> keras.KerasTensor:
    """Adds a scaling, as one layer together with a scaling right before it; none where nothing is left to scale.

    Args:
      features: `[batch, ..., channels]`.
      scale: Multiplies them: a number, or one for each channel.
      offset: Is added then, as `scale`.
      name: Of the layer.

    Returns:
      `features * scale + offset`.
    """
    before = producer(features)
    if isinstance(before, keras.layers.Rescaling):
        scale, offset = _plain(np.multiply(before.scale, scale)), _plain(np.multiply(before.offset, scale) + offset)
        features = before.input
    if np.all(np.equal(scale, 1)) and np.all(np.equal(offset, 0)):
        return features
    return keras.layers.Rescaling(_plain(scale), _plain(offset), name=name)(features)


def with_turned_colours(features: keras.KerasTensor, name: str) -> keras.KerasTensor:
    """Adds a 1x1 convolution that turns three channels round, which all that reads a network knows.

    Args:
      features: `[batch, height, width, 3]`.
      name: Of the layer.

    Returns:
      The same, its last channel first.
    """
    layer = keras.layers.Conv2D(_COLOURS, 1, use_bias=False, name=name)
    outputs = layer(features)
    layer.set_weights([np.eye(_COLOURS, dtype=np.float32)[::-1].reshape(1, 1, _COLOURS, _COLOURS)])
    return outputs


_OF_TWO: dict[str, Callable[..., keras.Layer] | None] = {
    "Add": keras.layers.Add,
    "Subtract": keras.layers.Subtract,
    "Multiply": keras.layers.Multiply,
    "Maximum": keras.layers.Maximum,
    "Minimum": keras.layers.Minimum,
    "Divide": None,
    "TrueDivide": None,
}
_ACTIVATIONS = {
    "Relu": "relu",
    "Relu6": "relu6",
    "Sigmoid": "sigmoid",
    "Silu": "silu",
    "HardSigmoid": "hard_sigmoid",
    "HardSilu": "hard_silu",
    "Tanh": "tanh",
}


@functools.cache
def _classes() -> frozenset[type]:
    """Returns the classes of operations that are replaced; others may have the same names."""
    names = {*_OF_TWO, *_ACTIVATIONS, "Flip", "GetItem", "Mean"}
    found = {**operation_classes("nn"), **operation_classes("numpy")}
    return frozenset(item for name, item in found.items() if name in names)


def _with_numbers(kind: str, args: tuple[Any, ...], name: str) -> Any:
    """Returns a tensor and a number, or one for each channel, as a rescaling; `None` where it is none."""
    is_left = isinstance(args[0], keras.KerasTensor)
    features, value = args if is_left else args[::-1]
    numbers = np.asarray(value, np.float64)
    # One for each channel may have axes of one element before.
    is_per_channel = numbers.shape[-1:] == (numbers.size,) and numbers.size == features.shape[-1]
    if not (numbers.size == 1 or is_per_channel) or numbers.ndim > len(features.shape):
        return None
    number = _plain(numbers.reshape(-1) if numbers.size > 1 else numbers.reshape(()))
    if kind == "Add":
        return rescaled(features, 1.0, number, name)
    if kind == "Subtract":
        return (
            rescaled(features, 1.0, _plain(-numbers.reshape(np.shape(number))), name)
            if is_left
            else rescaled(features, -1.0, number, name)
        )
    if kind == "Multiply":
        return rescaled(features, number, 0.0, name)
    if kind in ("Divide", "TrueDivide") and is_left and np.all(numbers != 0):
        return rescaled(features, _plain(np.divide(1.0, number)), 0.0, name)
    return None


def _plain(value: Any) -> Numbers:
    return np.asarray(value, np.float64).tolist()


def _are_alike(tensors: list[keras.KerasTensor]) -> bool:
    return len({len(tensor.shape) for tensor in tensors}) == 1


def _is_over_places(axis: Any) -> bool:
    return sorted(axis) == [1, 2] if isinstance(axis, list | tuple) else False


def _turns_colours(features: Any, key: Any) -> bool:
    """Returns whether an index is `[..., ::-1]` of images in three colours."""
    if not _has_colours(features):
        return False
    *before, last = key if isinstance(key, list | tuple) else [key]
    if any(part is not Ellipsis and part != slice(None) for part in before):
        return False
    is_last = Ellipsis in before or len(before) == 3
    return is_last and last in (slice(None, None, -1),)


def _has_colours(features: Any) -> bool:
    return isinstance(features, keras.KerasTensor) and len(features.shape) == 4 and features.shape[-1] == _COLOURS

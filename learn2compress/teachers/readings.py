"""Other ways to read a teacher, which explain wrong answers: the usual input scalings and orders of channels."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import keras
import numpy as np
import tensorflow as tf

from learn2compress.config import ChannelOrder, InputScaling, TaskConfig, TaskKind
from learn2compress.teachers.input_scaling import scaled_inputs
from learn2compress.teachers.network import Member

# Modes of keras.applications: https://keras.io/api/applications/
_TORCH = InputScaling((0.0171247538, 0.0175070028, 0.0174291939), (-2.1179039301, -2.0357142857, -1.8044444444))
_CAFFE = InputScaling(1.0, (-103.939, -116.779, -123.68), ChannelOrder.BGR)
_SCALINGS = {
    "takes {} 0..255 as they are": InputScaling(1.0, 0.0),
    "takes {} as 0..1": InputScaling(1 / 255, 0.0),
}
_SCALINGS_OF_PIXELS = {"takes pixels as -1..1": InputScaling(1 / 127.5, -1.0)}
_SCALINGS_OF_COLOURS = {
    "takes pixels less the mean of ImageNet, by their deviation": _TORCH,
    "takes pixels less the mean of ImageNet": _CAFFE,
}
# The order of classes lies between them: see `learn2compress.teachers.yardstick`.
_SCALING, _CHANNELS = 1, 3
_COLOURS = {ChannelOrder.RGB: "red, green, blue", ChannelOrder.BGR: "blue, green, red"}
_RESCALING = ("Rescaling", "Normalization")


@dataclasses.dataclass(frozen=True)
class Reading:
    """One way to read a teacher of images.

    Attributes:
      scaling: How bytes become its inputs.
      explanation: What it says of the teacher: "takes pixels as -1..1".
      setting: What to set for it.
      unlikelihood: How much must be supposed: 1 for another scaling, more for the channels, the sum for both.
    """

    scaling: InputScaling
    explanation: str
    setting: str
    unlikelihood: int

    def inputs(self, raw: np.ndarray, now: InputScaling) -> np.ndarray:
        """Returns what becomes this reading's inputs of the network by the scaling that it has now.

        Args:
          raw: uint8 `[n, *input_shape]`.
          now: The scaling that will be applied.

        Returns:
          float32, shaped as `raw`.
        """
        unscaled = (scaled_inputs(raw, self.scaling).numpy() - np.array(now.add)) / np.array(now.multiply)
        return (unscaled[..., ::-1] if now.channel_order is ChannelOrder.BGR else unscaled).astype(np.float32)


def other_readings(member: Member, task: TaskConfig, field: str) -> Iterator[Reading]:
    """Yields other ways to read a teacher, the simplest first; none for one that takes strings.

    Args:
      member: The teacher as it is read now.
      task: The examples' kind and shape.
      field: Where it stands in the configuration, such as "teacher".
    """
    if member.network.takes_text:
        return
    now = member.scaling
    has_pixels = task.kind is TaskKind.IMAGE
    has_colours = has_pixels and task.input_shape[-1] == 3
    rescaling = None if member.network.model is None else first_rescaling(member.network.model)
    scalings: dict[str, InputScaling] = {"": now}
    if member.network.input_dtype.is_floating:
        what = "pixels" if has_pixels else "features"
        scalings |= {why.format(what): scaling for why, scaling in _SCALINGS.items()}
        scalings |= (_SCALINGS_OF_PIXELS if has_pixels else {}) | (_SCALINGS_OF_COLOURS if has_colours else {})
    orders = (now.channel_order, *(order for order in ChannelOrder if has_colours and order is not now.channel_order))
    for order in orders:
        for why, scaling in scalings.items():
            wanted = dataclasses.replace(scaling, channel_order=order)
            other_scaling = not _is_same(scaling, now)
            if (why and not other_scaling) or wanted == now:
                continue
            if why and scaling.multiply == 1.0 and scaling.add == 0.0 and rescaling is not None:
                why = f"has a {rescaling} in front, which rescales already"
            reverses = order is not now.channel_order
            whys = (why, f"takes the channels as {_COLOURS[order]}" if reverses else "")
            settings = (
                _setting(now, scaling, field) if other_scaling else "",
                f"set {field}.input_scaling.channel_order to {order.value}" if reverses else "",
            )
            yield Reading(
                wanted,
                " and ".join(filter(None, whys)),
                " and ".join(filter(None, settings)),
                _SCALING * other_scaling + _CHANNELS * reverses,
            )


def answers_by_reading(
    member: Member, task: TaskConfig, field: str, raw: np.ndarray, batch_size: int
) -> Iterator[tuple[Reading, np.ndarray]]:
    """Yields what a teacher answers when it is read otherwise, where it can be and its scores are finite.

    Args:
      member: The teacher as it is read now.
      task: The examples' kind and shape.
      field: Where it stands in the configuration, such as "teacher".
      raw: uint8 `[n, *input_shape]`, at least one example.
      batch_size: Examples that are read at once.

    Yields:
      A reading, and the classes that the teacher answers by it, int `[n]`.
    """
    # One trace for all of them.
    run = tf.function(member.scores, input_signature=[tf.TensorSpec([None, *task.input_shape], tf.float32)])
    batches = [raw[start : start + batch_size] for start in range(0, len(raw), batch_size)]
    for reading in other_readings(member, task, field):
        try:
            parts = [run(tf.constant(reading.inputs(batch, member.scaling))) for batch in batches]
        except tf.errors.InvalidArgumentError:  # an embedding has no row for what the scaling makes of an index
            continue
        scores = np.concatenate(parts)
        if np.isfinite(scores).all():
            yield reading, scores.argmax(axis=1)


def first_rescaling(model: keras.Model) -> str | None:
    """Returns the kind of the layer that rescales a model's inputs before any other computes, or None.

    Args:
      model: A Keras model; nested models are looked into.
    """
    for layer in model.layers:
        kind = type(layer).__name__
        if kind in _RESCALING:
            return kind
        if isinstance(layer, keras.Model):
            return first_rescaling(layer)
        if layer.weights:
            return None
    return None


def _is_same(one: InputScaling, other: InputScaling) -> bool:
    """Returns whether two scalings differ by no more than rounding, whatever the order of channels."""
    pairs = ((one.multiply, other.multiply), (one.add, other.add))
    return all(np.allclose(a, b, rtol=0.02) for a, b in pairs)


def _setting(now: InputScaling, wanted: InputScaling, field: str) -> str:
    if wanted.add == now.add:
        return f"set {field}.input_scaling.multiply to {_numbers(wanted.multiply)}"
    return f"set {field}.input_scaling.multiply to {_numbers(wanted.multiply)} and .add to {_numbers(wanted.add)}"


def _numbers(values: float | tuple[float, ...]) -> str:
    if isinstance(values, tuple):
        return f"[{', '.join(map(_numbers, values))}]"
    return str(int(values)) if values == int(values) else f"{values:.12g}"

"""Bytes as a network takes them: its channels in its own order, scaled alike or each by itself."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from learn2compress.config import ChannelOrder, InputScaling

NO_SCALING = InputScaling(multiply=1.0, add=0.0)
"""Of a network that takes bytes as they are."""


def scaled_inputs(raw: Any, scaling: InputScaling) -> Any:
    """Returns inputs as a network takes them, inside a graph or outside.

    Args:
      raw: Numbers 0..255 of any type and shape `[..., channels]`.
      scaling: How; lists in it have a number for each channel, in the network's order of channels.

    Returns:
      float32 of that shape.
    """
    inputs = tf.cast(raw, tf.float32)
    if scaling.channel_order is ChannelOrder.BGR:
        inputs = tf.gather(inputs, [2, 1, 0], axis=-1)
    return inputs * tf.constant(scaling.multiply, tf.float32) + tf.constant(scaling.add, tf.float32)

"""Makes one example of two: mixup (arXiv:1710.09412) and CutMix (arXiv:1905.04899).

Other than `learn2compress.data.augmentation`, it depends on who is in a batch
together. So the teacher's signal must be live: it sees the mixed images.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any

import tensorflow as tf

from learn2compress.config import AugmentConfig
from learn2compress.data.augmentation import to_pixels


class _Stream(IntEnum):
    """What the random numbers of a mixed batch decide."""

    FIRST_GAMMA = 0
    SECOND_GAMMA = 1
    FIRST_UNIFORM = 2
    SECOND_UNIFORM = 3
    ROW = 4
    COLUMN = 5


def mix(images: Any, targets: Any, batch_seed: Any, config: AugmentConfig) -> tuple[Any, Any]:
    """Mixes each example with the one before it in the batch, by a share of its own.

    Args:
      images: uint8 `[batch, height, width, channels]`.
      targets: float32 `[batch, num_classes]`.
      batch_seed: Integer scalar, a seed for this batch alone.
      config: Whether by mixup, CutMix or not at all.

    Returns:
      Images, rounded back to uint8, and targets, mixed by the same shares; a row
      of zeros, which stands for an unlabelled example, adds nothing.
    """
    if not config.mixes:
        return images, targets
    with tf.device("CPU:0"):
        others = tf.roll(images, 1, axis=0)
        share = _beta(config.mixup_alpha or config.cutmix_alpha, tf.shape(images)[0], batch_seed)
        if config.mixup_alpha:
            images = _blend(images, others, share)
        else:
            images, share = _paste(images, others, share, batch_seed)
        share = share[:, None]
        return images, share * targets + (1.0 - share) * tf.roll(targets, 1, axis=0)


def _beta(alpha: float, count: Any, batch_seed: Any) -> Any:
    """Samples Beta(alpha, alpha).

    A Gamma(alpha) variate is one of Gamma(alpha + 1) times a power 1/alpha of a
    uniform one (Marsaglia & Tsang 2000); in logarithms, small alphas don't underflow.

    Args:
      alpha: Above 0.
      count: Samples to draw.
      batch_seed: int64, decides the samples.

    Returns:
      float32 `[count]`, 0..1.
    """

    def log_gamma_variate(gamma: _Stream, uniform: _Stream) -> Any:
        larger = tf.random.stateless_gamma([count], _seed(batch_seed, gamma), alpha + 1.0, dtype=tf.float64)
        power = tf.random.stateless_uniform([count], _seed(batch_seed, uniform), dtype=tf.float64)
        return tf.math.log(larger) + tf.math.log1p(-power) / alpha

    first = log_gamma_variate(_Stream.FIRST_GAMMA, _Stream.FIRST_UNIFORM)
    second = log_gamma_variate(_Stream.SECOND_GAMMA, _Stream.SECOND_UNIFORM)
    return tf.cast(tf.sigmoid(first - second), tf.float32)


def _blend(images: Any, others: Any, share: Any) -> Any:
    mine, theirs = tf.cast(images, tf.float32), tf.cast(others, tf.float32)
    return to_pixels(theirs + share[:, None, None, None] * (mine - theirs))


def _paste(images: Any, others: Any, share: Any, batch_seed: Any) -> tuple[Any, Any]:
    """Pastes rectangles of an area of 1 - share; the border may cut them off.

    Args:
      images: uint8 `[batch, height, width, channels]`.
      others: Shaped as `images`: what is pasted.
      share: float32 `[batch]`, of the area that is left, 0..1.
      batch_seed: int64, decides the places.

    Returns:
      uint8, shaped as `images`; and float32 `[batch]`, the share that was left.
    """
    _, height, width, channels = images.shape

    def inside(side: int, stream: _Stream) -> Any:
        centre = tf.random.stateless_uniform(tf.shape(share), _seed(batch_seed, stream), maxval=float(side))
        half = 0.5 * side * tf.sqrt(1.0 - share)
        return tf.abs(tf.range(side, dtype=tf.float32)[None] + 0.5 - centre[:, None]) < half[:, None]

    rows, columns = inside(height, _Stream.ROW), inside(width, _Stream.COLUMN)
    # A mask as large as the images: one that is broadcast over the channels takes several times as long.
    values = tf.repeat(columns, channels, axis=1)
    flat = [-1, height, width * channels]
    mixed = tf.where(rows[:, :, None] & values[:, None, :], tf.reshape(others, flat), tf.reshape(images, flat))
    pasted = [tf.reduce_mean(tf.cast(side, tf.float32), 1) for side in (rows, columns)]
    return tf.reshape(mixed, [-1, height, width, channels]), 1.0 - pasted[0] * pasted[1]


def _seed(batch_seed: Any, stream: _Stream) -> Any:
    return tf.stack([tf.cast(batch_seed, tf.int64), tf.constant(stream, tf.int64)])

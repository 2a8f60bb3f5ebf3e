"""Random changes of training images that any process can repeat.

The teacher may see its images in another process, days before the students
see theirs, and both must see the same (arXiv:2106.05237). So nothing here keeps
a random state: every random number is a hash of the example's content, of the
view and of what it decides (MurmurHash3's 64-bit finalizer; A. Appleby). An
example's view depends neither on the batch around it nor on the order of
examples.

Pixels are exact, too. A graph optimizer may rearrange floating-point
arithmetic, and a kernel may add in another order for another batch size: so
what is decided for an example is decided in whole numbers, and colour is
multiplied by multiples of 1/4096, whose products and sums float32 holds without
rounding.
"""

from __future__ import annotations

import hashlib
from enum import IntEnum
from typing import Any

import numpy as np
import tensorflow as tf

from learn2compress.config import AugmentConfig
from learn2compress.config.ratios import count_at_ratio

_LARGEST_PIXEL = 255.0
# Coefficients of colour are whole multiples of 1 / _ONE.
_ONE = 4096
# ITU-R BT.601 luma, as in `learn2compress.data.decode`: 0.299, 0.587, 0.114.
_LUMA = (1225, 2404, 467)
_RANDOM_BITS = 24
# In NumPy's type: TensorFlow rounds a list of large Python numbers to float64 on its way into a graph.
_MULTIPLIERS = (np.uint64(0xFF51AFD7ED558CCD), np.uint64(0xC4CEB9FE1A85EC53))
_GOLDEN_RATIO = 0x9E3779B97F4A7C15


class _Stream(IntEnum):
    """What a random number decides."""

    FLIP = 0
    ROWS = 1
    COLUMNS = 2
    BRIGHTNESS = 3
    CONTRAST = 4
    SATURATION = 5


# Multiples of the golden ratio's fraction, as in SplitMix64 (Steele, Lea & Flood 2014).
_STREAM_KEYS = np.array([(stream + 1) * _GOLDEN_RATIO % 2**64 for stream in _Stream], np.uint64)


def example_seeds(inputs: Any) -> Any:
    """Seeds of examples, from their content alone.

    Args:
      inputs: Bytes of the uint8 inputs, a string tensor `[batch]`.

    Returns:
      int64 `[batch]`, 0 to 2**63 - 2.
    """
    return tf.strings.to_hash_bucket_fast(inputs, 2**63 - 1)


def view_seed(seed: int, view: int) -> int:
    """Derives the seed of one view of all examples.

    Args:
      seed: The run's seed.
      view: Number of the view, from 0.

    Returns:
      0 to 2**63 - 1; odd for every second view, which mirrors the images that the views between them do not.
    """
    digest = hashlib.sha256(f"view {seed} {view}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 2 << 1 | view & 1


def augment(images: Any, example_seeds: Any, view_seeds: Any, config: AugmentConfig) -> Any:
    """Makes one view of each image: colour, then mirror and shift; a pure function of each example and its seeds.

    Args:
      images: uint8 `[batch, height, width, channels]` of a known shape but for the batch.
      example_seeds: int64 `[batch]`.
      view_seeds: int64 `[batch]`, from `view_seed`.
      config: What changes, and how much; `mixing.mix` does its mixup and CutMix.

    Returns:
      uint8, shaped as `images`.
    """
    # On the processor wherever it is called: a GPU may multiply with fewer bits than exact colour takes.
    with tf.device("CPU:0"):
        random = _random(example_seeds, view_seeds)
        if config.brightness or config.contrast or (config.saturation and images.shape[3] == 3):
            images = _recolour(images, random, config)
        if config.flip or config.shift_ratio:
            images = _move(images, random, _is_mirrored(example_seeds, view_seeds), config)
        return images


def _is_mirrored(example_seeds: Any, view_seeds: Any) -> Any:
    """Decides which images are mirrored: alternating flip (Jordan, arXiv:2404.00498).

    Half of the images, by their content, are mirrored in the first view, the
    others in the next. With a coin in each view, half of the images would look
    the same way in two views in a row.

    Args:
      example_seeds: int64 `[batch]`.
      view_seeds: int64 `[batch]`, from `view_seed`.

    Returns:
      bool `[batch]`.
    """
    is_first_half = _below(_random(example_seeds, tf.zeros_like(view_seeds))[_Stream.FLIP], 2) == 1
    is_odd_view = tf.bitwise.bitwise_and(view_seeds, np.int64(1)) == 1
    return tf.not_equal(is_first_half, is_odd_view)


def _random(example_seeds: Any, view_seeds: Any) -> Any:
    """Draws random numbers.

    Args:
      example_seeds: int64 `[batch]`.
      view_seeds: int64 `[batch]`.

    Returns:
      int64 `[streams, batch]` of `_RANDOM_BITS` bits.
    """
    keys = _scramble(tf.bitcast(example_seeds, tf.uint64) + _scramble(tf.bitcast(view_seeds, tf.uint64)))
    bits = _scramble(keys + _STREAM_KEYS[:, None])
    return tf.bitcast(tf.bitwise.right_shift(bits, np.uint64(64 - _RANDOM_BITS)), tf.int64)


def _below(random: Any, count: int) -> Any:
    """Turns random numbers into whole numbers below a limit, each as likely.

    Args:
      random: int64 of any shape, from `_random`.
      count: The limit.

    Returns:
      int64 0 to `count` - 1, shaped as `random`.
    """
    return random * count // 2**_RANDOM_BITS


def _around_zero(random: Any, limit: float) -> Any:
    """Turns random numbers into ones that are evenly spread around zero.

    Args:
      random: int64 of any shape, from `_random`.
      limit: The largest.

    Returns:
      int64 -`limit` to `limit` in steps of 1 / `_ONE`, shaped as `random`.
    """
    return round(limit * _ONE) * (2 * random + 1 - 2**_RANDOM_BITS) // 2**_RANDOM_BITS


def _scramble(keys: Any) -> Any:
    for multiplier in _MULTIPLIERS:
        keys = tf.bitwise.bitwise_xor(keys, tf.bitwise.right_shift(keys, np.uint64(33))) * multiplier
    return tf.bitwise.bitwise_xor(keys, tf.bitwise.right_shift(keys, np.uint64(33)))


def _recolour(images: Any, random: Any, config: AugmentConfig) -> Any:
    """Changes brightness, contrast and saturation by one linear map, so that pixels are clipped and rounded once.

    Args:
      images: uint8 `[batch, height, width, channels]`.
      random: int64 `[streams, batch]`.
      config: How much.

    Returns:
      uint8, shaped as `images`.
    """
    _, height, width, channels = images.shape
    pixels = tf.reshape(tf.cast(images, tf.float32), [-1, height * width, channels])
    brightness = _around_zero(random[_Stream.BRIGHTNESS], _LARGEST_PIXEL * config.brightness)
    contrast = _ONE + _around_zero(random[_Stream.CONTRAST], config.contrast)
    saturation = _ONE + _around_zero(random[_Stream.SATURATION], config.saturation)
    # An image may be larger than what int32 sums: float32 sums its rows without rounding, int64 the rows.
    rows = tf.reduce_sum(tf.reshape(pixels, [-1, height, width * channels]), 2)
    total = tf.reduce_sum(tf.cast(rows, tf.int64), 1)
    offset = (_ONE - contrast) * total // (height * width * channels) + brightness
    if config.saturation and channels == 3:
        keep = (saturation * contrast // _ONE)[:, None, None] * tf.eye(3, dtype=tf.int64)
        to_grey = ((_ONE - saturation) * contrast)[:, None, None] * tf.constant(_LUMA, tf.int64)[:, None] // _ONE**2
        pixels = tf.matmul(pixels, _from_steps(keep + to_grey))
    else:
        pixels *= _from_steps(contrast)[:, None, None]
    flat = tf.reshape(pixels, [-1, height * width * channels]) + _from_steps(offset)[:, None]
    return tf.reshape(to_pixels(flat), [-1, height, width, channels])


def _from_steps(values: Any) -> Any:
    return tf.cast(values, tf.float32) * (1.0 / _ONE)


def _move(images: Any, random: Any, is_mirrored: Any, config: AugmentConfig) -> Any:
    """Mirrors and shifts by looking every pixel up; what comes from outside is a black pixel behind the last one.

    Args:
      images: uint8 `[batch, height, width, channels]`.
      random: int64 `[streams, batch]`.
      is_mirrored: bool `[batch]`, of those that `flip` mirrors.
      config: Whether, and how far.

    Returns:
      uint8, shaped as `images`.
    """
    _, height, width, channels = images.shape
    columns = tf.broadcast_to(tf.range(width)[None], tf.stack([tf.shape(images)[0], width]))
    if config.flip:
        columns = tf.where(is_mirrored[:, None], width - 1 - columns, columns)
    rows = tf.range(height)[None] + _shift(random[_Stream.ROWS], height, config.shift_ratio)
    columns += _shift(random[_Stream.COLUMNS], width, config.shift_ratio)
    black = height * width
    rows = tf.where((rows >= 0) & (rows < height), rows * width, black)
    columns = tf.where((columns >= 0) & (columns < width), columns, black)
    places = tf.minimum(rows[:, :, None] + columns[:, None, :], black)
    pixels = tf.pad(tf.reshape(images, [-1, black, channels]), [[0, 0], [0, 1], [0, 0]])
    return tf.gather(pixels, places, batch_dims=1)


def _shift(random: Any, side: int, shift_ratio: float) -> Any:
    """Draws shifts in whole pixels.

    Args:
      random: int64 `[batch]`, from `_random`.
      side: Pixels of the side.
      shift_ratio: Largest share of the side.

    Returns:
      int32 `[batch, 1]`.
    """
    farthest = count_at_ratio(shift_ratio, side)
    return tf.cast(_below(random, 2 * farthest + 1), tf.int32)[:, None] - farthest


def to_pixels(values: Any) -> Any:
    """Clips to 0..255 and rounds to the nearest uint8, halves up.

    Args:
      values: float32 of any shape.

    Returns:
      uint8 of the same shape.
    """
    return tf.cast(tf.clip_by_value(values, 0.0, _LARGEST_PIXEL) + 0.5, tf.uint8)

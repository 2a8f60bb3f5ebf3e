"""What a `resnet` student costs, by arithmetic: many may be compared before any network is built.

Parameters and operations are those of the network, and bytes those of the file or up to three
per cent more: a test builds and converts networks and holds them against this.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

from learn2compress.config import StageConfig

MOST_FIRST_PIXELS = 48 * 48
"""The stem halves an image until it has no more pixels than this."""
LEAST_SIDE = 4
"""Of an image with a shorter side, in pixels, most of what a 3x3 convolution sees is padding: the stem makes none."""
# What a full int8 file holds beside kernels: a bias and two scales for each channel, a bias for each class, and the
# description of each convolution. Rounded up, so that a file is rarely larger than what is computed.
_BYTES_PER_CHANNEL = 12
_BYTES_PER_CLASS = 5
_BYTES_PER_CONVOLUTION = 320
_BYTES_OF_A_FILE = 4500
_PARAMETERS_OF_NORMALIZATION = 4


@dataclasses.dataclass(frozen=True)
class StudentCost:
    """What one student costs.

    Attributes:
      num_parameters: As Keras counts them, statistics of normalization among them.
      macs: Multiply-accumulate operations of one inference.
      model_bytes: About the size of the full int8 file as stored.
    """

    num_parameters: int
    macs: int
    model_bytes: int


def stem_strides(height: int, width: int) -> tuple[int, ...]:
    """Returns the strides of the stem's convolutions.

    Args:
      height: Of the image, in pixels.
      width: Of the image, in pixels.

    Returns:
      A 2 for each time that the image is halved: while it has more than `MOST_FIRST_PIXELS`, and its shorter side
      stays at `LEAST_SIDE` or above. `(1,)` where it is not halved.
    """
    halvings = 0
    while height * width > MOST_FIRST_PIXELS and halved(min(height, width)) >= LEAST_SIDE:
        height, width, halvings = halved(height), halved(width), halvings + 1
    return (2,) * halvings or (1,)


def first_stage_size(height: int, width: int) -> tuple[int, int]:
    """Returns the height and width, in pixels, that the first stage sees: those that the stem leaves.

    Args:
      height: Of the image, in pixels.
      width: Of the image, in pixels.
    """
    for strides in stem_strides(height, width):
        if strides == 2:
            height, width = halved(height), halved(width)
    return height, width


def halved(pixels: int) -> int:
    """Returns the length of a side, in pixels, after a convolution of stride 2, which rounds up."""
    return -(-pixels // 2)


def resnet_cost(input_shape: Sequence[int], labels: Sequence[str], stages: Sequence[StageConfig]) -> StudentCost:
    """Computes what a student costs that leaves the trunk after the last of some stages, at width 1.

    Args:
      input_shape: Height, width and channels of the image.
      labels: Class names, at least 2; the file holds them.
      stages: All stages of the student, one or more.

    Returns:
      Its cost; `model_bytes` is for the recipes `int8_qat` and `int8_ptq`.
    """
    layers = [*_trunk(input_shape, stages)]
    layers += _head(layers[-1])
    kernels = sum(layer.num_weights for layer in layers)
    channels = sum(layer.channels for layer in layers)
    num_logit_weights = layers[-1].channels * len(labels)
    label_bytes = sum(len(label.encode()) + 1 for label in labels)
    return StudentCost(
        num_parameters=kernels + _PARAMETERS_OF_NORMALIZATION * channels + num_logit_weights + len(labels),
        macs=sum(layer.num_weights * layer.height * layer.width for layer in layers) + num_logit_weights,
        model_bytes=kernels
        + num_logit_weights
        + label_bytes
        + _BYTES_PER_CHANNEL * channels
        + _BYTES_PER_CLASS * len(labels)
        + _BYTES_PER_CONVOLUTION * (len(layers) + 1)
        + _BYTES_OF_A_FILE,
    )


@dataclasses.dataclass(frozen=True)
class _Convolution:
    """A convolution that normalization follows: the size and channels of its output, and the weights of its kernel."""

    height: int
    width: int
    channels: int
    num_weights: int


def _trunk(input_shape: Sequence[int], stages: Sequence[StageConfig]) -> Iterator[_Convolution]:
    height, width, channels = input_shape
    last = _Convolution(height, width, channels, num_weights=0)
    for strides in stem_strides(last.height, last.width):
        last = _convolution_3x3(last, stages[0].channels, halve=strides == 2)
        yield last
    for number, stage in enumerate(stages, start=1):
        for block in range(1, stage.blocks + 1):
            halve = stage.halve and number > 1 and block == 1 and min(last.height, last.width) > 1
            last = _convolution_3x3(last, stage.channels, halve=halve)
            yield last
            last = _convolution_3x3(last, stage.channels)
            yield last


def _convolution_3x3(last: _Convolution, channels: int, *, halve: bool = False) -> _Convolution:
    height, width = (halved(last.height), halved(last.width)) if halve else (last.height, last.width)
    return _Convolution(height, width, channels, 9 * last.channels * channels)


def _head(last: _Convolution) -> list[_Convolution]:
    height, width = last.height, last.width
    if min(height, width) > 1:
        height, width = height // 2, width // 2
    layers = [_Convolution(height, width, last.channels, last.channels**2)]
    if min(height, width) >= LEAST_SIDE:
        layers.append(_Convolution(height, width, last.channels, 9 * last.channels))
    return layers

"""Views of images: mirrored in every other epoch, shifted, and partly painted over.

What happens to an example is a function of the seed, the epoch and its place,
so that a resumed training sees what it would have seen.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np


class _Stream(IntEnum):
    ORDER = 0
    FLIP = 1
    SHIFT = 2
    CUTOUT = 3


def epoch_order(num_examples: int, seed: int, epoch: int) -> np.ndarray:
    """Returns places of all examples in the order of an epoch, int64 `[num_examples]`."""
    return _random(_Stream.ORDER, seed, epoch).permutation(num_examples)


class EpochViews:
    """What one epoch sees of each image.

    Args:
      num_examples: Images.
      image_shape: Height, width and channels.
      seed: The training's.
      epoch: 0-based.
      flip: Mirror each image in one of two epochs in turn (alternating flip, arXiv:2404.00498).
      shift_pixels: Farthest shift each way; what comes from outside is the image reflected.
      cutout_pixels: Side of a square of the image that is painted over (arXiv:1708.04552); 0 for none.
      colour: What it is painted with, uint8 `[channels]`.
    """

    def __init__(
        self,
        num_examples: int,
        image_shape: tuple[int, ...],
        seed: int,
        epoch: int,
        *,
        flip: bool,
        shift_pixels: int = 0,
        cutout_pixels: int = 0,
        colour: np.ndarray | int = 0,
    ):
        self._sides = image_shape[:2]
        self._colour = colour
        self._cutout_pixels = cutout_pixels
        first_flipped = _random(_Stream.FLIP, seed).random(num_examples) < 0.5
        self._flipped = (first_flipped ^ (epoch % 2 == 1)) & flip
        shape = (num_examples, 2)
        self._shifts = _random(_Stream.SHIFT, seed, epoch).integers(-shift_pixels, shift_pixels + 1, shape)
        last_corners = np.maximum(np.array(self._sides) - cutout_pixels, 0)
        self._corners = _random(_Stream.CUTOUT, seed, epoch).integers(0, last_corners + 1, shape)

    def of(self, images: np.ndarray, places: np.ndarray) -> np.ndarray:
        """Makes views of some images.

        Args:
          images: All of them, uint8 `[num_examples, height, width, channels]`.
          places: Which, `[batch]`.

        Returns:
          uint8 `[batch, height, width, channels]`.
        """
        rows, columns = (
            _reflected(np.arange(side)[None] + self._shifts[places, axis, None], side)
            for axis, side in enumerate(self._sides)
        )
        columns = np.where(self._flipped[places, None], self._sides[1] - 1 - columns, columns)
        views: np.ndarray = images[places[:, None, None], rows[:, :, None], columns[:, None, :]]
        if self._cutout_pixels:
            inside = [
                (np.arange(side) >= corner) & (np.arange(side) < corner + self._cutout_pixels)
                for side, corner in zip(self._sides, self._corners[places].T[..., None], strict=True)
            ]
            views[inside[0][:, :, None] & inside[1][:, None, :]] = self._colour
        return views


def _reflected(places: np.ndarray, side: int) -> np.ndarray:
    """Returns places inside 0..`side` - 1 for those less than a side outside, without repeating the border."""
    inside = np.abs(places)
    reflected: np.ndarray = side - 1 - np.abs(side - 1 - inside)
    return reflected


def _random(stream: _Stream, seed: int, epoch: int = 0) -> np.random.Generator:
    return np.random.default_rng((seed, stream, epoch))

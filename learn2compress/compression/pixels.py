"""How the numbers that a person has of images become bytes, which students take, and back into what a teacher takes."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import numpy.typing as npt

from learn2compress.config import InputScaling
from learn2compress.config.parsing import ConfigError

_HIGHEST = 255
# Of a step of a byte: float32 has no finer numbers near 255.
_TOLERANCE = 1e-3
# A larger part of a step than this is lost by rounding, on average over the pixels, where they were never bytes.
_NOTEWORTHY_LOSS = 0.01
_ACCEPTED = (
    "accepted are pixels of 0..255, or as 0..1, or as -1..1; hand over the pixels as they are before other "
    "preprocessing, and say what the teacher takes: teacher={'uri': model, 'input_scaling': {...}}"
)


@dataclasses.dataclass(frozen=True)
class PixelRange:
    """What the numbers of an image mean: `byte * multiply + add`.

    Attributes:
      multiply: What one step of a byte is.
      add: What a byte of 0 is.
      words: In words, such as "0..1".
    """

    multiply: float
    add: float
    words: str

    @property
    def scaling(self) -> InputScaling:
        """Returns how bytes become these numbers again, which a teacher takes that was trained on them."""
        return InputScaling(self.multiply, self.add)

    def to_bytes(self, values: npt.NDArray[Any], field: str) -> npt.NDArray[np.uint8]:
        """Returns the nearest bytes.

        Args:
          values: Numbers of this range, of any shape.
          field: What they are, for the message.

        Returns:
          uint8 of the same shape.

        Raises:
          ConfigError: some are outside the range, or not finite.
        """
        if values.dtype == np.uint8 and self == BYTES:
            return values
        steps = self._steps(values)
        if not np.isfinite(steps).all() or steps.min() < -_TOLERANCE or steps.max() > _HIGHEST + _TOLERANCE:
            raise ConfigError(
                f"{field}: found values from {values.min():g} to {values.max():g} among images whose first ones have "
                f"{self.words}, accepted are {self.words} in all of them"
            )
        return np.rint(steps).astype(np.uint8)

    def _steps(self, values: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        # In float32 the middle between two bytes may fall on either side.
        return (np.asarray(values, np.float64) - self.add) / self.multiply

    def loss(self, values: npt.NDArray[Any]) -> float:
        """Returns how much of a byte's step rounding changes a number, on average, 0..0.5.

        Args:
          values: Numbers of this range, at least one.
        """
        steps = self._steps(values)
        return float(np.abs(steps - np.rint(steps)).mean())


BYTES = PixelRange(1.0, 0.0, "0..255")
UNIT = PixelRange(1 / 255, 0.0, "0..1")
SIGNED = PixelRange(1 / 127.5, -1.0, "-1..1")


def range_of(values: npt.NDArray[Any], field: str) -> PixelRange:
    """Tells what the numbers of some images mean.

    Example:
      >>> import numpy as np
      >>> from learn2compress.compression.pixels import range_of
      >>> range_of(np.array([[0.0, 0.5], [1.0, 0.25]]), "train").words
      '0..1'

    Args:
      values: Pixels of some images, at least one number.
      field: What they are, for the message.

    Raises:
      ConfigError: they are no pixels.
    """
    if values.dtype.kind not in "biuf":
        raise ConfigError(f"{field}: found images of {values.dtype}, accepted are numbers")
    if values.dtype == np.uint8:
        return BYTES
    lowest, highest = float(values.min()), float(values.max())
    if lowest >= 0.0 and highest <= 1.0:
        return UNIT
    if values.dtype.kind == "f" and lowest >= -1.0 and highest <= 1.0:
        return SIGNED
    if lowest >= 0.0 and highest <= _HIGHEST:
        return BYTES
    raise ConfigError(f"{field}: found values from {lowest:g} to {highest:g}, {_ACCEPTED}")


def rounding_note(found: PixelRange, values: npt.NDArray[Any], field: str) -> str | None:
    """Returns what a person must know of the rounding to bytes; `None` where nothing is lost.

    Args:
      found: From `range_of`.
      values: Pixels of some images.
      field: What they are.
    """
    if values.dtype.kind != "f" or found.loss(values) < _NOTEWORTHY_LOSS:
        return None
    return f"{field}: its numbers are rounded to 256 steps of {found.words}, as the pixels of a phone's images are"

"""The form in which examples come to a student's file in Python: as they did to the training."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from learn2compress.compression.pixels import BYTES, PixelRange, range_of
from learn2compress.compression.sources import images_of
from learn2compress.config import DataConfig, TaskConfig, TaskKind
from learn2compress.config.parsing import ConfigError
from learn2compress.data.decode import image_input
from learn2compress.data.text_features import text_input


@dataclasses.dataclass(frozen=True)
class InputForm:
    """How examples become the bytes that a student's file takes.

    Attributes:
      task: What the file takes.
      data: How images are turned and resized.
      pixels: What the numbers of the training images meant; `None` where they were files.
    """

    task: TaskConfig
    data: DataConfig
    pixels: PixelRange | None

    def to_bytes(self, x: Any) -> npt.NDArray[np.uint8]:
        """Returns examples as bytes.

        Args:
          x: Texts; or images, `[n, height, width]`, `[n, height, width, channels]` or paths of image files.

        Returns:
          uint8 `[n, *task.input_shape]`.

        Raises:
          ConfigError: they have another form than those of the training.
        """
        if not hasattr(x, "__len__") or getattr(x, "shape", None) == () or not len(x):
            raise ConfigError(f"x: found {type(x).__name__}, accepted is a list or array of examples, at least one")
        if self.task.kind is TaskKind.TEXT:
            if isinstance(x, str) or not all(isinstance(text, str) for text in x):
                raise ConfigError(f"x: found {type(x).__name__}, accepted is a list of texts")
            return np.stack([text_input(text, self.task) for text in x])
        if not isinstance(x, np.ndarray) and len(x) and all(isinstance(path, (str, os.PathLike)) for path in x):
            return np.stack(
                [image_input(Path(path).read_bytes(), self.task.input_shape, self.data).pixels for path in x]
            )
        images = self._numbers(images_of(x, "x"))
        if images.shape[1:] == self.task.input_shape:
            return images
        return np.stack([image_input(image, self.task.input_shape, self.data).pixels for image in images])

    def _numbers(self, images: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
        found = range_of(images, "x")
        pixels = self.pixels or found
        if pixels == BYTES and images.dtype.kind == "f" and found != BYTES and images.any():
            raise ConfigError(f"x: found values as {found.words}, accepted are {pixels.words}, as in the training")
        return pixels.to_bytes(images, "x")

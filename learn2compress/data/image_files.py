"""What ships with an image student so that others can make its input: the definition, and the settings of this task."""

from __future__ import annotations

import inspect
import json

from learn2compress.config import DataConfig
from learn2compress.data import image_pixels
from learn2compress.data.decode import pixel_settings

DEFINITION_FILE = "image_pixels.py"
SETTINGS_FILE = "image_pixels.json"


def image_files(data: DataConfig) -> dict[str, bytes]:
    """Makes the files that ship with an image student.

    Args:
      data: Its `exif` and `resize`.

    Returns:
      Content by file name: the definition as a Python file of its own, and the arguments of its `pixels_of`.
    """
    return {
        DEFINITION_FILE: inspect.getsource(image_pixels).encode(),
        SETTINGS_FILE: (json.dumps(pixel_settings(data), indent=2) + "\n").encode(),
    }

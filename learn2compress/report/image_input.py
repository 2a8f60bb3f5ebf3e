"""How the images that a student was trained on became its input, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from learn2compress.config import DataConfig, ExifOrientation, ResizeAspect, ResizeConfig, ResizeMethod
from learn2compress.config.parsing import parse

_EXIF = {
    ExifOrientation.APPLY: "Photos were turned upright as their EXIF orientation says.",
    ExifOrientation.IGNORE: "The EXIF orientation of photos was ignored: their pixels were taken as they are stored.",
}
_ASPECT = {
    ResizeAspect.STRETCH: "stretched to the input's height and width",
    ResizeAspect.CROP: "cropped in the middle to the input's aspect ratio and resized",
    ResizeAspect.PAD: "padded with black to the input's aspect ratio and resized",
}


def image_sentences(data: Mapping[str, Any]) -> list[str]:
    """Returns what was done with images before a student saw them.

    Args:
      data: The `data` of a configuration, as plain mappings.
    """
    parsed = parse(DataConfig, dict(data), "data")
    resize = parsed.resize or ResizeConfig()
    averaging = ""
    if resize.method not in (ResizeMethod.NEAREST, ResizeMethod.AREA):
        averaging = ", with antialiasing" if resize.antialias else ", without antialiasing"
    how = f"{_ASPECT[resize.aspect]} ({resize.method.value}{averaging})"
    if parsed.resize is None:
        return [_EXIF[parsed.exif], f"All of them had the input's size; by classify.py, others are {how}."]
    return [_EXIF[parsed.exif], f"Images of another size were {how}."]

"""The card says how images became the input: which way up, and in which way they were resized."""

from __future__ import annotations

import pytest

from learn2compress.config import DataConfig, ExifOrientation, ResizeAspect, ResizeConfig, ResizeMethod
from learn2compress.config.parsing import to_dict
from learn2compress.report.image_input import image_sentences


@pytest.mark.parametrize(
    ("data", "turned", "resized"),
    [
        (DataConfig(), "turned upright", "All of them had the input's size; by classify.py, others are stretched"),
        (
            DataConfig(resize=ResizeConfig()),
            "turned upright",
            "were stretched to the input's height and width (bilinear, ",
        ),
        (
            DataConfig(resize=ResizeConfig(ResizeAspect.PAD, antialias=False), exif=ExifOrientation.IGNORE),
            "as they are stored",
            "padded with black to the input's aspect ratio and resized (bilinear, without antialiasing).",
        ),
        (
            DataConfig(resize=ResizeConfig(ResizeAspect.CROP, ResizeMethod.AREA)),
            "turned upright",
            "cropped in the middle to the input's aspect ratio and resized (area).",
        ),
    ],
)
def test_what_was_done_with_images_is_told(data: DataConfig, turned: str, resized: str) -> None:
    first, second = image_sentences(to_dict(data))
    assert turned in first
    assert resized in second

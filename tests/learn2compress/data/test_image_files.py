"""What ships makes, by itself, the pixels that examples were made of."""

from __future__ import annotations

import io
import json
from typing import Any

import numpy as np
import pytest
from PIL import Image

from learn2compress.config import DataConfig, ExifOrientation, ResizeAspect, ResizeConfig, ResizeMethod
from learn2compress.data.decode import image_input
from learn2compress.data.image_files import image_files


@pytest.mark.parametrize("method", ResizeMethod)
@pytest.mark.parametrize("exif", ExifOrientation)
def test_the_shipped_file_makes_the_same_pixels(exif: ExifOrientation, method: ResizeMethod) -> None:
    data = DataConfig(resize=ResizeConfig(ResizeAspect.CROP, method, antialias=False), exif=exif)
    turned = Image.Exif()
    turned[0x0112] = 8
    file = io.BytesIO()
    pixels = np.random.default_rng(0).integers(0, 256, (20, 31, 3), np.uint8)
    Image.fromarray(pixels).save(file, "PNG", exif=turned.tobytes())
    shipped = image_files(data)
    module: dict[str, Any] = {}
    exec(shipped["image_pixels.py"], module)
    found = module["pixels_of"](Image.open(file), (6, 8, 3), **json.loads(shipped["image_pixels.json"]))
    np.testing.assert_array_equal(found, image_input(file.getvalue(), (6, 8, 3), data).pixels)


def test_the_shipped_file_needs_none_of_ours() -> None:
    assert b"learn2compress" not in image_files(DataConfig())["image_pixels.py"]

"""Pixels are those that TensorFlow and Keras make: what a teacher was trained on is what its students see."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from learn2compress.data.image_pixels import pixels_of

COLOUR = np.random.default_rng(0).integers(0, 256, (37, 50, 3), np.uint8)


def resized(shape: tuple[int, int, int], pixels: np.ndarray = COLOUR, **settings: Any) -> np.ndarray:
    return pixels_of(Image.fromarray(pixels), shape, **settings).astype(float)


@pytest.mark.parametrize("size", [(9, 12), (74, 61), (37, 20)], ids=str)
@pytest.mark.parametrize("antialias", [True, False])
@pytest.mark.parametrize(("method", "name"), [("bilinear",) * 2, ("bicubic",) * 2, ("lanczos", "lanczos3")])
def test_stretching_is_tensorflows(size: tuple[int, int], antialias: bool, method: str, name: str) -> None:
    # Pillow rounds and clips between its two passes, and TensorFlow looks the cubic up in a table.
    pixels = COLOUR // 4 + 96 if antialias else COLOUR
    expected = tf.image.resize(pixels, size, name, antialias=antialias).numpy().clip(0, 255)
    found = resized((*size, 3), pixels, method=method, antialias=antialias)
    assert np.abs(found - expected).max() <= (1.5 if antialias else 1.0)
    if not antialias and method == "bilinear":
        assert np.abs(found - expected).max() < 0.51


def test_antialiasing_makes_a_difference_in_a_smaller_image_alone() -> None:
    smaller = [resized((9, 12, 3), antialias=antialias) for antialias in (True, False)]
    assert np.abs(smaller[0] - smaller[1]).mean() > 20
    larger = [resized((74, 100, 3), antialias=antialias) for antialias in (True, False)]
    assert np.abs(larger[0] - larger[1]).max() <= 1


def test_the_nearest_pixel_is_tensorflows_and_an_area_is_its_mean() -> None:
    expected = tf.image.resize(COLOUR, (9, 12), "nearest").numpy()
    for antialias in (True, False):
        assert (resized((9, 12, 3), method="nearest", antialias=antialias) == expected).all()
    blocks = COLOUR[:36, :48].reshape(12, 3, 12, 4, 3).mean((1, 3))
    for antialias in (True, False):
        found = resized((12, 12, 3), COLOUR[:36, :48], method="area", antialias=antialias)
        assert np.abs(found - blocks).max() <= 1


@pytest.mark.parametrize("pixels", [COLOUR, COLOUR.transpose(1, 0, 2)], ids=["wide", "high"])
@pytest.mark.parametrize(("aspect", "option"), [("crop", "crop_to_aspect_ratio"), ("pad", "pad_to_aspect_ratio")])
def test_cropping_and_padding_are_keras(aspect: str, option: str, pixels: np.ndarray) -> None:
    pixels = np.ascontiguousarray(pixels)
    layer = keras.layers.Resizing(10, 12, interpolation="bilinear", **{option: True})
    expected = np.asarray(layer(pixels[np.newaxis].astype(np.float32)))[0]
    found = resized((10, 12, 3), pixels, aspect=aspect, antialias=False)
    assert np.abs(found - expected).max() < 0.51
    smooth = resized((10, 12, 3), pixels, aspect=aspect)
    wanted = tf.image.resize(np.asarray(_framed(pixels, aspect)), (10, 12), antialias=True).numpy()
    assert np.abs(smooth - wanted).max() <= 1.5


def _framed(pixels: np.ndarray, aspect: str) -> np.ndarray:
    """Crops or pads to 10:12 by hand."""
    height, width = pixels.shape[:2]
    wide = width * 10 > height * 12
    if aspect == "crop":
        inner = height * 12 // 10 if wide else width * 10 // 12
        start = ((width if wide else height) - inner) // 2
        return pixels[:, start : start + inner] if wide else pixels[start : start + inner]
    before = ((width * 10 // 12 - height) if wide else (height * 12 // 10 - width)) // 2
    around = ((before, before), (0, 0)) if wide else ((0, 0), (before, before))
    return np.pad(pixels, (*around, (0, 0)))


def test_grey_images_are_resized_as_colour_is() -> None:
    for antialias in (True, False):
        grey = resized((9, 12, 1), COLOUR[..., 0], antialias=antialias)
        assert (grey[..., 0] == resized((9, 12, 3), antialias=antialias)[..., 0]).all()

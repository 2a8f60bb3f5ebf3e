"""How a decoded image becomes the pixels of an input; it ships as `image_pixels.py` and is meant to be ported.

`Ingest` makes its examples with it and `classify.py`, beside which it ships, what
it scores, so that both see the same pixels. The steps, in their order: the EXIF
orientation, grey or colour, the aspect ratio, the size. It needs numpy and Pillow.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image

MAX_SIDE_PIXELS = 16_384
# Room for photos of 108 megapixels. Pillow holds 4 bytes for a pixel; turning, cropping and padding hold it again.
MAX_PIXELS = 128 * 2**20
# Pillow warns above it, and refuses above twice as many.
Image.MAX_IMAGE_PIXELS = MAX_PIXELS

_ORIENTATION_TAG = 0x0112
_TRANSPOSITIONS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_FILTERS = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
    "area": Image.Resampling.BOX,
}
Box = tuple[int, int, int, int]


def pixels_of(
    image: Image.Image,
    shape: tuple[int, ...],
    *,
    exif: str = "apply",
    aspect: str = "stretch",
    method: str = "bilinear",
    antialias: bool = True,
) -> Any:
    """Makes the pixels that a network takes.

    Args:
      image: As Pillow opened it.
      shape: Height, width and channels (1 or 3). Colour becomes grey by ITU-R 601-2
        luma, grey becomes colour by repetition, alpha is dropped, and 16 bits of
        grey keep the upper 8, as in `tf.io.decode_png`.
      exif: "apply" the orientation that is stored beside the pixels, or "ignore" it.
      aspect: "stretch" an image of another aspect ratio, "crop" its middle or "pad"
        it with black, as `keras.layers.Resizing` does.
      method: "nearest", "bilinear", "bicubic", "lanczos" or "area".
      antialias: Whether a smaller image averages all that its pixels cover, as Pillow
        does and `tf.image.resize(antialias=True)`; if not, as `tf.image.resize` does
        by default. "nearest" never averages, "area" always does.

    Returns:
      uint8 `shape`.
    """
    height, width, channels = shape
    if exif == "apply":
        image = upright(image)
    if image.mode.startswith(("I", "F")):
        image = Image.fromarray((np.asarray(image).astype(np.uint32) >> 8).astype(np.uint8))
    mode = "L" if channels == 1 else "RGB"
    image = image if image.mode == mode else image.convert(mode)
    if image.size != (width, height):
        image = _resized(image, (width, height), aspect, method, antialias)
    return np.asarray(image, np.uint8).reshape(shape)


def orientation(image: Image.Image) -> int:
    """Returns the EXIF orientation of an image, 1 to 8; 1, which is upright, where none is stored or it is damaged."""
    try:
        found = image.getexif().get(_ORIENTATION_TAG, 1)
    except (OSError, SyntaxError, ValueError, LookupError, TypeError, struct.error):
        return 1
    return found if isinstance(found, int) and 1 <= found <= 8 else 1


def upright(image: Image.Image) -> Image.Image:
    """Returns an image as its EXIF orientation says that it is seen."""
    turned = _TRANSPOSITIONS.get(orientation(image))
    return image if turned is None else image.transpose(turned)


def _resized(image: Image.Image, size: tuple[int, int], aspect: str, method: str, antialias: bool) -> Image.Image:
    if aspect == "crop":
        # Before it is resized: with a box of its own, Pillow would average what lies beside it, too.
        image = image.crop(_crop_box(image.size, size))
    elif aspect == "pad":
        image = _padded(image, size)
    if antialias or method in ("nearest", "area"):
        return image.resize(size, _FILTERS[method])
    return _interpolated(image, size, method)


def _crop_box(source: tuple[int, int], target: tuple[int, int]) -> Box:
    """Returns the sides of the largest box of the target's aspect ratio in the middle, as Keras crops."""
    width = max(1, min(source[0], source[1] * target[0] // target[1]))
    height = max(1, min(source[1], source[0] * target[1] // target[0]))
    left, top = (source[0] - width) // 2, (source[1] - height) // 2
    return left, top, left + width, top + height


def _padded(image: Image.Image, target: tuple[int, int]) -> Image.Image:
    """Returns an image with as much black on either side as brings it to the target's aspect ratio, as Keras pads."""
    left = max(0, image.height * target[0] // target[1] - image.width) // 2
    top = max(0, image.width * target[1] // target[0] - image.height) // 2
    padded = Image.new(image.mode, (image.width + 2 * left, image.height + 2 * top))
    padded.paste(image, (left, top))
    return padded


def _interpolated(image: Image.Image, size: tuple[int, int], method: str) -> Image.Image:
    """Returns an image resized as `tf.image.resize` does: each pixel is made of the few around its centre."""
    pixels = np.asarray(image)
    pixels = pixels.reshape(*pixels.shape[:2], -1)
    columns, column_weights = _taps(image.width, size[0], *_KERNELS[method])
    rows, row_weights = _taps(image.height, size[1], *_KERNELS[method])
    # Line by line, of the pixels that count alone: a whole photo in floats would take twelve bytes for a pixel.
    lines = [
        np.einsum("iwjc,i,wj->wc", pixels[places][:, columns].astype(np.float32), weights, column_weights)
        for places, weights in zip(rows, row_weights, strict=True)
    ]
    values = np.clip(np.rint(np.stack(lines)), 0, 255).astype(np.uint8)
    return Image.fromarray(values[..., 0] if image.mode == "L" else values)


def _taps(source: int, target: int, kernel: Callable[[Any], Any], radius: int) -> tuple[Any, Any]:
    """Returns places and weights, `[target, 2 * radius]` each, of what every pixel along an axis is made of."""
    centres = (np.arange(target) + 0.5) * (source / target) - 0.5
    places = np.floor(centres)[:, np.newaxis].astype(int) + np.arange(1 - radius, radius + 1)
    weights = kernel(np.abs(centres[:, np.newaxis] - places))
    weights[(places < 0) | (places >= source)] = 0.0
    weights /= weights.sum(axis=1, keepdims=True)
    return np.clip(places, 0, source - 1), weights.astype(np.float32)


def _bilinear(distance: Any) -> Any:
    return np.maximum(0.0, 1.0 - distance)


def _bicubic(distance: Any) -> Any:
    """Returns Keys' cubic with a = -0.5 (IEEE ASSP 29, 1981)."""
    near = (1.5 * distance - 2.5) * distance**2 + 1.0
    far = ((-0.5 * distance + 2.5) * distance - 4.0) * distance + 2.0
    return np.where(distance < 1.0, near, np.where(distance < 2.0, far, 0.0))


def _lanczos(distance: Any) -> Any:
    return np.where(distance < 3.0, np.sinc(distance) * np.sinc(distance / 3.0), 0.0)


# Each with the pixels that it reaches on either side.
_KERNELS: dict[str, tuple[Callable[[Any], Any], int]] = {
    "bilinear": (_bilinear, 1),
    "bicubic": (_bicubic, 2),
    "lanczos": (_lanczos, 3),
}

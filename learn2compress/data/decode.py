"""From a stored image to the pixels that a student takes.

The content decides what an image is, never its name. Of an animation the first
frame is taken. How the pixels are made of it is in `image_pixels`, which ships.
"""

from __future__ import annotations

import dataclasses
import io
import struct
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from learn2compress.config import DataConfig, ExifOrientation, ResizeConfig
from learn2compress.data.image_pixels import MAX_PIXELS, MAX_SIDE_PIXELS, orientation, pixels_of

ACCEPTED_KINDS = "PNG, JPEG, WebP, BMP and GIF"

_ACCEPTED = ("PNG", "JPEG", "WEBP", "BMP", "GIF")
# The first bytes of the accepted formats, and of some that people confuse with them.
_MAGIC = (
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"BM", "BMP"),
    (b"II*\x00", "TIFF"),
    (b"MM\x00*", "TIFF"),
    (b"%PDF", "PDF"),
    (b"\x1f\x8b", "gzip"),
    (b"PK\x03\x04", "zip"),
)
# What Pillow's readers raise on damaged content.
_DAMAGE = (OSError, SyntaxError, ValueError, EOFError, IndexError, KeyError, TypeError, struct.error, zlib.error)


class DecodeError(ValueError):
    """A record can't become an input; the message is one line: what was found and what is accepted."""


@dataclasses.dataclass(frozen=True)
class DecodedImage:
    """An image as a student takes it.

    Attributes:
      pixels: uint8 of the task's shape.
      height: Of the image as a person sees it, before it was resized.
      width: Likewise.
      has_orientation: Whether its EXIF orientation says that the stored pixels lie otherwise than a person sees them.
    """

    pixels: NDArray[np.uint8]
    height: int
    width: int
    has_orientation: bool = False


def image_input(payload: bytes | NDArray[np.integer], shape: tuple[int, ...], data: DataConfig) -> DecodedImage:
    """Decodes an image, converts it to the task's channels, and checks its size or resizes it.

    Args:
      payload: Bytes of a PNG, JPEG, WebP, BMP or GIF file, or pixels 0..255 `[height, width]`
        or `[height, width, channels]`.
      shape: The task's height, width and channels (1 or 3), as `pixels_of` makes them.
      data: Its `resize` and `exif`.

    Returns:
      The pixels, and what the image was before.

    Raises:
      DecodeError: the content is refused.
    """
    has_orientation = False
    if isinstance(payload, bytes):
        image = _decode_file(payload)
        has_orientation = orientation(image) != 1
        height, width = _seen_size(image, data.exif)
    else:
        pixels = _check_pixels(payload)
        height, width = pixels.shape[:2]
        if pixels.shape == shape:
            return DecodedImage(pixels, height, width)
        image = Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)
    if (height, width) != shape[:2] and data.resize is None:
        raise DecodeError(
            f"found {height}x{width} pixels (height x width), accepted are {shape[0]}x{shape[1]}, or data.resize: true"
        )
    try:
        made = pixels_of(image, shape, **pixel_settings(data))
    except _DAMAGE as error:
        raise DecodeError("found an image that can't be converted to grey or colour") from error
    return DecodedImage(made, height, width, has_orientation)


def pixel_settings(data: DataConfig) -> dict[str, Any]:
    """Returns the keyword arguments of `pixels_of`: how the images of a task become its inputs.

    Args:
      data: Its `exif`, and its `resize`, without which those of the default are returned.
    """
    resize = data.resize or ResizeConfig()
    return {
        "exif": data.exif.value,
        "aspect": resize.aspect.value,
        "method": resize.method.value,
        "antialias": resize.antialias,
    }


def stored_shape(payload: bytes | NDArray[np.integer], exif: ExifOrientation) -> tuple[tuple[int, int, int], bool]:
    """Reads how large an image is before it is resized.

    Args:
      payload: As `image_input` takes it.
      exif: Whether a photo is turned upright.

    Returns:
      Height, width, and 1 channel for grey or 3 for colour; and whether its EXIF orientation says that the
      stored pixels lie otherwise than a person sees them.

    Raises:
      DecodeError: the content is refused.
    """
    if not isinstance(payload, bytes):
        height, width, channels = _check_pixels(payload).shape
        return (height, width, channels), False
    image = _decode_file(payload)
    is_grey = image.mode in ("1", "L", "LA") or image.mode.startswith(("I", "F"))
    return (*_seen_size(image, exif), 1 if is_grey else 3), orientation(image) != 1


def _seen_size(image: Image.Image, exif: ExifOrientation) -> tuple[int, int]:
    """Returns height and width."""
    on_its_side = exif is ExifOrientation.APPLY and orientation(image) >= 5
    return (image.width, image.height) if on_its_side else (image.height, image.width)


def _decode_file(content: bytes) -> Image.Image:
    kind = _kind_of(content)
    if kind not in _ACCEPTED:
        found = "an empty file" if not content else f"{kind} content" if kind else "no image content"
        raise DecodeError(f"found {found}, accepted are {ACCEPTED_KINDS}")
    if kind == "WEBP":
        # Its reader makes room for the whole image when it opens it.
        _check_size(*_webp_size(content))
    try:
        image = Image.open(io.BytesIO(content), formats=(kind,))
        _check_size(image.width, image.height)
        image.load()
    except DecodeError:
        raise
    except Image.DecompressionBombError as error:
        raise DecodeError(f"found too many pixels, accepted are {MAX_PIXELS} in all") from error
    except _DAMAGE as error:
        raise DecodeError(f"found a truncated or damaged {kind}") from error
    return image


def _kind_of(content: bytes) -> str | None:
    if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        return "WEBP"
    return next((kind for magic, kind in _MAGIC if content.startswith(magic)), None)


def _check_size(width: int, height: int) -> None:
    if max(width, height) > MAX_SIDE_PIXELS or width * height > MAX_PIXELS:
        raise DecodeError(
            f"found {height}x{width} pixels, accepted are sides up to {MAX_SIDE_PIXELS} and {MAX_PIXELS} pixels in all"
        )


def _webp_size(content: bytes) -> tuple[int, int]:
    """Returns width and height of a WebP file by its first chunk (RFC 9649); zeros where it is damaged."""
    head = content[20:30].ljust(10, b"\0")
    match content[12:16]:
        case b"VP8X":
            return int.from_bytes(head[4:7], "little") + 1, int.from_bytes(head[7:10], "little") + 1
        case b"VP8L":
            bits = int.from_bytes(head[1:5], "little")
            return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        case b"VP8 ":
            return int.from_bytes(head[6:8], "little") & 0x3FFF, int.from_bytes(head[8:10], "little") & 0x3FFF
    return 0, 0


def _check_pixels(pixels: NDArray[np.integer]) -> NDArray[np.uint8]:
    if pixels.ndim == 2:
        pixels = pixels[..., np.newaxis]
    if pixels.ndim != 3 or pixels.shape[2] not in (1, 3):
        raise DecodeError(f"found shape {pixels.shape}, accepted are height, width and 1 or 3 channels")
    if max(pixels.shape) > MAX_SIDE_PIXELS or min(pixels.shape) == 0:
        raise DecodeError(f"found shape {pixels.shape}, accepted are sides of 1 to {MAX_SIDE_PIXELS}")
    if pixels.dtype != np.uint8:
        low, high = int(pixels.min()), int(pixels.max())
        if low < 0 or high > 255:
            raise DecodeError(f"found values {low}..{high}, accepted are 0..255")
    return np.ascontiguousarray(pixels, np.uint8)

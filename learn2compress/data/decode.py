"""From a stored image to the pixels that a student takes.

The content decides what an image is, never its name; a name that disagrees is
refused, since one of the two is wrong. EXIF rotation is not applied, as in
`tf.io.decode_jpeg`: the teacher saw its images that way.
"""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
from numpy.typing import NDArray
from PIL import Image

MAX_SIDE_PIXELS = 16_384
MAX_PIXELS = 64 * 2**20

# The first bytes of formats that people confuse with the two accepted ones.
_MAGIC = (
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"GIF8", "GIF"),
    (b"BM", "BMP"),
    (b"II*\x00", "TIFF"),
    (b"MM\x00*", "TIFF"),
    (b"%PDF", "PDF"),
    (b"\x1f\x8b", "gzip"),
    (b"PK\x03\x04", "zip"),
)
_SUFFIXES = {"png": "PNG", "jpg": "JPEG", "jpeg": "JPEG"}
# What Pillow's PNG and JPEG readers raise on damaged content.
_DAMAGE = (OSError, SyntaxError, ValueError, EOFError, IndexError, TypeError, struct.error, zlib.error)


class DecodeError(ValueError):
    """A record can't become an input; the message is one line: what was found and what is accepted."""


def image_input(
    payload: bytes | NDArray[np.integer], shape: tuple[int, ...], *, resize: bool, name: str = ""
) -> tuple[NDArray[np.uint8], tuple[int, int]]:
    """Decodes an image, converts it to the task's channels, and checks its size or resizes it.

    Args:
      payload: Bytes of a PNG or JPEG file, or pixels 0..255 `[height, width]` or
        `[height, width, channels]`.
      shape: The task's height, width and channels (1 or 3). Colour becomes grey
        by ITU-R 601-2 luma, grey becomes colour by repetition, alpha is dropped.
      resize: Resize (bilinear, antialiased, aspect not kept) what has another size.
      name: File name, whose suffix the content must agree with; no suffix, no check.

    Returns:
      uint8 `shape`, and the height and width as stored.

    Raises:
      DecodeError: the content is refused.
    """
    if isinstance(payload, bytes):
        image = _decode_file(payload, name)
        size = image.height, image.width
    else:
        pixels = _check_pixels(payload)
        size = pixels.shape[0], pixels.shape[1]
        if pixels.shape == shape:
            return pixels, size
        image = Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)
    if size != shape[:2] and not resize:
        raise DecodeError(
            f"found {size[0]}x{size[1]} pixels (height x width), accepted are {shape[0]}x{shape[1]}, "
            "or data.resize: true"
        )
    image = image.convert("L" if shape[2] == 1 else "RGB")
    if size != shape[:2]:
        image = image.resize((shape[1], shape[0]), Image.Resampling.BILINEAR)
    return np.asarray(image, np.uint8).reshape(shape), size


def stored_shape(payload: bytes | NDArray[np.integer], name: str = "") -> tuple[int, int, int]:
    """Reads how large an image is as it is stored.

    Args:
      payload: As `image_input` takes it.
      name: File name, whose suffix the content must agree with; no suffix, no check.

    Returns:
      Height, width, and 1 channel for grey or 3 for colour.

    Raises:
      DecodeError: the content is refused.
    """
    if not isinstance(payload, bytes):
        height, width, channels = _check_pixels(payload).shape
        return height, width, channels
    image = _decode_file(payload, name)
    return image.height, image.width, 1 if image.mode in ("1", "L", "LA") else 3


def _decode_file(content: bytes, name: str) -> Image.Image:
    kind = next((kind for magic, kind in _MAGIC if content.startswith(magic)), None)
    if kind not in ("PNG", "JPEG"):
        found = "an empty file" if not content else f"{kind} content" if kind else "no image content"
        raise DecodeError(f"found {found}, accepted are PNG and JPEG")
    suffix = name.rpartition(".")[2].lower()
    if _SUFFIXES.get(suffix, kind) != kind:
        raise DecodeError(f"found {kind} content in a file named .{suffix}, accepted is a name that fits")
    try:
        image = Image.open(io.BytesIO(content), formats=(kind,))
        if max(image.size) > MAX_SIDE_PIXELS or image.width * image.height > MAX_PIXELS:
            raise DecodeError(
                f"found {image.height}x{image.width} pixels, accepted are sides up to {MAX_SIDE_PIXELS} "
                f"and {MAX_PIXELS} pixels in all"
            )
        image.load()
    except DecodeError:
        raise
    except Image.DecompressionBombError as error:
        raise DecodeError(f"found too many pixels, accepted are {MAX_PIXELS} in all") from error
    except _DAMAGE as error:
        raise DecodeError(f"found a truncated or damaged {kind}") from error
    if image.mode.startswith(("I", "F")):
        # 16-bit grey: keep the high byte, as tf.io.decode_png does; Pillow's own conversion clips to white.
        return Image.fromarray((np.asarray(image).astype(np.uint32) >> 8).astype(np.uint8))
    return image


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

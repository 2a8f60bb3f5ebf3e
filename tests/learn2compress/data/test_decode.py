"""Images are judged by their content."""

import io
import zlib

import numpy as np
import pytest
from PIL import Image

from learn2compress.config import DataConfig, ExifOrientation, ResizeConfig
from learn2compress.data.decode import DecodeError, image_input, pixel_settings, stored_shape

STRICT = DataConfig()
RESIZED = DataConfig(resize=ResizeConfig())
AS_STORED = DataConfig(exif=ExifOrientation.IGNORE)
GREY = np.arange(48, dtype=np.uint8).reshape(6, 8)


def encoded(pixels: np.ndarray, kind: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind, **options)
    return buffer.getvalue()


def test_png_comes_back_as_it_was() -> None:
    image = image_input(encoded(GREY), (6, 8, 1), STRICT)
    assert (image.height, image.width, image.has_orientation) == (6, 8, False)
    assert image.pixels.dtype == np.uint8
    assert (image.pixels[..., 0] == GREY).all()


def test_grey_becomes_colour_by_repetition_and_colour_grey_by_luma() -> None:
    colour = image_input(encoded(GREY), (6, 8, 3), STRICT).pixels
    assert (colour == GREY[..., None]).all()
    red = np.zeros((6, 8, 3), np.uint8)
    red[..., 0] = 100
    grey = image_input(red, (6, 8, 1), STRICT).pixels
    assert set(grey.ravel().tolist()) == {30}


def test_16_bit_grey_keeps_its_high_byte() -> None:
    wide = GREY.astype(np.uint16) * 256 + 255
    pixels = image_input(encoded(wide), (6, 8, 1), STRICT).pixels
    assert (pixels[..., 0] == GREY).all()


def test_other_size_is_refused_or_resized() -> None:
    with pytest.raises(DecodeError, match=r"found 6x8 pixels .* accepted are 4x4, or data.resize: true"):
        image_input(encoded(GREY), (4, 4, 1), STRICT)
    image = image_input(encoded(GREY), (4, 4, 1), RESIZED)
    assert (image.pixels.shape, image.height, image.width) == ((4, 4, 1), 6, 8)
    assert image.pixels[0].mean() < image.pixels[3].mean()


@pytest.mark.parametrize(
    ("kind", "options"),
    [("PNG", {}), ("BMP", {}), ("GIF", {}), ("WEBP", {"lossless": True}), ("JPEG", {"quality": 100})],
)
def test_the_content_decides_what_an_image_is(kind: str, options: dict[str, object]) -> None:
    image = image_input(encoded(GREY, kind, **options), (6, 8, 1), STRICT)
    assert np.abs(image.pixels[..., 0].astype(int) - GREY).max() <= (2 if kind == "JPEG" else 0)


@pytest.mark.parametrize("kind", ["GIF", "WEBP"])
def test_the_first_frame_of_an_animation_is_taken(kind: str) -> None:
    frames = [Image.fromarray(np.full((6, 8), value, np.uint8)) for value in (40, 200)]
    buffer = io.BytesIO()
    frames[0].save(buffer, kind, save_all=True, append_images=frames[1:], lossless=True)
    assert set(image_input(buffer.getvalue(), (6, 8, 1), STRICT).pixels.ravel().tolist()) == {40}


def with_orientation(pixels: np.ndarray, value: int, kind: str = "PNG") -> bytes:
    exif = Image.Exif()
    exif[0x0112] = value
    return encoded(pixels, kind, exif=exif.tobytes())


@pytest.mark.parametrize(
    ("value", "seen"),
    [
        (1, GREY),
        (2, GREY[:, ::-1]),
        (3, GREY[::-1, ::-1]),
        (4, GREY[::-1]),
        (5, GREY.T),
        (6, np.rot90(GREY, -1)),
        (7, GREY[::-1, ::-1].T),
        (8, np.rot90(GREY)),
        (9, GREY),
    ],
)
def test_an_orientation_is_applied_or_ignored_and_told(value: int, seen: np.ndarray) -> None:
    content = with_orientation(GREY, value)
    image = image_input(content, (*seen.shape, 1), STRICT)
    assert (image.pixels[..., 0] == seen).all()
    assert ((image.height, image.width), image.has_orientation) == (seen.shape, value in range(2, 9))
    stored = image_input(content, (6, 8, 1), AS_STORED)
    assert (stored.pixels[..., 0] == GREY).all()
    assert (stored.height, stored.width, stored.has_orientation) == (6, 8, value in range(2, 9))
    assert stored_shape(content, ExifOrientation.APPLY) == ((*seen.shape, 1), value in range(2, 9))
    assert stored_shape(content, ExifOrientation.IGNORE) == ((6, 8, 1), value in range(2, 9))


def test_damaged_exif_turns_nothing() -> None:
    content = encoded(GREY, "JPEG", exif=b"Exif\0\0MM\0*\xff\xff\xff\xff")
    assert image_input(content, (6, 8, 1), STRICT).has_orientation is False


def test_a_photo_of_108_megapixels_is_an_image() -> None:
    content = encoded(np.full((9024, 12_032), 77, np.uint8), "JPEG")
    image = image_input(content, (4, 4, 1), RESIZED)
    assert (image.height, image.width, set(image.pixels.ravel().tolist())) == (9024, 12_032, {77})


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "an empty file"),
        (b"hello, this is text", "no image content"),
        (encoded(GREY, "TIFF"), "TIFF content"),
        (encoded(GREY)[:50], "truncated or damaged PNG"),
        (encoded(GREY, "JPEG")[:-80], "truncated or damaged JPEG"),
        (encoded(GREY, "GIF")[:-30], "truncated or damaged GIF"),
        (encoded(GREY, "WEBP")[:30], "truncated or damaged WEBP"),
        (encoded(GREY, "BMP")[:60], "truncated or damaged BMP"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 40, "truncated or damaged PNG"),
        (b"RIFF\x20\0\0\0WEBP", "truncated or damaged WEBP"),
    ],
)
def test_content_that_is_no_whole_image_is_refused_with_its_reason(content: bytes, reason: str) -> None:
    with pytest.raises(DecodeError, match=reason):
        image_input(content, (6, 8, 1), STRICT)


def bomb(kind: str) -> bytes:
    """Makes a small file whose header says that it has 16,000 x 16,000 pixels."""
    side = 16_000
    if kind == "PNG":
        png = bytearray(encoded(GREY))
        png[16:24] = side.to_bytes(4, "big") * 2
        png[29:33] = zlib.crc32(png[12:29]).to_bytes(4, "big")
        return bytes(png)
    if kind == "GIF":
        return b"GIF89a" + side.to_bytes(2, "little") * 2 + encoded(GREY, "GIF")[10:]
    if kind == "BMP":
        bmp = bytearray(encoded(GREY, "BMP"))
        bmp[18:26] = side.to_bytes(4, "little") * 2
        return bytes(bmp)
    head = {
        "VP8X": b"\0\0\0\0" + (side - 1).to_bytes(3, "little") * 2,
        "VP8L": b"\x2f" + ((side - 1) | (side - 1) << 14).to_bytes(4, "little"),
        "VP8 ": b"\0\0\0\x9d\x01\x2a" + side.to_bytes(2, "little") * 2,
    }[kind]
    chunk = kind.encode() + len(head).to_bytes(4, "little") + head
    return b"RIFF" + (4 + len(chunk)).to_bytes(4, "little") + b"WEBP" + chunk


@pytest.mark.parametrize("kind", ["PNG", "GIF", "BMP", "VP8X", "VP8L", "VP8 "])
def test_a_decompression_bomb_is_refused_by_its_header(kind: str) -> None:
    with pytest.raises(DecodeError, match=r"found 16000x16000 pixels, accepted are"):
        image_input(bomb(kind), (6, 8, 1), RESIZED)


def test_what_ships_are_the_settings_that_examples_were_made_by() -> None:
    assert pixel_settings(STRICT) == pixel_settings(RESIZED) == {
        "exif": "apply", "aspect": "stretch", "method": "bilinear", "antialias": True,
    }  # fmt: skip
    assert pixel_settings(AS_STORED)["exif"] == "ignore"


@pytest.mark.parametrize(
    ("pixels", "reason"),
    [
        (np.zeros((6, 8, 2), np.uint8), r"shape \(6, 8, 2\)"),
        (np.full((6, 8), 256, np.int32), r"values 256..256, accepted are 0..255"),
        (np.full((6, 8), -1, np.int8), r"values -1..-1"),
        (np.zeros((0, 8), np.uint8), "shape"),
    ],
)
def test_arrays_that_are_no_pixels_are_refused(pixels: np.ndarray, reason: str) -> None:
    with pytest.raises(DecodeError, match=reason):
        image_input(pixels, (6, 8, 1), STRICT)


def test_the_shape_as_stored_is_read_off_content_and_arrays() -> None:
    grey, colour = np.zeros((4, 6), np.uint8), np.zeros((4, 6, 3), np.uint8)
    shapes = [
        stored_shape(payload, ExifOrientation.APPLY)[0]
        for payload in (encoded(grey), encoded(np.zeros((4, 6), np.uint16)), encoded(colour, "JPEG"))
    ]
    assert shapes == [(4, 6, 1), (4, 6, 1), (4, 6, 3)]
    assert stored_shape(encoded(np.zeros((4, 6, 4), np.uint8)), ExifOrientation.APPLY) == ((4, 6, 3), False)
    assert stored_shape(grey, ExifOrientation.APPLY) == ((4, 6, 1), False)
    assert stored_shape(colour, ExifOrientation.APPLY) == ((4, 6, 3), False)

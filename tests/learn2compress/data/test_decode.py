"""Images are judged by their content."""

import io
import zlib

import numpy as np
import pytest
from PIL import Image

from learn2compress.data.decode import DecodeError, image_input, stored_shape

GREY = np.arange(48, dtype=np.uint8).reshape(6, 8)


def encoded(pixels: np.ndarray, kind: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind, **options)
    return buffer.getvalue()


def test_png_comes_back_as_it_was() -> None:
    pixels, size = image_input(encoded(GREY), (6, 8, 1), resize=False, name="a/b.PNG")
    assert size == (6, 8)
    assert pixels.dtype == np.uint8
    assert (pixels[..., 0] == GREY).all()


def test_grey_becomes_colour_by_repetition_and_colour_grey_by_luma() -> None:
    colour, _ = image_input(encoded(GREY), (6, 8, 3), resize=False)
    assert (colour == GREY[..., None]).all()
    red = np.zeros((6, 8, 3), np.uint8)
    red[..., 0] = 100
    grey, _ = image_input(red, (6, 8, 1), resize=False)
    assert set(grey.ravel().tolist()) == {30}


def test_16_bit_grey_keeps_its_high_byte() -> None:
    wide = GREY.astype(np.uint16) * 256 + 255
    pixels, _ = image_input(encoded(wide), (6, 8, 1), resize=False)
    assert (pixels[..., 0] == GREY).all()


def test_other_size_is_refused_or_resized() -> None:
    with pytest.raises(DecodeError, match=r"found 6x8 pixels .* accepted are 4x4, or data.resize: true"):
        image_input(encoded(GREY), (4, 4, 1), resize=False)
    pixels, size = image_input(encoded(GREY), (4, 4, 1), resize=True)
    assert (pixels.shape, size) == ((4, 4, 1), (6, 8))
    assert pixels[0].mean() < pixels[3].mean()


@pytest.mark.parametrize(
    ("content", "name", "reason"),
    [
        (b"", "a.png", "an empty file"),
        (b"hello, this is text", "a.png", "no image content"),
        (encoded(GREY, "GIF"), "a.png", "GIF content"),
        (encoded(GREY, "JPEG"), "a.png", "found JPEG content in a file named .png"),
        (encoded(GREY), "a.jpeg", "found PNG content in a file named .jpeg"),
        (encoded(GREY)[:50], "a.png", "truncated or damaged PNG"),
        (encoded(GREY, "JPEG")[:-80], "a.jpg", "truncated or damaged JPEG"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 40, "a.png", "truncated or damaged PNG"),
    ],
)
def test_content_that_is_no_whole_image_is_refused_with_its_reason(content: bytes, name: str, reason: str) -> None:
    with pytest.raises(DecodeError, match=reason):
        image_input(content, (6, 8, 1), resize=False, name=name)


def test_decompression_bomb_is_refused_by_its_header() -> None:
    png = bytearray(encoded(GREY))
    png[16:24] = (30_000).to_bytes(4, "big") + (30_000).to_bytes(4, "big")
    png[29:33] = zlib.crc32(png[12:29]).to_bytes(4, "big")
    with pytest.raises(DecodeError, match=r"pixels, accepted are"):
        image_input(bytes(png), (6, 8, 1), resize=True, name="bomb.png")


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
        image_input(pixels, (6, 8, 1), resize=False)


def test_the_shape_as_stored_is_read_off_content_and_arrays() -> None:
    grey, colour = np.zeros((4, 6), np.uint8), np.zeros((4, 6, 3), np.uint8)
    assert stored_shape(encoded(grey)) == (4, 6, 1)
    assert stored_shape(encoded(np.zeros((4, 6), np.uint16))) == (4, 6, 1)
    assert stored_shape(encoded(colour, "JPEG"), "a.jpg") == (4, 6, 3)
    assert stored_shape(encoded(np.zeros((4, 6, 4), np.uint8))) == (4, 6, 3)
    assert (stored_shape(grey), stored_shape(colour)) == ((4, 6, 1), (4, 6, 3))
    with pytest.raises(DecodeError, match=r"found PNG content in a file named \.jpg"):
        stored_shape(encoded(grey), "a.jpg")

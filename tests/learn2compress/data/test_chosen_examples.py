from __future__ import annotations

import base64
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from learn2compress.data.chosen_examples import beginning_of, end_of, picture_uri, read_chosen
from learn2compress.data.examples import encode_example, read_examples, shard_path, write_shard


def decoded(uri: str) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))))


@pytest.fixture
def split(tmp_path: Path) -> Path:
    """Two shards of four and three examples."""
    for index, places in enumerate((range(4), range(4, 7))):
        rows = [
            encode_example(bytes([place] * 4), place, f"{place:064x}", f"s{place}", f"text {place}") for place in places
        ]
        write_shard(shard_path(tmp_path, index, 2), rows)
    return tmp_path


def test_examples_are_those_at_their_places_in_the_stored_order(split: Path) -> None:
    stored = list(read_examples(split))
    found = read_chosen(split, [5, 1, 3])
    assert found == {place: stored[place] for place in (1, 3, 5)}
    assert read_chosen(split, []) == {}


def test_nothing_is_read_behind_the_last(split: Path) -> None:
    shard_path(split, 1, 2).write_bytes(b"no gzip")
    assert list(read_chosen(split, [0, 3])) == [0, 3]


def test_a_place_that_is_not_there_is_refused(split: Path) -> None:
    with pytest.raises(ValueError, match=r"has 7 examples.*found 7"):
        read_chosen(split, [2, 7])


@pytest.mark.parametrize("shape", [(8, 8, 1), (16, 16, 3), (40, 64, 3)])
def test_a_small_flat_picture_is_kept_pixel_by_pixel(shape: tuple[int, int, int]) -> None:
    pixels = np.zeros(shape, np.uint8)
    pixels[2:6, 3:7] = 200
    uri = picture_uri(pixels)
    assert uri.startswith("data:image/png;base64,")
    np.testing.assert_array_equal(decoded(uri).reshape(shape), pixels)


def test_a_large_picture_becomes_small_and_keeps_its_aspect_ratio() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (300, 600, 3), np.uint8)
    uri = picture_uri(noise)
    assert decoded(uri).shape == (32, 64, 3)
    assert len(uri) < 6_000  # noise, which no photo is as large as
    assert picture_uri(noise) == uri


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (b"play\tsome\n jazz ", "play some jazz"),
        ("\N{RIGHT-TO-LEFT OVERRIDE}evil\x1b[2J\N{ZERO WIDTH SPACE}".encode(), "evil [2J"),
        (b"caf\xe9 <script>", "caf\N{REPLACEMENT CHARACTER} <script>"),
        (b"a" * 500, "a" * 200 + "\N{HORIZONTAL ELLIPSIS}"),
    ],
)
def test_a_text_is_shown_as_one_visible_line(text: bytes, shown: str) -> None:
    assert beginning_of(text) == shown


def test_of_a_long_source_the_end_is_shown() -> None:
    assert end_of("a/b.png") == "a/b.png"
    assert end_of("deep/" * 60 + "b\n.png").endswith("deep/b .png")
    assert len(end_of("x" * 999)) == 121

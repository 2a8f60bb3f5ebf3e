"""Small images as files: in a folder for each class, and nested without labels."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image


@pytest.fixture(scope="session")
def png() -> Callable[[int], bytes]:
    """Makes a PNG of 8x8 pixels of one value."""

    def make(value: int) -> bytes:
        buffer = io.BytesIO()
        Image.fromarray(np.full((8, 8), value, np.uint8)).save(buffer, "PNG")
        return buffer.getvalue()

    return make


@pytest.fixture
def classes(tmp_path: Path, png: Callable[[int], bytes]) -> Path:
    """A folder of the classes "a" and "b", two images each."""
    for number, name in enumerate(("b", "a")):
        (tmp_path / "images" / name).mkdir(parents=True)
        for index in range(2):
            (tmp_path / "images" / name / f"{index}.png").write_bytes(png(100 + 2 * number + index))
    return tmp_path / "images"


@pytest.fixture
def pool(tmp_path: Path, png: Callable[[int], bytes]) -> Path:
    """A folder of four images, however nested."""
    for index, name in enumerate(("2.png", "a/0.png", "deep/er/1.jpg", "deep/3.png")):
        path = tmp_path / "pool" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png(index))
    return tmp_path / "pool"

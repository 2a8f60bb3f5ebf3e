"""Small folders of images for whoever tests what `l2c init` makes of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def write_images() -> Callable[..., Path]:
    """Writes an image of each size into each class of a folder, and returns the folder."""

    def write(folder: Path, *sizes: tuple[int, ...], num_classes: int = 3) -> Path:
        random = np.random.default_rng(0)
        for label in range(num_classes):
            (folder / f"kind_{label}").mkdir(parents=True)
            for index, size in enumerate(sizes):
                image = Image.fromarray(random.integers(0, 256, size, np.uint8))
                image.save(folder / f"kind_{label}" / f"{index}.png")
        return folder

    return write

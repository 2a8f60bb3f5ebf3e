from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from learn2compress.compression.input_form import InputForm
from learn2compress.compression.pixels import BYTES, UNIT
from learn2compress.config import DataConfig, ResizeConfig, TaskConfig, TaskKind
from learn2compress.config.parsing import ConfigError

IMAGES = np.arange(2 * 4 * 4, dtype=np.uint8).reshape(2, 4, 4, 1)
TASK = TaskConfig(input_shape=(4, 4, 1))


def form(pixels: Any, resize: ResizeConfig | None = None) -> InputForm:
    return InputForm(TASK, DataConfig(resize=resize), pixels)


def test_images_become_the_bytes_of_the_training() -> None:
    np.testing.assert_array_equal(form(UNIT).to_bytes(IMAGES / 255), IMAGES)
    np.testing.assert_array_equal(form(BYTES).to_bytes(IMAGES[..., 0]), IMAGES)
    np.testing.assert_array_equal(form(None).to_bytes(IMAGES / 255), IMAGES)


def test_numbers_of_another_range_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"found values as 0\.\.1, accepted are 0\.\.255"):
        form(BYTES).to_bytes(IMAGES / 255)
    with pytest.raises(ConfigError, match=r"accepted are 0\.\.1"):
        form(UNIT).to_bytes(IMAGES.astype(np.float32) * 8)


def test_image_files_are_read_and_resized_as_in_the_training(tmp_path: Path) -> None:
    Image.fromarray(np.full((8, 8), 77, np.uint8)).save(tmp_path / "grey.png")
    found = form(None, ResizeConfig()).to_bytes([tmp_path / "grey.png"])
    np.testing.assert_array_equal(found, np.full((1, 4, 4, 1), 77))
    np.testing.assert_array_equal(form(None, ResizeConfig()).to_bytes(np.full((1, 8, 8), 77, np.uint8)), found)


def test_texts_become_their_features() -> None:
    texts = InputForm(TaskConfig(TaskKind.TEXT, (64,)), DataConfig(), None)
    found = texts.to_bytes(["play jazz", "rain"])
    assert found.shape == (2, 64)
    assert found.any(axis=1).all()
    with pytest.raises(ConfigError, match="accepted is a list of texts"):
        texts.to_bytes("play jazz")

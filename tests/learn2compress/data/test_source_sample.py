"""A few images of each class are read straight from a source, as they would be stored."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from learn2compress.config import DataConfig, DataFormat, ResizeConfig, TaskConfig
from learn2compress.data.source_sample import sample_source

Png = Callable[[int], bytes]
TASK = TaskConfig(input_shape=(4, 4, 1))


def test_a_folder_gives_equally_many_of_each_class(tmp_path: Path, png: Png) -> None:
    for value, name in ((50, "a"), (200, "b")):
        (tmp_path / name).mkdir()
        for index in range(10):
            (tmp_path / name / f"{index}.png").write_bytes(png(value))
    (tmp_path / "a" / "0.png").write_bytes(b"no image")
    data = DataConfig(DataFormat.IMAGE_FOLDER, str(tmp_path), resize=ResizeConfig())
    sample = sample_source(data, TASK, ("a", "b"), 8)
    assert sample.inputs.shape == (7, 4, 4, 1)
    assert np.bincount(sample.labels).tolist() == [3, 4]  # of the four that were looked at one is none
    assert set(sample.inputs[sample.labels == 1].ravel().tolist()) == {200}


def test_an_array_that_has_one_class_after_the_other_gives_both(tmp_path: Path) -> None:
    labels = np.repeat([0, 1], 30)
    pixels = np.broadcast_to(labels[:, None, None], (60, 4, 4)).astype(np.uint8)
    np.savez(tmp_path / "a.npz", x=pixels, y=labels)
    sample = sample_source(DataConfig(DataFormat.NPZ, str(tmp_path / "a.npz")), TASK, ("0", "1"), 6)
    assert np.bincount(sample.labels).tolist() == [3, 3]
    assert (sample.inputs[:, 0, 0, 0] == sample.labels).all()


def test_images_that_are_held_out_are_not_looked_at(tmp_path: Path, png: Png) -> None:
    for part, value in (("train", 50), ("test", 200)):
        for name in ("a", "b"):
            (tmp_path / part / name).mkdir(parents=True)
            (tmp_path / part / name / "0.png").write_bytes(png(value))
    data = DataConfig(
        DataFormat.IMAGE_FOLDER,
        str(tmp_path / "train"),
        held_out_uri=str(tmp_path / "test"),
        resize=ResizeConfig(),
    )
    assert set(sample_source(data, TASK, ("a", "b"), 8).inputs.ravel().tolist()) == {50}

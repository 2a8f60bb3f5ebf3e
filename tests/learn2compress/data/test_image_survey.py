"""A look at some images finds their sizes, channels and classes, and says why where it finds none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from learn2compress.config import DataConfig, DataFormat
from learn2compress.data.image_survey import survey_images
from learn2compress.data.records import SourceError


def write_image(path: Path, shape: tuple[int, ...]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.zeros(shape, np.uint8)).save(path)


def folder_of(path: Path) -> DataConfig:
    return DataConfig(format=DataFormat.IMAGE_FOLDER, uri=str(path))


def test_sizes_and_classes_of_a_folder_of_images_are_found(tmp_path: Path) -> None:
    for index in range(40):  # more classes than are looked at
        write_image(tmp_path / f"class_{index:02}" / "a.png", (20, 30, 3))
    survey = survey_images(folder_of(tmp_path))
    assert survey.shapes == ((20, 30, 3),)
    assert survey.labels == tuple(f"class_{index:02}" for index in range(40))


def test_different_sizes_and_grey_images_are_told_apart(tmp_path: Path) -> None:
    write_image(tmp_path / "cat" / "a.png", (8, 9))
    write_image(tmp_path / "cat" / "b.jpg", (8, 9, 3))
    write_image(tmp_path / "dog" / "c.png", (12, 9, 4))
    assert survey_images(folder_of(tmp_path)).shapes == ((8, 9, 1), (8, 9, 3), (12, 9, 3))


def test_a_damaged_image_is_passed_over_and_none_but_damaged_ones_are_refused(tmp_path: Path) -> None:
    (tmp_path / "cat").mkdir()
    (tmp_path / "cat" / "a.png").write_bytes(b"II*\x00")
    with pytest.raises(SourceError, match=r"data.uri: found no usable image in .*: cat/a.png: found TIFF content"):
        survey_images(folder_of(tmp_path))
    write_image(tmp_path / "cat" / "b.png", (8, 8))
    assert survey_images(folder_of(tmp_path)).shapes == ((8, 8, 1),)


def test_arrays_and_digits_are_looked_at(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.zeros((5, 6, 7, 3), np.uint8), y=np.arange(5) % 2)
    survey = survey_images(DataConfig(format=DataFormat.NPZ, uri=str(tmp_path / "a.npz")))
    assert (survey.shapes, survey.labels) == (((6, 7, 3),), None)
    assert survey_images(DataConfig()).shapes == ((8, 8, 1),)
    assert survey_images(DataConfig()).labels == tuple("0123456789")


def test_a_source_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"data.uri: found nothing at"):
        survey_images(folder_of(tmp_path / "nowhere"))


def test_photos_that_lie_on_their_side_are_counted(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    for index in range(3):
        write_image(tmp_path / "cat" / f"{index}.png", (8, 9))
    Image.fromarray(np.zeros((9, 8), np.uint8)).save(tmp_path / "cat" / "turned.jpg", exif=exif.tobytes())
    survey = survey_images(folder_of(tmp_path))
    assert (survey.shapes, survey.num_images, survey.num_with_orientation) == (((8, 9, 1),), 4, 1)

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from learn2compress import progress
from learn2compress.compression.pixels import UNIT
from learn2compress.compression.reading import read_data
from learn2compress.compression.teacher import StoredTeacher, teacher_source
from learn2compress.config.parsing import ConfigError

NAMES = ("blue", "green", "red")


@pytest.fixture
def stored(teacher: Any, tmp_path: Path) -> StoredTeacher:
    return teacher_source(teacher).stored(tmp_path)


@pytest.fixture
def folder(discs: Any, tmp_path: Path) -> Path:
    """A folder of images by class, in which each split has a folder."""
    for index, (image, label) in enumerate(zip(discs.images[:90], discs.labels[:90], strict=True)):
        part = tmp_path / "photos" / ("test" if index % 3 == 0 else "train") / NAMES[label]
        part.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(part / f"{index}.png")
    return tmp_path / "photos"


def said(heard: list[progress.Progress]) -> str:
    return "\n".join(report.detail for report in heard if report.is_notice)


def test_arrays_are_split_by_content_where_nothing_is_held_out(
    stored: StoredTeacher, discs: Any, tmp_path: Path, heard: list[progress.Progress]
) -> None:
    found = read_data(stored, (discs.images / 255, discs.labels), None, NAMES, {}, tmp_path / "examples")
    assert found.pixels == UNIT
    assert found.task.input_shape == (16, 16, 3)
    assert found.data.labels == NAMES
    assert found.data.num_train + found.data.num_held_out == 400
    assert 40 < found.data.num_held_out < 120
    assert f"{found.data.num_held_out} of 400 examples are held out" in said(heard)


def test_the_same_images_as_a_folder_are_the_same_examples(
    stored: StoredTeacher, folder: Path, discs: Any, tmp_path: Path, heard: list[progress.Progress]
) -> None:
    held_out = np.arange(90) % 3 == 0
    images, labels = discs.images[:90], discs.labels[:90]
    arrays = read_data(
        stored,
        (images[~held_out], labels[~held_out]),
        (images[held_out], labels[held_out]),
        NAMES,
        {},
        tmp_path / "arrays",
    )
    found = read_data(stored, folder, None, None, {}, tmp_path / "folder")
    assert found.data.split_content_sha256 == arrays.data.split_content_sha256
    assert found.data.labels == arrays.data.labels
    assert "found train/ and test/" in said(heard)


def test_images_of_other_sizes_are_resized_and_that_is_said(
    stored: StoredTeacher, folder: Path, tmp_path: Path, heard: list[progress.Progress]
) -> None:
    for path in folder.rglob("*.png"):
        Image.open(path).resize((20, 24)).save(path)
    found = read_data(stored, folder, None, None, {}, tmp_path / "examples")
    assert found.config.resize is not None
    assert found.data.num_bad == 0
    assert "images of other sizes are resized to 16x16" in said(heard)


def test_what_does_not_go_together_is_refused(stored: StoredTeacher, discs: Any, folder: Path, tmp_path: Path) -> None:
    arrays, as_bytes = (discs.images / 255, discs.labels), (discs.images, discs.labels)
    with pytest.raises(ConfigError, match=r"held_out: found images as 0\.\.255, accepted is 0\.\.1, as in train"):
        read_data(stored, arrays, as_bytes, None, {}, tmp_path / "examples")
    with pytest.raises(ConfigError, match="class_names: found some beside a path"):
        read_data(stored, folder, None, NAMES, {}, tmp_path / "examples")


def test_checks_of_a_pipeline_hold_here(stored: StoredTeacher, discs: Any, tmp_path: Path) -> None:
    several = np.arange(len(discs.labels)) % 3
    images = np.repeat(discs.images[:100], 4, axis=0)
    with pytest.raises(ConfigError, match=r"data\.max_conflict_ratio: found \d+ of 400"):
        read_data(stored, (images, several), None, None, {}, tmp_path / "examples")


def test_an_error_names_the_arguments_of_the_call(stored: StoredTeacher, discs: Any, tmp_path: Path) -> None:
    words = [NAMES[label] for label in discs.labels]
    with pytest.raises(ConfigError, match=r"^train: found labels that are numbers and labels that are text"):
        read_data(stored, (discs.images, discs.labels), (discs.images, words), None, {}, tmp_path / "examples")


def test_examples_to_choose_by_are_the_same_as_arrays_and_as_folders(
    stored: StoredTeacher, discs: Any, others: Any, tmp_path: Path
) -> None:
    parts = {"train": slice(0, 60), "test": slice(60, 90), "val": slice(90, 150)}
    arrays = {name: (discs.images[part], discs.labels[part]) for name, part in parts.items()}
    for name, (images, labels) in arrays.items():
        for index, (image, label) in enumerate(zip(images, labels, strict=True)):
            path = tmp_path / "photos" / name / NAMES[label] / f"{index}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image).save(path)
    found = read_data(stored, arrays["train"], arrays["test"], NAMES, {}, tmp_path / "arrays", arrays["val"])
    assert (found.data.num_train, found.data.num_validation, found.data.num_held_out) == (60, 60, 30)
    photos = tmp_path / "photos"
    for train, held_out, validation in ((photos, None, None), (photos / "train", photos / "test", photos / "val")):
        folder = tmp_path / ("parts" if held_out is None else "given")
        other = read_data(stored, train, held_out, None, {}, folder, validation)
        assert other.data.split_content_sha256 == found.data.split_content_sha256
    scaled = (discs.images[:60] / 255, discs.labels[:60])
    with pytest.raises(ConfigError, match=r"^validation: found images as 0\.\.1, accepted is 0\.\.255, as in train"):
        read_data(stored, arrays["train"], None, NAMES, {}, tmp_path / "scaled", scaled)
    with pytest.raises(ConfigError, match=r"^validation: found 30 examples to choose by, accepted are 50 or more"):
        read_data(stored, arrays["train"], None, NAMES, {}, tmp_path / "few", arrays["test"])

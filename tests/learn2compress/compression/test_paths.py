from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from learn2compress import progress
from learn2compress.compression.paths import is_path, path_settings
from learn2compress.config.parsing import ConfigError


def folders(root: Path, *names: str) -> Path:
    for name in names:
        (root / name / "cat").mkdir(parents=True)
    return root


def test_a_folder_is_one_of_images_by_class(tmp_path: Path) -> None:
    folders(tmp_path, "cat", "dog")
    assert path_settings(tmp_path, None, {}) == {"format": "image_folder", "uri": str(tmp_path)}


@pytest.mark.parametrize(
    ("names", "held_out", "others"),
    [
        (("train", "test"), "test", ""),
        (("train", "validation"), "validation", ""),
        (("Train", "val"), "val", ""),
        (("train", "test", "validation"), "test", ", choices by validation/"),
        (("train", "test", "held_out", "val"), "test", ", choices by val/; held_out/ is not used"),
    ],
)
def test_a_folder_with_parts_is_recognised_and_said(
    names: tuple[str, ...], held_out: str, others: str, tmp_path: Path, heard: list[progress.Progress]
) -> None:
    found = path_settings(str(folders(tmp_path, *names)), None, {})
    assert found["uri"] == str(tmp_path / names[0])
    assert found["held_out_uri"] == str(tmp_path / held_out)
    (notice,) = heard
    assert notice.is_notice
    assert f"found {names[0]}/ and {held_out}/ in {tmp_path}" in notice.detail
    assert notice.detail.endswith(f"measured with the other{others}")
    chosen_by = names[-1] if "choices by" in others else None
    assert found.get("validation_uri") == (chosen_by and str(tmp_path / chosen_by))


@pytest.mark.parametrize("names", [("train",), ("train", "test", "tram"), ("test", "validation")])
def test_classes_that_are_called_like_parts_are_classes(names: tuple[str, ...], tmp_path: Path) -> None:
    assert path_settings(folders(tmp_path, *names), None, {})["uri"] == str(tmp_path)


def test_held_out_that_was_given_is_taken(tmp_path: Path) -> None:
    folders(tmp_path, "train", "test", "more")
    found = path_settings(tmp_path / "train", tmp_path / "more", {})
    assert found["held_out_uri"] == str(tmp_path / "more")
    with pytest.raises(ConfigError, match="held_out: found examples in memory beside a path"):
        path_settings(tmp_path, (np.zeros(1), [0]), {})


def test_examples_to_choose_by_that_were_given_are_taken(tmp_path: Path, heard: list[progress.Progress]) -> None:
    folders(tmp_path, "train", "test", "val", "more")
    found = path_settings(tmp_path / "train", tmp_path / "test", {}, tmp_path / "more")
    assert found["validation_uri"] == str(tmp_path / "more")
    folders(tmp_path / "parts", "train", "test", "val")
    found = path_settings(tmp_path / "parts", None, {}, tmp_path / "more")
    assert (found["held_out_uri"], found["validation_uri"]) == (
        str(tmp_path / "parts" / "test"),
        str(tmp_path / "more"),
    )
    assert heard[-1].detail.endswith("; val/ is not used")
    with pytest.raises(ConfigError, match="validation: found examples in memory beside a path"):
        path_settings(tmp_path, None, {}, (np.zeros(1), [0]))


@pytest.mark.parametrize(
    ("name", "data_format"), [("a.npz", "npz"), ("a.TSV", "tsv"), ("a.csv", "csv"), ("a.csv.gz", "csv")]
)
def test_a_file_is_of_the_format_that_its_name_says(name: str, data_format: str, tmp_path: Path) -> None:
    assert path_settings(tmp_path / name, None, {})["format"] == data_format
    assert path_settings(tmp_path / name, None, {"format": "tfrecord"})["format"] == "tfrecord"


def test_what_is_a_path() -> None:
    assert is_path("photos")
    assert is_path(Path("photos"))
    assert not is_path(["photos"])


@pytest.mark.parametrize("path", ["", " ", "a\0b", "~nosuchuser", "~nosuchuser/photos", "gs://a\0b"])
def test_what_is_no_path_is_refused(path: str) -> None:
    with pytest.raises(ConfigError, match=r"^train: found .*accepted is the path or URL"):
        path_settings(path, None, {})
    with pytest.raises(ConfigError, match=r"^held_out: found .*accepted is the path or URL"):
        path_settings("photos", path, {})

"""A folder of splits is told from one of classes, and it is said what to set."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from learn2compress.config import DataConfig, DataFormat, TaskConfig, TaskKind
from learn2compress.config.parsing import ConfigError
from learn2compress.data.locations import Location
from learn2compress.data.sources import plan
from learn2compress.data.split_folders import find_split_folders

Png = Callable[[int], bytes]
TEXT = TaskConfig(kind=TaskKind.TEXT, input_shape=(64,))


def write_images(folder: Path, png: Png, *parts: str) -> Path:
    for part in parts:
        for name in ("cat", "dog"):
            (folder / part / name).mkdir(parents=True)
            (folder / part / name / "1.png").write_bytes(png(1))
    return folder


@pytest.mark.parametrize("subfolders", [False, True])
@pytest.mark.parametrize(
    ("parts", "settings"),
    [
        (("train", "test"), "set data.uri: {0}/train, data.held_out_uri: {0}/test"),
        (("Training", "val"), "set data.uri: {0}/Training, data.held_out_uri: {0}/val"),
        (
            ("train", "validation", "test"),
            "set data.uri: {0}/train, data.validation_uri: {0}/validation, data.held_out_uri: {0}/test",
        ),
    ],
)
def test_splits_are_not_taken_for_classes(
    tmp_path: Path, png: Png, parts: tuple[str, ...], settings: str, subfolders: bool
) -> None:
    write_images(tmp_path, png, *parts)
    data = DataConfig(DataFormat.IMAGE_FOLDER, str(tmp_path), subfolders=subfolders)
    with pytest.raises(ConfigError) as error:
        plan(data, TaskConfig())
    assert f"data.uri: found splits in {tmp_path}, accepted is one folder for each class: " in str(error.value)
    assert settings.format(tmp_path) in str(error.value)


def test_what_the_message_says_is_accepted(tmp_path: Path, png: Png) -> None:
    write_images(tmp_path, png, "train", "test", "val")
    splits = find_split_folders(Location(str(tmp_path), "data.uri"), DataFormat.IMAGE_FOLDER)
    assert splits is not None
    data = DataConfig(DataFormat.IMAGE_FOLDER, splits.train, held_out_uri=splits.test, validation_uri=splits.validation)
    assert len(plan(data, TaskConfig()).units) == 6
    assert plan(data, TaskConfig()).names == ("cat", "dog")


@pytest.mark.parametrize("parts", [("train", "car", "bus"), ("test", "val"), ("train",)])
def test_classes_may_be_called_so(tmp_path: Path, png: Png, parts: tuple[str, ...]) -> None:
    write_images(tmp_path, png, *parts)
    assert find_split_folders(Location(str(tmp_path), "data.uri"), DataFormat.IMAGE_FOLDER) is None


def test_tables_of_splits_are_not_read_as_one(tmp_path: Path) -> None:
    for name in ("train.tsv", "test.tsv.gz", "val.tsv"):
        (tmp_path / name).write_text("a\tone text\nb\tanother text\n")
    (tmp_path / "README").write_text("about these")
    with pytest.raises(ConfigError) as error:
        plan(DataConfig(DataFormat.TSV, str(tmp_path)), TEXT)
    expected = (
        f"set data.uri: {tmp_path}/train.tsv, data.validation_uri: {tmp_path}/val.tsv, "
        f"data.held_out_uri: {tmp_path}/test.tsv.gz"
    )
    assert expected in str(error.value)
    (tmp_path / "more.tsv").write_text("a\tone text\nb\tanother text\n")
    assert find_split_folders(Location(str(tmp_path), "data.uri"), DataFormat.TSV) is None


def test_records_of_splits_are_not_read_as_one(tmp_path: Path) -> None:
    for name in ("train.tfrecord-00000-of-00002", "train.tfrecord-00001-of-00002", "test.tfrecord-00000-of-00001"):
        (tmp_path / f"toy-{name}").touch()
    (tmp_path / "dataset_info.json").write_text("{}")
    with pytest.raises(ConfigError) as error:
        plan(DataConfig(DataFormat.TFRECORD, str(tmp_path)), TaskConfig())
    assert f"set data.uri: {tmp_path}/*train*, data.held_out_uri: {tmp_path}/*test*" in str(error.value)
    (tmp_path / "toy-test.tfrecord-00000-of-00001").unlink()
    found = plan(DataConfig(DataFormat.TFRECORD, str(tmp_path)), TaskConfig())
    assert len(found.units) == 2


def test_a_held_out_place_is_told_to_be_one_part(tmp_path: Path, png: Png) -> None:
    write_images(tmp_path / "all", png, "train", "test")
    write_images(tmp_path / "more", png, "part")
    data = DataConfig(DataFormat.IMAGE_FOLDER, str(tmp_path / "more" / "part"), held_out_uri=str(tmp_path / "all"))
    with pytest.raises(ConfigError, match=r"set data.held_out_uri to the part that you mean, such as .*/all/test"):
        plan(data, TaskConfig())

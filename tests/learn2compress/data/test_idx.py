"""Images in idx files, with labels and without, gzipped or not."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest

from learn2compress.config.parsing import ConfigError
from learn2compress.data.idx import labels_path_of, plan_idx, read_idx
from learn2compress.data.locations import Location
from learn2compress.data.records import RawRecord, ReadPlan, SourceError, Split

X = np.arange(5 * 12, dtype=np.uint8).reshape(5, 3, 4)


def write(path: Path, array: np.ndarray, claimed: int | None = None) -> Path:
    shape = (claimed or array.shape[0], *array.shape[1:])
    content = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *shape) + array.tobytes()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


def planned(path: Path, split: Split | None = None) -> ReadPlan:
    return plan_idx(Location(str(path), "data.uri"), split)


def read(reading: ReadPlan) -> list[tuple[Split | None, RawRecord]]:
    return [(unit.split, record) for unit in reading.units for record in read_idx(unit)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path / "train-images-idx3-ubyte.gz", X)
    write(tmp_path / "train-labels-idx1-ubyte", np.arange(5, dtype=np.uint8))
    write(tmp_path / "t10k-images-idx3-ubyte.gz", X[:2])
    write(tmp_path / "t10k-labels-idx1-ubyte.gz", np.array([1, 0], np.uint8))
    return tmp_path


def test_a_folder_and_a_file(folder: Path) -> None:
    records = read(planned(folder))
    assert [(split, record.label) for split, record in records[4:]] == [
        (Split.TRAIN, 4),
        (Split.HELD_OUT, 1),
        (Split.HELD_OUT, 0),
    ]
    assert (records[4][1].payload == X[4]).all()
    assert len(read(planned(folder / "train-images-idx3-ubyte.gz"))) == 5


def test_a_folder_of_one_split_gives_its_file(folder: Path) -> None:
    for split, num_records in ((Split.TRAIN, 5), (Split.HELD_OUT, 2)):
        assert [found for found, _ in read(planned(folder, split))] == [split] * num_records
    (folder / "train-images-idx3-ubyte.gz").unlink()
    with pytest.raises(ConfigError, match=r"^data.uri: found no train-images-idx3-ubyte\[.gz\] in "):
        planned(folder)


def test_a_file_that_is_there_twice_is_read_once_and_said(folder: Path) -> None:
    assert planned(folder).notes == ()
    write(folder / "train-images-idx3-ubyte", X)
    found = planned(folder)
    assert len(read(found)) == len(X) + 2
    assert found.notes == ("data.uri: train-images-idx3-ubyte.gz: left out, as train-images-idx3-ubyte is read",)


def test_labels_may_be_stored_otherwise_than_images(folder: Path) -> None:
    location = Location(str(folder), "data.uri")
    for images, labels in (("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte"), ("t10k-images-idx3-ubyte", None)):
        expected = folder / (labels or "t10k-labels-idx1-ubyte.gz")
        assert labels_path_of(location, str(folder / images)) == str(expected)


def test_idx_that_can_not_be_used(tmp_path: Path) -> None:
    images, labels = tmp_path / "a-images-idx3-ubyte", tmp_path / "a-labels-idx1-ubyte"
    write(images, X)
    with pytest.raises(ConfigError, match="found no a-labels-idx1-ubyte"):
        planned(images)
    write(labels, np.zeros(4, np.uint8))
    with pytest.raises(ConfigError, match="found 5 images and 4 labels"):
        planned(images)
    write(labels, np.zeros(5, np.uint8))
    write(images, X, claimed=2**31)
    with pytest.raises(ConfigError, match="found dimensions"):
        planned(images)
    write(labels, X)
    write(images, X)
    with pytest.raises(ConfigError, match="found header 00000803, accepted is 00000801"):
        planned(images)
    write(labels, np.zeros(5, np.uint8))
    images.write_bytes(images.read_bytes()[:-1])
    with pytest.raises(ConfigError, match="ends 1 bytes early"):
        read(planned(images))
    images.write_bytes(images.read_bytes() + b"xx")
    with pytest.raises(ConfigError, match="more bytes than its header claims"):
        read(planned(images))


@pytest.mark.parametrize("place", ["train-images-idx3-ubyte.gz", ""])
def test_without_labels_no_labels_file_is_needed(tmp_path: Path, place: str) -> None:
    write(tmp_path / "train-images-idx3-ubyte.gz", X[::-1])
    reading = plan_idx(Location(str(tmp_path / place), "data.unlabelled_uri"), Split.TRAIN, labelled=False)
    records = read(reading)
    assert [(split, record.label) for split, record in records] == [(Split.TRAIN, None)] * 5
    assert (records[0][1].payload == X[4]).all()


def test_a_folder_of_both_is_not_one_to_choose_by(folder: Path) -> None:
    location = Location(str(folder), "data.validation_uri")
    with pytest.raises(SourceError, match=r"^data.validation_uri: found train- and t10k- files in "):
        plan_idx(location, Split.VALIDATION)
    for name in ("t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"):
        (folder / name).unlink()
    assert {unit.split for unit in plan_idx(location, Split.VALIDATION).units} == {Split.VALIDATION}

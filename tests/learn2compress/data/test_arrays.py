"""Images held as arrays: the digits, and `.npz` files with labels and without."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from learn2compress.config.parsing import ConfigError
from learn2compress.data.arrays import check_indices, plan_digits, plan_npz, read_digits, read_npz, record_ranges
from learn2compress.data.locations import Location
from learn2compress.data.records import RawRecord, ReadPlan, SourceError, Split

X = np.arange(3 * 64, dtype=np.uint8).reshape(3, 8, 8)


def npz(path: Path, **arrays: object) -> Path:
    np.savez_compressed(path, **arrays)
    return path


def planned(path: Path, split: Split | None = None) -> ReadPlan:
    return plan_npz(Location(str(path), "data.uri"), split)


def read(reading: ReadPlan) -> list[tuple[Split | None, RawRecord]]:
    return [(unit.split, record) for unit in reading.units for record in read_npz(unit)]


def test_digits() -> None:
    records = list(read_digits())
    assert len(records) == 1797 == sum(unit.num_records or 0 for unit in plan_digits().units)
    assert plan_digits().names == tuple("0123456789")
    assert max(record.payload.max() for record in records) == 255
    assert records[5].source == "digits#5"


@pytest.mark.parametrize("num_records", [1, 16_384, 16_385, 200_000])
def test_ranges_hold_each_record_once_and_are_eight_at_most(num_records: int) -> None:
    ranges = record_ranges(num_records)
    assert [index for start, stop in ranges for index in range(start, stop)] == list(range(num_records))
    assert len(ranges) == min(8, -(-num_records // 16_384))


def test_npz(tmp_path: Path) -> None:
    records = read(planned(npz(tmp_path / "a.npz", x=X, y=np.array([[0], [2], [1]]))))
    assert [(split, record.label) for split, record in records] == [(None, 0), (None, 2), (None, 1)]
    assert (records[1][1].payload == X[1]).all()
    reading = planned(
        npz(tmp_path / "b.npz", x_train=X, y_train=[0, 1, 1], x_test=X, y_test=[1, 0, 0], labels=["no", "yes"])
    )
    assert reading.names == ("no", "yes")
    assert [(split, record.label) for split, record in read(reading)][2:4] == [
        (Split.TRAIN, "yes"),
        (Split.HELD_OUT, "yes"),
    ]
    assert read(reading)[3][1].source == "b.npz#x_test[0]"


def test_a_file_of_one_split_gives_its_part(tmp_path: Path) -> None:
    path = npz(tmp_path / "a.npz", x_train=X, y_train=[0, 1, 1], x_test=X[:1], y_test=[1])
    for split, num_records in ((Split.TRAIN, 3), (Split.HELD_OUT, 1)):
        records = read(planned(path, split))
        assert [found for found, _ in records] == [split] * num_records


@pytest.mark.parametrize(
    ("arrays", "reason"),
    [
        ({"x": X}, r"found arrays \['x'\], accepted are x and y"),
        ({"x": X, "y": [0, 1]}, "found 3 images and 2 labels"),
        ({"x": X, "y": [0, 1, -1]}, "found labels -1..1"),
        ({"x": X, "y": [0, 1, 2], "labels": ["a", "b"]}, r"found labels 0..2, accepted are 0..1"),
        ({"x": X, "y": [0, 1, 1], "labels": ["a", "a"]}, "found a name twice"),
        ({"x": X.astype(np.float32), "y": [0, 1, 2]}, "has type float32"),
        ({"x": X[0], "y": [0, 1, 2]}, r"shape \(8, 8\)"),
        ({"x": X, "y": [[0, 1], [1, 0], [0, 1]]}, r"shape \(3, 2\)"),
        ({"x": X, "y": np.array([{}, {}, {}], object)}, "pickled objects"),
    ],
)
def test_npz_that_can_not_be_used(tmp_path: Path, arrays: dict[str, object], reason: str) -> None:
    with pytest.raises(ConfigError, match=rf"data.uri: .*{reason}"):
        planned(npz(tmp_path / "x.npz", **arrays))


def test_npz_that_claims_more_than_it_holds(tmp_path: Path) -> None:
    path = npz(tmp_path / "x.npz", y=[0, 1, 2])
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, {"descr": "|u1", "fortran_order": False, "shape": (2**40, 8, 8)})
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("x.npy", buffer.getvalue())
    with pytest.raises(ConfigError, match="claims 70368744177664 bytes"):
        planned(path)
    path.write_bytes(b"not a zip")
    with pytest.raises(ConfigError, match="found no zip archive"):
        planned(path)


@pytest.mark.parametrize(("labels", "accepted"), [([0, 4], True), ([0, 5], False), ([-1, 4], False)])
def test_indices_are_those_of_classes(tmp_path: Path, labels: list[int], accepted: bool) -> None:
    location = Location(str(tmp_path), "data.uri")
    if accepted:
        check_indices(np.array(labels), 5, "y", location)
        return
    with pytest.raises(
        ConfigError, match=rf"^data.uri: .*: y: found labels {labels[0]}..{labels[1]}, accepted are 0..4"
    ):
        check_indices(np.array(labels), 5, "y", location)


@pytest.mark.parametrize(
    "arrays", [{"x": X}, {"x_train": X, "y_train": [0, 1, "cat"]}, {"x": X, "y": [1], "labels": 3}]
)
def test_without_labels_npz_gives_its_images(tmp_path: Path, arrays: dict[str, object]) -> None:
    location = Location(str(npz(tmp_path / "pool.npz", **arrays)), "data.unlabelled_uri")
    records = read(plan_npz(location, Split.TRAIN, labelled=False))
    assert [(split, record.label) for split, record in records] == [(Split.TRAIN, None)] * 3
    assert all((record.payload == image).all() for (_, record), image in zip(records, X, strict=True))
    assert records[2][1].source == f"pool.npz#{next(iter(arrays))}[2]"


def test_npz_without_images(tmp_path: Path) -> None:
    location = Location(str(npz(tmp_path / "pool.npz", x_test=X)), "data.unlabelled_uri")
    with pytest.raises(
        ConfigError, match=r"^data.unlabelled_uri: .*found arrays \['x_test'\], accepted are x or x_train"
    ):
        plan_npz(location, Split.TRAIN, labelled=False)


def test_arrays_to_choose_by_are_those_called_so(tmp_path: Path) -> None:
    path = npz(tmp_path / "a.npz", x_train=X, y_train=[0, 1, 1], x_validation=X[:2], y_validation=[1, 0])
    assert [record.source for _, record in read(planned(path, Split.VALIDATION))] == [
        "a.npz#x_validation[0]",
        "a.npz#x_validation[1]",
    ]
    path = npz(tmp_path / "b.npz", x_train=X, y_train=[0, 1, 1], x_test=X, y_test=[0, 1, 1])
    with pytest.raises(SourceError, match="accepted are x and y, or x_validation and y_validation"):
        planned(path, Split.VALIDATION)

"""What a run counted is found by the next one, on disk and in a store; what can't be read is said in one line."""

from __future__ import annotations

import base64
import dataclasses
from pathlib import Path

import fsspec
import pytest
from tensorflow_metadata.proto.v0 import statistics_pb2

from components.ingest.last_data import LastData, LastDataError, last_data_uri, read_last_data, write_last_data
from learn2compress.results.data import ClassCounts, PreviousData, SplitDigests

COUNTS = PreviousData(("cat", "dog"), ClassCounts((3, 4), (1, 2)), 7, 3, SplitDigests("a", "b"))


def last(num_examples: int) -> LastData:
    statistics = statistics_pb2.DatasetFeatureStatisticsList()
    statistics.datasets.add().num_examples = num_examples
    return LastData.of(COUNTS, statistics)


@pytest.fixture(params=["disk", "store"])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "disk":
        return str(tmp_path / "checkpoints")
    return f"memory://{tmp_path.name}/checkpoints/"


def test_the_next_run_of_a_name_finds_what_the_last_one_kept(root: str) -> None:
    uri = last_data_uri(root, "pets")
    assert read_last_data(uri) is None
    for num_examples in (7, 9):
        write_last_data(uri, last(num_examples))
        found = read_last_data(uri)
        assert found is not None
        assert found.counts == COUNTS
        assert found.train_statistics().datasets[0].num_examples == num_examples
    assert read_last_data(last_data_uri(root, "plants")) is None


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff", b'{"counts": [], "statistics": ""}'])
def test_what_is_no_count_is_said(root: str, content: bytes) -> None:
    uri = last_data_uri(root, "pets")
    with fsspec.open(uri, "wb", auto_mkdir=True) as file:
        file.write(content)
    with pytest.raises(LastDataError, match=r"^.*pets.json is damaged, or of another version$"):
        read_last_data(uri)


def test_classes_without_their_counts_are_said(root: str) -> None:
    uri = last_data_uri(root, "pets")
    write_last_data(uri, dataclasses.replace(last(1), counts=dataclasses.replace(COUNTS, labels=("cat",))))
    with pytest.raises(LastDataError, match="its classes and their counts are not as many"):
        read_last_data(uri)


def test_statistics_of_no_data_set_are_said() -> None:
    with pytest.raises(LastDataError, match="not those of one data set"):
        LastData(COUNTS, "").train_statistics()


@pytest.mark.parametrize("statistics", ["no base64", base64.b64encode(b"\x0a\xff").decode()])
def test_statistics_that_are_none_are_said(statistics: str) -> None:
    with pytest.raises(LastDataError, match="are damaged"):
        LastData(COUNTS, statistics).train_statistics()


def test_a_place_that_can_not_be_used_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    uri = last_data_uri(str(tmp_path / "file"), "pets")
    with pytest.raises(LastDataError, match=r"can't be read: .*Not a directory"):
        read_last_data(uri)
    with pytest.raises(LastDataError, match="can't be written: "):
        write_last_data(uri, last(1))
    with pytest.raises(LastDataError, match="can't be read: "):
        read_last_data("nosuch://place/pets.json")

"""What names, sizes, a `dataset_info.json` and an index tell about a set of files."""

from __future__ import annotations

import json

import pytest

from learn2compress.data.shard_sets import (
    ShardSet,
    dataset_info_counts,
    index_count,
    missing_files,
    place_in_set,
    rival_sets,
    size_notes,
)


def files(count: int, prefix: str = "a.tfrecord-") -> list[str]:
    return [f"{prefix}{number:05d}-of-{count:05d}" for number in range(count)]


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("train-00003-of-00010", (ShardSet("train-", "", "00010"), 3)),
        ("2012-train.tfrecord-1-of-2.gz", (ShardSet("2012-train.tfrecord-", ".gz", "2"), 1)),
        ("a.tfrecord", None),
        ("a-3-of-2", None),
    ],
)
def test_a_name_tells_its_set(name: str, place: tuple[ShardSet, int] | None) -> None:
    assert place_in_set(name) == place


def test_missing_files_are_found() -> None:
    assert missing_files([*files(3), "b.tfrecord"]) == {}
    assert missing_files(files(3)[1:]) == {files(3)[1]: [files(3)[0]]}
    assert missing_files(["a-1-of-2", "a-2-of-2"]) == {}
    assert missing_files([f"a-{number}-of-12" for number in range(12)]) == {}
    assert missing_files([f"a-{number}-of-12" for number in range(11)]) == {"a-0-of-12": ["a-11-of-12"]}
    assert missing_files(["a-1-of-2"]) == {"a-1-of-2": ["a-0-of-2"]}


def test_two_sets_of_one_name_are_rivals() -> None:
    assert rival_sets([*files(2), *files(2, "b-"), "c"]) is None
    assert rival_sets([*files(2), *files(4)]) == (files(2)[0], files(4)[0])


def test_small_and_empty_files_are_told_but_for_the_last() -> None:
    names = files(4)
    assert size_notes(dict(zip(names, (100, 90, 110, 10), strict=True))) == []
    assert size_notes(dict(zip(names, (100, 49, 110, 100), strict=True))) == [
        (names[1], "it has 49 bytes, and the files of its set 100: if it was cut, fetch it again")
    ]
    assert [name for name, _ in size_notes({"a.tfrecord": 0, "b.tfrecord": 9})] == ["a.tfrecord"]
    # A file system that does not say.
    assert size_notes(dict.fromkeys(names, 0)) == []


def test_counts_of_tensorflow_datasets_are_read() -> None:
    info = {"splits": [{"name": "train", "shardLengths": ["7", "8"]}, {"name": "test", "shardLengths": ["5"]}]}
    names = [
        "toy-train.tfrecord-00000-of-00002",
        "toy-train.tfrecord-00001-of-00002",
        "toy-test.tfrecord-00000-of-00001",
    ]
    counts = dataset_info_counts(json.dumps(info).encode(), [*names, "toy-train.tfrecord-00000-of-00003", "other"])
    assert counts == dict(zip(names, (7, 8, 5), strict=True))
    for content in (b"{", b"[]", b'{"splits": 3}', b'{"splits": [{"name": "train"}]}'):
        assert dataset_info_counts(content, names) == {}


def test_an_index_has_a_line_for_each_record() -> None:
    assert index_count(b"0 57\n57 60\n") == 2
    assert index_count(b"") is None
    assert index_count(b"something else\n") is None

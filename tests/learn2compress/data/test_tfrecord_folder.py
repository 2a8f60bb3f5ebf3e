"""What lies beside TFRecord files: the rest of their set, counts, and names of the classes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from learn2compress.data.locations import Location
from learn2compress.data.records import SourceError
from learn2compress.data.tfrecord_folder import Surroundings, is_tfrecord, look_around

NAMES = [f"toy-train.tfrecord-{number:05d}-of-00003" for number in range(3)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in NAMES:
        (tmp_path / name).write_bytes(b"x" * 100)
    return tmp_path


def look(place: Path, *, is_counted: bool = False) -> Surroundings:
    location = Location(str(place), "data.uri")
    files = location.files(name_part="tfrecord", accepts=is_tfrecord)
    return look_around(location, files, labelled=True, is_counted=is_counted)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.tfrecord", True),
        ("a.tfrecords.gz", True),
        ("00-512.tfrec", True),
        ("train-00000-of-00010", True),
        ("train.record", True),
        ("train.record-00000-of-00010", True),
        ("train.tfrecord.idx", False),
        ("a.tfrecord.part", False),
        ("dataset_info.json", False),
        ("list-of-files.txt", False),
    ],
)
def test_files_of_records_are_known_by_their_names(name: str, expected: bool) -> None:
    assert is_tfrecord(name) is expected


def test_a_whole_set_is_nothing_to_tell(folder: Path) -> None:
    assert look(folder) == Surroundings({}, None, [])


def test_a_set_without_one_of_its_files_is_refused(folder: Path) -> None:
    (folder / NAMES[1]).rename(folder / f"{NAMES[1]}.part")
    with pytest.raises(SourceError, match=rf"^data.uri: found {NAMES[0]} and not {NAMES[1]}, and 1 files of this set"):
        look(folder)
    notes = look(folder, is_counted=True).notes
    assert notes == [
        (NAMES[0], "1 other files of its set are not read"),
        (f"{NAMES[1]}.part", "left out, as its name says that it is unfinished or a copy"),
    ]


@pytest.mark.parametrize("asked", [NAMES[1], "toy-*-0000[01]-*"])
def test_a_part_that_is_asked_for_is_told(folder: Path, asked: str) -> None:
    (note,) = look(folder / asked).notes
    assert note[1].endswith("other files of its set are not read")


def test_an_old_set_beside_the_new_one_is_refused(folder: Path) -> None:
    (folder / "toy-train.tfrecord-00000-of-00001").write_bytes(b"x")
    with pytest.raises(SourceError, match="two sets of one name, accepted is one: move the old one away"):
        look(folder)


def test_counts_beside_the_files_are_read(folder: Path) -> None:
    (folder / "dataset_info.json").write_text(json.dumps({"splits": [{"name": "train", "shardLengths": [4, 5, 6]}]}))
    (folder / "more.tfrec").write_bytes(b"x" * 100)
    (folder / "more.idx").write_text("0 50\n50 50\n")
    expected = {NAMES[0]: 4, NAMES[1]: 5, NAMES[2]: 6, "more.tfrec": 2}
    assert look(folder).counts == {str(folder / name): count for name, count in expected.items()}


@pytest.mark.parametrize(
    ("file", "content", "names"),
    [
        ("label.labels.txt", "cat\ndog\n", ("cat", "dog")),
        ("labels.txt", "0:cat\n1:dog\n", ("cat", "dog")),
        ("labels.txt", "1:cat\n2:dog\n", None),
        ("labels.txt", "some words\n", None),
    ],
)
def test_class_names_beside_the_files_are_read(
    folder: Path, file: str, content: str, names: tuple[str, ...] | None
) -> None:
    (folder / file).write_text(content)
    assert look(folder).names == names


@pytest.mark.parametrize("content", ["cat\ncat\n", "", "caf\ud8ff\n"])
def test_names_that_can_not_be_class_names_are_refused(folder: Path, content: str) -> None:
    (folder / "label.labels.txt").write_bytes(content.encode("utf-8", "surrogatepass"))
    with pytest.raises(SourceError, match=r"label\.labels\.txt: found"):
        look(folder)

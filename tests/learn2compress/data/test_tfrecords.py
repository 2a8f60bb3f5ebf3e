"""TFRecord files of tf.Example, with labels and without, whole and damaged."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import tensorflow as tf

from learn2compress.config import TaskKind
from learn2compress.config.parsing import ConfigError
from learn2compress.data.locations import Location
from learn2compress.data.records import BadRecord, NamedIndex, RawRecord, Split
from learn2compress.data.tfrecords import check_frames, plan_tfrecord, read_tfrecord


def example(**features: object) -> bytes:
    built = {}
    for name, value in features.items():
        key = name.replace("__", "/")
        if isinstance(value, float):
            built[key] = tf.train.Feature(float_list=tf.train.FloatList(value=[value]))
        elif isinstance(value, list):
            built[key] = tf.train.Feature(int64_list=tf.train.Int64List(value=value))
        elif isinstance(value, int):
            built[key] = tf.train.Feature(int64_list=tf.train.Int64List(value=[value]))
        else:
            built[key] = tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))
    return tf.train.Example(features=tf.train.Features(feature=built)).SerializeToString()


def write(path: Path, *records: bytes, compression: str = "") -> Path:
    with tf.io.TFRecordWriter(str(path), compression) as writer:
        for record in records:
            writer.write(record)
    return path


def read(path: Path, kind: TaskKind = TaskKind.IMAGE) -> list[RawRecord | BadRecord]:
    reading = plan_tfrecord(Location(str(path), "data.uri"), None)
    return [record for unit in reading.units for record in read_tfrecord(unit, kind)]


@pytest.mark.parametrize("compression", ["", "GZIP"])
def test_each_record_is_read_or_refused(tmp_path: Path, compression: str) -> None:
    path = write(
        tmp_path / "a.tfrecord",
        example(image__encoded=b"png", image__class__label=1, image__class__text=b"one"),
        example(image=b"png", label=b"two"),
        example(image=b"png"),
        example(label=1),
        example(image=b"png", label=-1),
        b"\xff\xff",
        compression=compression,
    )
    assert check_frames(str(path)) == (compression, 6)
    found = read(path)
    assert found[:2] == [
        RawRecord("a.tfrecord#0", NamedIndex(1, "one"), b"png"),
        RawRecord("a.tfrecord#1", "two", b"png"),
    ]
    assert [record.reason.split(",")[0] for record in found[2:]] == [
        "found features 'image'",
        "found features 'label'",
        "found label -1",
        "found no tf.Example",
    ]
    path = write(tmp_path / "t.tfrecord", example(text=b" hi ", label=b"x"), example(text=b"\xff", label=b"x"))
    found = read(path, TaskKind.TEXT)
    assert found[0] == RawRecord("t.tfrecord#0", "x", "hi")
    assert "UTF-8" in found[1].reason


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda content: content[:-3], "found the end of the file inside a record after 19 records"),
        (lambda content: content[:6], "found the end of the file inside a record after 0 records"),
        (lambda content: content[:-10] + b"\xee" + content[-9:], "found a corrupted record after 19 records"),
        (lambda content: b"\xff" * 8 + content[8:], "found a record that claims 18446744073709551615 bytes"),
    ],
)
def test_a_damaged_file_is_one_clear_error(tmp_path: Path, damage: Callable[[bytes], bytes], reason: str) -> None:
    path = write(tmp_path / "a.tfrecord", *[example(image=b"x" * 50, label=1)] * 20)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ConfigError, match=rf"data.uri: .*a.tfrecord: {reason}.*; it is damaged"):
        read(path)


def test_without_labels_no_label_is_needed(tmp_path: Path) -> None:
    records = example(image=b"p"), example(image=b"q", label=b"a"), example(label=b"no image")
    location = Location(str(write(tmp_path / "pool.tfrecord", *records)), "data.unlabelled_uri")
    (unit,) = plan_tfrecord(location, Split.TRAIN, labelled=False).units
    assert (unit.field, unit.split) == ("data.unlabelled_uri", Split.TRAIN)
    first, second, third = read_tfrecord(unit, TaskKind.IMAGE)
    assert first == RawRecord("pool.tfrecord#0", None, b"p")
    assert second == RawRecord("pool.tfrecord#1", None, b"q")
    assert isinstance(third, BadRecord)


@pytest.mark.parametrize(
    ("features", "label"),
    [
        ({"image__class__label": 1, "image__class__text": b"one"}, NamedIndex(1, "one")),
        ({"label": 1, "label__text": b"one"}, NamedIndex(1, "one")),
        ({"label": 1, "label_name": " größe".encode()}, NamedIndex(1, "größe")),
        ({"label": 1, "image__class__text": b""}, 1),
        ({"label": 2.0}, 2),
        ({"image__class__text": b"one"}, "one"),
    ],
)
def test_a_name_beside_an_index_is_kept(tmp_path: Path, features: dict[str, object], label: object) -> None:
    path = write(tmp_path / "a.tfrecord", example(image=b"png", **features))
    assert read(path) == [RawRecord("a.tfrecord#0", label, b"png")]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("features", "reason"),
    [
        ({"label": [0, 1, 0]}, "found 3 values in label, accepted is a label with one value"),
        ({"label": 0.5}, "found 0.5 in label, accepted is a label with one value"),
        ({"label": 1, "label__text": b"\xff"}, "found bytes that are not UTF-8, accepted is UTF-8 text"),
    ],
)
def test_a_label_of_another_kind_has_its_own_words(tmp_path: Path, features: dict[str, object], reason: str) -> None:
    path = write(tmp_path / "a.tfrecord", example(image=b"png", **features))
    assert read(path) == [BadRecord("a.tfrecord#0", reason)]


@pytest.mark.parametrize("name", ["a.tfrec", "a.tfrecords", "train-00000-of-00001", "train.record"])
def test_files_are_found_by_the_names_that_people_use(tmp_path: Path, name: str) -> None:
    write(tmp_path / name, example(image=b"png", label=1))
    (tmp_path / "notes.txt").write_text("a note")
    assert [record.source for record in read(tmp_path)] == [f"{name}#0"]


def test_a_file_cut_between_two_records_is_found_by_its_index(tmp_path: Path) -> None:
    records = [example(image=b"png", label=number) for number in range(4)]
    path = write(tmp_path / "a.tfrecord", *records)
    (tmp_path / "a.tfrecord.idx").write_text("0 1\n" * 4)
    assert len(read(path)) == 4
    write(path, *records[:3])
    with pytest.raises(
        ConfigError, match="found 3 records, and a file beside it says 4; it is damaged: fetch it again"
    ):
        read(path)


def test_names_beside_the_files_are_declared(tmp_path: Path) -> None:
    write(tmp_path / "a.tfrecord", example(image=b"png", label=1))
    (tmp_path / "label.labels.txt").write_text("cat\ndog\n")
    assert plan_tfrecord(Location(str(tmp_path), "data.uri"), None).names == ("cat", "dog")

"""TFRecord files of tf.Example, with labels and without, whole and damaged."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import tensorflow as tf

from learn2compress.config import TaskKind
from learn2compress.config.parsing import ConfigError
from learn2compress.data.locations import Location
from learn2compress.data.records import BadRecord, RawRecord, Split
from learn2compress.data.tfrecords import check_frames, plan_tfrecord, read_tfrecord


def example(**features: object) -> bytes:
    built = {}
    for name, value in features.items():
        key = name.replace("__", "/")
        if isinstance(value, int):
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
    assert found[:2] == [RawRecord("a.tfrecord#0", 1, b"png"), RawRecord("a.tfrecord#1", "two", b"png")]
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

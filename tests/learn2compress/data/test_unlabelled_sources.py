"""Examples without labels: every format gives them, and none of them looks at labels that happen to be there."""

from __future__ import annotations

import gzip
import io
import os
import struct
from pathlib import Path

import fsspec
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from learn2compress.config import (
    CompressionConfig,
    DataConfig,
    DataFormat,
    StudentConfig,
    TaskConfig,
    TaskKind,
    TeacherConfig,
)
from learn2compress.config.parsing import ConfigError
from learn2compress.data.reading import read_records
from learn2compress.data.records import BadRecord, RawRecord, Split
from learn2compress.data.sources import plan, read_unit, source_fingerprint

IMAGE = TaskConfig()
TEXT = TaskConfig(kind=TaskKind.TEXT, input_shape=(64,))


def png(value: int = 7) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.full((8, 8), value, np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def write(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def config(data_format: DataFormat, labelled: Path, unlabelled: object) -> DataConfig:
    return DataConfig(format=data_format, uri=str(labelled), unlabelled_uri=str(unlabelled))


def read_unlabelled(data: DataConfig, task: TaskConfig = IMAGE) -> list[RawRecord | BadRecord]:
    units = [unit for unit in plan(data, task).units if not unit.labelled]
    assert {(unit.field, unit.split) for unit in units} == {("data.unlabelled_uri", Split.TRAIN)}
    return [record for unit in units for record in read_unit(unit, task)]


@pytest.fixture
def classes(tmp_path: Path) -> Path:
    for name in ("a", "b"):
        write(tmp_path / "classes" / name / "0.png", png(ord(name)))
    return tmp_path / "classes"


@pytest.fixture
def pool(tmp_path: Path) -> Path:
    for index, path in enumerate(("2.png", "a/0.png", "deep/er/1.jpg", "deep/3.png")):
        write(tmp_path / "pool" / path, png(index))
    return tmp_path / "pool"


def test_images_are_found_however_nested(classes: Path, pool: Path) -> None:
    data = config(DataFormat.IMAGE_FOLDER, classes, pool)
    records = read_unlabelled(data)
    assert {(record.source, record.label, record.payload) for record in records} == {
        ("2.png", None, png(0)),
        ("a/0.png", None, png(1)),
        ("deep/er/1.jpg", None, png(2)),
        ("deep/3.png", None, png(3)),
    }
    # Their folders are no classes.
    assert plan(data, IMAGE).names == ("a", "b")
    assert [unit.labelled for unit in plan(data, IMAGE).units] == [True, True, False]


def test_what_is_no_image_is_refused_and_links_go_nowhere(classes: Path, pool: Path, tmp_path: Path) -> None:
    write(pool / "deep" / "notes.txt", b"hello")
    write(pool / ".hidden" / "1.png", png())
    os.symlink(pool, pool / "deep" / "loop")
    os.symlink(pool / "deep", pool / "again")
    os.symlink(classes, pool / "outside")
    os.mkfifo(pool / "pipe.png")
    reading = plan(config(DataFormat.IMAGE_FOLDER, classes, pool), IMAGE)
    assert {record.field for record in reading.refused} == {"data.unlabelled_uri"}
    found = {record.source: record.reason.split(",")[0] for record in reading.refused}
    # The folder is looked into under the one name or under the other.
    assert found.pop("again", None) or found.pop("deep", None)
    assert {source.rpartition("/")[2]: reason for source, reason in found.items()} == {
        "notes.txt": "found another kind of file",
        "loop": "found a folder a second time",
        "outside": "a symbolic link that leaves the data's folder",
        "pipe.png": "not a plain file",
    }
    assert len(read_unlabelled(config(DataFormat.IMAGE_FOLDER, classes, pool))) == 4


def test_a_pool_must_hold_an_image(classes: Path, tmp_path: Path) -> None:
    (tmp_path / "void" / "inner").mkdir(parents=True)
    for place, reason in (
        ("void", "found no image below"),
        ("missing", "found nothing at"),
        ("classes/a/0.png", "a file"),
    ):
        with pytest.raises(ConfigError, match=rf"^data.unlabelled_uri: .*{reason}"):
            plan(config(DataFormat.IMAGE_FOLDER, classes, tmp_path / place), IMAGE)


def test_images_of_a_remote_pool() -> None:
    memory = fsspec.filesystem("memory")
    memory.pipe({"/labelled/x/1.png": png(1), "/pool/p/q/1.png": png(2), "/pool/3.png": png(3)})
    data = DataConfig(format=DataFormat.IMAGE_FOLDER, uri="memory://labelled", unlabelled_uri="memory://pool")
    assert sorted(record.source for record in read_unlabelled(data)) == ["3.png", "p/q/1.png"]
    before = source_fingerprint(data)
    memory.pipe("/pool/p/q/1.png", png(4) + b"x")
    assert source_fingerprint(data) != before


X = np.arange(3 * 64, dtype=np.uint8).reshape(3, 8, 8)


@pytest.mark.parametrize(
    "arrays", [{"x": X}, {"x_train": X, "y_train": [0, 1, "cat"]}, {"x": X, "y": [1], "labels": 3}]
)
def test_npz_gives_its_images(tmp_path: Path, arrays: dict[str, object]) -> None:
    np.savez(tmp_path / "known.npz", x=X, y=[0, 1, 1])
    np.savez(tmp_path / "pool.npz", **arrays)
    data = config(DataFormat.NPZ, tmp_path / "known.npz", tmp_path / "pool.npz")
    records = read_unlabelled(data)
    assert [record.label for record in records] == [None, None, None]
    assert all((record.payload == image).all() for record, image in zip(records, X, strict=True))
    assert records[2].source == f"pool.npz#{next(iter(arrays))}[2]"


def test_npz_without_images(tmp_path: Path) -> None:
    np.savez(tmp_path / "known.npz", x=X, y=[0, 1, 1])
    np.savez(tmp_path / "pool.npz", x_test=X)
    with pytest.raises(
        ConfigError, match=r"^data.unlabelled_uri: .*found arrays \['x_test'\], accepted are x or x_train"
    ):
        plan(config(DataFormat.NPZ, tmp_path / "known.npz", tmp_path / "pool.npz"), IMAGE)


def idx(path: Path, array: np.ndarray) -> Path:
    return write(
        path, gzip.compress(struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes())
    )


def test_idx_needs_no_labels_file(tmp_path: Path) -> None:
    known = idx(tmp_path / "known-images-idx3-ubyte.gz", X)
    idx(tmp_path / "known-labels-idx1-ubyte.gz", np.array([0, 1, 1], np.uint8))
    pool = idx(tmp_path / "pool" / "train-images-idx3-ubyte.gz", X[::-1])
    for place in (pool, pool.parent):
        data = config(DataFormat.IDX, known, place)
        records = read_unlabelled(data)
        assert [record.label for record in records] == [None, None, None]
        assert (records[0].payload == X[2]).all()
        assert source_fingerprint(data) == source_fingerprint(data)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("just this\nand that\n", ["just this", "and that"]),
        ("a\tjust this\nb\tand that\n", ["just this", "and that"]),
        ("id\ttext\n1\tjust this\n2\tand that\n", ["just this", "and that"]),
        ("Text\njust this\ntwo\tcolumns\n", ["just this", "found 2 columns, accepted are 1"]),
        ("1\t2\t3\njust this\n", ["found 3 columns, accepted are 1", "just this"]),
    ],
)
def test_tables_give_their_text(tmp_path: Path, content: str, expected: list[str]) -> None:
    write(tmp_path / "known.tsv", b"a\tone\nb\ttwo\n")
    write(tmp_path / "pool.tsv", content.encode())
    records = read_unlabelled(config(DataFormat.TSV, tmp_path / "known.tsv", tmp_path / "pool.tsv"), TEXT)
    assert [record.reason if isinstance(record, BadRecord) else record.payload for record in records] == expected
    assert all(record.label is None for record in records if isinstance(record, RawRecord))


def test_csv_gives_its_text(tmp_path: Path) -> None:
    write(tmp_path / "known.csv", b"label,text\na,one\nb,two\n")
    write(tmp_path / "pool.csv", b'text,source\n"one, two",web\n')
    (record,) = read_unlabelled(config(DataFormat.CSV, tmp_path / "known.csv", tmp_path / "pool.csv"), TEXT)
    assert record == RawRecord("pool.csv#2", None, "one, two")


def tfrecord(path: Path, *records: dict[str, bytes]) -> Path:
    with tf.io.TFRecordWriter(str(path)) as writer:
        for record in records:
            features = {key: tf.train.Feature(bytes_list=tf.train.BytesList(value=[v])) for key, v in record.items()}
            writer.write(tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString())
    return path


def test_tfrecords_need_no_label(tmp_path: Path) -> None:
    known = tfrecord(tmp_path / "known.tfrecord", {"image": b"k", "label": b"a"})
    pool = tfrecord(tmp_path / "pool.tfrecord", {"image": b"p"}, {"image": b"q", "label": b"a"}, {"label": b"no image"})
    first, second, third = read_unlabelled(config(DataFormat.TFRECORD, known, pool))
    assert first == RawRecord("pool.tfrecord#0", None, b"p")
    assert second == RawRecord("pool.tfrecord#1", None, b"q")
    assert isinstance(third, BadRecord)


def test_the_fingerprint_follows_nested_images(classes: Path, pool: Path) -> None:
    without = source_fingerprint(DataConfig(format=DataFormat.IMAGE_FOLDER, uri=str(classes)))
    data = config(DataFormat.IMAGE_FOLDER, classes, pool)
    before = source_fingerprint(data)
    assert before not in (without, source_fingerprint(config(DataFormat.IMAGE_FOLDER, classes, pool / "deep")))
    assert source_fingerprint(data) == before
    write(pool / "deep" / "er" / "9.png", png(9))
    assert source_fingerprint(data) != before


def test_reading_into_memory_leaves_them_out(classes: Path, pool: Path) -> None:
    data = config(DataFormat.IMAGE_FOLDER, classes, pool)
    whole = CompressionConfig("x", TeacherConfig("t.keras"), (StudentConfig("s", 1),), data=data)
    records, names = read_records(whole)
    assert names == ("a", "b")
    assert sorted(record.source for rows in records.values() for record in rows) == ["a/0.png", "b/0.png"]

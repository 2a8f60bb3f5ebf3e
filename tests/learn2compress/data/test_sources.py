"""Every format is planned and read, labelled or not, and the fingerprint follows the files."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import fsspec
import numpy as np
import pytest
import tensorflow as tf

from learn2compress.config import DataConfig, DataFormat, TaskConfig, TaskKind
from learn2compress.config.parsing import ConfigError
from learn2compress.data.records import BadRecord, RawRecord, Split
from learn2compress.data.sources import plan, read_unit, source_fingerprint, source_uri

IMAGE = TaskConfig()
TEXT = TaskConfig(kind=TaskKind.TEXT, input_shape=(64,))
Png = Callable[[int], bytes]


def read(data: DataConfig, task: TaskConfig = IMAGE) -> list[tuple[Split | None, RawRecord | BadRecord]]:
    return [(unit.split, record) for unit in plan(data, task).units for record in read_unit(unit, task)]


def config(data_format: DataFormat, uri: object, held_out: object = None, unlabelled: object = None) -> DataConfig:
    held_out_uri, unlabelled_uri = (None if place is None else str(place) for place in (held_out, unlabelled))
    return DataConfig(format=data_format, uri=str(uri), held_out_uri=held_out_uri, unlabelled_uri=unlabelled_uri)


def write_source(data_format: DataFormat, folder: Path, value: int) -> Path:
    """Two examples of the classes 0 and 1; returns what a configuration names."""
    folder.mkdir()
    pixels = np.full((2, 8, 8), value, np.uint8)
    match data_format:
        case DataFormat.NPZ:
            np.savez(folder / "a.npz", x=pixels, y=[0, 1])
            return folder / "a.npz"
        case DataFormat.IDX:
            for name, array in (("images-idx3", pixels), ("labels-idx1", np.array([0, 1], np.uint8))):
                header = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape)
                (folder / f"train-{name}-ubyte").write_bytes(header + array.tobytes())
            return folder / "train-images-idx3-ubyte"
        case DataFormat.TFRECORD:
            with tf.io.TFRecordWriter(str(folder / "a.tfrecord")) as writer:
                for label in range(2):
                    example = tf.train.Example()
                    example.features.feature["image"].bytes_list.value.append(bytes([value]))
                    example.features.feature["label"].int64_list.value.append(label)
                    writer.write(example.SerializeToString())
            return folder / "a.tfrecord"
        case _:
            separator = "\t" if data_format is DataFormat.TSV else ","
            lines = [f"{label}{separator}text {value}\n" for label in range(2)]
            (folder / f"a.{data_format.value}").write_text("".join(lines))
            return folder / f"a.{data_format.value}"


def test_digits_need_no_place() -> None:
    assert len(read(DataConfig())) == 1797
    assert source_uri(DataConfig()) == "scikit-learn:digits"
    assert source_uri(config(DataFormat.NPZ, "a.npz")) == "a.npz"


@pytest.mark.parametrize(
    "data_format", [DataFormat.NPZ, DataFormat.IDX, DataFormat.TFRECORD, DataFormat.CSV, DataFormat.TSV]
)
def test_every_format_is_read_from_each_of_its_places(tmp_path: Path, data_format: DataFormat) -> None:
    places = [write_source(data_format, tmp_path / name, value) for value, name in enumerate(("all", "test", "pool"))]
    data = config(data_format, *places)
    task = TEXT if data_format in (DataFormat.CSV, DataFormat.TSV) else IMAGE
    found = read(data, task)
    labels = ["0", "1"] if task is TEXT else [0, 1]
    assert [(split, record.label) for split, record in found] == [
        *((Split.TRAIN, label) for label in labels),
        *((Split.HELD_OUT, label) for label in labels),
        *[(Split.TRAIN, None)] * 2,
    ]
    assert len({str(record.payload) for _, record in found}) == 3
    fields = ["data.uri", "data.held_out_uri", "data.unlabelled_uri"]
    assert [(unit.field, unit.labelled) for unit in plan(data, task).units] == [
        (field, field != "data.unlabelled_uri") for field in fields
    ]
    before = source_fingerprint(data)
    assert source_fingerprint(data) == before
    places[2].write_bytes(places[2].read_bytes() + b"x")
    assert source_fingerprint(data) != before


def test_the_fingerprint_of_an_images_file_follows_its_labels(tmp_path: Path) -> None:
    images = write_source(DataFormat.IDX, tmp_path / "all", 1)
    before = source_fingerprint(config(DataFormat.IDX, images))
    labels = tmp_path / "all" / "train-labels-idx1-ubyte"
    labels.write_bytes(labels.read_bytes() + b"x")
    assert source_fingerprint(config(DataFormat.IDX, images)) != before


def test_held_out_apart(classes: Path, tmp_path: Path, png: Png) -> None:
    held_out = tmp_path / "test"
    (held_out / "a").mkdir(parents=True)
    (held_out / "a" / "9.png").write_bytes(png(9))
    data = config(DataFormat.IMAGE_FOLDER, classes, held_out)
    assert [split for split, _ in read(data)] == [Split.TRAIN] * 4 + [Split.HELD_OUT]
    (held_out / "new").mkdir()
    (held_out / "new" / "9.png").write_bytes(png(9))
    with pytest.raises(ConfigError, match=r"data.held_out_uri: found class 'new'"):
        plan(data, IMAGE)


def test_unlabelled_images_come_last_and_their_folders_are_no_classes(classes: Path, pool: Path) -> None:
    (pool / "notes.txt").write_text("a note")
    reading = plan(config(DataFormat.IMAGE_FOLDER, classes, unlabelled=pool), IMAGE)
    assert reading.names == ("a", "b")
    assert [unit.labelled for unit in reading.units] == [True, True, False]
    assert (reading.units[-1].field, reading.units[-1].split) == ("data.unlabelled_uri", Split.TRAIN)
    assert [(record.source, record.field) for record in reading.refused] == [("notes.txt", "data.unlabelled_uri")]


def test_format_must_fit_the_task() -> None:
    with pytest.raises(ConfigError, match=r"data.format: found 'digits', accepted for a task of kind text are tsv"):
        plan(DataConfig(), TEXT)


def test_fingerprint_follows_the_files(classes: Path, png: Png) -> None:
    data = config(DataFormat.IMAGE_FOLDER, classes)
    before = source_fingerprint(data)
    assert source_fingerprint(data) == before
    assert source_fingerprint(DataConfig()) == source_fingerprint(DataConfig())
    (classes / "a" / "0.png").write_bytes(png(200) + b"x")
    changed = source_fingerprint(data)
    assert changed != before
    (classes / "a" / "2.png").write_bytes(png(7))
    assert source_fingerprint(data) != changed
    with pytest.raises(ConfigError, match=r"data.uri: found nothing"):
        source_fingerprint(config(DataFormat.IMAGE_FOLDER, classes / "missing"))


def test_the_fingerprint_follows_nested_images(classes: Path, pool: Path, png: Png) -> None:
    without = source_fingerprint(config(DataFormat.IMAGE_FOLDER, classes))
    data = config(DataFormat.IMAGE_FOLDER, classes, unlabelled=pool)
    before = source_fingerprint(data)
    deep = source_fingerprint(config(DataFormat.IMAGE_FOLDER, classes, unlabelled=pool / "deep"))
    assert before not in (without, deep)
    assert source_fingerprint(data) == before
    (pool / "deep" / "er" / "9.png").write_bytes(png(9))
    assert source_fingerprint(data) != before


def test_the_fingerprint_follows_remote_images(png: Png) -> None:
    memory = fsspec.filesystem("memory")
    memory.pipe({"/remote/x/1.png": png(1), "/remote/y/2.png": png(2), "/afar/p/q/1.png": png(2)})
    data = config(DataFormat.IMAGE_FOLDER, "memory://remote", unlabelled="memory://afar")
    found = [source_fingerprint(data)]
    for path in ("/remote/y/2.png", "/afar/p/q/1.png"):
        memory.pipe(path, png(3))
        found.append(source_fingerprint(data))
    assert len(set(found)) == 3

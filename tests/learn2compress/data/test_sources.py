"""Every format is planned and read, labelled or not, and all of its files are listed."""

from __future__ import annotations

import dataclasses
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from learn2compress.config import DataConfig, DataFormat, TaskConfig, TaskKind
from learn2compress.config.parsing import ConfigError
from learn2compress.data.records import BadRecord, NamedIndex, RawRecord, Split
from learn2compress.data.sources import listed_files, plan, read_unit, source_uri

IMAGE = TaskConfig()
TEXT = TaskConfig(kind=TaskKind.TEXT, input_shape=(64,))
Png = Callable[[int], bytes]


def read(data: DataConfig, task: TaskConfig = IMAGE) -> list[tuple[Split | None, RawRecord | BadRecord]]:
    return [(unit.split, record) for unit in plan(data, task).units for record in read_unit(unit, task)]


def config(data_format: DataFormat, uri: object, held_out: object = None, unlabelled: object = None) -> DataConfig:
    held_out_uri, unlabelled_uri = (None if place is None else str(place) for place in (held_out, unlabelled))
    return DataConfig(format=data_format, uri=str(uri), held_out_uri=held_out_uri, unlabelled_uri=unlabelled_uri)


def write_source(data_format: DataFormat, folder: Path, value: int, first_label: int = 0) -> Path:
    """Two examples of two classes, by default 0 and 1; returns what a configuration names."""
    folder.mkdir()
    pixels = np.full((2, 8, 8), value, np.uint8)
    match data_format:
        case DataFormat.NPZ:
            np.savez(folder / "a.npz", x=pixels, y=[first_label, first_label + 1])
            return folder / "a.npz"
        case DataFormat.IDX:
            for name, array in (
                ("images-idx3", pixels),
                ("labels-idx1", np.array([first_label, first_label + 1], np.uint8)),
            ):
                header = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape)
                (folder / f"train-{name}-ubyte").write_bytes(header + array.tobytes())
            return folder / "train-images-idx3-ubyte"
        case DataFormat.TFRECORD:
            with tf.io.TFRecordWriter(str(folder / "a.tfrecord")) as writer:
                for label in (first_label, first_label + 1):
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
    listed = [(location.field, entry.path) for location, entries in listed_files(data) for entry in entries]
    assert [(field, str(place)) for field, place in zip(fields, places, strict=True)] == [
        (field, path) for field, path in listed if "labels" not in path
    ]


@pytest.mark.parametrize("data_format", [DataFormat.NPZ, DataFormat.IDX, DataFormat.TFRECORD])
def test_labels_that_count_from_one_are_named_as_they_are(tmp_path: Path, data_format: DataFormat) -> None:
    place = write_source(data_format, tmp_path / "all", 1, first_label=1)
    data = dataclasses.replace(config(data_format, place), first_label=1)
    assert [record.label for _, record in read(data)] == [NamedIndex(0, "1"), NamedIndex(1, "2")]
    from_zero = write_source(data_format, tmp_path / "zero", 1)
    data = dataclasses.replace(config(data_format, from_zero), first_label=1)
    if data_format is DataFormat.TFRECORD:
        first, second = (record for _, record in read(data))
        assert first.reason == "found label 0, accepted are those from data.first_label: 1"
        assert second.label == NamedIndex(0, "1")
    else:
        with pytest.raises(ConfigError, match=r"found labels 0..1, accepted are 1..10000: if they count from 0, set"):
            plan(data, IMAGE)


def test_declared_names_are_those_of_labels_that_count_from_one(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.zeros((2, 8, 8), np.uint8), y=[1, 2], labels=["cat", "dog"])
    data = config(DataFormat.NPZ, tmp_path / "a.npz")
    with pytest.raises(
        ConfigError, match=r"found labels 1..2, accepted are 0..1: if they count from 1, set data.first"
    ):
        plan(data, IMAGE)
    assert [record.label for _, record in read(dataclasses.replace(data, first_label=1))] == ["cat", "dog"]


def test_numeric_class_folders_are_in_numeric_order_and_it_is_told(tmp_path: Path, png: Png) -> None:
    for name in ("1", "2", "10"):
        (tmp_path / "images" / name).mkdir(parents=True)
        (tmp_path / "images" / name / "0.png").write_bytes(png(int(name)))
    reading = plan(config(DataFormat.IMAGE_FOLDER, tmp_path / "images"), IMAGE)
    assert reading.names == ("1", "2", "10")
    assert "set teacher.classes to its own order" in reading.notes[0]


def test_columns_of_tables_are_those_of_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,body,kind\n1,what is it,x\n2,and that,y\n")
    data = dataclasses.replace(
        config(DataFormat.CSV, tmp_path / "a.csv"), header=True, text_column="body", label_column=3
    )
    assert [(record.label, record.payload) for _, record in read(data, TEXT)] == [
        ("x", "what is it"),
        ("y", "and that"),
    ]


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

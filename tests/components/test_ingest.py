"""Ingest as a whole: its executor on real data, its artifacts read back."""

import dataclasses
import gzip
import hashlib
import io
import json
import re
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from apache_beam.pvalue import TaggedOutput
from PIL import Image
from tensorflow_metadata.proto.v0 import statistics_pb2

from components.artifacts import (
    ANOMALIES_FILE,
    SCHEMA_FILE,
    STATISTICS_FILE,
    VALIDATION_ANOMALIES_FILE,
    DataStatistics,
    Examples,
)
from components.ingest import steps
from components.ingest.component import Ingest
from components.ingest.executor import Executor
from components.parameters import exec_properties_of, json_of
from learn2compress.config import (
    BeamRunner,
    BeamStepConfig,
    CompressionConfig,
    DataConfig,
    DataFormat,
    ExifOrientation,
    RepeatedTexts,
    StudentConfig,
    TaskConfig,
    TaskKind,
    TeacherConfig,
    WorkerKind,
)
from learn2compress.config.parsing import ConfigError
from learn2compress.data.completeness import RecordsLostError
from learn2compress.data.examples import UNLABELLED, StoredExample, read_examples, shard_paths
from learn2compress.data.prepare import shard_of
from learn2compress.data.reading import class_index, read_records
from learn2compress.data.records import Split
from learn2compress.data.sources import plan
from learn2compress.data.tally import BadRecordFound, UnitRead
from learn2compress.data.text_features import hashed_ngrams
from learn2compress.data.writing import write_examples
from learn2compress.file_names import BAD_RECORDS_FILE, INGEST_REPORT_FILE, LABELS_FILE, REPEATED_FILE
from learn2compress.progress import Progress, listening
from learn2compress.results.data import DataReport
from learn2compress.results.reports import read_json

# Where nothing names examples to choose by.
SPLITS = (Split.TRAIN, Split.HELD_OUT)
ONE_WORKER = BeamStepConfig().arguments
TWO_THREADS = BeamStepConfig(workers=2).arguments
TEXT = TaskConfig(kind=TaskKind.TEXT, input_shape=(256,))


@dataclass
class Ingested:
    examples: Examples
    statistics: DataStatistics

    @property
    def folder(self) -> Path:
        return Path(self.examples.uri)

    @property
    def report(self) -> dict:
        return json.loads((self.folder / INGEST_REPORT_FILE).read_text())

    def digests(self) -> dict[str, str]:
        paths = [path for split in Split if (self.folder / split).exists() for path in shard_paths(self.folder / split)]
        return {str(path.relative_to(self.folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def ingest(
    out: Path,
    data: DataConfig,
    task: TaskConfig | None = None,
    beam_options: Sequence[str] = ONE_WORKER,
    checkpoint_root: Path | str | None = None,
) -> Ingested:
    result = Ingested(Examples(), DataStatistics())
    result.examples.uri, result.statistics.uri = str(out / "examples"), str(out / "statistics")
    properties = exec_properties_of(data) | {
        "task": json_of(task or TaskConfig()),
        "data_fingerprint": "fingerprint",
        "beam_options": json.dumps(list(beam_options)),
        "family_name": "family",
        "checkpoint_root": str(checkpoint_root or out / "checkpoints"),
        "code_digest": "code",
    }
    Executor().Do({}, {"examples": [result.examples], "statistics": [result.statistics]}, properties)
    return result


def png(path: Path, value: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((8, 8), value, np.uint8)).save(path)


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Ingested:
    return ingest(tmp_path_factory.mktemp("digits"), DataConfig(num_shards=2))


@pytest.fixture
def images(tmp_path: Path) -> Path:
    for name, base in (("cat", 0), ("dog", 100)):
        for index in range(30):
            png(tmp_path / "images" / name / f"{index:02d}.png", base + index)
    return tmp_path / "images"


def test_digits_are_split_by_content(digits: Ingested) -> None:
    train = list(read_examples(digits.folder / Split.TRAIN))
    held_out = list(read_examples(digits.folder / Split.HELD_OUT))
    assert len(train) + len(held_out) == 1797
    assert 250 < len(held_out) < 470
    assert (digits.examples.num_train, digits.examples.num_held_out) == (len(train), len(held_out))
    assert (digits.folder / LABELS_FILE).read_text().split() == list("0123456789")
    assert not {example.content_sha256 for example in train} & {example.content_sha256 for example in held_out}
    for example in train[:20]:
        assert len(example.input) == 64
        assert hashlib.sha256(example.input).hexdigest() == example.content_sha256
    from sklearn.datasets import load_digits

    target = load_digits().target
    assert all(example.label == target[int(example.source.partition("#")[2])] for example in train + held_out)


def test_one_process_without_beam_writes_the_same_bytes(digits: Ingested, tmp_path: Path) -> None:
    data, task = DataConfig(num_shards=2), TaskConfig()
    found = write_examples(plan(data, task), data, task, tmp_path / "examples")
    digests = {
        name: hashlib.sha256((tmp_path / "examples" / name).read_bytes()).hexdigest() for name in digits.digests()
    }
    assert digests == digits.digests()
    written = read_json(DataReport, digits.folder / INGEST_REPORT_FILE)
    assert found == dataclasses.replace(written, changes=(), previous=None)


def test_records_of_a_shard_are_sorted(digits: Ingested) -> None:
    for shard in shard_paths(digits.folder / Split.TRAIN):
        keys = [(example.content_sha256, example.source) for example in read_examples(shard)]
        assert keys == sorted(keys)
        assert len(keys) > 500


def test_report_and_properties_agree(digits: Ingested) -> None:
    report, examples = digits.report, digits.examples
    assert report["labels"] == list("0123456789")
    assert (report["num_train"], report["num_held_out"]) == (examples.num_train, examples.num_held_out)
    assert report["num_bad"] == examples.num_bad == 0
    assert examples.num_classes == 10
    assert sum(report["class_counts"]["train"]) == report["num_train"]
    assert (report["num_labelled_left_out"], report["num_unlabelled_left_out"]) == (0, 0)
    assert examples.content_sha256 == report["content_sha256"]
    assert examples.source_uri == "scikit-learn:digits"
    lines = sorted(
        f"{example.content_sha256} {example.label}\n" for example in read_examples(digits.folder / Split.HELD_OUT)
    )
    assert report["split_content_sha256"]["held_out"] == hashlib.sha256("".join(lines).encode()).hexdigest()
    assert (digits.folder / BAD_RECORDS_FILE).read_text() == ""
    assert digits.statistics.num_anomalies == 0


def test_statistics_describe_both_splits(digits: Ingested) -> None:
    folder = Path(digits.statistics.uri)
    statistics = statistics_pb2.DatasetFeatureStatisticsList.FromString((folder / STATISTICS_FILE).read_bytes())
    assert {dataset.name: dataset.num_examples for dataset in statistics.datasets} == {
        "train": digits.report["num_train"],
        "held_out": digits.report["num_held_out"],
    }
    features = {feature.path.step[0] for feature in statistics.datasets[0].features}
    assert features == {"label", "pixel_mean", "pixel_std", "height", "width"}
    assert 'name: "label"' in (folder / SCHEMA_FILE).read_text()
    assert "anomaly_info {" not in (folder / ANOMALIES_FILE).read_text()
    assert sorted(path.name for path in folder.iterdir()) == sorted([STATISTICS_FILE, SCHEMA_FILE, ANOMALIES_FILE])


def test_two_workers_write_the_same_bytes_and_progress_is_reported(digits: Ingested, tmp_path: Path) -> None:
    heard: list[Progress] = []
    with listening(heard.append):
        again = ingest(tmp_path, DataConfig(num_shards=2), beam_options=TWO_THREADS)
    assert again.digests() == digits.digests()
    assert again.report == digits.report
    steps_done = [progress for progress in heard if not progress.is_notice]
    assert [progress.done for progress in steps_done] == [0, 1, 2, 3]
    assert all(progress.total == 3 for progress in steps_done)


def test_bad_images_are_listed_and_limited(images: Path, tmp_path: Path) -> None:
    whole = (images / "cat" / "00.png").read_bytes()
    (images / "cat" / "truncated.png").write_bytes(whole[: len(whole) - 25])
    (images / "cat" / "text.png").write_text("this is a text file")
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(images / "dog" / "really.tiff")
    (images / "dog" / "really.tiff").rename(images / "dog" / "tiff.png")
    Image.fromarray(np.zeros((9, 8), np.uint8)).save(images / "dog" / "large.png")
    (images / "dog" / "notes.txt").write_text("a note")
    strict = DataConfig(format=DataFormat.IMAGE_FOLDER, uri=str(images))
    with pytest.raises(ConfigError) as error:
        ingest(tmp_path / "strict", strict)
    assert str(error.value).startswith(
        "data.max_bad_ratio: found 5 bad records of 65, accepted is a ratio of 0.02 at most: "
        "cat/text.png: found no image content, accepted are PNG, JPEG, WebP, BMP and GIF; cat/truncated.png: "
    )
    assert "\n" not in str(error.value)
    assert str(error.value).endswith("; and 2 more in bad_records.jsonl")

    loose = DataConfig(format=DataFormat.IMAGE_FOLDER, uri=str(images), max_bad_ratio=0.1, num_shards=3)
    result = ingest(tmp_path / "loose", loose)
    bad = [json.loads(line) for line in (result.folder / BAD_RECORDS_FILE).read_text().splitlines()]
    assert [(record["source"], record["reason"].split(",")[0]) for record in bad] == [
        ("cat/text.png", "found no image content"),
        ("cat/truncated.png", "found a truncated or damaged PNG"),
        ("dog/large.png", "found 9x8 pixels (height x width)"),
        ("dog/notes.txt", "found another kind of file"),
        ("dog/tiff.png", "found TIFF content"),
    ]
    assert (result.examples.num_bad, result.report["labels"]) == (5, ["cat", "dog"])
    assert result.examples.num_train + result.examples.num_held_out == 60
    assert len(shard_paths(result.folder / Split.HELD_OUT)) == 3


def test_one_odd_file_stops_no_data_and_is_shown(images: Path, tmp_path: Path) -> None:
    (images / "cat" / "notes.txt").write_text("a note")
    (images / "dog" / "Thumbs.db").write_text("clutter")
    (images / "dog" / "03.png").rename(images / "dog" / "_DSC0003.JPG")  # PNG content
    exif = Image.Exif()
    exif[0x0112] = 3
    for index in range(2):
        pixels = np.arange(64, dtype=np.uint8).reshape(8, 8) + index
        Image.fromarray(pixels).save(images / "dog" / f"turned{index}.png", exif=exif.tobytes())
    emoji = "\U0001f469\u200d\U0001f680"
    (images / "dog").rename(images / emoji)
    data = DataConfig(format=DataFormat.IMAGE_FOLDER, uri=str(images))
    heard: list[Progress] = []
    with listening(heard.append):
        result = ingest(tmp_path / "out", data)
    assert (result.examples.num_bad, result.report["num_with_exif_orientation"]) == (1, 2)
    assert (result.folder / LABELS_FILE).read_text("utf-8") == f"cat\n{emoji}\n"
    stored = {example.source: example.input for split in SPLITS for example in read_examples(result.folder / split)}
    assert len(stored) == 62
    assert stored[f"{emoji}/turned1.png"] == bytes(range(64, 0, -1))
    # Of so few images the splits differ, which is told behind them.
    bad, turned, *_ = [progress.detail for progress in heard if progress.is_notice]
    assert bad.startswith("1 bad records are left out: cat/notes.txt: found another kind of file, accepted are names")
    assert turned.startswith("2 images have an EXIF orientation; they are turned upright")

    as_stored = ingest(tmp_path / "ignored", dataclasses.replace(data, exif=ExifOrientation.IGNORE))
    stored = {example.source: example.input for split in SPLITS for example in read_examples(as_stored.folder / split)}
    assert stored[f"{emoji}/turned1.png"] == bytes(range(1, 65))
    with pytest.raises(
        ConfigError, match=r"^data.max_bad_ratio: found 1 bad records of 63, accepted is a ratio of 0.0"
    ):
        ingest(tmp_path / "strict", dataclasses.replace(data, max_bad_ratio=0.0))


def test_empty_class_stops_before_work(images: Path, tmp_path: Path) -> None:
    (images / "void").mkdir()
    with pytest.raises(ConfigError, match=r"^data.uri: class 'void' is empty: found no image in "):
        ingest(tmp_path / "out", DataConfig(format=DataFormat.IMAGE_FOLDER, uri=str(images)))


def test_class_whose_examples_are_all_bad(images: Path, tmp_path: Path) -> None:
    (images / "owl").mkdir()
    (images / "owl" / "1.png").write_text("text")
    data = DataConfig(format=DataFormat.IMAGE_FOLDER, uri=str(images), max_bad_ratio=0.5)
    with pytest.raises(ConfigError, match=r"^data: class 'owl' is empty for training: it has no valid example"):
        ingest(tmp_path / "out", data)


def test_corrupted_tfrecord(tmp_path: Path) -> None:
    path = tmp_path / "a.tfrecord"
    with tf.io.TFRecordWriter(str(path)) as writer:
        for index in range(50):
            image = io.BytesIO()
            Image.fromarray(np.full((8, 8), index, np.uint8)).save(image, "PNG")
            features = {
                "image/encoded": tf.train.Feature(bytes_list=tf.train.BytesList(value=[image.getvalue()])),
                "label": tf.train.Feature(int64_list=tf.train.Int64List(value=[index % 2])),
            }
            writer.write(tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString())
    data = DataConfig(format=DataFormat.TFRECORD, uri=str(path), max_bad_ratio=0.99)
    result = ingest(tmp_path / "whole", data)
    assert result.report["class_counts"]["train"][0] + result.report["class_counts"]["held_out"][0] == 25
    assert result.report["labels"] == ["0", "1"]
    content = bytearray(path.read_bytes())
    content[-20] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"^data.uri: .*a.tfrecord: found a corrupted record after 49 records"):
        ingest(tmp_path / "damaged", data)


def test_idx_with_its_own_held_out_split(tmp_path: Path) -> None:
    for prefix, count in (("train", 40), ("t10k", 10)):
        pixels = np.arange(count * 64, dtype=np.uint32).astype(np.uint8).reshape(count, 8, 8)
        pixels[20:] ^= 1
        labels = (np.arange(count) % 2).astype(np.uint8)
        for name, array in (("images-idx3", pixels), ("labels-idx1", labels)):
            header = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape)
            (tmp_path / f"{prefix}-{name}-ubyte.gz").write_bytes(gzip.compress(header + array.tobytes()))
    result = ingest(tmp_path / "out", DataConfig(format=DataFormat.IDX, uri=str(tmp_path)))
    # Every fourth image is the same one; what the first half of the training images show is held out.
    assert (result.examples.num_train, result.examples.num_held_out) == (20, 10)
    assert result.report["num_duplicates"] == {"train": 16, "held_out": 6, "validation": None}
    assert result.report["num_labelled_left_out"] == 20


def test_npz_with_names(tmp_path: Path) -> None:
    x = np.random.default_rng(0).integers(0, 256, (60, 4, 4, 3), np.uint8)
    np.savez(tmp_path / "a.npz", x=x, y=np.arange(60) % 3, labels=["red", "green", "blue"])
    data = DataConfig(format=DataFormat.NPZ, uri=str(tmp_path / "a.npz"), resize=True)
    result = ingest(tmp_path / "out", data, TaskConfig(input_shape=(8, 8, 3)))
    assert result.report["labels"] == ["red", "green", "blue"]
    for example in read_examples(result.folder / Split.TRAIN):
        assert len(example.input) == 192
        assert example.label == int(example.source.partition("[")[2].rstrip("]")) % 3


def write_named_records(path: Path, first_label: int = 0, num_records: int = 60) -> None:
    with tf.io.TFRecordWriter(str(path)) as writer:
        for index in range(num_records):
            image = io.BytesIO()
            Image.fromarray(np.full((8, 8), index, np.uint8)).save(image, "PNG")
            example = tf.train.Example()
            example.features.feature["image/encoded"].bytes_list.value.append(image.getvalue())
            example.features.feature["image/class/label"].int64_list.value.append(first_label + index % 3)
            example.features.feature["image/class/text"].bytes_list.value.append(
                (b"plum", b"lime", b"apple")[index % 3]
            )
            writer.write(example.SerializeToString())


def test_names_beside_indices_are_those_of_the_classes(tmp_path: Path) -> None:
    write_named_records(tmp_path / "train-00000-of-00001")
    result = ingest(tmp_path / "out", DataConfig(format=DataFormat.TFRECORD, uri=str(tmp_path), num_records=60))
    assert (result.folder / LABELS_FILE).read_text().split() == ["plum", "lime", "apple"]
    for example in read_examples(result.folder / Split.TRAIN):
        assert example.label == int(example.source.partition("#")[2]) % 3
    with pytest.raises(ConfigError, match=r"^data.num_records: found 60 labelled records, accepted is the 61 that"):
        ingest(tmp_path / "cut", DataConfig(format=DataFormat.TFRECORD, uri=str(tmp_path), num_records=61))


def test_labels_from_one_are_told_and_read(tmp_path: Path) -> None:
    write_named_records(tmp_path / "a.tfrec", first_label=1)
    data = DataConfig(format=DataFormat.TFRECORD, uri=str(tmp_path))
    with pytest.raises(ConfigError, match=r"^data: found labels 1 to 3 and none that is 0, .* set data.first_label: 1"):
        ingest(tmp_path / "refused", data)
    result = ingest(tmp_path / "out", dataclasses.replace(data, first_label=1))
    assert result.report["labels"] == ["plum", "lime", "apple"]


def test_text_taken_for_the_label_is_refused(tmp_path: Path) -> None:
    lines = [f"{'what is' if i % 2 else 'look at'} number {i},{'ab'[i % 2]} {i % 30}\n" for i in range(60)]
    (tmp_path / "a.csv").write_text("".join(lines))
    data = DataConfig(format=DataFormat.CSV, uri=str(tmp_path / "a.csv"))
    with pytest.raises(ConfigError, match=r"^data: found 60 classes in 60 examples, such as .* set data.label_column"):
        ingest(tmp_path / "refused", data, TEXT)


def test_what_was_concluded_about_a_table_is_told_and_reported(tmp_path: Path) -> None:
    rows = [f"sentence number {i};{(1, 2, 10)[i % 3]}.0\n" for i in range(60)]
    (tmp_path / "a.csv").write_text("review;stars\n" + "".join(rows))
    heard: list[Progress] = []
    with listening(heard.append):
        result = ingest(tmp_path / "out", DataConfig(format=DataFormat.CSV, uri=str(tmp_path / "a.csv")), TEXT)
    assert result.report["labels"] == ["1", "2", "10"]
    notes = result.report["notes"]
    assert [progress.detail for progress in heard if progress.is_notice] == notes
    for words in (
        "is taken for a header",
        '"1.0" is read as "1"',
        "separated by ';'",
        "in numeric order",
        "begin at 1",
    ):
        assert sum(words in note for note in notes) == 1


def test_label_that_is_held_out_alone_is_an_anomaly(tmp_path: Path) -> None:
    (tmp_path / "train.tsv").write_text("".join(f"{'ab'[i % 2]}\tsentence number {i}\n" for i in range(40)))
    (tmp_path / "test.tsv").write_text("a\thello there\nc\tnever seen before\n")
    data = DataConfig(format=DataFormat.TSV, uri=str(tmp_path / "train.tsv"), held_out_uri=str(tmp_path / "test.tsv"))
    with pytest.raises(ConfigError, match=r"^data: the held-out split departs .*label: .*missing from the schema: c"):
        ingest(tmp_path / "refused", data, TEXT)
    anomalies = tmp_path / "refused" / "statistics" / ANOMALIES_FILE
    assert "anomaly_info {" in anomalies.read_text()

    (tmp_path / "test.tsv").write_text("a\thello there\na\tSENTENCE number  0\n")
    with pytest.raises(
        ConfigError,
        match=r"^data.min_held_out_per_class: found 1 of 2 classes with fewer held-out examples than 1 \('b' has 0\), "
        r"so .*; add some of them to data.held_out_uri; or accept it with data.min_held_out_per_class: 0$",
    ):
        ingest(tmp_path / "unknown", data, TEXT)
    result = ingest(tmp_path / "accepted", dataclasses.replace(data, min_held_out_per_class=0), TEXT)
    assert result.report["labels_not_held_out"] == ["b"]
    (first, *_) = read_examples(result.folder / Split.TRAIN)
    assert first.input == hashed_ngrams(first.text.decode(), 256).tobytes()


def test_unlabelled_images_are_trained_on_and_held_out_ones_are_left_out(images: Path, tmp_path: Path) -> None:
    pool = tmp_path / "pool"
    labelled = DataConfig(format=DataFormat.IMAGE_FOLDER, uri=str(images), num_shards=2, held_out_ratio=0.3)
    without = ingest(tmp_path / "without", labelled)
    held_out = [example.source for example in read_examples(without.folder / Split.HELD_OUT)]
    trained_on = [example.source for example in read_examples(without.folder / Split.TRAIN)]
    for index in range(40):
        png(pool / "new" / f"{index % 3}" / f"{index:02d}.png", 200 + index)
    for source in (*held_out, *trained_on[:2]):
        (pool / source).parent.mkdir(parents=True, exist_ok=True)
        (pool / source).write_bytes((images / source).read_bytes())
    (pool / "new" / "broken.png").write_bytes(b"no image")
    data = dataclasses.replace(labelled, unlabelled_uri=str(pool), max_bad_ratio=0.1)
    result = ingest(tmp_path / "with", data)

    report, train = result.report, list(read_examples(result.folder / Split.TRAIN))
    unlabelled = [example for example in train if example.label == UNLABELLED]
    assert len(unlabelled) == 42
    assert (report["num_unlabelled"], result.examples.num_unlabelled) == (42, 42)
    assert report["num_unlabelled_left_out"] == len(held_out) > 0
    assert report["num_train"] == result.examples.num_train == len(train) == len(trained_on) + 42
    assert report["num_duplicates"] == {"train": 2, "held_out": 0, "validation": None}
    assert (report["num_labelled_left_out"], report["num_held_out_trained_on"]) == (0, 0)
    assert (report["labels"], report["class_counts"]) == (without.report["labels"], without.report["class_counts"])
    (bad,) = map(json.loads, (result.folder / BAD_RECORDS_FILE).read_text().splitlines())
    assert (bad["field"], bad["source"]) == ("data.unlabelled_uri", "new/broken.png")
    held_out_shards = {name: digest for name, digest in result.digests().items() if name.startswith(Split.HELD_OUT)}
    assert held_out_shards.items() <= without.digests().items()
    assert report["content_sha256"] != without.report["content_sha256"]
    # The statistics count what was read, and miss no label that somebody told.
    assert result.statistics.num_anomalies == 0
    content = (Path(result.statistics.uri) / STATISTICS_FILE).read_bytes()
    by_name = {d.name: d for d in statistics_pb2.DatasetFeatureStatisticsList.FromString(content).datasets}
    (label,) = [f for f in by_name["train"].features if f.path.step[0] == "label"]
    assert label.string_stats.common_stats.num_missing == 42 + len(held_out)
    assert label.string_stats.common_stats.num_non_missing == len(trained_on)

    threads = ingest(tmp_path / "threads", data, beam_options=TWO_THREADS)
    assert threads.digests() == result.digests()


def test_unlabelled_text_beside_a_held_out_split_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "train.tsv").write_text("a\tone thing\nb\tanother thing\n")
    (tmp_path / "test.tsv").write_text("a\tseen in the test\n")
    (tmp_path / "pool.tsv").write_text("nobody knows\nSeen in  the TEST\none thing\n")
    places = {name: str(tmp_path / f"{name}.tsv") for name in ("train", "test", "pool")}
    data = DataConfig(
        format=DataFormat.TSV, uri=places["train"], held_out_uri=places["test"], unlabelled_uri=places["pool"]
    )
    result = ingest(tmp_path / "out", dataclasses.replace(data, min_held_out_per_class=0), TEXT)
    found = {(example.text, example.label) for example in read_examples(result.folder / Split.TRAIN)}
    assert found == {
        (b"one thing", 0),
        (b"another thing", 1),
        (b"nobody knows", UNLABELLED),
        (b"one thing", UNLABELLED),
    }
    assert (result.report["num_unlabelled"], result.report["num_unlabelled_left_out"]) == (2, 1)
    assert result.report["labels"] == ["a", "b"]


def test_unlabelled_examples_are_no_examples_of_a_class(images: Path, tmp_path: Path) -> None:
    (images / "owl").mkdir()
    (images / "owl" / "1.png").write_text("text")
    png(tmp_path / "pool" / "owl" / "1.png", 7)
    data = DataConfig(
        format=DataFormat.IMAGE_FOLDER, uri=str(images), unlabelled_uri=str(tmp_path / "pool"), max_bad_ratio=0.5
    )
    with pytest.raises(ConfigError, match=r"^data: class 'owl' is empty for training: it has no valid example"):
        ingest(tmp_path / "out", data)


def test_destination_that_can_not_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ConfigError, match=r"can't be made: Not a directory"):
        ingest(tmp_path / "file", DataConfig())


def test_component_carries_the_configuration() -> None:
    data = DataConfig(num_shards=3)
    component = Ingest(
        data=data,
        task=TaskConfig(),
        data_fingerprint="f",
        beam_options=ONE_WORKER,
        family_name="n",
        checkpoint_root="r",
        code_digest="c",
    )
    assert component.exec_properties["num_shards"] == 3
    assert json.loads(component.exec_properties["task"])["input_shape"] == [8, 8, 1]
    assert set(component.outputs) == {"examples", "statistics"}
    assert {key: channel.type for key, channel in component.outputs.items()} == {
        "examples": Examples,
        "statistics": DataStatistics,
    }


def test_labelled_images_that_are_held_out_leave_training(images: Path, tmp_path: Path) -> None:
    for source in ("cat/03.png", "cat/04.png", "dog/05.png"):
        (tmp_path / "test" / source).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "test" / source).write_bytes((images / source).read_bytes())
    png(tmp_path / "test" / "dog" / "new.png", 222)
    # The same image under another name and label is no less known.
    (images / "dog" / "twin.png").write_bytes((images / "cat" / "03.png").read_bytes())
    data = DataConfig(
        format=DataFormat.IMAGE_FOLDER, uri=str(images), held_out_uri=str(tmp_path / "test"), num_shards=3
    )
    heard: list[Progress] = []
    with listening(heard.append):
        result = ingest(tmp_path / "out", data)

    train = [example.source for example in read_examples(result.folder / Split.TRAIN)]
    assert not {"cat/03.png", "cat/04.png", "dog/05.png", "dog/twin.png"} & set(train)
    assert len(train) == result.examples.num_train == result.report["num_train"] == 61 - 4
    assert result.report["num_labelled_left_out"] == 4
    assert result.report["class_counts"]["train"] == [28, 29]
    assert result.examples.num_held_out == 4
    assert [progress.detail for progress in heard if progress.is_notice] == [
        "4 labelled examples left out of training: the content is held out",
    ]
    rows = [json.loads(line) for line in (result.folder / REPEATED_FILE).read_text().splitlines()]
    assert [(row["source"], row["reason"]) for row in rows] == [
        ("cat/03.png", "its content is held out"),
        ("cat/04.png", "its content is held out"),
        ("dog/05.png", "its content is held out"),
        ("dog/twin.png", "its content is held out with label 'cat'"),
    ]
    assert result.report["num_conflicting"] == {"train": 2, "held_out": 0, "validation": None}


@pytest.mark.parametrize("num_shards", [1, 3])
def test_the_same_image_under_two_labels_is_left_out_of_training(images: Path, tmp_path: Path, num_shards: int) -> None:
    for index in range(8):
        (images / "dog" / f"twin{index}.png").write_bytes((images / "cat" / f"{index:02d}.png").read_bytes())
    for copy in ("one.png", "two.png"):
        (images / "cat" / copy).write_bytes((images / "cat" / "20.png").read_bytes())
    data = DataConfig(format=DataFormat.IMAGE_FOLDER, uri=str(images), max_conflict_ratio=0.3, num_shards=num_shards)
    heard: list[Progress] = []
    with listening(heard.append):
        result = ingest(tmp_path / "out", data)
    report = result.report
    train, held_out = (list(read_examples(result.folder / split)) for split in SPLITS)
    twins = {f"{name}/{source}" for index in range(8) for name, source in pairs_of(index)}
    assert not twins & {example.source for example in train}
    num_held_out = len(twins & {example.source for example in held_out})
    assert 0 < num_held_out < 16
    assert report["num_conflicting"] == {"train": 16 - num_held_out, "held_out": num_held_out, "validation": None}
    assert report["num_conflicting_stored"] == {"train": 0, "held_out": num_held_out, "validation": None}
    assert report["num_conflicting_left_out"] == 16 - num_held_out
    assert report["num_train"] + report["num_held_out"] == 70 - (16 - num_held_out)
    # Content decides the split: a copy is where its original is.
    assert not {example.content_sha256 for example in train} & {example.content_sha256 for example in held_out}
    assert report["num_held_out_trained_on"] == 0
    assert report["num_duplicates"] == {"train": 2, "held_out": num_held_out // 2, "validation": None}
    notices = [progress.detail for progress in heard if progress.is_notice]
    assert (
        f"{16 - num_held_out} labelled examples left out of training: the same content has another label, too"
        in notices
    )
    assert (
        f"{num_held_out} held-out examples whose content has another label, too: no model is right on all of them"
        in notices
    )
    rows = [json.loads(line) for line in (result.folder / REPEATED_FILE).read_text().splitlines()]
    assert {row["source"] for row in rows} == twins
    assert all(row["is_stored"] == (row["split"] == "held_out") for row in rows)
    if num_shards > 1:
        again = ingest(tmp_path / "again", data, beam_options=TWO_THREADS)
        assert (again.digests(), again.report) == (result.digests(), report)


def pairs_of(index: int) -> tuple[tuple[str, str], tuple[str, str]]:
    """An image and its copy under another label."""
    return ("cat", f"{index:02d}.png"), ("dog", f"twin{index}.png")


def test_labels_that_contradict_each_other_too_often_stop_the_step(images: Path, tmp_path: Path) -> None:
    for index in range(4):
        (images / "dog" / f"twin{index}.png").write_bytes((images / "cat" / f"{index:02d}.png").read_bytes())
    with pytest.raises(ConfigError) as error:
        ingest(tmp_path / "out", DataConfig(format=DataFormat.IMAGE_FOLDER, uri=str(images)))
    message = str(error.value)
    assert message.startswith(
        "data.max_conflict_ratio: found 8 of 64 labelled examples whose content has another label, too, accepted is a "
        "ratio of 0.05 at most; give each content one label"
    )
    assert "has its content and label" in message
    assert "\n" not in message
    assert len((tmp_path / "out" / "examples" / REPEATED_FILE).read_text().splitlines()) == 8


def test_texts_that_are_held_out_leave_training_unless_people_say_them_over_and_over(tmp_path: Path) -> None:
    rows = [f"{'ab'[i % 2]}\tsentence number {i}\n" for i in range(40)]
    (tmp_path / "train.tsv").write_text("".join([*rows, "a\tyes\n", "b\tyes\n", "a\tno\n"]))
    (tmp_path / "test.tsv").write_text("".join([*rows[:10], "a\tYES\n", "b\tsomething new\n"]))
    places = {"uri": str(tmp_path / "train.tsv"), "held_out_uri": str(tmp_path / "test.tsv")}
    remove = DataConfig(format=DataFormat.TSV, max_conflict_ratio=0.1, **places)
    result = ingest(tmp_path / "removed", remove, TEXT)
    assert (result.report["num_train"], result.report["num_labelled_left_out"]) == (31, 12)
    assert (result.report["num_held_out"], result.report["num_held_out_trained_on"]) == (12, 0)
    keep = dataclasses.replace(remove, repeated_texts=RepeatedTexts.KEEP, max_conflict_ratio=0.0)
    heard: list[Progress] = []
    with listening(heard.append):
        result = ingest(tmp_path / "kept", keep, TEXT)
    assert (result.report["num_train"], result.report["num_labelled_left_out"]) == (43, 0)
    assert (result.report["num_held_out"], result.report["num_held_out_trained_on"]) == (12, 11)
    assert "11 of 12 held-out examples are in training, too (data.repeated_texts: keep): figures on them flatter" in [
        progress.detail for progress in heard if progress.is_notice
    ]
    same = dataclasses.replace(remove, held_out_uri=remove.uri)
    with pytest.raises(
        ConfigError, match=r"^data: found no example for the train split \(the content of all 43 is held"
    ):
        ingest(tmp_path / "same", same, TEXT)


def test_a_class_that_content_holds_nothing_out_of_is_named_with_what_to_do(images: Path, tmp_path: Path) -> None:
    png(images / "owl" / "1.png", 250)
    data = DataConfig(format=DataFormat.IMAGE_FOLDER, uri=str(images))
    with pytest.raises(
        ConfigError,
        match=r"^data.min_held_out_per_class: found 1 of 3 classes with fewer held-out examples than 1 "
        r"\('owl' has 0\).*; "
        r"give them more examples, .*, or hold out a larger share \(data.held_out_ratio, 0.2 now\)",
    ):
        ingest(tmp_path / "out", data)
    assert not (tmp_path / "out" / "checkpoints").exists()


def test_what_changed_since_the_last_run_of_the_name_is_said(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    dark = draw.integers(0, 60, (400, 1, 1)) + draw.integers(0, 60, (400, 8, 8))
    y = np.arange(400) % 2
    data = DataConfig(format=DataFormat.NPZ, uri=str(tmp_path / "a.npz"), held_out_ratio=0.3)

    def run(out: str, x: np.ndarray, y: np.ndarray) -> tuple[Ingested, list[str]]:
        np.savez(tmp_path / "a.npz", x=x.astype(np.uint8), y=y, labels=["cat", "dog"])
        heard: list[Progress] = []
        with listening(heard.append):
            result = ingest(tmp_path / out, data, checkpoint_root=tmp_path / "state")
        return result, [progress.detail for progress in heard if progress.is_notice]

    first, said = run("first", dark, y)
    assert (said, first.report["previous"]) == ([], None)
    second, said = run("second", dark, y)
    assert (said, second.report["changes"]) == ([], [])
    assert second.report["previous"]["num_train"] == first.report["num_train"]
    assert second.digests() == first.digests()
    kept = (y == 0) | (np.arange(400) < 80)
    third, said = run("third", 255 - dark[kept], y[kept])
    train, before = third.report["num_train"], first.report["num_train"]
    assert third.report["changes"] == said
    assert said[0] == (
        f"the training split is much smaller than in the previous run: {train} examples, {100 * train / before:.0f}% "
        f"of {before}; see that nothing is missing"
    )
    assert said[1].startswith("the held-out split is much smaller than in the previous run: ")
    assert said[2] == (
        "the held-out split is not the previous run's: figures of the two runs are not of the same examples"
    )
    assert re.match(
        r"label 'cat' is 8\d\.\d% of the training split and [45]\d\.\d% in the previous run's \(L-infinity distance 0",
        said[3],
    )
    assert said[4].startswith("pixel_mean is distributed otherwise in the training split than in the previous run's: ")
    assert len(said) == 5


@pytest.mark.parametrize("state", ["damaged", "not writable"])
def test_a_comparison_that_can_not_be_made_is_said_and_stops_nothing(images: Path, tmp_path: Path, state: str) -> None:
    if state == "damaged":
        (tmp_path / "state" / "last_data").mkdir(parents=True)
        (tmp_path / "state" / "last_data" / "family.json").write_text("{}")
    else:
        (tmp_path / "state").write_text("a file")
    data = DataConfig(format=DataFormat.IMAGE_FOLDER, uri=str(images))
    heard: list[Progress] = []
    with listening(heard.append):
        result = ingest(tmp_path / "out", data, checkpoint_root=tmp_path / "state")
    said = [progress.detail for progress in heard if progress.is_notice]
    assert said
    assert all(sentence.startswith("no comparison with another run's data: ") for sentence in said)
    assert result.report["previous"] is None


def test_a_held_out_set_that_is_the_training_set_is_refused(images: Path, tmp_path: Path) -> None:
    data = DataConfig(format=DataFormat.IMAGE_FOLDER, uri=str(images), held_out_uri=str(images))
    with pytest.raises(ConfigError, match=r"^data: found no example for the train split \(the content of all 60"):
        ingest(tmp_path / "out", data)


@pytest.mark.parametrize(
    ("num_shards", "held_out", "validation"),
    [(3, "by content", "kept back"), (1, "apart", "kept back"), (2, "by content", "apart"), (1, "apart", "apart")],
)
def test_reading_into_memory_finds_what_ingest_stores(
    images: Path, tmp_path: Path, num_shards: int, held_out: str, validation: str
) -> None:
    (images / "cat" / "broken.png").write_bytes(b"no image")
    (images / "dog" / "notes.txt").write_text("a note")
    for copy in ("cat/copy.png", "dog/copy.png"):
        (images / copy).write_bytes((images / "cat" / "07.png").read_bytes())
    for value in (7, 250):
        png(tmp_path / "pool" / f"{value}.png", value)
    for name, value in (("cat", 11), ("dog", 240)):
        png(tmp_path / "test" / name / "1.png", value)
    for name, value in (("cat", 201), ("dog", 202), ("dog", 7)):
        png(tmp_path / "validation" / name / f"{value}.png", value)
    for index in range(60):
        content = np.random.default_rng(index).integers(0, 256, (8, 8), np.uint8)
        Image.fromarray(content).save(tmp_path / "validation" / "cat" / f"{index}.png")
    data = DataConfig(
        format=DataFormat.IMAGE_FOLDER,
        uri=str(images),
        held_out_uri=str(tmp_path / "test") if held_out == "apart" else None,
        validation_uri=str(tmp_path / "validation") if validation == "apart" else None,
        unlabelled_uri=str(tmp_path / "pool"),
        max_bad_ratio=0.1,
        num_shards=num_shards,
    )
    result = ingest(tmp_path / "out", data)
    records, names = read_records(CompressionConfig("x", TeacherConfig("t"), (StudentConfig("s", 1),), data=data))

    assert list(names) == result.report["labels"]
    assert result.examples.num_unlabelled > 0
    assert records.keys() == {*SPLITS} | ({Split.VALIDATION} if validation == "apart" else set())
    for split in records:
        read = [
            StoredExample(record.content, class_index(record, names), record.content_sha256, record.source)
            for record in sorted(records[split], key=lambda record: shard_of(record.content_sha256, num_shards))
        ]
        stored = [e for e in read_examples(result.folder / split) if e.label != UNLABELLED]
        assert read == stored
        assert len(read) > 1


def random_png(path: Path, seed: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (8, 8), np.uint8)).save(path)
    return path


@pytest.fixture
def apart(images: Path, tmp_path: Path) -> DataConfig:
    """Examples to choose by: 57 of their own, one that is held out, and two trained on, one by another name."""
    for name in ("cat", "dog"):
        random_png(tmp_path / "test" / name / "1.png", ord(name[0]))
    for index in range(57):
        random_png(tmp_path / "validation" / ("cat", "dog")[index % 2] / f"{index}.png", 1000 + index)
    for name, source in (
        ("cat/held.png", tmp_path / "test" / "cat" / "1.png"),
        ("dog/known.png", images / "dog" / "03.png"),
        ("dog/other.png", images / "cat" / "04.png"),
    ):
        (tmp_path / "validation" / name).write_bytes(source.read_bytes())
    return DataConfig(
        DataFormat.IMAGE_FOLDER,
        str(images),
        held_out_uri=str(tmp_path / "test"),
        validation_uri=str(tmp_path / "validation"),
    )


@pytest.mark.parametrize("num_shards", [1, 3])
def test_examples_to_choose_by_are_a_split_that_training_gives_way_to(
    apart: DataConfig, tmp_path: Path, num_shards: int
) -> None:
    heard: list[Progress] = []
    with listening(heard.append):
        result = ingest(tmp_path / "out", dataclasses.replace(apart, num_shards=num_shards))
    sources = {split: {example.source for example in read_examples(result.folder / split)} for split in Split}
    assert {split: len(found) for split, found in sources.items()} == {"train": 58, "validation": 59, "held_out": 2}
    assert not {"dog/03.png", "cat/04.png"} & sources[Split.TRAIN]
    assert {"dog/known.png", "dog/other.png"} <= sources[Split.VALIDATION]
    assert "cat/held.png" not in sources[Split.VALIDATION]
    report = read_json(DataReport, result.folder / INGEST_REPORT_FILE)
    assert (report.num_train, report.num_validation, report.num_held_out) == (58, 59, 2)
    assert (report.num_labelled_left_out, report.num_validation_left_out) == (2, 1)
    assert report.class_counts.validation == (29, 30)
    assert (result.examples.num_validation, result.examples.num_held_out) == (59, 2)
    rows = [json.loads(line) for line in (result.folder / REPEATED_FILE).read_text().splitlines()]
    assert sorted((row["split"], row["source"], row["reason"]) for row in rows) == [
        ("train", "cat/04.png", "its content is in the validation split with label 'dog'"),
        ("train", "dog/03.png", "its content is in the validation split"),
        ("validation", "cat/held.png", "its content is held out"),
    ]
    said = [event.detail for event in heard if event.is_notice]
    assert "2 labelled examples left out of training: the content is held out, or to choose by" in said
    assert "1 validation example left out: the content is held out" in said
    merged = statistics_pb2.DatasetFeatureStatisticsList.FromString(
        (Path(result.statistics.uri) / STATISTICS_FILE).read_bytes()
    )
    assert [(dataset.name, dataset.num_examples) for dataset in merged.datasets] == [
        ("train", 60),
        ("validation", 60),
        ("held_out", 2),
    ]
    assert (Path(result.statistics.uri) / VALIDATION_ANOMALIES_FILE).exists()
    # Without them the other splits are as they were, but for what was left out.
    alone = ingest(tmp_path / "alone", dataclasses.replace(apart, validation_uri=None, num_shards=num_shards))
    assert alone.report["split_content_sha256"]["held_out"] == report.split_content_sha256.held_out
    assert alone.examples.num_train == 60
    assert not (alone.folder / Split.VALIDATION).exists()
    assert not (Path(alone.statistics.uri) / VALIDATION_ANOMALIES_FILE).exists()


def test_bad_records_and_other_classes_among_those_to_choose_by_are_told(apart: DataConfig, tmp_path: Path) -> None:
    folder = Path(apart.validation_uri or "")
    (folder / "cat" / "broken.png").write_bytes(b"no image")
    with pytest.raises(ConfigError, match=r"^data.max_bad_ratio: found 1 bad records of 123, .*cat/broken.png: "):
        ingest(tmp_path / "bad", dataclasses.replace(apart, max_bad_ratio=0.0))
    result = ingest(tmp_path / "out", apart)
    (row,) = [json.loads(line) for line in (result.folder / BAD_RECORDS_FILE).read_text().splitlines()]
    assert (row["field"], row["source"]) == ("data.validation_uri", "cat/broken.png")
    for path in sorted((folder / "dog").iterdir()):
        path.rename(folder / "cat" / f"dog_{path.name}")
    (folder / "dog").rmdir()
    heard: list[Progress] = []
    with listening(heard.append):
        ingest(tmp_path / "one", dataclasses.replace(apart, max_conflict_ratio=0.5))
    assert any("class 'dog' without an example to choose by" in event.detail for event in heard)
    random_png(folder / "owl" / "1.png", 5)
    with pytest.raises(ConfigError, match=r"^data.validation_uri: found class 'owl', accepted are the classes of data"):
        ingest(tmp_path / "owl", apart)


def test_too_few_to_choose_by_are_refused(apart: DataConfig, tmp_path: Path) -> None:
    for path in sorted(Path(apart.validation_uri or "").glob("*/1*.png")):
        path.unlink()
    message = r"^data.validation_uri: found 48 examples to choose by \(without 1 whose content is held out\), accepted"
    with pytest.raises(ConfigError, match=message):
        ingest(tmp_path / "out", apart)


LOSSES = {
    "rows": lambda element: isinstance(element, tuple),
    "a unit": lambda element: isinstance(element, TaggedOutput) and isinstance(element.value, UnitRead),
    "a bad record": lambda element: isinstance(element, TaggedOutput) and isinstance(element.value, BadRecordFound),
    "statistics": lambda element: isinstance(element, TaggedOutput) and element.tag == Split.TRAIN,
    "held-out content": lambda element: isinstance(element, TaggedOutput) and element.tag == "content",
}


@pytest.mark.parametrize("lost", LOSSES)
def test_a_runner_that_loses_something_fails_the_step_and_leaves_no_shard(
    images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lost: str
) -> None:
    (images / "cat" / "broken.png").write_bytes(b"no image")
    png(tmp_path / "test" / "cat" / "1.png", 7)
    data = DataConfig(
        format=DataFormat.IMAGE_FOLDER, uri=str(images), held_out_uri=str(tmp_path / "test"), max_bad_ratio=0.1
    )
    process = steps._Read.process
    losses = []

    def lossy(self: Any, numbered: Any) -> Iterator[Any]:
        for element in process(self, numbered):
            if not losses and LOSSES[lost](element):
                losses.append(element)
            else:
                yield element

    monkeypatch.setattr(steps._Read, "process", lossy)
    with pytest.raises(RecordsLostError, match=r"nothing of it was kept; run it again") as error:
        ingest(tmp_path / "out", data)
    assert "\n" not in str(error.value)
    assert len(losses) == 1
    assert [path.name for path in (tmp_path / "out" / "examples").iterdir()] == [BAD_RECORDS_FILE]
    assert list((tmp_path / "out" / "statistics").iterdir()) == []


@pytest.mark.end_to_end
def test_worker_processes_write_the_same_bytes(digits: Ingested, tmp_path: Path) -> None:
    # Workers that are processes import everything anew: the stand-in for tfx-bsl's SQL module must reach them.
    processes = BeamStepConfig(workers=2, worker_kind=WorkerKind.PROCESSES).arguments
    assert ingest(tmp_path, DataConfig(num_shards=2), beam_options=processes).digests() == digits.digests()


@pytest.fixture
def portable(tmp_path: Path) -> Iterator[BeamStepConfig]:
    """Beam's own job service, and a pool of workers, each a process of its own."""
    port_file, port = tmp_path / "port", free_port()
    service = [sys.executable, "-m", "apache_beam.runners.portability.local_job_service_main"]
    pool = [sys.executable, "-m", "components.beam_workers", "--port", str(port)]
    with (
        subprocess.Popen([*service, "--port_file", str(port_file)], stdout=subprocess.DEVNULL) as jobs,
        subprocess.Popen(pool, stdout=subprocess.PIPE, text=True) as workers,
    ):
        try:
            assert workers.stdout is not None
            assert f":{port}" in workers.stdout.readline()
            while not (port_file.exists() and port_file.read_text()):
                assert jobs.poll() is None
                time.sleep(0.1)
            yield BeamStepConfig(
                BeamRunner.PORTABLE,
                job_endpoint=f"localhost:{port_file.read_text().strip()}",
                worker_pool=f"localhost:{port}",
            )
        finally:
            jobs.terminate()
            workers.terminate()


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.mark.end_to_end
def test_workers_of_a_pool_behind_a_job_service_write_the_same_bytes(
    digits: Ingested, portable: BeamStepConfig, tmp_path: Path
) -> None:
    again = ingest(tmp_path, DataConfig(num_shards=2), beam_options=portable.arguments)
    assert again.digests() == digits.digests()
    assert again.report == digits.report

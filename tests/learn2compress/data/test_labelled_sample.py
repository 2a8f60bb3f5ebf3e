"""A few labelled examples of each class are read from shards, and not more shards than it takes."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from learn2compress.data.examples import encode_example, shard_path, write_shard
from learn2compress.data.labelled_sample import read_labelled_sample
from learn2compress.data.records import SourceError

SHAPE = (2, 2, 1)


def write(folder: Path, labels: list[int], text: bool = False) -> Path:
    """Two shards of examples whose pixels count them."""
    for shard, rows in enumerate(np.array_split(np.arange(len(labels)), 2)):
        records = [
            encode_example(
                int(row).to_bytes(4, "big"),
                labels[row],
                hashlib.sha256(bytes([row % 256])).hexdigest(),
                str(row),
                f"text {row}" if text else None,
            )
            for row in rows
        ]
        write_shard(shard_path(folder, shard, 2), records)
    return folder


def numbers(inputs: np.ndarray) -> list[int]:
    return [int.from_bytes(example.tobytes(), "big") for example in inputs]


def test_equally_many_of_each_class_are_read_without_unlabelled_ones(tmp_path: Path) -> None:
    labels = [-1, 0, 0, 0, 1, -1, 0, 1, 1, 2, 2, 2]
    sample = read_labelled_sample(write(tmp_path, labels), SHAPE, 3, 6)
    assert sample.inputs.dtype == np.uint8
    assert numbers(sample.inputs) == [1, 2, 4, 7, 9, 10]
    assert sample.labels.tolist() == [0, 0, 1, 1, 2, 2]
    assert (len(sample), sample.texts) == (6, [])


def test_a_part_keeps_inputs_labels_and_texts_together(tmp_path: Path) -> None:
    folder = write(tmp_path, [0, 1, 0, 1, 1, 0], text=True)
    sample = read_labelled_sample(folder, SHAPE, 2, 6, with_texts=True).rows(slice(None, None, 2))
    assert (numbers(sample.inputs), sample.labels.tolist()) == ([0, 2, 4], [0, 0, 1])
    assert sample.texts == [b"text 0", b"text 2", b"text 4"]


def test_a_rare_class_has_as_many_as_a_bounded_reading_finds(tmp_path: Path) -> None:
    labels = [0] * 400
    labels[50], labels[70], labels[390] = 1, 1, 1
    found = read_labelled_sample(write(tmp_path, labels), SHAPE, 2, 10)
    assert numbers(found.inputs)[-2:] == [50, 70]
    assert found.labels.tolist() == [0] * 5 + [1] * 2


def test_without_labels_it_is_empty(tmp_path: Path) -> None:
    sample = read_labelled_sample(write(tmp_path, [-1, -1, -1]), SHAPE, 2, 10)
    assert (len(sample), sample.inputs.shape) == (0, (0, 2, 2, 1))


def test_a_missing_folder_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="has no shard"):
        read_labelled_sample(tmp_path, SHAPE, 2, 10)

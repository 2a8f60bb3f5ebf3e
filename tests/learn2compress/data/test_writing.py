"""Reading in one process ends with what `Ingest` writes; `tests/components/test_ingest.py` holds the two together."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from learn2compress import progress
from learn2compress.config import DataConfig, DataFormat, TaskConfig
from learn2compress.config.parsing import ConfigError
from learn2compress.data.examples import read_examples
from learn2compress.data.records import Split
from learn2compress.data.sources import plan
from learn2compress.data.writing import write_examples
from learn2compress.results.data import DataReport
from learn2compress.results.reports import read_json

TASK = TaskConfig(input_shape=(4, 4, 1))


def saved(folder: Path, count: int = 60, bad: int = 0) -> DataConfig:
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (count, 4, 4), np.uint8).astype(np.int64)
    images[:bad] = 999
    np.savez(folder / "data.npz", x=images, y=np.arange(count) % 3)
    return DataConfig(DataFormat.NPZ, str(folder / "data.npz"))


def test_every_example_is_in_one_split(tmp_path: Path) -> None:
    data = saved(tmp_path)
    report = write_examples(plan(data, TASK), data, TASK, tmp_path / "examples")
    stored = [
        example for split in (Split.TRAIN, Split.HELD_OUT) for example in read_examples(tmp_path / "examples" / split)
    ]
    assert len(stored) == report.num_train + report.num_held_out == 60
    assert report.labels == ("0", "1", "2")
    assert read_json(DataReport, tmp_path / "examples" / "ingest.json") == report
    assert (tmp_path / "examples" / "labels.txt").read_text() == "0\n1\n2\n"


def test_more_shards_hold_the_same_content(tmp_path: Path) -> None:
    data = saved(tmp_path)
    import dataclasses

    one = write_examples(plan(data, TASK), data, TASK, tmp_path / "one")
    several = dataclasses.replace(data, num_shards=3)
    three = write_examples(plan(several, TASK), several, TASK, tmp_path / "three")
    assert one == three
    assert len(list((tmp_path / "three" / "train").glob("*.tfrecord.gz"))) == 3


def test_bad_records_are_counted_told_and_refused_where_they_are_many(tmp_path: Path) -> None:
    data = saved(tmp_path, bad=1)
    heard: list[progress.Progress] = []
    with progress.listening(heard.append):
        report = write_examples(plan(data, TASK), data, TASK, tmp_path / "examples")
    assert report.num_bad == 1
    assert [said.detail for said in heard if said.is_notice and "1 bad records are left out" in said.detail]
    data = saved(tmp_path, bad=9)
    with pytest.raises(ConfigError, match="max_bad_ratio: found 9 bad records of 60"):
        write_examples(plan(data, TASK), data, TASK, tmp_path / "again")


def test_a_class_that_is_not_held_out_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "data.npz", x=np.arange(5 * 16, dtype=np.uint8).reshape(5, 4, 4), y=np.arange(5))
    data = DataConfig(DataFormat.NPZ, str(tmp_path / "data.npz"), held_out_ratio=0.5)
    with pytest.raises(ConfigError, match="data"):
        write_examples(plan(data, TASK), data, TASK, tmp_path / "examples")

"""A whole source in memory: the good labelled records of both splits, in the order in which they are stored."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest

from learn2compress.config import CompressionConfig, DataConfig, DataFormat, StudentConfig, TeacherConfig
from learn2compress.config.parsing import ConfigError
from learn2compress.data.reading import read_records
from learn2compress.data.records import Split

Png = Callable[[int], bytes]


def config(classes: Path, **data: object) -> CompressionConfig:
    where = DataConfig(format=DataFormat.IMAGE_FOLDER, uri=str(classes), **data)  # type: ignore[arg-type]
    return CompressionConfig("x", TeacherConfig("t.keras"), (StudentConfig("s", 1),), data=where)


def test_unlabelled_and_bad_records_are_left_out(classes: Path, pool: Path) -> None:
    (classes / "a" / "broken.png").write_bytes(b"no image")
    (classes / "a" / "notes.txt").write_text("a note")
    records, names = read_records(config(classes, unlabelled_uri=str(pool)))
    assert names == ("a", "b")
    sources = sorted(record.source for rows in records.values() for record in rows)
    assert sources == ["a/0.png", "a/1.png", "b/0.png", "b/1.png"]
    for rows in records.values():
        digests = [record.content_sha256 for record in rows]
        assert digests == sorted(digests)


def test_what_is_held_out_is_not_trained_on(classes: Path, tmp_path: Path, png: Png) -> None:
    (tmp_path / "test" / "a").mkdir(parents=True)
    (tmp_path / "test" / "a" / "new.png").write_bytes(png(9))
    (tmp_path / "test" / "a" / "known.png").write_bytes((classes / "b" / "1.png").read_bytes())
    records, _ = read_records(config(classes, held_out_uri=str(tmp_path / "test")))
    found = {split: {record.source for record in rows} for split, rows in records.items()}
    assert found == {
        Split.TRAIN: {"a/0.png", "a/1.png", "b/0.png"},
        Split.HELD_OUT: {"a/known.png", "a/new.png"},
    }


def test_a_source_that_can_not_be_read_is_told(classes: Path, tmp_path: Path) -> None:
    whole = config(classes)
    gone = dataclasses.replace(whole, data=dataclasses.replace(whole.data, uri=str(tmp_path / "missing")))
    with pytest.raises(ConfigError, match=r"^data.uri: found nothing at "):
        read_records(gone)


def test_the_records_that_there_are_to_be_are_counted(classes: Path, pool: Path) -> None:
    (classes / "a" / "notes.txt").write_text("a note")
    read_records(config(classes, unlabelled_uri=str(pool), num_records=5))
    with pytest.raises(ConfigError, match=r"^data.num_records: found 5 labelled records, accepted is the 6 that it"):
        read_records(config(classes, unlabelled_uri=str(pool), num_records=6))


def test_examples_to_choose_by_are_not_trained_on(classes: Path, tmp_path: Path, png: Png) -> None:
    (tmp_path / "val" / "a").mkdir(parents=True)
    (tmp_path / "val" / "a" / "new.png").write_bytes(png(9))
    (tmp_path / "val" / "a" / "known.png").write_bytes((classes / "a" / "1.png").read_bytes())
    (tmp_path / "test" / "a").mkdir(parents=True)
    (tmp_path / "test" / "a" / "held.png").write_bytes(png(9))
    apart = {"held_out_uri": str(tmp_path / "test"), "validation_uri": str(tmp_path / "val")}
    records, _ = read_records(config(classes, **apart))
    assert {split: {record.source for record in rows} for split, rows in records.items()} == {
        Split.TRAIN: {"a/0.png", "b/0.png", "b/1.png"},
        Split.VALIDATION: {"a/known.png"},
        Split.HELD_OUT: {"a/held.png"},
    }

"""The fingerprint follows names and content, and no time; remote files are known by what their store says."""

from __future__ import annotations

import dataclasses
import os
import shutil
import struct
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from learn2compress.config import DataConfig, DataFormat
from learn2compress.config.parsing import ConfigError
from learn2compress.data.file_digests import FileDigests
from learn2compress.data.fingerprint import source_fingerprint

Png = Callable[[int], bytes]


def images(uri: object, held_out: object = None, unlabelled: object = None) -> DataConfig:
    held_out_uri, unlabelled_uri = (None if place is None else str(place) for place in (held_out, unlabelled))
    return DataConfig(
        format=DataFormat.IMAGE_FOLDER, uri=str(uri), held_out_uri=held_out_uri, unlabelled_uri=unlabelled_uri
    )


@pytest.fixture
def remembered(tmp_path: Path) -> Callable[[], FileDigests]:
    """Opens the same memory anew, as another run does; it takes files as settled that were written just now."""
    return lambda: FileDigests(tmp_path / "runs" / "digests.sqlite", settled_ns=0)


def test_it_follows_the_files(classes: Path, png: Png) -> None:
    data = images(classes)
    before = source_fingerprint(data)
    assert source_fingerprint(data) == before
    assert source_fingerprint(DataConfig()) == source_fingerprint(DataConfig())
    (classes / "a" / "0.png").write_bytes(png(200) + b"x")
    changed = source_fingerprint(data)
    assert changed != before
    (classes / "a" / "2.png").write_bytes(png(7))
    assert source_fingerprint(data) != changed
    with pytest.raises(ConfigError, match=r"data.uri: found nothing"):
        source_fingerprint(images(classes / "missing"))


def test_times_decide_nothing(classes: Path, remembered: Callable[[], FileDigests]) -> None:
    data = images(classes)
    before = source_fingerprint(data, remembered())
    for path in (classes, classes / "a", classes / "a" / "0.png"):
        path.touch()
    copy = classes / "a" / "copied"
    shutil.copy(classes / "a" / "0.png", copy)  # another inode
    copy.rename(classes / "a" / "0.png")
    assert source_fingerprint(data, remembered()) == before == source_fingerprint(data)


def test_other_bytes_of_the_same_size_and_time_are_other_data(
    classes: Path, png: Png, remembered: Callable[[], FileDigests]
) -> None:
    data, path = images(classes), classes / "a" / "0.png"
    path.write_bytes(b"A" * 50)
    first = remembered()
    before, status = source_fingerprint(data, first), path.stat()
    again = remembered()
    assert source_fingerprint(data, again) == before
    assert (first.num_hashed, again.num_hashed) == (4, 0)
    time.sleep(0.05)  # a file system's clock has steps
    path.write_bytes(b"B" * 50)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (status.st_size, status.st_mtime_ns)
    assert source_fingerprint(data, remembered()) != before


def test_the_held_out_and_the_unlabelled_data_count_by_content_too(
    classes: Path, pool: Path, remembered: Callable[[], FileDigests]
) -> None:
    data = images(classes, held_out=classes, unlabelled=pool)
    before = source_fingerprint(data, remembered())
    nested = pool / "deep" / "er" / "1.jpg"
    status, content = nested.stat(), nested.read_bytes()
    nested.touch()
    assert source_fingerprint(data, remembered()) == before
    time.sleep(0.05)
    nested.write_bytes(content[::-1])
    os.utime(nested, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert source_fingerprint(data, remembered()) != before
    assert source_fingerprint(images(classes, unlabelled=pool)) != source_fingerprint(images(classes, held_out=pool))


def test_an_images_file_has_its_labels_with_it(tmp_path: Path) -> None:
    path, labels = tmp_path / "train-images-idx3-ubyte", tmp_path / "train-labels-idx1-ubyte"
    path.write_bytes(struct.pack(">HBB3I", 0, 8, 3, 2, 8, 8) + bytes(128))
    labels.write_bytes(struct.pack(">HBBI", 0, 8, 1, 2) + bytes([0, 1]))
    data = DataConfig(format=DataFormat.IDX, uri=str(path))
    before = source_fingerprint(data)
    labels.write_bytes(struct.pack(">HBBI", 0, 8, 1, 2) + bytes([1, 0]))
    assert source_fingerprint(data) != before


def test_it_follows_nested_images(classes: Path, pool: Path, png: Png) -> None:
    without = source_fingerprint(images(classes))
    data = images(classes, unlabelled=pool)
    before = source_fingerprint(data)
    deep = source_fingerprint(images(classes, unlabelled=pool / "deep"))
    assert before not in (without, deep)
    assert source_fingerprint(data) == before
    (pool / "deep" / "er" / "9.png").write_bytes(png(9))
    assert source_fingerprint(data) != before


def test_what_is_not_read_is_not_opened(classes: Path, tmp_path: Path) -> None:
    os.mkfifo(classes / "a" / "pipe.png")  # opening it would wait for a writer
    os.symlink(tmp_path, classes / "a" / "outside.png")
    before = source_fingerprint(images(classes))
    (tmp_path / "unrelated").write_text("x")
    assert source_fingerprint(images(classes)) == before


def test_it_follows_remote_images(png: Png) -> None:
    memory = fsspec.filesystem("memory")
    memory.pipe({"/remote/x/1.png": png(1), "/remote/y/2.png": png(2), "/afar/p/q/1.png": png(2)})
    data = images("memory://remote", unlabelled="memory://afar")
    found = [source_fingerprint(data)]
    for path in ("/remote/y/2.png", "/afar/p/q/1.png"):
        memory.pipe(path, png(3))
        found.append(source_fingerprint(data))
    assert len(set(found)) == 3


def test_a_store_s_checksum_stands_for_the_content_and_without_one_the_content_is_read(
    monkeypatch: pytest.MonkeyPatch, png: Png
) -> None:
    memory = fsspec.filesystem("memory")
    memory.pipe("/store/x/1.png", png(1))
    data, said = images("memory://store"), {"md5Hash": "one", "updated": "monday"}
    listing = MemoryFileSystem.ls

    def ls(self: Any, path: str, detail: bool = True, **options: Any) -> Any:
        found = listing(self, path, detail=True, **options)
        return [{key: info[key] for key in ("name", "size", "type")} | said for info in found]

    def info(self: Any, path: str, **options: Any) -> Any:
        return next(entry for entry in ls(self, path.rpartition("/")[0]) if entry["name"] == path)

    monkeypatch.setattr(MemoryFileSystem, "ls", ls)
    monkeypatch.setattr(MemoryFileSystem, "info", info)
    before = source_fingerprint(data)
    said["updated"] = "tuesday"
    assert source_fingerprint(data) == before
    said["md5Hash"] = "two"
    assert source_fingerprint(data) != before
    said.clear()
    unknown = source_fingerprint(data)
    memory.pipe("/store/x/1.png", png(1))
    assert source_fingerprint(data) == unknown
    memory.pipe("/store/x/1.png", png(2))
    assert source_fingerprint(data) != unknown


@pytest.mark.parametrize("name", ["labels.txt", "dataset_info.json", "train.tfrecord.idx"])
def test_what_lies_beside_records_and_is_read_counts_too(tmp_path: Path, name: str) -> None:
    (tmp_path / "train.tfrecord").write_bytes(b"records")
    (tmp_path / "notes.md").write_text("not read")
    data = DataConfig(format=DataFormat.TFRECORD, uri=str(tmp_path / "*.tfrecord"))
    before = source_fingerprint(data)
    (tmp_path / "notes.md").write_text("not read, either")
    assert source_fingerprint(data) == before
    (tmp_path / name).write_text("0:cat\n1:dog\n")
    first = source_fingerprint(data)
    (tmp_path / name).write_text("0:dog\n1:cat\n")
    assert len({before, first, source_fingerprint(data)}) == 3


def test_examples_to_choose_by_are_of_the_fingerprint(tmp_path: Path) -> None:
    for name in ("a", "v"):
        (tmp_path / f"{name}.tsv").write_text("x\tone\n")
    data = DataConfig(DataFormat.TSV, str(tmp_path / "a.tsv"), validation_uri=str(tmp_path / "v.tsv"))
    first = source_fingerprint(data)
    assert first != source_fingerprint(dataclasses.replace(data, validation_uri=None))
    (tmp_path / "v.tsv").write_text("x\ttwo\n")
    assert source_fingerprint(data) != first

"""What a benchmark finds again was made by the same code from the same data."""

from __future__ import annotations

import importlib
import json
import shutil
import subprocess
from pathlib import Path
from types import ModuleType

import pytest

from learn2compress.config import (
    CompressionConfig,
    DataConfig,
    DataFormat,
    StudentConfig,
    TaskConfig,
    TaskKind,
    TeacherConfig,
)

BENCHMARKS = Path(__file__).parent


@pytest.fixture
def prepared(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ModuleType:
    """The module, with a copy of the library whose sources a test may change."""
    monkeypatch.syspath_prepend(BENCHMARKS)
    module = importlib.import_module("prepared")
    copy = shutil.copytree(module.LIBRARY, tmp_path / "learn2compress", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(module, "LIBRARY", copy)
    return module


def change(path: Path) -> None:
    path.write_text(path.read_text(encoding="utf-8") + "# another line\n", encoding="utf-8")


def test_a_hash_of_sources_covers_the_packages_that_are_named(prepared: ModuleType) -> None:
    def hashes() -> list[str]:
        return [prepared.sources_sha256(*rooms) for rooms in ((), ("data",), ("data", "teachers"))]

    first = hashes()
    assert len(set(first)) == 3
    change(prepared.LIBRARY / "pruning" / "masks.py")
    second = hashes()
    assert [one != two for one, two in zip(first, second, strict=True)] == [True, False, False]
    (prepared.LIBRARY / "data" / "idx.py").rename(prepared.LIBRARY / "data" / "other.py")
    third = hashes()
    assert [one != two for one, two in zip(second, third, strict=True)] == [True, True, True]


def test_examples_are_found_again_until_the_code_that_reads_them_changes(prepared: ModuleType, tmp_path: Path) -> None:
    config = CompressionConfig("digits", TeacherConfig("teacher.keras"), (StudentConfig("small"),))
    made = prepared.prepare_examples(config, tmp_path / "work", 100)
    assert made.num_train == 100
    assert prepared.prepare_examples(config, tmp_path / "work", 100) == made
    change(prepared.LIBRARY / "pruning" / "masks.py")
    assert prepared.prepare_examples(config, tmp_path / "work", 100).folder == made.folder
    change(prepared.LIBRARY / "data" / "reading.py")
    assert prepared.prepare_examples(config, tmp_path / "work", 100).folder != made.folder


def test_examples_and_teachers_are_told_apart_by_their_content(prepared: ModuleType, tmp_path: Path) -> None:
    teacher, data = tmp_path / "teacher.keras", tmp_path / "data.csv"
    teacher.write_bytes(b"one")
    data.write_text("label,text\n" + "".join(f"{'ab'[i % 2]},say {i}\n" for i in range(40)), encoding="utf-8")
    config = CompressionConfig(
        "texts",
        TeacherConfig(str(teacher)),
        (StudentConfig("small"),),
        task=TaskConfig(TaskKind.TEXT, (16,)),
        data=DataConfig(DataFormat.CSV, str(data), held_out_ratio=0.2),
    )
    before = prepared.teacher_sha256(config), prepared.prepare_examples(config, tmp_path / "work")
    assert (prepared.teacher_sha256(config), prepared.prepare_examples(config, tmp_path / "work")) == before
    assert before[1].class_names == ("a", "b")

    teacher.write_bytes(b"two")
    data.write_text(data.read_text(encoding="utf-8") + "c,say more\n", encoding="utf-8")
    after = prepared.prepare_examples(config, tmp_path / "work")
    assert prepared.teacher_sha256(config) != before[0]
    assert after.class_names == ("a", "b", "c")


def test_an_answer_of_a_peer_does_not_outlive_a_change_in_the_library(prepared: ModuleType, tmp_path: Path) -> None:
    peers = importlib.import_module("peers")
    config = tmp_path / "config.yaml"
    config.write_text("name: a\n")
    before = peers.request_sha256(config)
    assert peers.request_sha256(config) == before
    assert peers.request_sha256(config, "another teacher") != before
    output = tmp_path / "output"
    output.mkdir()
    request = {"sha256": before, "output": str(output)}
    (output / "request.json").write_text(json.dumps(request, indent=2, sort_keys=True))
    (output / "answer.json").write_text('{"ours": {"epochs": 3}}')
    assert peers.run("no_such_recipe", {"sha256": before}, output) == {"ours": {"epochs": 3}}

    change(prepared.LIBRARY / "training" / "loop.py")
    after = peers.request_sha256(config)
    assert after != before
    with pytest.raises(subprocess.CalledProcessError):
        peers.run("no_such_recipe", {"sha256": after}, output)
    assert not (output / "answer.json").exists()

"""Where a file on this machine stands in a pushed version, and whether a version holds a model."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from learn2compress.config.parsing import ConfigError
from learn2compress.release.push_content import format_sums
from pipelines.lineage.pushes import PlacedFile, has_pushed, placed_file


@pytest.fixture
def version(tmp_path: Path) -> Path:
    folder = tmp_path / "versions" / "3"
    (folder / "small").mkdir(parents=True)
    files = {"family.json": b"{}", "small/small.tflite": b"TFL3", "small/labels.txt": b"cat"}
    for path, content in files.items():
        (folder / path).write_bytes(content)
    sums = {path: hashlib.sha256(content).hexdigest() for path, content in files.items()}
    (folder / "SHA256SUMS").write_bytes(format_sums(sums))
    return folder


@pytest.mark.parametrize(
    ("asked", "path", "student"),
    [
        ("small/labels.txt", "small/labels.txt", "small"),
        ("small", "small", "small"),
        ("family.json", "family.json", ""),
        ("", "", ""),
    ],
)
def test_a_file_is_placed_in_its_version(version: Path, asked: str, path: str, student: str) -> None:
    place = placed_file(version / asked)
    assert place is not None
    assert (place.folder, place.path, place.student) == (version, path, student)


def test_what_is_not_listed_is_no_pushed_file(version: Path, tmp_path: Path) -> None:
    (version / "small" / "notes.txt").write_text("mine")
    (version / "mine").mkdir()
    assert placed_file(version / "small" / "notes.txt") is None
    assert placed_file(version / "mine") is None
    assert placed_file(tmp_path) is None


def test_sums_that_are_a_pipe_are_not_waited_for(tmp_path: Path) -> None:
    (tmp_path / "small.tflite").write_bytes(b"TFL3")
    os.mkfifo(tmp_path / "SHA256SUMS")
    assert placed_file(tmp_path / "small.tflite") is None


def test_a_changed_file_is_refused(version: Path) -> None:
    (version / "small" / "small.tflite").write_bytes(b"TFL4")
    with pytest.raises(ConfigError, match="was changed after it was pushed"):
        placed_file(version / "small" / "small.tflite")


def test_a_version_holds_the_models_that_it_names() -> None:
    model = {"student": "small", "model_sha256": "ab"}
    assert has_pushed({"destination": "/v/1", "sha256.small": "ab"}, model)
    assert not has_pushed({"destination": "/v/1", "sha256.large": "ab"}, model)
    assert not has_pushed({"destination": "", "sha256.small": "ab"}, model)
    assert not has_pushed({"destination": "/v/1"}, {})
    assert PlacedFile(Path("/v/1"), "large/labels.txt", {"small/small.tflite": "ab"}).student == ""

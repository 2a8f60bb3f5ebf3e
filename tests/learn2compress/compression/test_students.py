from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from learn2compress.compression.students import write_whole
from learn2compress.config.parsing import ConfigError
from learn2compress.results.reports import Verdict


def test_save_writes_the_file(family: Any, tmp_path: Path) -> None:
    student = replace(family["small"], verdict=Verdict("small", True, True))
    student.save(tmp_path / "small.tflite")
    assert (tmp_path / "small.tflite").read_bytes() == student.content
    assert list(tmp_path.iterdir()) == [tmp_path / "small.tflite"]


def test_a_refused_student_is_saved_on_request_alone(family: Any, tmp_path: Path) -> None:
    refused = replace(family["small"], verdict=Verdict("small", False, False, ("it is too slow",)))
    with pytest.raises(ConfigError, match="small: was refused: it is too slow; save"):
        refused.save(tmp_path / "small.tflite")
    assert not list(tmp_path.iterdir())
    refused.save(tmp_path / "small.tflite", accept_refused=True)
    assert (tmp_path / "small.tflite").read_bytes() == refused.content


def test_a_file_that_can_not_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="can't be written"):
        write_whole(tmp_path / "nowhere" / "small.tflite", b"new")
    folder = tmp_path / "small.tflite"
    folder.mkdir()
    with pytest.raises(ConfigError, match="can't be written"):
        write_whole(folder, b"new")
    assert list(tmp_path.iterdir()) == [folder]


@pytest.mark.parametrize("path", ["", " ", ".", "/", "..", "a/..", "a\0b", "~nosuchuser/x", 5, None, b"small.tflite"])
def test_what_is_no_path_of_a_file_is_refused(path: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=r"^path: found .*accepted is the path of a file to write"):
        write_whole(path, b"new")
    assert not list(tmp_path.iterdir())


def test_figures_are_those_that_were_measured(family: Any) -> None:
    student = family["small"]
    assert student.accuracy == student.report.accuracy.top_1
    assert student.model.output_shape == (None, 3)
    assert f"{student.model_bytes:,} bytes" in repr(student)

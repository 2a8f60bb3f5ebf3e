"""A folder of runs belongs to one run at a time."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from learn2compress.config.parsing import ConfigError
from pipelines.run_root import RunRoot


def test_the_folder_is_made_and_let_go_again(tmp_path: Path) -> None:
    root = RunRoot(tmp_path / "a" / "runs")
    for _ in range(2):
        with root.locked():
            assert {path.name for path in root.folder.iterdir()} == {"artifacts", "checkpoints", "logs", "lock"}


def test_a_second_run_is_kept_out(tmp_path: Path) -> None:
    with RunRoot(tmp_path).locked(), pytest.raises(ConfigError, match="another run is using it"):
        RunRoot(tmp_path).locked().__enter__()


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match=r"^--root: .*/file/runs can't be written: Not a directory$"):
        RunRoot(tmp_path / "file" / "runs").locked().__enter__()


def test_a_run_is_there_as_long_as_its_process(tmp_path: Path) -> None:
    root = RunRoot(tmp_path / "runs")
    assert root.running_since() is None
    before = time.time()
    with root.locked():
        since = root.running_since()
        assert since is not None
        assert before - 1 <= since <= time.time() + 1
        with pytest.raises(ConfigError), root.locked():
            pass
        assert root.running_since() == since
        assert root.lock.read_text() == f"{os.getpid()}\n"
    assert root.running_since() is None

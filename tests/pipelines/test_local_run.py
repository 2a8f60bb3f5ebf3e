"""A run looks at its inputs before anything is imported or written; whole runs are in `test_end_to_end.py`."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from learn2compress.config import CompressionConfig, PushConfig, StudentConfig, TeacherConfig
from learn2compress.config.parsing import ConfigError
from pipelines.local_run import RunRequest, new_log_file, start_run
from pipelines.run_root import RunRoot


def never(_: object) -> None:
    pytest.fail("found a step that ran")


def test_an_input_that_is_missing_is_told_before_a_step_runs(tmp_path: Path) -> None:
    teacher = TeacherConfig(f"{tmp_path}/none.keras")
    config = CompressionConfig(
        name="little",
        teacher=teacher,
        students=(StudentConfig("small", 1),),
        push=PushConfig(uri=f"{tmp_path}/pushed"),
    )
    with pytest.raises(ConfigError, match=r"none\.keras"):
        start_run(RunRequest(config, RunRoot(tmp_path / "runs")), never, never)
    assert list(tmp_path.iterdir()) == []


def test_a_log_is_named_by_configuration_and_time(tmp_path: Path) -> None:
    path = new_log_file(RunRoot(tmp_path), "little")
    assert path.parent == tmp_path / "logs"
    assert re.fullmatch(r"little-\d{8}T\d{6}\.log", path.name)

"""A run looks at its inputs before anything is imported or written; whole runs are in `test_end_to_end.py`."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from learn2compress.config import (
    CompressionConfig,
    DataConfig,
    DataFormat,
    PushConfig,
    StudentConfig,
    TaskConfig,
    TaskKind,
    TeacherConfig,
)
from learn2compress.config.parsing import ConfigError
from learn2compress.data.fingerprint import source_fingerprint
from learn2compress.progress import Progress, listening
from pipelines.local_run import RunRequest, new_log_file, start_run, tell_changed_data
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
    told: list[Progress] = []
    with pytest.raises(ConfigError, match=r"none\.keras"):
        start_run(RunRequest(config, RunRoot(tmp_path / "runs")), never, told.append)
    assert list(tmp_path.iterdir()) == []
    assert [progress.work for progress in told][:1] == ["check the data"]


def test_data_that_change_while_a_run_goes_on_are_told(tmp_path: Path) -> None:
    data = tmp_path / "data.tsv"
    data.write_text("a\tone\nb\ttwo\n")
    config = CompressionConfig(
        name="little",
        task=TaskConfig(kind=TaskKind.TEXT, input_shape=(64,)),
        data=DataConfig(format=DataFormat.TSV, uri=str(data)),
        teacher=TeacherConfig("teacher.keras"),
        students=(StudentConfig("small", 1),),
    )
    request = RunRequest(config, RunRoot(tmp_path / "runs"))
    heard: list[Progress] = []
    before = source_fingerprint(config.data)
    with listening(heard.append):
        data.touch()
        tell_changed_data(request, before)
        assert heard == []
        data.write_text("a\tone\nb\twho\n")
        tell_changed_data(request, before)
        data.unlink()
        tell_changed_data(request, before)
    (told,) = heard
    assert told.is_notice
    assert told.detail.startswith("the data changed while this run went on")


def test_a_log_is_named_by_configuration_and_time(tmp_path: Path) -> None:
    path = new_log_file(RunRoot(tmp_path), "little")
    assert path.parent == tmp_path / "logs"
    assert re.fullmatch(r"little-\d{8}T\d{6}\.log", path.name)

"""The fingerprint of a scheduled run is that of the data as they are, whatever they were when it was scheduled."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.parameters import exec_properties_of
from learn2compress.config import DataConfig, DataFormat
from learn2compress.config.parsing import ConfigError
from learn2compress.data.fingerprint import source_fingerprint
from pipelines.kubeflow.container.data_fingerprint import Executor


def fingerprint_of(data: DataConfig) -> str:
    executor = Executor()
    executor.Do({}, {}, exec_properties_of(data))
    return executor.output_parameters["data_fingerprint"]


def test_it_is_that_of_the_library_and_follows_the_data(tmp_path: Path) -> None:
    data = DataConfig(format=DataFormat.IMAGE_FOLDER, uri=str(tmp_path))
    (tmp_path / "rose").mkdir()
    (tmp_path / "rose" / "1.png").write_bytes(b"one")
    before = fingerprint_of(data)
    assert before == source_fingerprint(data)
    (tmp_path / "rose" / "2.png").write_bytes(b"two")
    assert fingerprint_of(data) != before


def test_data_that_are_gone_are_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no-such-folder"):
        fingerprint_of(DataConfig(format=DataFormat.IMAGE_FOLDER, uri=str(tmp_path / "no-such-folder")))

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from learn2compress.config import DeviceConfig, EvaluateConfig
from learn2compress.config.parsing import ConfigError
from learn2compress.litert.benchmark import benchmark_file
from learn2compress.litert.flatbuffer import ModelFileError

CONFIG = EvaluateConfig(latency_rounds=3, latency_runs=1)


def test_a_file_is_timed_on_this_machine(models: Any, tmp_path: Path) -> None:
    path = tmp_path / "small.tflite"
    path.write_bytes(models.int8)
    found = benchmark_file(path, CONFIG, None, "--adb")
    assert (found.name, found.model_bytes) == ("small.tflite", len(models.int8))
    assert found.model_sha256 == hashlib.sha256(models.int8).hexdigest()
    assert found.latency is not None
    assert found.latency.time_ms > 0
    assert found.latency.teacher_ratio == 1.0
    assert found.device_latency is None


def test_what_is_no_model_goes_to_no_phone(tmp_path: Path) -> None:
    (tmp_path / "small.tflite").write_bytes(b"something else, and long enough")
    with pytest.raises(ModelFileError, match=r"small\.tflite: model: found 31 bytes"):
        benchmark_file(tmp_path / "small.tflite", CONFIG, DeviceConfig("phone-1", "nowhere"), "--adb")


def test_the_field_that_a_person_wrote_is_named(models: Any, tmp_path: Path) -> None:
    (tmp_path / "small.tflite").write_bytes(models.int8)
    with pytest.raises(ConfigError, match=r"^--adb: found no file nowhere"):
        benchmark_file(tmp_path / "small.tflite", CONFIG, DeviceConfig("phone-1", "nowhere"), "--adb")

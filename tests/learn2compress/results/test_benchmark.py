from __future__ import annotations

from pathlib import Path

from learn2compress.results.benchmark import FileBenchmark
from learn2compress.results.measurements import DeviceLatency
from learn2compress.results.reports import read_json, write_json


def test_what_was_measured_is_read_as_it_was_written(tmp_path: Path) -> None:
    said = DeviceLatency("Phone 9", 1, 50, 12.0, 87.1, 64.5, 51.9, None, 49.0, 68.5)
    benchmark = FileBenchmark("small.tflite", "0" * 64, 11_904, device_latency=said)
    write_json(tmp_path / "small.json", benchmark)
    assert read_json(FileBenchmark, tmp_path / "small.json") == benchmark

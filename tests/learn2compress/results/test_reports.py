from __future__ import annotations

import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from learn2compress.results.latency import Clock, Latency, MachineLoad, ThreadLatency
from learn2compress.results.reports import Accuracy, EpochRecord, ModelReport, json_bytes, read_json, write_json

LATENCY = Latency(2.0, 3.0, 1.5, 0.5, 0.4, 0.6, 1, "a processor", Clock.CPU, 1.2, 1.3, 1.9, 1.4, MachineLoad(0.5, 3))
ACCURACY = Accuracy(20, 0.7, 0.5, 0.9, 3, None, (), ())
REPORT = ModelReport(
    "small", "0" * 64, 1000, 800, 900, 450, 5000, {"ADD": 1}, "uint8", "uint8", ACCURACY, LATENCY, 10_000,
    thread_latencies=(ThreadLatency(2, 2.0, 3.0, 1.0, MachineLoad(0.5)),),
)  # fmt: skip
LATER = ("clock", "fastest_ms", "fastest_high_ms", "cpu_median_ms", "cpu_min_ms", "load")


def test_a_report_is_read_as_it_was_written(tmp_path: Path) -> None:
    write_json(tmp_path / "report.json", REPORT)
    assert read_json(ModelReport, tmp_path / "report.json") == REPORT
    write_json(tmp_path / "history.json", (EpochRecord("train", 1, 2.0, 0.4),))
    assert read_json(tuple[EpochRecord, ...], tmp_path / "history.json") == (EpochRecord("train", 1, 2.0, 0.4),)


def test_the_same_result_has_the_same_bytes() -> None:
    assert json_bytes({"b": 1, "a": REPORT}) == json_bytes({"a": REPORT, "b": 1})
    assert json_bytes(REPORT).endswith(b"}\n")


def test_a_report_of_an_older_version_is_read(tmp_path: Path) -> None:
    written = json.loads(json_bytes(REPORT))
    for one in (written["latency"], *written["thread_latencies"]):
        for name in LATER:
            one.pop(name, None)
    (tmp_path / "report.json").write_text(json.dumps(written), encoding="utf-8")

    found = read_json(ModelReport, tmp_path / "report.json")

    assert (found.latency.time_ms, found.latency.clock, found.latency.load) == (2.0, Clock.WALL, None)
    assert found.thread_latencies[0].time_ms == 2.0
    assert found.accuracy == ACCURACY


def test_a_file_that_is_no_report_is_refused(tmp_path: Path) -> None:
    (tmp_path / "report.json").write_text('{"name": "small"}', encoding="utf-8")
    with pytest.raises(ValidationError, match="model_bytes"):
        read_json(ModelReport, tmp_path / "report.json")

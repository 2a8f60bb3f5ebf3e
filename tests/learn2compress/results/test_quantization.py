"""What quantization.json holds survives being written and read, and says where a file deviates most."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from learn2compress.results.quantization import (
    Candidate,
    LayerPrecisionSensitivity,
    QuantizationReport,
    TensorDeviation,
)
from learn2compress.results.reports import read_json, write_json

REPORT = QuantizationReport(
    recipe="mixed",
    shipped="mixed",
    reason="named by the configuration",
    num_examples=100,
    candidates=(Candidate("float32", 0.9, 4000), Candidate("mixed", 0.9, 1000, kept_back_top_1=0.8)),
    compared_with="the float32 file",
    num_deviation_examples=32,
    deviations=(TensorDeviation("first", 0.9, 1.0), TensorDeviation("second", 0.1, 3.0)),
    sensitivities=(LayerPrecisionSensitivity("first", 0.5, is_better=True),),
    temperature=2.0,
    num_kept_back=60,
    num_choice_examples=60,
    changed_by_rounding_ratio=0.05,
    has_float_scores=True,
)


def test_a_report_is_read_as_it_was_written(tmp_path: Path) -> None:
    write_json(tmp_path / "quantization.json", REPORT)
    assert read_json(QuantizationReport, tmp_path / "quantization.json") == REPORT


def test_the_largest_deviation_is_that_of_most_steps_or_of_the_largest_number() -> None:
    assert REPORT.largest_deviation == TensorDeviation("second", 0.1, 3.0)
    floats = (TensorDeviation("first", 0.9, None), TensorDeviation("second", 0.1, None))
    assert dataclasses.replace(REPORT, deviations=floats).largest_deviation == floats[0]
    assert dataclasses.replace(REPORT, deviations=()).largest_deviation is None

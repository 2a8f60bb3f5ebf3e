"""What quantization.json holds survives being written and read, and says where a file deviates most."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from learn2compress.results.quantization import (
    Candidate,
    LayerPrecisionSensitivity,
    QuantizationReport,
    TensorDeviation,
    has_agreement,
    is_doubtful,
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
    agreement=0.95,
    num_agreement_examples=60,
    unexpected_operators=("ADD (sum)",),
    fell_back=True,
)


def test_a_report_is_read_as_it_was_written(tmp_path: Path) -> None:
    write_json(tmp_path / "quantization.json", REPORT)
    assert read_json(QuantizationReport, tmp_path / "quantization.json") == REPORT


def test_the_largest_deviation_is_that_of_most_steps_or_of_the_largest_number() -> None:
    assert REPORT.largest_deviation == TensorDeviation("second", 0.1, 3.0)
    floats = (TensorDeviation("first", 0.9, None), TensorDeviation("second", 0.1, None))
    assert dataclasses.replace(REPORT, deviations=floats).largest_deviation == floats[0]
    assert dataclasses.replace(REPORT, deviations=()).largest_deviation is None


@pytest.mark.parametrize(
    ("agreement", "num_examples", "steps", "doubtful"),
    [
        (1.0, 500, 3.0, False),
        (0.9, 500, 32.0, False),
        (0.89, 500, None, True),
        (0.97, 500, 32.5, True),
        (0.98, 500, 255.0, False),  # far off where nothing is decided
        (5 / 6, 6, None, False),  # one of few
        (4 / 6, 6, None, True),
    ],
)
def test_a_file_is_doubtful_by_its_decisions_and_its_tensors(
    agreement: float, num_examples: int, steps: float | None, doubtful: bool
) -> None:
    largest = TensorDeviation("first", 1.0, steps)
    assert is_doubtful(agreement, num_examples, largest) == doubtful
    report = dataclasses.replace(
        REPORT, agreement=agreement, num_agreement_examples=num_examples, deviations=(largest,)
    )
    assert report.is_doubtful == doubtful
    assert not dataclasses.replace(report, agreement=None).is_doubtful


def test_agreement_is_held_against_a_share_by_rounding_and_by_accident() -> None:
    assert has_agreement(0.9, 1000, 0.9)
    assert has_agreement(1 - 0.1, 1000, 0.9)
    assert not has_agreement(0.899, 1000, 0.9)
    assert has_agreement(0.0, 1, 0.9)

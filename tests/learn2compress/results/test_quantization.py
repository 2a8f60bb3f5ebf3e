from __future__ import annotations

import dataclasses

from learn2compress.results.quantization import QuantizationReport, TensorDeviation

REPORT = QuantizationReport("int8_qat", "int8_qat", "it is better", 100, (), "the float file", 10, ())


def test_the_largest_deviation_is_that_of_most_steps() -> None:
    deviations = (TensorDeviation("a", 9.0, 1.5), TensorDeviation("b", 0.1, 2.5), TensorDeviation("c", 99.0, None))
    assert dataclasses.replace(REPORT, deviations=deviations).largest_deviation == deviations[1]


def test_without_steps_it_is_that_of_the_largest_number() -> None:
    deviations = (TensorDeviation("a", 0.1, None), TensorDeviation("b", 0.2, None))
    assert dataclasses.replace(REPORT, deviations=deviations).largest_deviation == deviations[1]
    assert REPORT.largest_deviation is None

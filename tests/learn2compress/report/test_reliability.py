from __future__ import annotations

from learn2compress.report.reliability import reliability_diagram
from learn2compress.results.measurements import Calibration, CalibrationBin


def test_the_diagram_says_how_often_it_is_right_where_it_is_so_sure() -> None:
    bins = (CalibrationBin(0, None, None), CalibrationBin(60, 0.7, 0.65), CalibrationBin(300, 0.95, 0.99))

    picture = reliability_diagram("reliability-0", "small", Calibration(0.0312, bins))

    assert "Reliability of small" in picture
    assert (
        "Expected calibration error 3.12%. Right, by highest score: at 70%: 65% of 60; at 95%: 99% of 300." in picture
    )

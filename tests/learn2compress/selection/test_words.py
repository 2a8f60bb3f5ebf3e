from __future__ import annotations

from learn2compress.selection import words


def test_figures_in_sentences() -> None:
    assert words.count(43_120.0) == "43,120"
    assert words.byte_count(43_120) == "43,120 bytes"
    assert words.milliseconds(0.41234) == "0.412 ms"
    assert words.times(0.25) == "0.25x"
    assert words.points(0.015) == "1.5 points"
    assert words.bare_points(-0.001) == "-0.1"
    assert words.interval_points(-0.000418, 0.02634) == "-0.04 to 2.63 points"
    assert words.interval_points(-0.00001, 0.03) == "0 to 3 points"
    assert words.percent(0.9513) == "95.13%"
    assert words.whole_percent(0.624) == "62%"


def test_as_many_digits_as_it_takes() -> None:
    assert words.points(0.020001, 5) == "2.0001 points"
    assert words.milliseconds(0.50001, 5) == "0.50001 ms"

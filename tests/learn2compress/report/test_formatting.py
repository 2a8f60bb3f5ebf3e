from __future__ import annotations

import dataclasses
import math

import pytest

from learn2compress.report import formatting
from learn2compress.results.latency import Clock, Latency, MachineLoad


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.00 kB"),
        (9_995, "10.0 kB"),
        (43_120, "43.1 kB"),
        (99_949, "99.9 kB"),
        (99_960, "100 kB"),
        (999_499, "999 kB"),
        (999_500, "1.00 MB"),
        (80_000_000, "80.0 MB"),
        (5_123_000_000_000, "5,123 GB"),
        (None, "not measured"),
        (math.nan, "not measured"),
    ],
)
def test_byte_size(value: float | None, text: str) -> None:
    assert formatting.byte_size(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.04213, "0.0421"), (1.2, "1.20"), (9.999, "10.0"), (123.4, "123"), (1234.5, "1,234"), (0.0, "0")],
)
def test_significant(value: float, text: str) -> None:
    assert formatting.significant(value) == text


def test_points_have_a_sign_unless_they_round_to_zero() -> None:
    assert formatting.points(-0.0028) == "\N{MINUS SIGN}0.28"
    assert formatting.points(0.0028) == "+0.28"
    assert formatting.points(-0.00001) == "0.00"


@pytest.mark.parametrize(
    ("ratio", "low", "high", "text"),
    [
        (0.5, 0.4, 0.6, "2.00\N{MULTIPLICATION SIGN} faster"),
        (0.2, 0.037, 0.2, "at least 5.0\N{MULTIPLICATION SIGN} faster"),
        (0.5, 0.0, 0.8, "at least 1.2\N{MULTIPLICATION SIGN} faster"),
        (0.5, 0.4, 1.0, "no claim"),
        (1.0, 1.0, 1.0, "no claim"),
        (1.5, 1.4, 2.0, "1.50\N{MULTIPLICATION SIGN} slower"),
        (3.0, 1.4, 4.0, "at least 1.4\N{MULTIPLICATION SIGN} slower"),
    ],
)
def test_speed_is_claimed_only_outside_of_one(ratio: float, low: float, high: float, text: str) -> None:
    assert formatting.speed(Latency(1.0, 1.0, 1.0, ratio, low, high, 1, "")) == text


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [(0.4, 0.91, "1.1 to 2.5"), (0.4, 1.1, "0.91 to 2.5"), (1.01, 20.0, "1.0 to 20"), (0.0, 0.5, "not measured")],
)
def test_the_interval_is_that_of_the_claimed_factor(low: float, high: float, text: str) -> None:
    assert formatting.speed_interval(Latency(1.0, 1.0, 1.0, 0.5, low, high, 1, "")) == text


def test_no_speed_is_claimed_by_a_wall_clock_on_a_busy_machine() -> None:
    quiet, busy = MachineLoad(1.0, waiting_ratio=0.01), MachineLoad(1.0, waiting_ratio=0.5)
    by_wall = Latency(1.0, 1.0, 1.0, 0.5, 0.4, 0.6, 2, "", Clock.WALL, load=quiet)
    assert formatting.speed(by_wall) == "2.00\N{MULTIPLICATION SIGN} faster"
    assert formatting.speed(dataclasses.replace(by_wall, load=busy)) == "no claim"
    by_cpu = dataclasses.replace(by_wall, load=busy, clock=Clock.CPU)
    assert formatting.speed(by_cpu) == "2.00\N{MULTIPLICATION SIGN} faster"


def test_times_smaller_needs_both_figures() -> None:
    assert formatting.times(formatting.divided(100, 8)) == "12.5\N{MULTIPLICATION SIGN}"
    assert formatting.divided(100, 0) is None
    assert formatting.divided(None, 8) is None

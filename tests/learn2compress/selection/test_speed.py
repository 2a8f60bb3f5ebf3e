"""What a measured speed allows to decide is tested with numbers."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from learn2compress.results.latency import Clock, Latency, MachineLoad
from learn2compress.selection.speed import (
    allows_claim,
    busy_reasons,
    busy_sentence,
    can_tell_apart,
    ratio_doubt,
    ratio_refusal,
    time_doubt,
)

QUIET = MachineLoad(2.0, 4, 0.01, 0.05, 0.0, 0.9, 4, 2400.0, 2450.0)
LATENCY = Latency(0.6, 0.7, 0.55, 0.5, 0.48, 0.52, 1, "a processor", Clock.CPU, 0.5, 0.51, 0.58, 0.55, QUIET)


def with_load(**changes: Any) -> MachineLoad:
    return dataclasses.replace(QUIET, **changes)


def latency(**changes: Any) -> Latency:
    return dataclasses.replace(LATENCY, **changes)


def test_a_quiet_machine_is_not_called_busy() -> None:
    assert busy_reasons(QUIET) == ()
    assert busy_reasons(None) == ()
    assert busy_reasons(MachineLoad(2.0)) == ()
    assert busy_sentence("small", LATENCY) is None
    assert busy_sentence("small", None) is None


@pytest.mark.parametrize(
    ("load", "reason"),
    [
        (with_load(waiting_ratio=0.42), "the measured program waited for a processor 42% of its time"),
        (
            with_load(waiting_ratio=None, involuntary_switches=1200),
            "other programs interrupted it 1,200 times in 2 s",
        ),
        (with_load(others_ratio=0.8), "other programs used 80% of all processors' time"),
        (with_load(steal_ratio=0.3), "the host gave 30% of it to other virtual machines"),
        (
            with_load(lowest_mhz=1200.0, highest_mhz=3600.0),
            "its processor's frequency moved between 1,200 and 3,600 MHz",
        ),
    ],
)
def test_each_sign_of_a_busy_machine_is_named(load: MachineLoad, reason: str) -> None:
    assert busy_reasons(load) == (reason, "load average 0.9 on 4 processors")


def test_switches_count_only_where_waiting_is_not_known() -> None:
    assert busy_reasons(with_load(involuntary_switches=1200)) == ()


def test_the_sentence_says_what_it_means_for_the_time() -> None:
    busy = with_load(waiting_ratio=0.42)
    assert "without the waiting" in (busy_sentence("small", latency(load=busy)) or "")
    assert "nothing is claimed" in (busy_sentence("small", latency(load=busy, clock=Clock.WALL)) or "")


def test_processor_time_is_trusted_on_a_busy_machine_and_the_wall_clock_is_not() -> None:
    busy = with_load(waiting_ratio=0.42)
    assert ratio_doubt(latency(load=busy)) is None
    assert allows_claim(latency(load=busy))
    assert ratio_doubt(latency(clock=Clock.WALL)) is None
    assert "the wall clock while the machine was busy" in (ratio_doubt(latency(load=busy, clock=Clock.WALL)) or "")
    assert not allows_claim(latency(load=busy, clock=Clock.WALL))


def test_a_ratio_with_a_wide_interval_is_in_doubt() -> None:
    assert ratio_doubt(latency(teacher_ratio_low=0.4, teacher_ratio_high=0.6)) is None
    wide = latency(teacher_ratio_low=0.4, teacher_ratio_high=0.61)
    assert ratio_doubt(wide) == "its interval is 0.4x to 0.61x"
    assert ratio_refusal(wide, "max_latency_ratio", 0.39) is None  # broken whatever the ratio is
    assert ratio_refusal(wide, "max_latency_ratio", 0.4) is not None
    assert ratio_refusal(wide, "max_latency_ratio", 0.61) is None  # kept whatever the ratio is
    assert ratio_refusal(wide, "max_latency_ratio", None) is None
    assert ratio_refusal(None, "max_latency_ratio", 0.5) is None


def test_nothing_is_claimed_where_the_interval_holds_one() -> None:
    assert allows_claim(latency(teacher_ratio_high=0.99))
    assert not allows_claim(latency(teacher_ratio_high=1.0))
    assert allows_claim(latency(teacher_ratio_low=1.1, teacher_ratio_high=1.2))


def test_a_time_within_the_limit_is_never_in_doubt() -> None:
    busy = with_load(waiting_ratio=0.42)
    disturbed = latency(clock=Clock.WALL, load=busy, fastest_high_ms=5.0)
    assert time_doubt(disturbed, 0.5) is None
    assert "the wall clock" in (time_doubt(disturbed, 0.49) or "")


def test_a_time_above_the_limit_is_in_doubt_where_neighbours_may_have_lengthened_it() -> None:
    unstable = latency(fastest_high_ms=0.8)
    assert time_doubt(LATENCY, 0.49) is None
    assert time_doubt(unstable, 0.49) == "its interval is 0.5 to 0.8 ms"
    assert time_doubt(unstable, 0.2) is None  # too far above it


def test_two_students_are_told_apart_where_their_intervals_are_apart() -> None:
    other = latency(teacher_ratio=0.55, teacher_ratio_low=0.53, teacher_ratio_high=0.6)
    assert can_tell_apart(LATENCY, other)
    assert can_tell_apart(other, LATENCY)
    assert not can_tell_apart(other, latency(teacher_ratio_high=0.53))

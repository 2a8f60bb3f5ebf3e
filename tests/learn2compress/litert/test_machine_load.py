from __future__ import annotations

import dataclasses
import os
import sys

import pytest

from learn2compress.litert.machine_load import (
    LoadCounts,
    combined_load,
    load_between,
    load_counts,
    num_cores,
    processor_mhz,
    thread_waiting_s,
)
from learn2compress.results.latency import MachineLoad

TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")


def ticks(user: int, idle: int, steal: int) -> tuple[int, ...]:
    return (user, 0, 0, idle, 0, 0, 0, steal)


BEFORE = LoadCounts(10.0, 1.0, 5, 1.0, 0.5, ticks(1000, 1000, 0))
AFTER = LoadCounts(12.0, 2.0, 12, 2.0, 3.5, ticks(1000 + 3 * TICKS_A_SECOND, 1000, TICKS_A_SECOND))


def test_what_happened_between_two_moments() -> None:
    load = load_between(BEFORE, AFTER, [2400.0, 1200.0, 3600.0])

    assert (load.duration_s, load.involuntary_switches) == (2.0, 7)
    assert load.waiting_ratio == pytest.approx(0.75)  # 3 s of waiting beside 1 s of running
    assert load.others_ratio == pytest.approx(0.5)  # of 4 s of two processors 3 were used, 1 of them by this process
    assert load.steal_ratio == pytest.approx(0.25)
    assert (load.lowest_mhz, load.highest_mhz) == (1200.0, 3600.0)
    assert load.num_cores == num_cores()


def test_what_the_system_does_not_count_is_unknown() -> None:
    before, after = (
        dataclasses.replace(counts, running_s=None, waiting_s=None, ticks=None) for counts in (BEFORE, AFTER)
    )

    load = load_between(before, after)

    assert (load.waiting_ratio, load.others_ratio, load.steal_ratio) == (None, None, None)
    assert (load.lowest_mhz, load.highest_mhz) == (None, None)


def test_of_a_few_ticks_no_share_is_made() -> None:
    load = load_between(BEFORE, dataclasses.replace(BEFORE, wall_s=10.01, ticks=ticks(1002, 1001, 1)))

    assert (load.others_ratio, load.steal_ratio, load.waiting_ratio) == (None, None, None)


def test_the_counts_of_this_process_rise() -> None:
    before = load_counts()
    sum(range(200_000))
    after = load_counts()

    assert after.wall_s > before.wall_s
    assert after.process_s > before.process_s
    assert after.involuntary_switches >= before.involuntary_switches
    if before.running_s is not None:  # a kernel with CONFIG_SCHED_INFO
        assert (after.running_s or 0.0) > before.running_s
        assert (after.waiting_s or 0.0) >= (before.waiting_s or 0.0) >= 0
    assert before.ticks is None or all(
        late >= early for late, early in zip(after.ticks or (), before.ticks, strict=True)
    )


def test_what_a_thread_waited_rises() -> None:
    waited_s = thread_waiting_s()
    sum(range(200_000))

    assert thread_waiting_s() >= waited_s >= 0


def test_a_frequency_is_one_or_unknown() -> None:
    frequency = processor_mhz()
    assert frequency is None or frequency > 0
    assert num_cores() >= 1


def test_loads_of_several_processes_are_means_by_duration() -> None:
    short = MachineLoad(1.0, 4, 0.5, None, 0.0, 1.0, 2, 2000.0, 2100.0)
    long = MachineLoad(3.0, 6, 0.1, 0.2, 0.0, 3.0, 2, None, None)
    found = combined_load([short, long])
    assert (found.duration_s, found.involuntary_switches, found.load_average, found.num_cores) == (4.0, 10, 3.0, 2)
    assert found.waiting_ratio == pytest.approx(0.2)
    assert (found.others_ratio, found.steal_ratio) == (pytest.approx(0.2), 0.0)
    assert (found.lowest_mhz, found.highest_mhz) == (2000.0, 2100.0)
    assert combined_load([MachineLoad(1.0)]) == MachineLoad(1.0)


def test_a_system_that_counts_less_is_measured_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "resource", None)  # as on Windows
    monkeypatch.delattr(os, "getloadavg")
    before = load_counts()
    found = load_between(before, load_counts())
    assert (found.involuntary_switches, found.load_average) == (None, None)
    assert found.duration_s >= 0
    assert found.num_cores >= 1

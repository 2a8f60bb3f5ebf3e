"""Figures of times are tested with numbers."""

from __future__ import annotations

import math

import pytest

from learn2compress.litert.latency_figures import Rounds, halves_interval, median_interval, summarize, thread_latency
from learn2compress.results.latency import Clock, MachineLoad


def test_other_numbers_of_threads_are_times_of_the_latency() -> None:
    base, two = Rounds([5.0, 9.0], [4.0, 8.0]), Rounds([3.0, 7.0], [6.0, 2.0])

    found = thread_latency(2, two, base, 0.5, MachineLoad(1.0))

    assert found.fastest_ms == 0.25  # the latency of 0.5 ms, by 2 over 4 ms
    assert (found.num_threads, found.median_ms, found.load) == (2, 5.0, MachineLoad(1.0))


def test_figures_of_known_times() -> None:
    model = Rounds(
        mean_ms=[2.0, 4.0, 6.0, 8.0, 10.0, 12.0, 20.0],
        fastest_ms=[1.9, 3.0, 3.0, 3.0, 3.0, 3.0, 3.0],
        cpu_mean_ms=[1.5, 2.5, 2.5, 2.5, 2.5, 2.5, 9.0],
        cpu_fastest_ms=[1.0, 1.2, 1.2, 1.2, 1.2, 1.2, 1.2],
    )
    teacher = Rounds([9.0] * 7, [8.0] * 7, [5.0] * 7, [4.0, 4.0, 4.0, 4.0, 4.0, 4.0, 5.0])

    latency = summarize([model], [teacher], 1, "a processor", MachineLoad(1.0))

    assert (latency.median_ms, latency.min_ms) == (8.0, 2.0)
    assert latency.p90_ms == pytest.approx(15.2)
    assert (latency.clock, latency.time_ms, latency.fastest_ms) == (Clock.CPU, 1.0, 1.0)
    assert latency.fastest_high_ms == 1.2  # halves without the first round
    assert (latency.cpu_median_ms, latency.cpu_min_ms) == (2.5, 1.5)
    assert latency.teacher_ratio == 0.25
    assert (latency.teacher_ratio_low, latency.teacher_ratio_high) == (0.25, 0.3)
    assert (latency.num_threads, latency.processor, latency.load) == (1, "a processor", MachineLoad(1.0))


def test_preemption_changes_no_ratio_of_processor_times() -> None:
    """Numbers as of a busy machine: most rounds of the longer one lose the processor, few of the shorter one do."""
    student = Rounds([0.005] * 6, [0.003] * 6, [0.005] * 6, [0.003] * 6)
    teacher = Rounds([3.5, 3.2, 4.0, 0.9, 3.7, 3.6], [3.1, 2.9, 3.3, 0.9, 3.5, 3.4], [0.31] * 6, [0.3] * 6)

    latency = summarize([student], [teacher], 1, "a processor")

    assert latency.teacher_ratio == pytest.approx(0.01)
    assert latency.teacher_ratio_high == pytest.approx(0.01)


@pytest.mark.parametrize("processor_ms", [None, [0.0, 0.0, 10.0]])
def test_without_a_fine_processor_clock_the_wall_clock_counts(processor_ms: list[float] | None) -> None:
    model, teacher = Rounds([3.0] * 3, [2.0] * 3, processor_ms, processor_ms), Rounds([5.0] * 3, [4.0] * 3)

    latency = summarize([model], [teacher], 1, "a processor")

    assert (latency.clock, latency.time_ms, latency.teacher_ratio) == (Clock.WALL, 2.0, 0.5)


def test_a_process_that_is_slow_from_start_to_end_widens_the_interval_alone_where_most_are() -> None:
    fast, slow = Rounds([2.0] * 4, [1.0] * 4, [1.0] * 4, [1.0] * 4), Rounds([3.0] * 4, [1.2] * 4, [1.2] * 4, [1.2] * 4)
    teacher = Rounds([5.0] * 4, [4.0] * 4, [4.0] * 4, [4.0] * 4)

    one_slow = summarize([fast, slow, fast], [teacher] * 3, 1, "a processor")
    most_slow = summarize([slow, fast, slow], [teacher] * 3, 1, "a processor")

    assert (one_slow.teacher_ratio, one_slow.teacher_ratio_high, one_slow.fastest_high_ms) == (0.25, 0.25, 1.0)
    assert (most_slow.teacher_ratio_low, most_slow.teacher_ratio_high) == (0.25, pytest.approx(0.3))
    assert most_slow.fastest_high_ms == 1.2


def test_one_process_without_a_processor_clock_leaves_the_wall_clock_for_all() -> None:
    with_clock, without = Rounds([2.0], [1.5], [1.0], [1.0]), Rounds([2.0], [1.4])
    latency = summarize([with_clock, without], [with_clock, without], 1, "a processor")
    assert (latency.clock, latency.time_ms, latency.cpu_median_ms) == (Clock.WALL, 1.4, None)


def test_the_interval_of_halves() -> None:
    values = [1.0, 2.0, 3.0, 4.0]
    # Halves of four: smallest value 1 in three of six, 2 in two, 3 in one.
    assert halves_interval(lambda half: min(values[index] for index in half), 4) == (1.0, 3.0)
    assert halves_interval(lambda half: min(values[index] for index in half), 1) == (1.0, 1.0)
    # Of 252 halves six fall out at each end: upwards the six without any of the four smallest.
    assert halves_interval(min, 10) == (0, 3)


@pytest.mark.parametrize(("n", "rank"), [(3, 1), (5, 1), (6, 1), (8, 1), (9, 2), (20, 6), (30, 10), (100, 40)])
def test_the_median_interval_is_the_binomial_tables(n: int, rank: int) -> None:
    low, high = median_interval([float(value) for value in range(n, 0, -1)])

    assert (low, high) == (rank, n - rank + 1)
    coverage = 1 - 2 * sum(math.comb(n, k) for k in range(rank)) / 2**n
    assert coverage >= 0.95 or n < 6


def test_the_median_interval_of_many_rounds() -> None:
    low, high = median_interval(list(range(1, 10001)))
    assert low == pytest.approx(5000 - 0.98 * 100, abs=1)
    assert high == pytest.approx(5001 + 0.98 * 100, abs=1)

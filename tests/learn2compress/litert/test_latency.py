from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

from learn2compress.config import EvaluateConfig
from learn2compress.litert.flatbuffer import ModelFileError
from learn2compress.litert.latency import (
    Rounds,
    halves_interval,
    measure_latency,
    measure_start,
    measure_thread_latencies,
    median_interval,
    summarize,
    thread_latency,
    timed_processor,
)
from learn2compress.results.latency import Clock, MachineLoad, ThreadLatency

CONFIG = EvaluateConfig(latency_rounds=7, latency_runs=3)


def test_latency_beside_the_teacher(models: Any, write: Callable[..., Any]) -> None:
    teacher = write("teacher.tflite", models.float32)

    latency = measure_latency(write("student.tflite", models.int8), teacher, CONFIG)

    assert 0 < latency.min_ms <= latency.median_ms <= latency.p90_ms
    assert 0 < latency.time_ms <= (latency.fastest_high_ms or 0)
    assert 0 < (latency.cpu_min_ms or 0) <= (latency.cpu_median_ms or 0)
    assert latency.load is not None
    assert latency.load.duration_s >= 0.5
    assert 0 < latency.teacher_ratio_low <= latency.teacher_ratio <= latency.teacher_ratio_high
    assert latency.num_threads == 1
    assert latency.processor == timed_processor() != ""


def test_the_teachers_own_ratio_is_one(models: Any, write: Callable[..., Any]) -> None:
    teacher = write("teacher.tflite", models.float32)

    latency = measure_latency(teacher, teacher, CONFIG)

    assert (latency.teacher_ratio_low, latency.teacher_ratio, latency.teacher_ratio_high) == (1.0, 1.0, 1.0)


def test_each_number_of_threads_is_timed(models: Any, write: Callable[..., Any]) -> None:
    path, config = write("a.tflite", models.int8), EvaluateConfig(latency_rounds=9, latency_runs=2)
    latency = measure_latency(path, path, config)

    found = measure_thread_latencies(path, config, latency)

    assert [one.num_threads for one in found] == [1, 2, 4]
    assert all(0 < one.median_ms <= one.p90_ms for one in found)
    assert all((one.fastest_ms or 0) > 0 for one in found)
    # The configured number has one figure, wherever it is shown.
    assert found[0] == ThreadLatency(1, latency.median_ms, latency.p90_ms, latency.fastest_ms, latency.load)
    assert measure_thread_latencies(path, EvaluateConfig(threads=()), latency) == ()


def test_the_configured_number_of_threads_is_not_measured_again(tmp_path: Any) -> None:
    latency = summarize(Rounds([2.0], [1.0]), Rounds([2.0], [1.0]), 2, "a processor")
    config = EvaluateConfig(num_threads=2, threads=(2,))

    (found,) = measure_thread_latencies(tmp_path / "no file is read", config, latency)

    assert (found.num_threads, found.median_ms, found.fastest_ms) == (2, 2.0, 1.0)


def test_other_numbers_of_threads_are_times_of_the_latency() -> None:
    base, two = Rounds([5.0, 9.0], [4.0, 8.0]), Rounds([3.0, 7.0], [6.0, 2.0])

    found = thread_latency(2, two, base, 0.5, MachineLoad(1.0))

    assert found.fastest_ms == 0.25  # the latency of 0.5 ms, by 2 over 4 ms
    assert (found.num_threads, found.median_ms, found.load) == (2, 5.0, MachineLoad(1.0))


def test_a_cold_start_is_timed_in_processes_of_its_own(models: Any, write: Callable[..., Any]) -> None:
    start, peak_bytes = measure_start(write("a.tflite", models.int8), 1)

    assert start.load_ms > 0
    assert start.first_ms > 0
    assert start.num_processes == 3
    assert peak_bytes > 0


def test_peak_memory_grows_with_what_the_model_holds(convert_function: Callable[..., bytes], write: Any) -> None:
    import numpy as np
    import tensorflow as tf

    def converted(width: int) -> bytes:
        kernel = np.random.default_rng(0).uniform(1, 2, (width, width)).astype(np.float32)
        return convert_function(lambda x: tf.matmul(x, kernel), (1, width), tf.float32)

    _, small = measure_start(write("small.tflite", converted(16)), 1)
    _, large = measure_start(write("large.tflite", converted(1024)), 1)

    assert small > 0
    assert large - small > 1024 * 1024 * 4 * 0.9  # the weights alone


def test_a_model_that_ends_its_process_is_a_clear_error(crashing: bytes, models: Any, write: Any) -> None:
    path, teacher = write("crashing.tflite", crashing), write("teacher.tflite", models.float32)

    with pytest.raises(ModelFileError, match=r"crashing\.tflite: ended the interpreter's process: SIG[A-Z]+"):
        measure_start(path, 1)
    with pytest.raises(ModelFileError, match=r"crashing\.tflite and .*teacher\.tflite: ended") as error:
        measure_latency(path, teacher, CONFIG)
    assert "\n" not in str(error.value)


def test_files_that_do_not_run_are_clear_errors(models: Any, write: Any, tmp_path: Any) -> None:
    with pytest.raises(ModelFileError, match=r"garbage\.tflite: does not run: "):
        measure_start(write("garbage.tflite", b"garbage" * 100), 1)
    with pytest.raises(ModelFileError, match=r"missing\.tflite: does not run: "):
        measure_start(tmp_path / "missing.tflite", 1)


def test_a_measurement_without_end_is_stopped(models: Any, write: Any) -> None:
    path = write("model.tflite", models.int8)
    endless = EvaluateConfig(latency_rounds=10000, latency_runs=10000)

    with pytest.raises(ModelFileError, match=r"the measurement did not end in 1 s"):
        measure_latency(path, path, endless, timeout_s=1)


def test_figures_of_known_times() -> None:
    model = Rounds(
        mean_ms=[2.0, 4.0, 6.0, 8.0, 10.0, 12.0, 20.0],
        fastest_ms=[1.9, 3.0, 3.0, 3.0, 3.0, 3.0, 3.0],
        cpu_mean_ms=[1.5, 2.5, 2.5, 2.5, 2.5, 2.5, 9.0],
        cpu_fastest_ms=[1.0, 1.2, 1.2, 1.2, 1.2, 1.2, 1.2],
    )
    teacher = Rounds([9.0] * 7, [8.0] * 7, [5.0] * 7, [4.0, 4.0, 4.0, 4.0, 4.0, 4.0, 5.0])

    latency = summarize(model, teacher, 1, "a processor", MachineLoad(1.0))

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

    latency = summarize(student, teacher, 1, "a processor")

    assert latency.teacher_ratio == pytest.approx(0.01)
    assert latency.teacher_ratio_high == pytest.approx(0.01)


@pytest.mark.parametrize("processor_ms", [None, [0.0, 0.0, 10.0]])
def test_without_a_fine_processor_clock_the_wall_clock_counts(processor_ms: list[float] | None) -> None:
    model, teacher = Rounds([3.0] * 3, [2.0] * 3, processor_ms, processor_ms), Rounds([5.0] * 3, [4.0] * 3)

    latency = summarize(model, teacher, 1, "a processor")

    assert (latency.clock, latency.time_ms, latency.teacher_ratio) == (Clock.WALL, 2.0, 0.5)


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

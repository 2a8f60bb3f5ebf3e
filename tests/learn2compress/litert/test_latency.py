from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

from learn2compress.config import EvaluateConfig
from learn2compress.litert.flatbuffer import ModelFileError
from learn2compress.litert.latency import (
    measure_latency,
    measure_start,
    measure_thread_latencies,
    median_interval,
    num_cores,
    run_worker,
    summarize,
    timed_processor,
)

CONFIG = EvaluateConfig(latency_rounds=7, latency_runs=3)


def test_latency_beside_the_teacher(models: Any, write: Callable[..., Any]) -> None:
    teacher = write("teacher.tflite", models.float32)

    latency = measure_latency(write("student.tflite", models.int8), teacher, CONFIG)

    assert 0 < latency.min_ms <= latency.median_ms <= latency.p90_ms
    assert 0 < latency.teacher_ratio_low <= latency.teacher_ratio <= latency.teacher_ratio_high
    assert latency.num_threads == 1
    assert latency.processor == timed_processor() != ""


def test_the_teachers_own_ratio_is_one(models: Any, write: Callable[..., Any]) -> None:
    teacher = write("teacher.tflite", models.float32)

    latency = measure_latency(teacher, teacher, CONFIG)

    assert (latency.teacher_ratio_low, latency.teacher_ratio, latency.teacher_ratio_high) == (1.0, 1.0, 1.0)


def test_every_model_is_timed_in_every_round(models: Any, write: Callable[..., Any]) -> None:
    paths = [str(write("a.tflite", models.int8)), str(write("b.tflite", models.float32))]
    request = {"task": "latency", "models": paths, "rounds": 4, "runs": 2, "warm_ups": 1, "num_threads": [1, 2]}

    times_ms = run_worker(request, "models", 60)["times_ms"]

    assert [len(rounds) for rounds in times_ms] == [4, 4]
    assert all(time_ms > 0 for rounds in times_ms for time_ms in rounds)


def test_each_number_of_threads_is_timed(models: Any, write: Callable[..., Any]) -> None:
    found = measure_thread_latencies(write("a.tflite", models.int8), EvaluateConfig(latency_rounds=9, latency_runs=2))

    assert [one.num_threads for one in found] == [1, 2, 4]
    assert all(0 < one.median_ms <= one.p90_ms for one in found)
    assert measure_thread_latencies(write("a.tflite", models.int8), EvaluateConfig(threads=())) == ()
    assert num_cores() >= 1


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
    model_ms = [2.0, 4.0, 6.0, 8.0, 10.0, 12.0, 20.0]
    latency = summarize(model_ms, [2.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0], 2, "a processor")

    assert latency.median_ms == 8.0
    assert latency.min_ms == 2.0
    assert latency.p90_ms == pytest.approx(15.2)
    assert latency.teacher_ratio == 4.0
    assert (latency.teacher_ratio_low, latency.teacher_ratio_high) == (1.0, 10.0)
    assert (latency.num_threads, latency.processor) == (2, "a processor")


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

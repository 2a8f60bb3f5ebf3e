from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from learn2compress.config import EvaluateConfig
from learn2compress.litert.flatbuffer import ModelFileError
from learn2compress.litert.latency import (
    measure_latency,
    measure_start,
    measure_thread_latencies,
    processor_name,
    timed_processor,
)
from learn2compress.litert.latency_figures import Rounds, summarize
from learn2compress.litert.matrix_tiles import has_matrix_tiles
from learn2compress.results.latency import ThreadLatency

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
    latency = summarize([Rounds([2.0], [1.0])], [Rounds([2.0], [1.0])], 2, "a processor")
    config = EvaluateConfig(num_threads=2, threads=(2,))

    (found,) = measure_thread_latencies(tmp_path / "no file is read", config, latency)

    assert (found.num_threads, found.median_ms, found.fastest_ms) == (2, 2.0, 1.0)


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


def test_the_processor_says_what_it_was_timed_without() -> None:
    assert timed_processor() == processor_name() + " without AMX" * has_matrix_tiles()

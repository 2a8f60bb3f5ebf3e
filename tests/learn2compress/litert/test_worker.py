"""The worker's requests, answered in a process of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from learn2compress.litert.latency import run_worker
from learn2compress.litert.worker import measure_start, measure_times, undisturbed_ms
from learn2compress.results.latency import MachineLoad

LISTS = ("times_ms", "fastest_ms", "cpu_times_ms", "cpu_fastest_ms")


def request(paths: list[str], num_threads: list[int], **changes: Any) -> dict[str, Any]:
    plain = {"task": "latency", "models": paths, "rounds": 4, "runs": 2, "warm_ups": 1, "num_threads": num_threads}
    return {**plain, **changes}


def test_every_model_is_timed_in_every_round(models: Any, write: Any) -> None:
    paths = [str(write("a.tflite", models.int8)), str(write("b.tflite", models.float32))]

    answer = run_worker(request(paths, [1, 1]), "models", 60)

    for name in LISTS:
        assert [len(rounds) for rounds in answer[name]] == [4, 4]
        assert all(time_ms > 0 for rounds in answer[name] for time_ms in rounds)
    for mean, fastest in (("times_ms", "fastest_ms"), ("cpu_times_ms", "cpu_fastest_ms")):
        for means, fastests in zip(answer[mean], answer[fastest], strict=True):
            assert all(one <= other for one, other in zip(fastests, means, strict=True))
    load = MachineLoad(**answer["load"])
    assert load.duration_s > 0
    assert load.num_cores is not None


def test_several_threads_have_no_processor_time(models: Any, write: Any) -> None:
    paths = [str(write("a.tflite", models.int8))] * 2

    answer = run_worker(request(paths, [1, 2]), "models", 60)

    assert [rounds is None for rounds in answer["cpu_times_ms"]] == [False, True]
    assert [rounds is None for rounds in answer["cpu_fastest_ms"]] == [False, True]
    assert [len(rounds) for rounds in answer["fastest_ms"]] == [4, 4]


def test_a_small_file_has_more_rounds_than_were_asked_for(models: Any, write: Any) -> None:
    path = str(write("a.tflite", models.int8))

    answer = run_worker(request([path], [1], least_s=0.2), "models", 60)

    assert len(answer["times_ms"][0]) > 4
    assert answer["load"]["duration_s"] >= 0.2


def test_the_functions_answer_without_a_process_too(models: Any, write: Any) -> None:
    path = str(write("a.tflite", models.int8))

    times = measure_times([path], [1], rounds=3, runs=2, warm_ups=0)
    start = measure_start(path, 1)

    assert set(times) == {*LISTS, "load"}
    assert set(start) == {"peak_bytes", "load_ms", "first_ms"}


def test_memory_is_not_measured_where_the_system_does_not_tell_it(
    models: Any, write: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = str(write("a.tflite", models.int8))
    assert measure_start(path, 1)["peak_bytes"] is not None
    monkeypatch.setattr("learn2compress.litert.worker._STATUS", tmp_path / "status")
    start = measure_start(path, 1)
    assert start["peak_bytes"] is None
    assert start["load_ms"] > 0  # type: ignore[operator]


def test_an_input_that_holds_no_numbers_is_refused(convert_function: Any, write: Any) -> None:
    import tensorflow as tf

    path = write("bool.tflite", convert_function(tf.logical_not, (1, 4), tf.bool))

    answer_of = pytest.raises(Exception, match=r"does not run: input .*: found bool, accepted are numbers")
    with answer_of:
        run_worker(request([str(path)], [1]), str(path), 60)


def test_waiting_is_taken_off_but_never_more_than_there_was() -> None:
    assert undisturbed_ms(5e6, 0.0, 1e6) == 5.0
    assert undisturbed_ms(5e6, 3e6, 1e6) == 2.0
    assert undisturbed_ms(5e6, 7e6, 1e6) == 1.0  # some of it was beside

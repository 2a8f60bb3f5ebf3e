from __future__ import annotations

from pydantic import TypeAdapter

from learn2compress.results.latency import Clock, Latency, MachineLoad, ThreadLatency
from learn2compress.results.reports import json_bytes


def test_what_is_shown_is_the_fastest_inference() -> None:
    assert Latency(2.0, 3.0, 1.5, 1.0, 1.0, 1.0, 1, "a processor", Clock.CPU, fastest_ms=1.2).time_ms == 1.2
    assert ThreadLatency(2, 2.0, 3.0, 1.1).time_ms == 1.1


def test_a_latency_of_an_older_version_is_read_and_shows_its_median() -> None:
    written = (
        b'{"median_ms": 2.0, "p90_ms": 3.0, "min_ms": 1.5, "teacher_ratio": 0.5, "teacher_ratio_low": 0.4, '
        b'"teacher_ratio_high": 0.6, "num_threads": 1, "processor": "a processor"}'
    )
    found = TypeAdapter(Latency).validate_json(written)
    assert (found.clock, found.time_ms, found.load) == (Clock.WALL, 2.0, None)
    of_threads = TypeAdapter(ThreadLatency).validate_json(b'{"num_threads": 2, "median_ms": 2.0, "p90_ms": 3.0}')
    assert of_threads.time_ms == 2.0


def test_a_latency_is_read_as_it_was_written() -> None:
    latency = Latency(
        2.0, 3.0, 1.5, 0.5, 0.4, 0.6, 1, "a processor", Clock.CPU, 1.2, 1.3, 1.9, 1.4, MachineLoad(0.5, 3, 0.1)
    )
    assert TypeAdapter(Latency).validate_json(json_bytes(latency)) == latency

from __future__ import annotations

import dataclasses

import pytest

from learn2compress.report import phone
from learn2compress.results.latency import Clock, Latency, MachineLoad
from learn2compress.results.measurements import DeviceLatency
from learn2compress.results.reports import FamilyReport, ModelReport

BUSY = MachineLoad(2.0, waiting_ratio=0.62)


@pytest.fixture
def student(family: FamilyReport) -> ModelReport:
    return family.students[0]


def test_what_runs_in_int8(student: ModelReport) -> None:
    assert phone.int8_share(student) == 0.9
    assert phone.operators_in_words(student) == "CONV_2D (7, int8), SOFTMAX (1, float)"
    assert phone.int8_share(dataclasses.replace(student, operator_uses=())) is None


def test_times_by_threads(student: ModelReport) -> None:
    assert phone.threads_in_words(student) == "1: 0.0712 ms, 2: 0.0356 ms, 4: 0.0178 ms"
    busy = tuple(dataclasses.replace(one, load=BUSY) for one in student.thread_latencies)
    assert phone.threads_in_words(dataclasses.replace(student, thread_latencies=busy)) == (
        "1: 0.0712 ms, 2: machine busy, 4: machine busy"
    )


def test_what_a_latency_is_the_time_of() -> None:
    older = Latency(2.0, 3.0, 1.5, 0.5, 0.4, 0.6, 1, "a processor")
    assert "older version" in phone.clock_in_words(older)
    assert "by the wall clock" in phone.clock_in_words(dataclasses.replace(older, fastest_ms=1.0))
    by_cpu = dataclasses.replace(older, fastest_ms=1.0, clock=Clock.CPU)
    assert phone.clock_in_words(by_cpu) == "the processor time of the fastest inference of all rounds"


def test_who_was_timed_on_a_busy_machine(family: FamilyReport) -> None:
    busy = dataclasses.replace(family.teacher, latency=dataclasses.replace(family.teacher.latency, load=BUSY))
    (sentence,) = phone.busy_sentences([busy, *family.students])
    assert sentence.startswith("The machine was busy while teacher was timed (the measured program waited")
    assert sentence.endswith(".")


def test_what_a_device_said(student: ModelReport) -> None:
    assert phone.device_in_words(student) == ""
    said = DeviceLatency("Phone 9", 1, 50, 12.0, 87.1, 64.5, None, None)
    assert phone.device_in_words(dataclasses.replace(student, device_latency=said)) == (
        "64.5 ms on Phone 9 (1 thread), load 12.0 ms"
    )
    spread = dataclasses.replace(said, p5_ms=60.0, p95_ms=71.25)
    assert phone.device_in_words(dataclasses.replace(student, device_latency=spread)) == (
        "64.5 ms (60.0 to 71.2) on Phone 9 (1 thread), load 12.0 ms"
    )


def test_the_rows_of_bytes_add_up_to_the_file(student: ModelReport) -> None:
    rows = phone.bytes_rows(student)
    assert len(rows) == phone.MAX_LAYERS + 2
    assert sum(row.num_bytes for row in rows) == student.model_bytes
    assert sum(row.share for row in rows) == pytest.approx(1.0)
    assert phone.bytes_rows(dataclasses.replace(student, weight_bytes=None)) == ()


def test_slices_of_lowest_accuracy_come_first(family: FamilyReport) -> None:
    rows = phone.slice_rows(family.students[0], family.teacher)
    assert [row.student.name for row in rows] == ["<garden>", "kitchen"]
    assert all(row.teacher is not None for row in rows)
    without = dataclasses.replace(family.teacher, slices=())
    assert [row.teacher for row in phone.slice_rows(family.students[0], without)] == [None, None]


def test_robustness_is_the_mean_over_severities(student: ModelReport) -> None:
    cell = phone.robustness(student, "gaussian_noise")
    assert cell is not None
    assert (cell.mean, cell.by_severity) == (pytest.approx(0.6), "1: 80.0%, 3: 60.0%, 5: 40.0%")
    assert phone.robustness(student, "contrast") is None
    assert phone.corruptions_of([student, student]) == ("gaussian_noise",)


def test_energies_are_written_in_microjoules() -> None:
    assert phone.microjoules(12.345) == "12.3 \N{MICRO SIGN}J"

from __future__ import annotations

import io

from rich.console import Console

from learn2compress.report.benchmark_table import benchmark_table
from learn2compress.results.benchmark import FileBenchmark
from learn2compress.results.measurements import ColdStart, DeviceLatency
from learn2compress.results.reports import FamilyReport


def printed(benchmark: FileBenchmark) -> list[str]:
    console = Console(file=io.StringIO(), width=140)
    console.print(benchmark_table(benchmark))
    return [" ".join(line.split()) for line in console.file.getvalue().splitlines()]  # type: ignore[attr-defined]


def test_what_a_phone_said() -> None:
    said = DeviceLatency("Phone [red]9", 2, 50, 12.0, 87.1, 64.5, 51.9, 6_553_600, 49.0, 68.5)
    heading, _, row = printed(FileBenchmark("small.tflite", "0" * 64, 11_904, device_latency=said))
    assert heading == "model stored measured on threads ms 5% to 95% load ms first ms memory runs"
    assert row == "small.tflite 11.9 kB Phone [red]9 2 51.9 49.0 to 68.5 12.0 87.1 6.55 MB 50"


def test_an_older_binary_says_less() -> None:
    said = DeviceLatency("Phone 9", 1, 50, 12.0, 87.1, 64.5, None, None)
    assert printed(FileBenchmark("small.tflite", "0" * 64, 11_904, device_latency=said))[2] == (
        "small.tflite 11.9 kB Phone 9 1 64.5 not measured 12.0 87.1 not measured 50"
    )


def test_what_this_machine_took(family: FamilyReport) -> None:
    latency = family.students[0].latency
    heading, _, row = printed(FileBenchmark("large.tflite", "0" * 64, 112_480, latency, ColdStart(1.75, 0.61, 3)))
    assert heading == "model stored measured on threads ms at worst load ms first ms"
    assert row == f"large.tflite 112 kB {latency.processor} 1 0.0712 0.0726 1.75 0.610"

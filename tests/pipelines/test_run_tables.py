"""Tables of runs and steps are whole on a terminal of 60 columns."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from pipelines.run_history import Run, Step
from pipelines.run_tables import runs_table, steps_table

RUN = Run(
    3,
    "flowers",
    "2026-11-22T00:01:02",
    "failed",
    (
        Step("Ingest", "cached", None, {}, {"examples": "/runs/artifacts/flowers/Ingest/examples/1"}),
        Step("JointDistillTrainer", "complete", 61.25, {"epochs": 3}, {}),
        Step("Pusher", "interrupted", None, {}, {}),
    ),
    {"large": 0.98765, "small": 0.9},
    12,
)


def text_of(renderable: object, width: int = 140) -> str:
    console = Console(file=io.StringIO(), width=width)
    console.print(renderable)
    return console.file.getvalue()  # type: ignore[attr-defined]


def test_a_table_of_runs_counts_what_ran_and_what_was_cached() -> None:
    (line,) = [line for line in text_of(runs_table([RUN], 140)).splitlines() if "flowers" in line]
    expected = ["3", "flowers", "2026-11-22T00:01:02", "failed", "98.77%", "12", "3", "1", "1", "61.2"]
    assert line.split() == expected


def test_in_a_narrow_terminal_each_run_is_one_line() -> None:
    lines = text_of(runs_table([RUN], 60), 60).splitlines()
    assert max(map(len, lines)) <= 60
    (line,) = [line for line in lines if "flowers" in line]
    assert line.split() == ["3", "flowers", "11-22", "00:01", "failed", "98.77%", "12", "61.2"]


@pytest.mark.parametrize(("version", "shown"), [(0, ["none"]), (None, [])])
def test_a_run_that_pushed_nothing_is_told_from_one_that_did_not_decide(version: int | None, shown: list[str]) -> None:
    run = Run(1, "flowers", "2026-11-22T00:01:02", "complete", (), {}, version)
    (line,) = [line for line in text_of(runs_table([run], 60), 60).splitlines() if "flowers" in line]
    assert line.split() == ["1", "flowers", "11-22", "00:01", "complete", *shown, "0.0"]


@pytest.mark.parametrize("width", [60, 140])
def test_a_table_of_steps_shows_outputs_and_times(width: int) -> None:
    text = text_of(steps_table(RUN, width), width)
    assert max(map(len, text.splitlines())) <= width
    assert "run 3: flowers, failed" in text
    assert "examples: /runs/artifacts/flowers/Ingest/examples/1" in " ".join(text.split())
    (line,) = [line for line in text.splitlines() if "JointDistillTrainer" in line]
    assert line.split() == ["JointDistillTrainer", "complete", "61.2"]

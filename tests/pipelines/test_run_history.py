"""Runs are numbered as they came, and a run that pushed nothing has no outcome."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from learn2compress.config.parsing import ConfigError
from learn2compress.config.store_address import StoreAddress
from pipelines.run_history import Run, Step, list_runs, outcome_of, runs_table, show_run, steps_table
from pipelines.run_root import RunRoot
from pipelines.store_connection import open_address

RUN = Run(
    3,
    "flowers",
    "2026-11-22T00:00:00",
    "failed",
    (
        Step("Ingest", "cached", None, {}, {"examples": "/runs/examples"}),
        Step("Prune.small", "complete", 61.25, {"epochs": 3}, {}),
        Step("Pusher", "failed", None, {}, {}),
    ),
)


def text_of(renderable: object) -> str:
    console = Console(file=io.StringIO(), width=140)
    console.print(renderable)
    return console.file.getvalue()  # type: ignore[attr-defined]


def test_a_table_of_runs_counts_what_ran_and_what_was_cached() -> None:
    (line,) = [line for line in text_of(runs_table([RUN])).splitlines() if "flowers" in line]
    assert [cell.strip() for cell in line.strip("│ ").split("│")][3:] == ["failed", "3", "1", "1", "61.2"]


def test_a_table_of_steps_shows_outputs_and_times() -> None:
    shown = text_of(steps_table(RUN))
    assert "run 3: flowers, failed" in shown
    assert "examples: /runs/examples" in shown
    assert "61.2" in shown


def test_a_store_without_runs_has_none_to_show(tmp_path: Path) -> None:
    root = RunRoot(tmp_path)
    open_address(StoreAddress.parse(str(root.metadata)), create=True)
    assert list_runs(root) == []
    with pytest.raises(ConfigError, match="RUN_ID: found 1, but there is no run yet"):
        show_run(root, 1)
    with pytest.raises(ConfigError, match="found no run that reached its Pusher"):
        outcome_of(root, None, None)

"""A run on a cluster is shown while it goes on: lines in a log, a table on a terminal."""

from __future__ import annotations

import io
from typing import Any

from learn2compress.progress_display import plain_console
from pipelines.kubeflow.client.run_display import show_progress
from pipelines.run_history import Run, Step

INGEST = Step("Ingest", "complete", 60.0, {}, {})


def stage(state: str, *others: tuple[str, float | None], ingest: Step = INGEST) -> Run:
    """A run of three steps, of which the second and the third are in these states."""
    steps = (Step(name, *other, {}, {}) for name, other in zip(("Quantize.small", "Pusher"), others, strict=True))
    return Run("id", "digits", "2026-11-22T00:00:00", state, (ingest, *steps))


WAITING = ("pending", None)
STAGES = (
    stage("pending", WAITING, WAITING, ingest=Step("Ingest", "pending", None, {}, {})),
    stage("running", WAITING, WAITING, ingest=Step("Ingest", "running", None, {}, {})),
    stage("running", ("running", None), WAITING),
    stage("running", ("failed", 2.0), WAITING),
    stage("failed", ("failed", 2.0), ("skipped", None)),
)


def shown(**terminal: Any) -> tuple[Run, str]:
    console = plain_console(file=io.StringIO(), width=100, **terminal)
    run = show_progress(iter(STAGES), console)
    return run, console.file.getvalue()  # type: ignore[attr-defined]


def test_a_log_tells_each_change_once() -> None:
    run, text = shown()
    assert run is STAGES[-1]
    assert text.splitlines() == [
        "[0/3] Ingest ...",
        "[1/3] Ingest done in 60 s",
        "[1/3] Quantize.small ...",
        "[2/3] Quantize.small failed in 2 s",
        "[3/3] Pusher skipped",
    ]


def test_a_terminal_shows_a_table() -> None:
    run, text = shown(force_terminal=True)
    assert run is STAGES[-1]
    assert all(word in text for word in ("digits: failed", "Ingest", "complete", "60", "Quantize.small", "skipped"))

"""Work is shown by lines in a log and by a bar on a terminal, with and without a step that it is part of."""

from __future__ import annotations

import io

import pytest

from learn2compress.progress import Progress
from learn2compress.progress_display import BarDisplay, LineDisplay, display_on, plain_console


def lines_of(monkeypatch: pytest.MonkeyPatch, reports: list[tuple[float, Progress]], step: str = "") -> list[str]:
    """What a log shows of work that is reported at these seconds."""
    shown, clock = io.StringIO(), {"now": 0.0}
    monkeypatch.setattr("learn2compress.progress_display.time.monotonic", lambda: clock["now"])
    with LineDisplay(plain_console(file=shown, width=200), step) as display:
        for now, report in reports:
            clock["now"] = now
            display.show(report)
    return shown.getvalue().splitlines()


def test_a_log_is_not_flooded(monkeypatch: pytest.MonkeyPatch) -> None:
    reports = [(step / 100, Progress("prune epoch 1/1", step, 1000, unit="steps")) for step in range(1, 1001)]
    lines = lines_of(monkeypatch, reports)
    assert lines == ["prune epoch 1/1, 1/1000 steps", "prune epoch 1/1, 1000/1000 steps"]


def test_the_time_left_after_a_resume_counts_what_this_run_has_done(monkeypatch: pytest.MonkeyPatch) -> None:
    # 382 steps an epoch; 51 epochs were done before, and 78 steps in 8 s since.
    lines = lines_of(
        monkeypatch,
        [
            (1.0, Progress("train epoch 51/120", 51, 120, "done before: resumed from its checkpoint")),
            (20.0, Progress("train epoch 52/120", 19483, 45840)),
            (40.0, Progress("train epoch 52/120", 19683, 45840)),
        ],
    )
    assert lines[-1] == "train epoch 52/120, 19683/45840, 2616 s left"
    assert not any(" s left" in line for line in lines[:-1])


def test_the_time_left_of_work_from_its_beginning_is_the_rest_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    reports = [(1.0, Progress("score", 0, 100)), (21.0, Progress("score", 20, 100))]
    assert lines_of(monkeypatch, reports)[-1] == "score, 20/100, 80 s left"


def test_a_notice_names_what_it_is_about_and_the_work_of_a_step_its_step(monkeypatch: pytest.MonkeyPatch) -> None:
    reports = [(0.0, Progress("score", 1, 1)), (0.0, Progress("data", 1, 1, "3 are left out", is_notice=True))]
    assert lines_of(monkeypatch, reports) == ["score, 1/1", "data: 3 are left out"]
    assert lines_of(monkeypatch, reports, "Ingest") == ["    score, 1/1", "    Ingest: 3 are left out"]


def test_a_bar_has_the_total_of_the_units_that_are_counted_now() -> None:
    display = display_on(plain_console(file=io.StringIO(), width=100, force_terminal=True))
    assert isinstance(display, BarDisplay)
    display.show(Progress("train epoch 51/120", 51, 120))
    display.show(Progress("train epoch 52/120", 19483, 45840))
    (bar,) = display._bars.tasks
    assert (bar.completed, bar.total) == (19483, 45840)

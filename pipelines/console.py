"""What a person sees while a run goes on: a live display on a terminal, plain lines in a log."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from learn2compress.progress import Progress as Report

if TYPE_CHECKING:
    from pipelines.local_runner import StepEvent

# A log gets a line when the work changes, and at most this often within it.
_LINE_SECONDS = 15.0


class LineDisplay:
    """Plain lines: when a step starts and ends, when its work changes, and now and then in between.

    Args:
      console: Where to print.
      step: The step that runs, where no `on_step` will tell.
    """

    def __init__(self, console: Console, step: str = ""):
        self._console = console
        self._step, self._work = step, ""
        self._step_started = self._work_started = self._last_line = time.monotonic()

    def __enter__(self) -> LineDisplay:
        return self

    def __exit__(self, *_: object) -> None:
        """Does nothing: lines need no end."""

    def on_step(self, event: StepEvent) -> None:
        """Shows that a step starts or has ended."""
        position = f"[{event.number}/{event.total}] {event.step}"
        if event.state == "started":
            self._step, self._work, self._step_started = event.step, "", time.monotonic()
            self._show_start(position)
            return
        outcome = "cached" if event.state == "cached" else f"done in {time.monotonic() - self._step_started:.1f} s"
        self._print(f"{position} {outcome}")

    def on_progress(self, report: Report) -> None:
        """Shows how far the work inside the step is."""
        phase = report.work.partition(" epoch ")[0]
        is_new = phase != self._work
        if is_new:
            self._work, self._work_started = phase, time.monotonic()
        self._show_progress(report, is_new)

    def _show_start(self, position: str) -> None:
        self._print(f"{position} ...")

    def _show_progress(self, report: Report, is_new: bool) -> None:
        now = time.monotonic()
        if not (is_new or report.done == report.total or now - self._last_line > _LINE_SECONDS):
            return
        self._last_line, elapsed = now, now - self._work_started
        line = f"    {self._step}: {report.work}, {report.done}/{report.total}"
        if elapsed > 1.0 and 0 < report.done < report.total:
            line += f", {elapsed / report.done * (report.total - report.done):.0f} s left"
        self._print(line + (f", {report.detail}" if report.detail else ""))

    def _print(self, line: str) -> None:
        self._console.print(line, highlight=False, markup=False)


class LiveDisplay(LineDisplay):
    """A line for each step that has ended, and under them a bar of the work that goes on.

    Args:
      console: A terminal.
    """

    def __init__(self, console: Console):
        super().__init__(console)
        self._bars = Progress(
            TextColumn("  {task.description}", markup=False),
            BarColumn(bar_width=24),
            TaskProgressColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[detail]}", markup=False),
            console=console,
            transient=True,
        )
        self._bar: TaskID | None = None
        self._show_start("starting")

    def __enter__(self) -> LiveDisplay:
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def _show_start(self, position: str) -> None:
        # Without a total the bar moves to and fro: nobody knows how long it will take.
        self._replace_bar(position, total=None)

    def _show_progress(self, report: Report, is_new: bool) -> None:
        description = f"{self._step}: {report.work}"
        if is_new or self._bar is None:
            self._replace_bar(description, total=report.total)
        if self._bar is not None:
            self._bars.update(self._bar, description=description, completed=report.done, detail=report.detail)

    def _replace_bar(self, description: str, total: int | None) -> None:
        if self._bar is not None:
            self._bars.remove_task(self._bar)
        self._bar = self._bars.add_task(description, total=total, detail="")


def run_display(console: Console) -> LineDisplay:
    """Returns the display that suits a console: live on a terminal, lines elsewhere."""
    return LiveDisplay(console) if console.is_terminal else LineDisplay(console)


@contextlib.contextmanager
def redirect_library_output(log_file: Path) -> Iterator[Console]:
    """Sends everything that libraries print or log into a file.

    File descriptors are redirected, not just Python's streams: most of the
    noise comes from C++.

    Args:
      log_file: The file; what it has is kept.

    Yields:
      A console that still reaches the person.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    kept = {fd: os.dup(fd) for fd in (1, 2)}
    person = os.fdopen(os.dup(kept[1]), "w", encoding="utf-8")
    console = Console(file=person, width=None if person.isatty() else 100)
    log = os.open(log_file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    handler = logging.FileHandler(log_file)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.getLogger().addHandler(handler)
    try:
        for fd in kept:
            os.dup2(log, fd)
        yield console
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        for fd, original in kept.items():
            os.dup2(original, fd)
            os.close(original)
        os.close(log)
        logging.getLogger().removeHandler(handler)
        handler.close()
        person.close()

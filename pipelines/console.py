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
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from learn2compress.progress import Progress as Report

if TYPE_CHECKING:
    from pipelines.local import StepEvent

# A log gets a line when the work changes, and at most this often within it.
_LINE_SECONDS = 15.0


class RunDisplay:
    """Shows steps and the progress inside them.

    Args:
      console: Where to show it.
    """

    def __init__(self, console: Console):
        self._console = console
        self._step = ""
        self._started = time.monotonic()
        self._work_started = self._last_line = 0.0
        self._work = ""
        self._live = (
            Progress(
                TextColumn("  {task.description}"),
                BarColumn(bar_width=24),
                TaskProgressColumn(),
                TimeElapsedColumn(),
                TimeRemainingColumn(),
                TextColumn("{task.fields[detail]}"),
                console=console,
                transient=True,
            )
            if console.is_terminal
            else None
        )
        # Without a total the bar moves to and fro: something goes on, nobody knows for how long.
        self._task = self._live.add_task("starting", total=None, detail="") if self._live else None

    def __enter__(self) -> RunDisplay:
        if self._live:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live:
            self._live.stop()

    def on_step(self, event: StepEvent) -> None:
        """Shows that a step starts or has ended."""
        position = f"[{event.number}/{event.total}]"
        if event.state == "started":
            self._step, self._work, self._started = event.step, "", time.monotonic()
            if self._live is not None and self._task is not None:
                self._live.reset(self._task, total=None, description=f"{position} {event.step}", detail="")
            else:
                self._print(f"{position} {event.step} ...")
            return
        seconds = time.monotonic() - self._started
        outcome = "cached" if event.state == "cached" else f"done in {seconds:.1f} s"
        self._print(f"{position} {event.step} {outcome}")

    def on_progress(self, report: Report) -> None:
        """Shows how far the work inside the step is."""
        phase = report.work.partition(" epoch ")[0]
        is_new = phase != self._work
        if is_new or report.done == 0:
            self._work, self._work_started = phase, time.monotonic()
            if self._live is not None and self._task is not None:
                self._live.reset(self._task, total=report.total, detail="")
        if self._live is not None and self._task is not None:
            self._live.update(
                self._task,
                description=f"{self._step}: {report.work}",
                completed=report.done,
                total=report.total,
                detail=report.detail,
            )
        elif is_new or report.done == report.total or time.monotonic() - self._last_line > _LINE_SECONDS:
            self._last_line = time.monotonic()
            elapsed = self._last_line - self._work_started
            position = f"{report.work}, {report.done}/{report.total}"
            if elapsed > 1.0 and 0 < report.done < report.total:
                position += f", {elapsed / report.done * (report.total - report.done):.0f} s left"
            self._print(f"    {self._step}: {position}" + (f", {report.detail}" if report.detail else ""))

    def _print(self, line: str) -> None:
        (self._live.console if self._live else self._console).print(line, highlight=False, markup=False)


@contextlib.contextmanager
def library_noise_to(log_file: Path) -> Iterator[Console]:
    """Sends everything that libraries print or log into a file; gives a console that still reaches the person.

    File descriptors are redirected, not just Python's streams: most of the
    noise comes from C++.
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

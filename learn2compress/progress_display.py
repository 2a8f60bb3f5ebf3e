"""What a person sees of work that reports its progress: a bar on a terminal or in a notebook, plain lines elsewhere.

`learn2compress.compress` shows its work with it, and so does each step of a pipeline, on a machine or in a pod.
"""

from __future__ import annotations

import dataclasses
import time
from typing import IO

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

# Less time than this says nothing about how fast the work is.
_LEAST_SECONDS = 1.0
# A log gets a line when the work changes, and at most this often within it.
_LINE_SECONDS = 15.0


def plain_console(
    *,
    width: int | None = None,
    file: IO[str] | None = None,
    stderr: bool = False,
    soft_wrap: bool = False,
    force_terminal: bool | None = None,
) -> Console:
    """Returns a console that shows text as it is: names with brackets or colons are no markup and no emoji.

    Args:
      width: Columns; `None` for those of the terminal.
      file: Where to print; `None` for standard output or error.
      stderr: Print on standard error instead of standard output.
      soft_wrap: Leave long lines to the terminal.
      force_terminal: Whether it is a terminal; `None` to find out.
    """
    return Console(
        width=width,
        file=file,
        stderr=stderr,
        soft_wrap=soft_wrap,
        force_terminal=force_terminal,
        markup=False,
        emoji=False,
        highlight=False,
    )


@dataclasses.dataclass(frozen=True)
class _Rate:
    """How fast work is, by what was done since it was first seen: a resumed training had done much before.

    Attributes:
      started: When that was, on the monotonic clock.
      done: Units that were done by then.
      total: Units in all.
    """

    started: float
    done: int
    total: int

    @classmethod
    def since(cls, report: Report) -> _Rate:
        """Returns a rate that counts from a report on."""
        return cls(time.monotonic(), report.done, report.total)

    def continues(self, report: Report) -> bool:
        """Returns whether a report counts the same units, and no fewer of them are done than when this began."""
        return report.total == self.total and report.done >= self.done

    def seconds_left(self, report: Report, now: float) -> float | None:
        """Returns how long the rest will take.

        Args:
          report: How far the work is.
          now: On the monotonic clock.

        Returns:
          Seconds; `None` where too little was done since to tell, or nothing is left.
        """
        elapsed, done = now - self.started, report.done - self.done
        if elapsed <= _LEAST_SECONDS or done <= 0 or report.done >= report.total:
            return None
        return elapsed / done * (report.total - report.done)


class LineDisplay:
    """Plain lines: when work changes, now and then within it, and every notice.

    Args:
      console: Where to print, from `plain_console`.
      step: The step of a pipeline whose work it is; empty for work that is no part of one.
    """

    def __init__(self, console: Console, step: str = ""):
        self._console = console
        self._step, self._phase = step, ""
        self._last_line = time.monotonic()
        self._rate = _Rate.since(Report("", 0, 1))

    def __enter__(self) -> LineDisplay:
        return self

    def __exit__(self, *_: object) -> None:
        """Does nothing: lines need no end."""

    def start_step(self, step: str, title: str) -> None:
        """Shows that a step starts, whose work is reported from now on.

        Args:
          step: Its name, which stands before its work.
          title: What to show, such as "[2/9] Prune.small".
        """
        self._step, self._phase = step, ""
        self._show_start(title)

    def show(self, report: Report) -> None:
        """Shows how far the work is, or what is to stay readable."""
        if report.is_notice:
            self.print_line(self._below_title(f"{self._step or report.work}: {report.detail}"))
            return
        phase = report.work.partition(" epoch ")[0]
        is_new = phase != self._phase
        if is_new or not self._rate.continues(report):
            self._rate = _Rate.since(report)
        self._phase = phase
        self._show_progress(report, is_new)

    def print_line(self, line: str) -> None:
        """Prints a line that stays."""
        self._console.print(line)

    def _below_title(self, text: str) -> str:
        """Returns a text, indented where the title of a step stands above it."""
        return f"    {text}" if self._step else text

    def _show_start(self, title: str) -> None:
        self.print_line(f"{title} ...")

    def _show_progress(self, report: Report, is_new: bool) -> None:
        now = time.monotonic()
        if not (is_new or report.done == report.total or now - self._last_line > _LINE_SECONDS):
            return
        self._last_line = now
        line = self._below_title(f"{report.work}, {report.done}/{report.total}")
        if report.unit:
            line += f" {report.unit}"
        seconds_left = self._rate.seconds_left(report, now)
        if seconds_left is not None:
            line += f", {seconds_left:.0f} s left"
        self.print_line(line + (f", {report.detail}" if report.detail else ""))


class BarDisplay(LineDisplay):
    """A bar of the work that goes on, below the lines that stay.

    Args:
      console: Of a terminal or a notebook.
      step: As for `LineDisplay`.
    """

    def __init__(self, console: Console, step: str = ""):
        super().__init__(console, step)
        self._bars = Progress(
            TextColumn("  {task.description}", markup=False),
            BarColumn(bar_width=16),
            TaskProgressColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[detail]}", markup=False),
            console=console,
            transient=True,
        )
        self._bar: TaskID | None = None
        self._show_start("starting")

    def __enter__(self) -> BarDisplay:
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def _show_start(self, title: str) -> None:
        # Without a total the bar moves to and fro: nobody knows how long it will take.
        self._replace_bar(title, total=None)

    def _show_progress(self, report: Report, is_new: bool) -> None:
        description = f"{self._step}: {report.work}" if self._step else report.work
        if is_new or self._bar is None:
            self._replace_bar(description, total=report.total)
        if self._bar is not None:
            self._bars.update(
                self._bar, description=description, total=report.total, completed=report.done, detail=report.detail
            )

    def _replace_bar(self, description: str, total: int | None) -> None:
        if self._bar is not None:
            self._bars.remove_task(self._bar)
        self._bar = self._bars.add_task(description, total=total, detail="")


def display_on(console: Console, step: str = "") -> LineDisplay:
    """Returns the display that suits a console: a bar on a terminal or in a notebook, lines elsewhere.

    Args:
      console: From `plain_console`.
      step: As for `LineDisplay`.
    """
    draws = console.is_terminal or console.is_jupyter
    return BarDisplay(console, step) if draws else LineDisplay(console, step)

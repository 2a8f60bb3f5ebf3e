"""What a person sees while a run goes on: its steps and the work inside each, and nothing that libraries print."""

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

from learn2compress.command_line.streams import descriptors_in
from learn2compress.progress import Progress
from learn2compress.progress_display import LineDisplay, display_on, plain_console
from learn2compress.report.plain_text import accept_any_text

if TYPE_CHECKING:
    from pipelines.local_runner import StepEvent


class RunDisplay:
    """Shows the steps of a run: when each starts and ends, and its work in between as the library's display does.

    Args:
      display: From `display_on`.
    """

    def __init__(self, display: LineDisplay):
        self._display = display
        self._step_started = time.monotonic()

    def on_step(self, event: StepEvent) -> None:
        """Shows that a step starts or has ended."""
        title = f"[{event.number}/{event.total}] {event.step}"
        if event.state == "started":
            self._step_started = time.monotonic()
            self._display.start_step(event.step, title)
            return
        outcome = "cached" if event.state == "cached" else f"done in {time.monotonic() - self._step_started:.1f} s"
        self._display.print_line(f"{title} {outcome}")

    def on_progress(self, report: Progress) -> None:
        """Shows how far the work inside the step is, or what is to stay readable."""
        self._display.show(report)


@contextlib.contextmanager
def run_display(console: Console) -> Iterator[RunDisplay]:
    """Shows a run on a console as long as the block.

    Args:
      console: From `plain_console`.

    Yields:
      What to tell the run's steps and progress.
    """
    with display_on(console) as display:
        yield RunDisplay(display)


@contextlib.contextmanager
def hidden_library_output() -> Iterator[None]:
    """Hides what libraries print or log, for quick work that has no log."""
    with redirect_library_output(Path(os.devnull)):
        yield


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
    with descriptors_in(log_file) as copies:
        person = os.fdopen(os.dup(copies[1]), "w", encoding=getattr(sys.stdout, "encoding", None) or "utf-8")
        accept_any_text(person)
        handler = logging.FileHandler(log_file)
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
        logging.getLogger().addHandler(handler)
        try:
            yield plain_console(file=person, width=None if person.isatty() else 100)
        finally:
            logging.getLogger().removeHandler(handler)
            handler.close()
            person.close()

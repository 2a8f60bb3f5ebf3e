"""What a person sees while a run goes on in a cluster: a live table on a terminal, plain lines in a log."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from pipelines.run_history import Run, Step

_OPEN = frozenset({"pending", "running"})
_STYLES = {"complete": "green", "cached": "green", "failed": "red", "running": "bold", "pending": "dim"}


def show_progress(runs: Iterable[Run], console: Console) -> Run:
    """Shows a run until it ends.

    Args:
      runs: The run as it is now, and again and again.
      console: Where to show it.

    Returns:
      The run as it was last.
    """
    return _show_table(runs, console) if console.is_terminal else _show_lines(runs, console)


def _show_table(runs: Iterable[Run], console: Console) -> Run:
    with Live(console=console, auto_refresh=False) as live:
        for run in runs:
            live.update(_table(run), refresh=True)
    return run


def _show_lines(runs: Iterable[Run], console: Console) -> Run:
    told: dict[str, str] = {}
    for run in runs:
        for step in run.steps:
            if step.state not in (told.get(step.step), "pending"):
                told[step.step] = step.state
                done = sum(state not in _OPEN for state in told.values())
                console.print(f"[{done}/{len(run.steps)}] {_line(step)}")
    return run


def _line(step: Step) -> str:
    if step.state == "running":
        return f"{step.step} ..."
    outcome = "done" if step.state == "complete" else step.state
    return f"{step.step} {outcome}" + (f" in {step.seconds:.0f} s" if step.seconds is not None else "")


def _table(run: Run) -> Table:
    table = Table("step", "state", "seconds", title=Text(f"{run.name}: {run.state}"))
    for step in run.steps:
        seconds = "" if step.seconds is None else f"{step.seconds:.0f}"
        table.add_row(Text(step.step), Text(step.state, _STYLES.get(step.state, "")), seconds)
    return table

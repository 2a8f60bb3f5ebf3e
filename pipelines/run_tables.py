"""Runs and their steps as tables for a terminal of 60 columns or more."""

from __future__ import annotations

from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Group
from rich.table import Table
from rich.text import Text

from learn2compress.report.formatting import percent
from pipelines.run_history import Run

WIDE = 100


def runs_table(runs: Sequence[Run], width: int = WIDE) -> Table:
    """Returns runs as a table.

    Args:
      runs: In the order to show.
      width: Columns of the terminal; below 100, times are shorter and counts of steps left out.
    """
    is_wide = width >= WIDE
    counts = ("steps", "executed", "cached") if is_wide else ()
    table = _table("run", "name", "started (UTC)", "state", "top-1", "version", *counts, "seconds")
    for run in runs:
        states = [step.state for step in run.steps]
        seconds = sum(step.seconds or 0.0 for step in run.steps)
        started = run.started if is_wide else run.started[5:16].replace("T", " ")
        cells = [str(run.run_id), run.name, started, run.state, best_accuracy(run), version_text(run)]
        if is_wide:
            cells += map(str, (len(states), states.count("complete"), states.count("cached")))
        table.add_row(*map(Text, (*cells, f"{seconds:.1f}")))  # a name is never read as markup
    return table


def steps_table(run: Run, width: int = WIDE) -> Group:
    """Returns a run's steps as a table.

    Args:
      run: The run.
      width: Columns of the terminal; below 100, outputs stand under the table.
    """
    is_wide = width >= WIDE
    table = _table("step", "state", "seconds", *(["outputs"] if is_wide else []))
    title = Text(f"run {run.run_id}: {run.name}, {run.state}")
    below = []
    for step in run.steps:
        seconds = "" if step.seconds is None else f"{step.seconds:.1f}"
        outputs = [f"{key}: {uri}" for key, uri in step.outputs.items()]
        below += [Text(f"{step.step} {line}", overflow="fold") for line in outputs]
        cells = (step.step, step.state, seconds, *(["\n".join(outputs)] if is_wide else []))
        table.add_row(*map(Text, cells))
    return Group(title, table, *([] if is_wide else below))


def best_accuracy(run: Run) -> str:
    """Returns the highest top-1 accuracy of a run's students, as "98.89%"; empty where none was measured."""
    return percent(max(run.accuracies.values())) if run.accuracies else ""


def version_text(run: Run) -> str:
    """Returns the version that a run pushed, or "none"; empty where that was not decided."""
    return "" if run.version is None else str(run.version) if run.version else "none"


def _table(*headings: str) -> Table:
    table = Table(box=SIMPLE_HEAD, padding=0, pad_edge=False, show_edge=False)
    for heading in headings:
        is_number = heading in ("run", "top-1", "version", "steps", "executed", "cached", "seconds")
        table.add_column(heading, justify="right" if is_number else "left", overflow="fold")
    return table

"""The table of variants against the teacher, for a terminal of 80 columns or more."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from learn2compress.report.formatting import (
    byte_size,
    divided,
    percent,
    points,
    quantity,
    significant,
    speed,
    speed_interval,
    times,
)
from learn2compress.results.latency import Latency
from learn2compress.results.reports import FamilyReport, ModelReport


def results_table(report: FamilyReport) -> Table:
    """Lays out teacher and students, a row each.

    Args:
      report: What was measured and decided.

    Returns:
      A table whose cells hold plain text: names are never read as markup.
    """
    table = Table(box=SIMPLE_HEAD, padding=0, pad_edge=False, show_edge=False)
    table.add_column("model", overflow="fold", min_width=7)
    for heading in ("top-1", "points", "stored", "smaller", "MACs", "ms", "faster"):
        table.add_column(heading, justify="right", no_wrap=heading != "faster", overflow="fold")
    table.add_column("verdict", overflow="fold")
    table.add_row(*_figures(report.teacher, None), Text("teacher"))
    verdicts = {verdict.name: verdict for verdict in report.verdicts}
    for student in report.students:
        verdict = verdicts[student.name]
        outcome = Text("pushed", "green") if verdict.selected else Text("refused", "red")
        if verdict.satisfied and not verdict.selected:
            outcome = Text("not best", "yellow")
        table.add_row(*_figures(student, report.teacher), outcome)
    return table


def _figures(model: ModelReport, teacher: ModelReport | None) -> tuple[Text, ...]:
    compared = ("", "", "")
    if teacher is not None:
        compared = (
            points(model.accuracy.top_1 - teacher.accuracy.top_1),
            times(divided(teacher.model_bytes, model.model_bytes)),
            _faster(model.latency),
        )
    difference, smaller, faster = compared
    cells = (
        model.name,
        percent(model.accuracy.top_1),
        difference,
        byte_size(model.model_bytes),
        smaller,
        quantity(model.macs),
        significant(model.latency.time_ms),
        faster,
    )
    return tuple(Text(cell) for cell in cells)


def _faster(latency: Latency) -> str:
    """Returns the claim with its interval, in as few characters as it takes."""
    interval = speed_interval(latency).replace(" to ", "\N{EN DASH}")
    return f"{speed(latency).removesuffix(' faster')} ({interval})"

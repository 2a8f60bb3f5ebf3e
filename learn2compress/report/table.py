"""The table of variants against the teacher, for a terminal of 60 columns or more."""

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

_COLUMNS = ("model", "top-1", "points", "stored", "smaller", "MACs", "ms", "faster", "verdict")
# What a narrow terminal does without: the report page has it.
_WIDE_ONLY = ("smaller", "MACs", "ms")
_WIDE = 80


def results_table(report: FamilyReport, width: int = _WIDE) -> Table:
    """Lays out teacher and students, a row each.

    Args:
      report: What was measured and decided.
      width: Columns of the terminal; below 80 some figures are left out.

    Returns:
      A table whose cells hold plain text: names are never read as markup.
    """
    table = Table(box=SIMPLE_HEAD, padding=0, pad_edge=False, show_edge=False)
    headings = [name for name in _COLUMNS if width >= _WIDE or name not in _WIDE_ONLY]
    for heading in headings:
        if heading in ("model", "verdict"):
            table.add_column(heading, overflow="fold", min_width=7 if heading == "model" else None)
        else:
            table.add_column(heading, justify="right", no_wrap=heading != "faster", overflow="fold")
    rows: list[tuple[Text, ...]] = [(*_figures(report.teacher, None), Text("teacher"))]
    verdicts = {verdict.name: verdict for verdict in report.verdicts}
    for student in report.students:
        verdict = verdicts[student.name]
        outcome = Text("pushed", "green") if verdict.selected else Text("refused", "red")
        if verdict.satisfied and not verdict.selected:
            outcome = Text("not best", "yellow")
        rows.append((*_figures(student, report.teacher), outcome))
    for row in rows:
        table.add_row(*(cell for heading, cell in zip(_COLUMNS, row, strict=True) if heading in headings))
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

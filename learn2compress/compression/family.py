"""The students of one compression, with what was measured and decided."""

from __future__ import annotations

import dataclasses
import html
import importlib
import os
import sys
from collections.abc import Iterator, Mapping, Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from learn2compress.compression.students import MeasuredStudent, write_whole
from learn2compress.compression.work_folder import WorkFolder
from learn2compress.report.formatting import byte_size, divided, percent, quantity, speed, times
from learn2compress.report.page import render_page
from learn2compress.report.plain_text import accepting_any_text
from learn2compress.report.verdict_lines import verdict_lines
from learn2compress.results.reports import FamilyReport, ModelReport

_HEADINGS = ("model", "top-1", "size", "smaller", "MACs", "speed", "verdict")
_TEXTS = ("model", "verdict")


class Family(Mapping[str, MeasuredStudent]):
    """Students by name, in the order in which they were asked for, those that were refused among them.

    Args:
      measured: Everything that was measured and decided.
      students: The students, in any order.
      folder: Where their files are; it is kept as long as this object.

    Attributes:
      measured: Everything that was measured and decided: the content of `family.json`.
    """

    def __init__(self, measured: FamilyReport, students: Sequence[MeasuredStudent], folder: WorkFolder) -> None:
        self.measured = measured
        self._folder = folder
        by_name = {student.name: student for student in students}
        self._students = {report.name: by_name[report.name] for report in measured.students}

    def __getitem__(self, name: str) -> MeasuredStudent:
        if name not in self._students:
            raise KeyError(f"{name!r}; the students are {', '.join(self._students)}")
        return self._students[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._students)

    def __len__(self) -> int:
        return len(self._students)

    @property
    def selected(self) -> dict[str, MeasuredStudent]:
        """Returns the students that satisfy every constraint and are selected, by name."""
        return {name: student for name, student in self.items() if not student.reasons}

    @property
    def labels(self) -> tuple[str, ...]:
        """Returns the class names in the order of the scores."""
        return self.measured.labels

    def report(self) -> None:
        """Shows teacher and students in a table: as text on standard output, in a notebook as HTML."""
        if _is_notebook():
            importlib.import_module("IPython.display").display(self)
            return
        console = Console(markup=False, emoji=False, highlight=False)
        table = Table(box=SIMPLE_HEAD, padding=0, pad_edge=False, show_edge=False)
        for heading in _HEADINGS:
            table.add_column(heading, justify="left" if heading in _TEXTS else "right", overflow="fold")
        for row in self._rows():
            table.add_row(*map(Text, row))
        with accepting_any_text(sys.stdout):
            console.print(table)
            for sentence in self._sentences():
                console.print(sentence, soft_wrap=True)

    def save_report(self, path: str | os.PathLike[str]) -> None:
        """Writes the whole report as one HTML page.

        Args:
          path: Such as "report.html".

        Raises:
          ConfigError: the file can't be written.
        """
        write_whole(path, render_page(self.measured).encode())

    def __repr__(self) -> str:
        return f"<family of {', '.join(map(repr, self.values()))}>"

    def _repr_html_(self) -> str:
        """Returns the table that a notebook shows."""
        rows = self._rows()
        head = "".join(f"<th>{heading}</th>" for heading in _HEADINGS)
        body = "".join(f"<tr>{''.join(f'<td>{html.escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
        notes = "".join(f"<li>{html.escape(sentence)}</li>" for sentence in self._sentences())
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>" + f"<ul>{notes}</ul>" * bool(notes)

    def _rows(self) -> list[tuple[str, ...]]:
        teacher = self.measured.teacher
        students = [
            _cells(student.report, teacher, "refused" if student.reasons else "selected") for student in self.values()
        ]
        return [_cells(teacher, None, ""), *students]

    def _sentences(self) -> list[str]:
        """Returns what a reader must know beside the figures: why students were refused, and notes on them."""
        measured = self.measured
        refusals = [
            f"{verdict.name} is refused: {reason}" for verdict in measured.verdicts for reason in verdict.reasons
        ]
        noted = [dataclasses.replace(verdict, reasons=()) for verdict in measured.verdicts]
        return refusals + verdict_lines(noted, (measured.teacher, *measured.students))


def _cells(model: ModelReport, teacher: ModelReport | None, verdict: str) -> tuple[str, ...]:
    return (
        model.name,
        percent(model.accuracy.top_1),
        byte_size(model.model_bytes),
        "" if teacher is None else times(divided(teacher.model_bytes, model.model_bytes)),
        quantity(model.macs),
        "" if teacher is None else speed(model.latency),
        verdict,
    )


def _is_notebook() -> bool:
    """Returns whether a notebook's kernel runs this; where IPython was never imported, none does."""
    shell = sys.modules.get("IPython")
    kernel = None if shell is None else shell.get_ipython()
    return kernel is not None and hasattr(kernel, "kernel")

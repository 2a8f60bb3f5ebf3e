from __future__ import annotations

import dataclasses
import io
from collections.abc import Callable

import pytest
from rich.console import Console

from learn2compress.report.table import results_table
from learn2compress.results.reports import FamilyReport


def printed(report: FamilyReport, width: int) -> list[str]:
    console = Console(file=io.StringIO(), width=width)
    console.print(results_table(report, width))
    return console.file.getvalue().splitlines()  # type: ignore[attr-defined]


def test_each_model_fits_one_line_of_80_columns(family: FamilyReport) -> None:
    lines = printed(family, 80)
    assert [line.split()[0] for line in lines[2:]] == ["teacher", "large", "medium", "small"]
    minus, by = "\N{MINUS SIGN}", "\N{MULTIPLICATION SIGN}"
    cells = f"large 98.89% {minus}0.28 112 kB 17.1{by} 4.61 M 0.0712 5.78{by} (5.4\N{EN DASH}6.1)"
    assert lines[3].split() == [*cells.split(), "pushed"]
    assert "no claim (0.98\N{EN DASH}1.1)" in lines[4]
    assert lines[5].endswith("refused")


def test_each_model_fits_one_line_of_60_columns(family: FamilyReport) -> None:
    lines = printed(family, 60)
    assert max(map(len, lines)) <= 60
    assert [line.split()[0] for line in lines[2:]] == ["teacher", "large", "medium", "small"]
    by = "\N{MULTIPLICATION SIGN}"
    cells = f"large 98.89% \N{MINUS SIGN}0.28 112 kB 5.78{by} (5.4\N{EN DASH}6.1) pushed"
    assert lines[3].split() == cells.split()


@pytest.mark.parametrize("width", [60, 80, 100])
def test_long_names_are_folded_not_cut(family_of: Callable[..., FamilyReport], width: int) -> None:
    lines = printed(family_of(student_names=("abcdefghijklmnopqrstuvwxyz_01234", "m", "s")), width)
    assert max(map(len, lines)) <= width
    column = "".join(line[: line.index("  ") if "  " in line else None].split(" ")[0] for line in lines[3:])
    assert column.startswith("abcdefghijklmnopqrstuvwxyz_01234")


def test_names_are_not_markup(family_of: Callable[..., FamilyReport]) -> None:
    assert any("[red]x[/red]" in line for line in printed(family_of(student_names=("[red]x[/red]", "m", "s")), 140))


def test_a_student_that_passed_but_was_not_the_best(family: FamilyReport) -> None:
    verdicts = tuple(dataclasses.replace(verdict, satisfied=True, selected=False) for verdict in family.verdicts)
    lines = printed(dataclasses.replace(family, verdicts=verdicts), 100)
    assert lines[3].endswith("not best")

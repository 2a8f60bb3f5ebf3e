from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest

from learn2compress.compression.family import Family


def test_a_family_is_a_mapping_in_the_order_of_the_call(family: Any) -> None:
    assert len(family) == 2
    assert [student.name for student in family.values()] == ["large", "small"]
    with pytest.raises(KeyError, match="'tiny'; the students are large, small"):
        family["tiny"]


def test_report_prints_a_table_of_60_columns(
    family: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    family.report()
    lines = capsys.readouterr().out.splitlines()
    table = lines[: next(index for index, line in enumerate(lines) if line.startswith("small")) + 1]
    assert max(map(len, table)) <= 60
    assert table[0].split()[0] == "model"


def test_report_prints_to_a_stream_of_ascii(family: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    verdicts = tuple(replace(verdict, notes=("\N{MINUS SIGN}0.5 points",)) for verdict in family.measured.verdicts)
    changed = Family(replace(family.measured, verdicts=verdicts), list(family.values()), family._folder)
    file = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(file, encoding="ascii", write_through=True))
    changed.report()
    assert b"small: -0.5 points" in file.getvalue()


def test_a_notebook_gets_html_in_which_names_are_no_markup(family: Any) -> None:
    html = family._repr_html_()
    assert html.startswith("<table>")
    assert "<td>large</td>" in html
    assert html.count("<tr>") == 4


def test_refused_students_say_why(family: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    student = family["small"]
    refused = replace(
        student, verdict=replace(student.verdict, satisfied=False, selected=False, reasons=("<too> slow",))
    )
    verdicts = tuple(refused.verdict if verdict.name == "small" else verdict for verdict in family.measured.verdicts)
    changed = Family(replace(family.measured, verdicts=verdicts), [family["large"], refused], family._folder)
    assert "small" not in changed.selected
    assert "small is refused: &lt;too&gt; slow" in changed._repr_html_()


def test_the_whole_report_is_a_page(family: Any, tmp_path: Path) -> None:
    family.save_report(tmp_path / "report.html")
    assert "<!doctype html>" in (tmp_path / "report.html").read_text(encoding="utf-8").lower()

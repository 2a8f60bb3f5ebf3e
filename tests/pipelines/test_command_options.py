"""What verbs share: tables that are whole where nobody sees a terminal."""

from __future__ import annotations

import pytest
from rich.table import Table
from rich.text import Text

from pipelines.command_options import print_table


def test_a_table_is_not_cut_where_it_goes_to_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    table = Table("name", "uri")
    table.add_row("small", "s3://" + "x" * 110)
    print_table(table)
    assert "x" * 110 in capsys.readouterr().out


def test_no_name_in_a_table_moves_the_cursor(capsys: pytest.CaptureFixture[str]) -> None:
    table = Table("name")
    table.add_row(Text("small\x1b[2J.tflite"))
    print_table(table)
    assert "small?[2J.tflite" in capsys.readouterr().out

"""Rows of TSV and of CSV with any separator."""

from __future__ import annotations

import pytest

from learn2compress.data.locations import Location
from learn2compress.data.records import SourceError
from learn2compress.data.table_rows import csv_rows, tsv_rows

LOCATION = Location("a.csv", "data.uri")


def test_tsv_has_no_quotes() -> None:
    rows = list(tsv_rows(iter(['a\tsay "no\n', "\n", "b\tx\ry\n"])))
    assert rows[0].cells == ["a", 'say "no']
    assert (rows[1].line_number, str(rows[1].cells)[:23]) == (3, "found a carriage return")


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_csv_has_quotes_with_each_separator(delimiter: str) -> None:
    lines = [f'a{delimiter}"one{delimiter}\n', 'two"\n', f"b{delimiter}three\n"]
    rows = list(csv_rows(iter(lines), delimiter, LOCATION, "a.csv"))
    assert [(row.line_number, row.cells) for row in rows] == [
        (1, ["a", f"one{delimiter}\ntwo"]),
        (3, ["b", "three"]),
    ]
    with pytest.raises(SourceError, match="a quote in the row that begins in line 1 and is not closed"):
        list(csv_rows(iter(lines[:1]), delimiter, LOCATION, "a.csv"))

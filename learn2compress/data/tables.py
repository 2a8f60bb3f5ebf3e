"""Text and its label in lines: TSV (`label<TAB>text`) and CSV (RFC 4180).

A header line with the columns `label` and `text`, in any order and among
others, is recognised; without one there are two columns, label first. Without
labels the header needs `text` alone, and without a header the text is the only
column or the second of two.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from learn2compress.config import DataFormat
from learn2compress.data.locations import Location
from learn2compress.data.records import BadRecord, RawRecord, ReadPlan, Split, Unit

MAX_LINE_BYTES = 2**20
_BYTE_ORDER_MARK = "\ufeff"


class _Columns(NamedTuple):
    """Positions of label and text, and the number of columns of every row."""

    label: int | None
    text: int
    num_columns: int


def plan_table(location: Location, table_format: DataFormat, split: Split | None, *, labelled: bool = True) -> ReadPlan:
    """Plans the reading of a file, a folder or a glob.

    Args:
      location: The source.
      table_format: CSV or TSV.
      split: The split that it belongs to, or `None` where content decides.
      labelled: Whether labels are read.

    Returns:
      A unit for each file.

    Raises:
      SourceError: there is no file.
    """
    files = location.files(name_part=f".{table_format.value}")
    return ReadPlan(
        tuple(
            Unit(table_format, location.field, location.uri, (file.path,), split=split, labelled=labelled)
            for file in files
        )
    )


def read_table(unit: Unit) -> Iterator[RawRecord | BadRecord]:
    """Reads one file.

    Args:
      unit: From `plan_table`.

    Raises:
      SourceError: the file can't be read to its end.
    """
    location = Location(unit.uri, unit.field)
    (path,) = unit.paths
    name = location.relative(path)
    columns: _Columns | None = None
    try:
        with location.open(path) as file:
            lines = _lines(file, location, path)
            rows = _csv_rows(lines) if unit.format is DataFormat.CSV else _tsv_rows(lines)
            for line_number, row in rows:
                source = f"{name}#{line_number}"
                if isinstance(row, str):
                    yield BadRecord(source, row)
                    continue
                if columns is None:
                    columns, is_header = _columns(row, labelled=unit.labelled)
                    if is_header:
                        continue
                yield _record(source, row, columns)
    except OSError as error:
        raise location.error(f"{path} can't be read: {error.strerror or error}") from error


def _record(source: str, row: list[str], columns: _Columns) -> RawRecord | BadRecord:
    if len(row) != columns.num_columns:
        return BadRecord(source, f"found {len(row)} columns, accepted are {columns.num_columns}")
    label = None if columns.label is None else row[columns.label].strip()
    text = row[columns.text].strip()
    if any("\ud800" <= character <= "\udfff" for character in (label or "") + text):
        return BadRecord(source, "found bytes that are not UTF-8, accepted is UTF-8 text")
    return RawRecord(source, label, text)


def _columns(row: list[str], *, labelled: bool) -> tuple[_Columns, bool]:
    """Returns which columns there are, by the first row, and whether it is a header."""
    names = [name.strip().lower() for name in row]
    if names.count("text") == 1 and (not labelled or names.count("label") == 1):
        return _Columns(names.index("label") if labelled else None, names.index("text"), len(names)), True
    if labelled:
        return _Columns(0, 1, 2), False
    return _Columns(None, 1, 2) if len(row) == 2 else _Columns(None, 0, 1), False


def _lines(file: BinaryIO, location: Location, path: str) -> Iterator[str]:
    first = True
    while line := file.readline(MAX_LINE_BYTES + 1):
        if len(line) > MAX_LINE_BYTES:
            raise location.error(
                f"{path}: found a line longer than {MAX_LINE_BYTES} bytes, accepted is a table of text"
            )
        # Undecodable bytes stay in the text as surrogates: one bad record, not a stopped file.
        text = line.decode("utf-8", "surrogateescape")
        yield text.removeprefix(_BYTE_ORDER_MARK) if first else text
        first = False


def _tsv_rows(lines: Iterator[str]) -> Iterator[tuple[int, list[str] | str]]:
    # Without quoting: TSV has none, and text is full of quotation marks.
    for line_number, line in enumerate(lines, 1):
        content = line.rstrip("\r\n")
        if content:
            yield line_number, content.split("\t")


def _csv_rows(lines: Iterator[str]) -> Iterator[tuple[int, list[str] | str]]:
    reader = csv.reader(lines, strict=True)
    while True:
        first_line = reader.line_num + 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield first_line, f"found no CSV row in lines {first_line} to {reader.line_num}: {error}"
            continue
        if row:
            yield first_line, row

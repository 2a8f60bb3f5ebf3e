"""Text and its label in lines: TSV (`label<TAB>text`) and CSV (RFC 4180).

A header line with the columns `label` and `text`, in any order and among
others, is recognised; without one there are two columns, label first. Without
labels the header needs `text` alone, and without a header the text is the only
column or the second of two.

A stray quotation mark makes CSV take the rows after it for one text. A quote
that nothing closes stops the reading: nobody knows which rows are lost. Of a
row that runs over several lines and can't be one, every line is a bad record.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from learn2compress.config import DataFormat
from learn2compress.data.locations import Location
from learn2compress.data.records import BadRecord, RawRecord, ReadPlan, Split, Unit

MAX_LINE_BYTES = 2**20
# A student reads far fewer; a stray quotation mark runs on to the next one.
MAX_ROW_LINES = 100
_BYTE_ORDER_MARK = "\ufeff"
_MEND_QUOTE = "close the quote, double it inside a quoted text, or use TSV"


class _Columns(NamedTuple):
    """Positions of label and text, and the number of columns of every row."""

    label: int | None
    text: int
    num_columns: int


class _Row(NamedTuple):
    """The cells of a row, or why it is refused, and the lines that it was read from."""

    line_number: int
    cells: list[str] | str
    lines: tuple[str, ...]


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
            rows = _csv_rows(lines, location, path) if unit.format is DataFormat.CSV else _tsv_rows(lines)
            labels: set[str] = set()
            for row in rows:
                if columns is None and not isinstance(row.cells, str):
                    columns, is_header = _columns(row.cells, labelled=unit.labelled)
                    if is_header:
                        if len(row.lines) > 1:
                            reason = f"found a header of {len(row.lines)} lines, accepted is one line: {_MEND_QUOTE}"
                            yield from _bad_lines(name, row, reason)
                        continue
                cells = _accepted_cells(row, columns, labels)
                if columns is None or isinstance(cells, str):
                    yield from _bad_lines(name, row, str(cells))
                    continue
                record = _record(f"{name}#{row.line_number}", cells, columns)
                if isinstance(record, RawRecord) and isinstance(record.label, str):
                    labels.add(record.label)
                yield record
    except OSError as error:
        raise location.error(f"{path} can't be read: {error.strerror or error}") from error


def _bad_lines(name: str, row: _Row, reason: str) -> Iterator[BadRecord]:
    """Yields a bad record for each line of a row that is not blank.

    A carriage return alone ends a line here, too: it may hide as many rows.

    Args:
      name: The file's.
      row: The refused row.
      reason: One line: what was found and what is accepted.
    """
    for line_number, line in enumerate(row.lines, row.line_number):
        for part in line.split("\r"):
            if part.strip():
                yield BadRecord(f"{name}#{line_number}", reason)


def _accepted_cells(row: _Row, columns: _Columns | None, labels: set[str]) -> list[str] | str:
    """Returns the cells of a row, or why its form is refused.

    Args:
      row: The row.
      columns: The file's columns, or `None` before they are known.
      labels: Labels of the rows before it.
    """
    if isinstance(row.cells, str) or columns is None:
        return row.cells
    span = f"lines {row.line_number} to {row.line_number + len(row.lines) - 1}"
    if len(row.cells) != columns.num_columns:
        where = f" in {span}" if len(row.lines) > 1 else ""
        return f"found {len(row.cells)} columns{where}, accepted are {columns.num_columns}"
    if len(row.lines) > MAX_ROW_LINES:
        return f"found one CSV row in {span}, accepted are {MAX_ROW_LINES} lines: shorten the text, or {_MEND_QUOTE}"
    if _holds_rows(row.lines, row.cells, columns, labels):
        return f"found a quote around lines that look like rows in {span}, accepted is one row: {_MEND_QUOTE}"
    return row.cells


def _holds_rows(lines: tuple[str, ...], cells: list[str], columns: _Columns, labels: set[str]) -> bool:
    """Returns whether at least half of a row's lines look like rows of their own, with a known label.

    The line that holds the row's own label looks like one in every row, so it doesn't count.

    Args:
      lines: The row's lines.
      cells: The row's cells, as many as there are columns.
      columns: The file's columns.
      labels: Labels of the rows before it.
    """
    if columns.label is None:
        return False
    known = labels | {cells[columns.label].strip()}
    parts = [line.replace('"', "").split(",") for line in re.split(r"\r\n|\r|\n", "".join(lines).rstrip("\r\n"))]
    others = parts[1:] if columns.label < columns.text else parts[:-1]
    others = [part for part in others if part != [""]]
    num_rows = sum(len(part) == columns.num_columns and part[columns.label].strip() in known for part in others)
    return 2 * num_rows >= len(others) > 0


def _record(source: str, row: list[str], columns: _Columns) -> RawRecord | BadRecord:
    label = None if columns.label is None else row[columns.label].strip()
    text = row[columns.text].strip()
    if any("\ud800" <= character <= "\udfff" for character in (label or "") + text):
        return BadRecord(source, "found bytes that are not UTF-8, accepted is UTF-8 text")
    if "\0" in (label or "") + text:
        return BadRecord(source, "found a NUL byte, accepted is UTF-8 text")
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


def _tsv_rows(lines: Iterator[str]) -> Iterator[_Row]:
    # Without quoting: TSV has none, and text is full of quotation marks.
    for line_number, line in enumerate(lines, 1):
        content = line.rstrip("\r\n")
        if "\r" in content:
            reason = "found a carriage return inside a line, accepted are lines that end in \\n or \\r\\n"
            yield _Row(line_number, reason, (content,))
        elif content:
            yield _Row(line_number, content.split("\t"), (content,))


class _LineTap:
    """Passes lines on and keeps those of the present row.

    Attributes:
      taken: Lines passed on since the row began.
      at_end: Whether a line was asked for after the last.
    """

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines
        self.taken: list[str] = []
        self.at_end = False

    def __iter__(self) -> Iterator[str]:
        for line in self._lines:
            self.taken.append(line)
            yield line
        self.at_end = True


def _csv_rows(lines: Iterator[str], location: Location, path: str) -> Iterator[_Row]:
    """Yields the rows of a CSV file.

    Args:
      lines: The file's lines.
      location: The source, for messages.
      path: The file, for messages.

    Raises:
      SourceError: a quote is not closed before the file's end, or within the longest field.
    """
    tap = _LineTap(lines)
    reader = csv.reader(tap, strict=True)
    while True:
        first_line = reader.line_num + 1
        tap.taken.clear()
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            # The module tells its errors apart by their words only.
            is_too_long = "field limit" in str(error)
            is_open = len(tap.taken) > 1 or tap.taken[0].count('"') % 2 == 1
            if tap.at_end or (is_too_long and is_open):
                end = f"in its first {csv.field_size_limit()} characters" if is_too_long else "before the file's end"
                raise location.error(
                    f"{path}: found a quote in the row that begins in line {first_line} and is not closed {end}, "
                    f"accepted is a closed quote: {_MEND_QUOTE}"
                ) from error
            reason = f"found no CSV row in lines {first_line} to {reader.line_num}: {error}"
            yield _Row(first_line, reason, tuple(tap.taken))
            continue
        if row:
            yield _Row(first_line, row, tuple(tap.taken))

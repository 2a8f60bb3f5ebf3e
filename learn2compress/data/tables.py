"""Text and its label in lines: TSV (`label<TAB>text`) and CSV (RFC 4180), plain or gzipped, in UTF-8, or in UTF-16 or
UTF-32 with a byte order mark.

How a file is laid out is settled once, from its first rows (`data/table_layout.py`): a header line with the columns
`label` and `text`, in any order and among others, is recognised; without one there are two columns, label first.
Without labels the header needs `text` alone, and without a header the text is the only column or the second of two.

A stray quotation mark makes CSV take the rows after it for one text. A quote
that nothing closes stops the reading: nobody knows which rows are lost. Of a
row that runs over several lines and can't be one, every line is a bad record.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from learn2compress.config import DataFormat
from learn2compress.data.locations import Entry, Location
from learn2compress.data.records import BadRecord, RawRecord, ReadPlan, Split, Unit, gathered_notes
from learn2compress.data.table_layout import (
    EMPTY,
    NOTHING_DECLARED,
    LayoutError,
    TableLayout,
    TableSettings,
    csv_delimiter,
    parse_rows,
    settle_layout,
)
from learn2compress.data.table_rows import MEND_QUOTE, Row, csv_rows, tsv_rows
from learn2compress.data.table_text import first_lines, table_lines

# A student reads far fewer; a stray quotation mark runs on to the next one.
MAX_ROW_LINES = 100
_MAX_FIRST_ROWS = 1000
_ZERO_FRACTION = re.compile(r"(?<=\d)\.0+\Z")


def plan_table(
    location: Location,
    table_format: DataFormat,
    split: Split | None,
    *,
    labelled: bool = True,
    settings: TableSettings = NOTHING_DECLARED,
) -> ReadPlan:
    """Plans the reading of a file, a folder or a glob, and settles the layout of each file.

    Args:
      location: The source.
      table_format: CSV or TSV.
      split: The split that it belongs to, or `None` where content decides.
      labelled: Whether labels are read.
      settings: What the configuration says about header and layout.

    Returns:
      A unit for each file, and what was concluded about them.

    Raises:
      SourceError: there is no file, or one can't be read as a table; or two are one and the same table.
    """
    suffix = f".{table_format.value}"
    files = location.files(name_part=suffix)
    found = location.entry()
    is_folder = found is not None and found.is_folder
    tables = [file for file in files if not is_folder or file.name.lower().endswith((suffix, f"{suffix}.gz"))]
    if not tables:
        raise location.error(
            f"found {files[0].name} at {location.uri}, accepted are files named *{suffix} or *{suffix}.gz"
        )
    _check_copies(location, tables)
    layouts = [_layout(location, file.path, table_format, settings, labelled) for file in tables]
    _check_alike(location, tables, layouts)
    notes = [(file.name, "left out, as its name does not end in " + suffix) for file in files if file not in tables]
    notes += [(file.name, note) for file, layout in zip(tables, layouts, strict=True) for note in layout.notes]
    units = [
        Unit(table_format, location.field, location.uri, (file.path,), split=split, labelled=labelled, table=layout)
        for file, layout in zip(tables, layouts, strict=True)
    ]
    return ReadPlan(tuple(units), notes=gathered_notes(location.field, notes))


def _check_copies(location: Location, files: list[Entry]) -> None:
    """Refuses a file that lies there gzipped, too: each text would count twice."""
    paths = {file.path for file in files}
    for file in files:
        if f"{file.path}.gz" in paths:
            raise location.error(
                f"found {file.name} and {file.name}.gz, accepted is one of the two: move the other away"
            )


def _layout(
    location: Location, path: str, table_format: DataFormat, settings: TableSettings, labelled: bool
) -> TableLayout:
    lines = first_lines(location, path)
    try:
        if table_format is DataFormat.CSV:
            delimiter = csv_delimiter(lines, labelled=labelled)
            rows = parse_rows(lines, delimiter)
        else:
            delimiter = "\t"
            rows = [row.cells for row in tsv_rows(iter(lines)) if not isinstance(row.cells, str)]
        return settle_layout(rows[:_MAX_FIRST_ROWS], delimiter, table_format, settings, labelled=labelled)
    except LayoutError as error:
        raise location.error(f"{path}: {error}") from error


def _check_alike(location: Location, files: list[Entry], layouts: list[TableLayout]) -> None:
    """Refuses files of which some have a header and others have not: the convention's order is not the header's."""
    filled = [(file, layout) for file, layout in zip(files, layouts, strict=True) if EMPTY not in layout.notes]
    with_header = [file.name for file, layout in filled if layout.header is not None]
    without = [file.name for file, layout in filled if layout.header is None]
    if with_header and without:
        raise location.error(
            f"{with_header[0]} begins with a header and {without[0]} with an example, accepted is one or the other in "
            "all files: set data.header where that is wrong, or give each its header"
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
    layout = unit.table
    if layout is None:
        raise ValueError(f"{unit}: found no layout, accepted is a unit of plan_table")
    lines = table_lines(location, path)
    is_csv = unit.format is DataFormat.CSV
    rows = csv_rows(lines, layout.delimiter, location, path) if is_csv else tsv_rows(lines)
    header = None if layout.header is None else _stripped(layout.header)
    awaits_header = header is not None
    labels: set[str] = set()
    for row in rows:
        if awaits_header and not isinstance(row.cells, str):
            awaits_header = False
            if len(row.lines) > 1:
                reason = f"found a header of {len(row.lines)} lines, accepted is one line: {MEND_QUOTE}"
                yield from _bad_lines(name, row, reason)
            continue
        cells = _accepted_cells(row, layout, labels)
        if not isinstance(cells, str) and header == _stripped(cells):
            cells = "found the header again, accepted is an example: tables were joined with their headers"
        if isinstance(cells, str):
            yield from _bad_lines(name, row, cells)
            continue
        record = _record(f"{name}#{row.line_number}", cells, layout)
        if isinstance(record, RawRecord) and isinstance(record.label, str):
            labels.add(cells[layout.label or 0].strip())
        yield record


def _stripped(cells: Iterable[str]) -> tuple[str, ...]:
    return tuple(cell.strip() for cell in cells)


def _bad_lines(name: str, row: Row, reason: str) -> Iterator[BadRecord]:
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


def _accepted_cells(row: Row, layout: TableLayout, labels: set[str]) -> list[str] | str:
    """Returns the cells of a row, or why its form is refused.

    Args:
      row: The row.
      layout: The file's.
      labels: Labels of the rows before it.
    """
    if isinstance(row.cells, str):
        return row.cells
    span = f"lines {row.line_number} to {row.line_number + len(row.lines) - 1}"
    if len(row.cells) != layout.num_columns:
        where = f" in {span}" if len(row.lines) > 1 else ""
        return f"found {len(row.cells)} columns{where}, accepted are {layout.num_columns}"
    if len(row.lines) > MAX_ROW_LINES:
        return f"found one CSV row in {span}, accepted are {MAX_ROW_LINES} lines: shorten the text, or {MEND_QUOTE}"
    if _holds_rows(row.lines, row.cells, layout, labels):
        return f"found a quote around lines that look like rows in {span}, accepted is one row: {MEND_QUOTE}"
    return row.cells


def _holds_rows(lines: tuple[str, ...], cells: list[str], layout: TableLayout, labels: set[str]) -> bool:
    """Returns whether at least half of a row's lines look like rows of their own, with a known label.

    The line that holds the row's own label looks like one in every row, so it doesn't count.

    Args:
      lines: The row's lines.
      cells: The row's cells, as many as there are columns.
      layout: The file's.
      labels: Labels of the rows before it.
    """
    if layout.label is None:
        return False
    known = labels | {cells[layout.label].strip()}
    parts = [
        line.replace('"', "").split(layout.delimiter) for line in re.split(r"\r\n|\r|\n", "".join(lines).rstrip("\r\n"))
    ]
    others = parts[1:] if layout.label < layout.text else parts[:-1]
    others = [part for part in others if part != [""]]
    num_rows = sum(len(part) == layout.num_columns and part[layout.label].strip() in known for part in others)
    return 2 * num_rows >= len(others) > 0


def _record(source: str, row: list[str], layout: TableLayout) -> RawRecord | BadRecord:
    label = None if layout.label is None else row[layout.label].strip()
    if label is not None and layout.whole_labels:
        label = _ZERO_FRACTION.sub("", label)
    text = row[layout.text].strip()
    if any("\ud800" <= character <= "\udfff" for character in (label or "") + text):
        return BadRecord(source, "found bytes that are not UTF-8, accepted is UTF-8 text")
    if "\0" in (label or "") + text:
        return BadRecord(source, "found a NUL byte, accepted is UTF-8 text")
    return RawRecord(source, label, text)

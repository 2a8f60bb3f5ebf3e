"""How a table is laid out: its separator, whether its first row is a header, and its columns of label and text.

Decided from the first rows and what the configuration says. The convention needs no setting: a header with the columns
`label` and `text`, or two columns without a header, label first. Beyond it a header is told by names that people use,
by labels that are numbers below a name, or by a first row that looks like no row below it; what the rows can't tell is
refused with both readings.
"""

from __future__ import annotations

import csv
import dataclasses
import re
from collections import Counter
from collections.abc import Iterable, Sequence

from learn2compress.config import DataFormat
from learn2compress.config.parsing import clipped
from learn2compress.data.column_names import LABEL, TEXT, find_column, is_known, looks_like_name

Rows = Sequence[Sequence[str]]

EMPTY = "it is empty"
# Fewer rows say nothing about a name that does not recur.
_MIN_ROWS = 10
_SEPARATORS = (",", ";", "\t", "|")
_MIN_EVEN_SHARE = 0.9
_MAX_SINGLE_WORD_SHARE = 0.1
_MAX_SHOWN = 8
_LONGEST_SHOWN = 40
_WHOLE = re.compile(r"[+-]?\d+\.0+")
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")


class LayoutError(ValueError):
    """The columns can't be told; the message is one line, without the file."""


@dataclasses.dataclass(frozen=True)
class TableSettings:
    """What the configuration says about tables.

    Attributes:
      header: Whether the first row is a header, or `None` where the rows tell.
      label_column: Its name in the header, or its number from 1.
      text_column: Likewise.
    """

    header: bool | None = None
    label_column: str | int | None = None
    text_column: str | int | None = None


NOTHING_DECLARED = TableSettings()


@dataclasses.dataclass(frozen=True)
class TableLayout:
    """How one file is read.

    Attributes:
      delimiter: What separates columns.
      header: Cells of the first row, where it is a header.
      label: Position of the label's column, or `None` where labels are not read.
      text: Position of the text's column.
      num_columns: Columns of every row.
      whole_labels: Whether labels such as "1.0" are read as "1".
      notes: What was concluded and not declared, one sentence each.
    """

    delimiter: str
    header: tuple[str, ...] | None
    label: int | None
    text: int
    num_columns: int
    whole_labels: bool = False
    notes: tuple[str, ...] = ()


def csv_delimiter(lines: Sequence[str], *, labelled: bool) -> str:
    """Returns what separates the columns of a CSV file: what divides nearly all rows evenly, and otherwise a comma.

    Of several, that which divides the first row, too, leaves no stray quote, and makes a column of few values.

    Args:
      lines: The first lines.
      labelled: Whether there are two columns at least.
    """
    parsed = {delimiter: parse_rows(lines, delimiter) for delimiter in _SEPARATORS}
    even = [delimiter for delimiter, rows in parsed.items() if _even_share(rows) >= _MIN_EVEN_SHARE]
    if not even or not (labelled or len(lines) >= _MIN_ROWS):
        return ","
    return min(even, key=lambda delimiter: _doubts(parsed[delimiter]))


def _doubts(rows: Rows) -> tuple[bool, int, int]:
    """Returns what speaks against a separator, the most telling first.

    Args:
      rows: As it divides them.
    """
    width = Counter(map(len, rows)).most_common(1)[0][0]
    num_stray = sum('"' in cell for row in rows for cell in row)
    num_values = min(len({row[position] for row in rows if len(row) == width}) for position in range(width))
    return len(rows[0]) != width, num_stray, num_values


def parse_rows(lines: Sequence[str], delimiter: str) -> list[list[str]]:
    """Parses the rows of CSV as far as they can be parsed.

    Args:
      lines: The first lines; the last row may be cut.
      delimiter: One character.

    Returns:
      The rows that are not blank, in order.
    """
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    rows: list[list[str]] = []
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return rows
        except csv.Error:
            continue
        if row:
            rows.append(row)


def settle_layout(
    rows: Rows, delimiter: str, table_format: DataFormat, settings: TableSettings, *, labelled: bool
) -> TableLayout:
    """Settles how a file is read.

    Args:
      rows: Its first rows, none of them blank.
      delimiter: What separates columns.
      table_format: CSV or TSV.
      settings: What the configuration says.
      labelled: Whether labels are read.

    Returns:
      The layout.

    Raises:
      LayoutError: the rows don't tell, or tell something else than the configuration.
    """
    if not rows:
        return TableLayout(delimiter, None, 0 if labelled else None, int(labelled), 1 + labelled, False, (EMPTY,))
    first, body = [cell.strip() for cell in rows[0]], rows[1:]
    num_columns = Counter(map(len, body or rows)).most_common(1)[0][0]
    if labelled and num_columns == len(first) == 1:
        other = "csv" if table_format is DataFormat.TSV else "tsv"
        wanted = "a tab" if table_format is DataFormat.TSV else "a comma, a semicolon or a tab"
        raise LayoutError(
            f"found one column in its first {len(rows)} rows, beginning with {_shown(first[0])}, accepted are label "
            f"and text with {wanted} between them: set data.format to {other} if that is what it is"
        )
    num_columns = max(num_columns, 1 + labelled)
    is_named = isinstance(settings.text_column, str) or (labelled and isinstance(settings.label_column, str))
    notes: tuple[str, ...] = ()
    if settings.header is not None or is_named:
        is_header = bool(settings.header) or is_named
    else:
        is_header, notes = _detect_header(first, body, num_columns, settings, labelled=labelled)
    if is_header and num_columns != len(first) and _even_share(body) >= _MIN_EVEN_SHARE:
        raise LayoutError(f"found a header of {len(first)} columns over rows of {num_columns}, accepted are as many")
    if is_header:
        num_columns = len(first)
    label, text = _columns(first if is_header else None, num_columns, settings, labelled=labelled)
    complete = [row for row in (body if is_header else rows) if len(row) == num_columns]
    if label is not None and not _is_certain(first, is_header, settings):
        _check_swapped(complete, label, text)
    whole = label is not None and _all(_WHOLE, (row[label] for row in complete))
    if whole:
        notes += ('its labels are whole numbers with a fraction of zero: "1.0" is read as "1"',)
    if table_format is DataFormat.CSV and delimiter != ",":
        notes += (f"its columns are separated by {delimiter!r}",)
    return TableLayout(delimiter, tuple(rows[0]) if is_header else None, label, text, num_columns, whole, notes)


def _detect_header(
    first: list[str], body: Rows, num_columns: int, settings: TableSettings, *, labelled: bool
) -> tuple[bool, tuple[str, ...]]:
    """Returns whether the first row is a header, and what was concluded from the rows and not from the convention.

    Raises:
      LayoutError: the rows don't tell.
    """
    lower = [cell.lower() for cell in first]
    if lower.count("text") == 1 and (not labelled or lower.count("label") == 1):
        return True, ()
    if len(first) != num_columns:
        return False, ()
    try:
        label, text = _columns(first, num_columns, settings, labelled=labelled)
    except LayoutError:
        # Three columns or more of which none can be told: a header then names them in the message.
        return all(not cell or looks_like_name(cell) for cell in first), ()
    cells = [first[text]] if label is None else [first[label], first[text]]
    if not all(map(looks_like_name, cells)):
        return False, ()
    taken = f"its first row is taken for a header: text is {_shown(first[text])}"
    taken += "" if label is None else f", label is {_shown(first[label])}"
    as_example = (f"its first row {_shown_row(first)} is read as an example; if it is a header, set data.header: true",)
    if label is None:
        below = [row[text].strip() for row in body if len(row) == num_columns]
        is_odd = bool(below) and is_known(first[text], TEXT) and not any(map(looks_like_name, below))
        return (True, (taken,)) if first[text].lower() in TEXT or is_odd else (False, as_example)
    complete = [row for row in body if len(row) == num_columns and [cell.strip() for cell in row] != first]
    labels = Counter(row[label].strip() for row in complete)
    num_known = is_known(first[label], LABEL) + is_known(first[text], TEXT)
    recurs = labels[first[label]] > 0
    if recurs and num_known < 2:
        return False, ()
    if not recurs:
        is_below_a_name = len(complete) > 1 and _all(_NUMBER, (row[label] for row in complete))
        is_whole_name = first[label].lower() in LABEL or first[text].lower() in TEXT
        if num_known == 2 or is_below_a_name or (num_known == 1 and (is_whole_name or len(complete) >= _MIN_ROWS)):
            return True, (taken,)
        if len(complete) < _MIN_ROWS:
            return False, as_example
        num_single = sum(len(row[text].split()) == 1 for row in complete)
        is_odd = len(first[text].split()) == 1 and num_single <= _MAX_SINGLE_WORD_SHARE * len(complete)
        if is_odd and 2 * len(labels) <= len(complete):
            return True, (taken,)
    found = ", ".join(_shown(name) for name in sorted(labels)[:3])
    raise LayoutError(
        f"its first row {_shown_row(first)} may be a header (the classes are then {found}...) or an example of class "
        f"{_shown(first[label])}: set data.header to true or to false"
    )


def _columns(
    names: Sequence[str] | None, num_columns: int, settings: TableSettings, *, labelled: bool
) -> tuple[int | None, int]:
    """Returns the positions of label and text.

    Args:
      names: The header's cells, or `None` without one.
      num_columns: Columns of a row.
      settings: What the configuration says.
      labelled: Whether labels are read.

    Raises:
      LayoutError: the configuration names a column that is not there, or nothing tells which it is.
    """
    text = _position("text_column", settings.text_column, names, num_columns)
    label = _position("label_column", settings.label_column, names, num_columns) if labelled else None
    named = [position for position in range(num_columns) if names is None or names[position]]
    if names is not None:
        text = find_column(names, TEXT) if text is None else text
        if labelled and label is None:
            label = find_column(names, LABEL)
    if not labelled:
        if text is None and len(named) <= 2:
            text = named[-1]
    elif len(named) == 2 and (text is None or label is None):
        if text is None and label is None:
            label, text = named
        elif text is None:
            text = named[0] if label == named[1] else named[1]
        else:
            label = named[0] if text == named[1] else named[1]
    if text is None or (labelled and label is None):
        what = "text" if text is None else "label"
        missing = "text and label" if text is None and labelled and label is None else what
        found = f"columns {_shown_row(names)}" if names is not None else f"{num_columns} columns without names"
        which = "its name, or its number from 1" if names is not None else "its number from 1"
        fields = " and ".join(f"data.{name}_column" for name in missing.split(" and "))
        raise LayoutError(f"found {found}, which does not tell {missing}: set {fields} ({which})")
    if text == label:
        raise LayoutError(f"found one column for label and text, number {text + 1}, accepted are two")
    return label, text


def _position(field: str, column: str | int | None, names: Sequence[str] | None, num_columns: int) -> int | None:
    if column is None:
        return None
    if isinstance(column, int):
        if column > num_columns:
            raise LayoutError(f"data.{field} is number {column}, and its rows have {num_columns} columns")
        return column - 1
    lower = [name.lower() for name in names or ()]
    if lower.count(column.strip().lower()) != 1:
        raise LayoutError(
            f"data.{field} is {column!r}, accepted is one of the columns that its first row names: "
            f"{_shown_row(names or ())}"
        )
    return lower.index(column.strip().lower())


def _is_certain(first: list[str], is_header: bool, settings: TableSettings) -> bool:
    declared = settings.label_column is not None and settings.text_column is not None
    return declared or (is_header and find_column(first, LABEL) is not None and find_column(first, TEXT) is not None)


def _check_swapped(rows: Rows, label: int, text: int) -> None:
    """Refuses columns that look like text where the label is expected, and like labels where the text is."""
    labels, texts = {row[label].strip() for row in rows}, {row[text].strip() for row in rows}
    if len(rows) >= _MIN_ROWS and 2 * len(labels) > len(rows) and 4 * len(texts) <= len(rows):
        raise LayoutError(
            f"column {label + 1} would be the label and holds {len(labels)} different values in {len(rows)} rows, such "
            f"as {_shown(min(labels))}, and column {text + 1} holds {len(texts)}, such as {_shown(min(texts))}: if the "
            f"label is there, set data.label_column: {text + 1} and data.text_column: {label + 1}"
        )


def _even_share(rows: Rows) -> float:
    """Returns the share of rows that have the most frequent number of columns, 0 where that is one."""
    if not rows:
        return 0.0
    width, count = Counter(map(len, rows)).most_common(1)[0]
    return count / len(rows) if width > 1 else 0.0


def _all(pattern: re.Pattern[str], cells: Iterable[str]) -> bool:
    filled = [cell.strip() for cell in cells if cell.strip()]
    return bool(filled) and all(map(pattern.fullmatch, filled))


def _shown(cell: str) -> str:
    return ascii(clipped(cell, _LONGEST_SHOWN))


def _shown_row(cells: Sequence[str]) -> str:
    more = ", ..." if len(cells) > _MAX_SHOWN else ""
    return ", ".join(_shown(cell) for cell in cells[:_MAX_SHOWN]) + more

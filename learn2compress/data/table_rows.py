"""Rows of a table from its lines: TSV, which has no quotes, and CSV (RFC 4180) with any separator."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import NamedTuple

from learn2compress.data.locations import Location

MEND_QUOTE = "close the quote, double it inside a quoted text, or use TSV"


class Row(NamedTuple):
    """The cells of a row, or why it is refused, and the lines that it was read from."""

    line_number: int
    cells: list[str] | str
    lines: tuple[str, ...]


def tsv_rows(lines: Iterator[str]) -> Iterator[Row]:
    """Yields the rows of a TSV file, without quoting: TSV has none, and text is full of quotation marks.

    Args:
      lines: The file's lines.
    """
    for line_number, line in enumerate(lines, 1):
        content = line.rstrip("\r\n")
        if "\r" in content:
            reason = "found a carriage return inside a line, accepted are lines that end in \\n or \\r\\n"
            yield Row(line_number, reason, (content,))
        elif content:
            yield Row(line_number, content.split("\t"), (content,))


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


def csv_rows(lines: Iterator[str], delimiter: str, location: Location, path: str) -> Iterator[Row]:
    """Yields the rows of a CSV file.

    Args:
      lines: The file's lines.
      delimiter: What separates columns.
      location: The source, for messages.
      path: The file, for messages.

    Raises:
      SourceError: a quote is not closed before the file's end, or within the longest field.
    """
    tap = _LineTap(lines)
    reader = csv.reader(tap, delimiter=delimiter, strict=True)
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
                    f"accepted is a closed quote: {MEND_QUOTE}"
                ) from error
            reason = f"found no CSV row in lines {first_line} to {reader.line_num}: {error}"
            yield Row(first_line, reason, tuple(tap.taken))
            continue
        if row:
            yield Row(first_line, row, tuple(tap.taken))
